"""Merge fields that stand in a text literally and were meant for another program: `[First Name]`, `*|FNAME|*`.

Lives here: finding these in a text, a finished one or the fixed part of a template. Pure.

Whatever is between the signs of a merge field is judged by what it says: the name of a column or of a usual
field is never meant to be read by a person, while "Reply [1]", "20% ... 30%" and "#VOTE" are. Links are
exempt where their own signs look alike.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from rumbleup_async.patterns import when_used
from rumbleup_async.screening.links import links
from rumbleup_async.screening.names import BARE, JARGON, PEOPLE, USUAL, field_name, squashed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

FIELD: Final = "\x00"
"""Stands in the fixed part of a template where a merge field is. No text can hold it."""


class Placeholder(NamedTuple):
    """What looks like another program's merge field: where, as it stands there, and the name that it seems to mean."""

    at: int
    shown: str
    name: str
    is_known: bool
    """Whether the name is that of a column or of a usual field."""
    size: int
    """Characters that it takes, a merge field counting as one."""


_BRACKETS: Final = (
    ("{", "}"), ("[", "]"), ("<", ">"), ("\u00ab", "\u00bb"), ("\u2039", "\u203a"), ("\u27e8", "\u27e9"), ("\u300a", "\u300b"),
    ("\u3010", "\u3011"), ("\uff5b", "\uff5d"), ("\uff3b", "\uff3d"), ("\uff1c", "\uff1e"), ("\u276e", "\u276f"), ("(", ")"),
)  # fmt: skip
_bracketed = [
    when_used(
        rf"(?P<sigil>[$#%@&*!]{{0,3}}){re.escape(a)}+(?P<inside>[^{re.escape(a + b)}\n{FIELD}]{{1,80}}){re.escape(b)}+", re.DOTALL
    )
    for a, b in _BRACKETS
]
_sigils = r"~^|=+!$%#@&*:;?\\/_\u00a7\u00a4\u00b0\u00ac\u00a6\u2022-"
# A look ahead, so that one sign may end a pair and begin the next.
_paired = when_used(
    rf"(?<![\w{_sigils}])(?=(?P<whole>(?P<open>(?P<sign>[{_sigils}])(?P=sign){{0,2}})"
    rf"(?P<inside>[^\W_](?:[\w .:'-]{{0,60}}?[^\W_])?)(?P=open)(?!\w)))"
)
_tight = when_used(
    r"(?=(?P<whole>(?P<open>%{1,2}|#{1,2}|@|\*\||\|)(?P<inside>[^\W\d_][\w .-]{0,40}?)(?<!\s)(?P<close>%{1,2}|#{1,2}|@|\|\*|\|)))"
)
_prefixed = when_used(
    r"(?P<open>(?<![\w$])\$+|(?<![\w%])%+|(?<![\w@])@@|(?<![\w:@/]):{1,2}|(?<![\w!])!)(?P<inside>[^\W\d]\w*(?:(?:\.|->|::)\w+)*)"
)
_marked = when_used(r"(?<![\w@#&])[@#&](?P<inside>[^\W\d]\w*(?:\.\w+)*)")
_MARKED: Final = (PEOPLE | BARE) - {"first", "last"}
"""What is no hashtag and nobody's account."""
_word = when_used(r"(?<![\w@./=?&#-])(?P<inside>[^\W\d_]\w*)(?![\w@]|\.\w)")
_around = when_used(rf"(?P<open>[^\w\s{FIELD}]{{0,3}}){FIELD}(?P<close>[^\w\s{FIELD}]{{0,3}})")

_LINK_SIGNS: Final = when_used(r"\{\{|\*\||%%?[A-Za-z]|<<|\$\{|\[\[|##|@@|<%")
"""What no address has by itself."""

_control = when_used(
    r"[#/%$^&!=~*?-]*\s*\b(?:if|unless|for|foreach|each|case|when|elsif|elseif|with|assign|set|else|endif|endfor|"
    r"endunless|include)\b\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_tail = when_used(
    r"\s*(?:\|\|?|\?\?|\?:|;|,\s*(?=[\"']|fallback|default|else|if\b)|\bor\s+[\"']|\bdefault\s*[:=]|"
    r"\s(?:fallback|default)=).*",
    re.DOTALL,
)
_filler_words = when_used(
    r"^(?:insert|enter|add|type|your|their|his|her|recipient'?s?|contact'?s?|customer'?s?|voter'?s?|the|my|user'?s?|member'?s?|"
    r"subscriber'?s?|donor'?s?|supporter'?s?|their)[\s_]+(?=\S)|[\s_]+(?:here|goes\shere)$",
    re.IGNORECASE,
)
_subscript = when_used(r"\w+\s*[\[(]\s*['\"]?(?P<key>[\w ]+?)['\"]?\s*[\])]")
_printf = when_used(r"%(?:\d+\$)?\(?(?P<name>[A-Za-z_]\w*)\)[sdr]")
_number = when_used(r"(?<=[^\W\d_])_?\d+$")
_positional = when_used(r"(?<![\w%])%(?:\d+\$)?s\b|\{\d*\}")


def find(text: str, columns: Collection[str] = (), *, fields: Sequence[str] = ()) -> list[Placeholder]:
    """What looks like a merge field of another program, in the order of the text.

    `columns`: names in the form of `field_name`, beside the usual ones. `fields`: those of the template whose fixed
    part the text is, with `FIELD` in place of each.
    """
    known = frozenset(map(squashed, columns))
    addresses = links(text)
    found: dict[int, Placeholder] = {}
    for placeholder in _candidates(text, known, frozenset(columns), fields):
        at = placeholder.at
        if any(start < at < end for start, end in addresses) and not _LINK_SIGNS.match(text, at):
            continue
        old = found.get(at)
        if old is None or (placeholder.is_known, len(placeholder.shown)) > (old.is_known, len(old.shown)):
            found[at] = placeholder
    return _without_inner([found[at] for at in sorted(found)])


def first(text: str, columns: Collection[str] = (), *, fields: Sequence[str] = ()) -> Placeholder | None:
    """The first of them whose name is known, if there is one."""
    return next((one for one in find(text, columns, fields=fields) if one.is_known), None)


may_hold = re.compile(
    "[{}\\[\\]<>|~^=*\\\\\u00ab\u2039\u27e8\u300a\u3010\uff1c\uff3b\uff5b\u276e]"
    r"|[$%#&+;(][A-Za-z_$%#&+(]|&#|%[\d(]|(?<![^\s\"'])[A-Za-z]\w*_\w+(?![\w@.])|(?<![\w/:])[@:!/-][\w@:]"
).search
"""Whether a value is worth a closer look: most names, places and addresses are not."""


def _candidates(text: str, known: frozenset[str], columns: frozenset[str], fields: Sequence[str]) -> Iterator[Placeholder]:
    yield from _in_brackets(text, known)
    for match in (*_paired.finditer(text), *(tight for tight in _tight.finditer(text) if tight["close"] == tight["open"][::-1])):
        opening, inside = match["open"], match["inside"]
        if opening in ("*", "**", "/", "\u2022"):  # emphasis and lists of everyday writing
            yield from _judged(match.start("whole"), match["whole"], inside, known, only=PEOPLE)
        elif not inside.isdigit():
            yield from _judged(
                match.start("whole"), match["whole"], inside, known, noted=opening[0] in "%#*$" or len(opening) > 1
            )
    for match in _prefixed.finditer(text):
        only = PEOPLE if match["open"] == "!" else None
        yield from _judged(match.start(), match[0], match["inside"], known, only=only, noted="$" in match["open"])
    for match in _marked.finditer(text):
        yield from _judged(match.start(), match[0], match["inside"], known, only=_MARKED)
    for match in _printf.finditer(text):
        yield from _judged(match.start(), match[0], match["name"], known, noted=True)
    for match in _positional.finditer(text):
        yield Placeholder(match.start(), match[0], "", False, len(match[0]))
    for match in _word.finditer(text):
        inside = match["inside"]
        flat = squashed(field_name(inside))
        # "LinkedIn" is a word although a column is called so; "PollingPlace" is
        # none if a column is called polling_place.
        is_known = ("_" in inside and flat in known) or (_camel(inside) and _name_of(inside) in columns)
        is_joined = "_" in inside or _camel(inside)
        if is_known or (is_joined and flat in BARE) or (flat in JARGON and inside.isupper()):
            yield Placeholder(match.start(), inside, _name_of(inside), True, len(inside))
    if fields:
        yield from _around_fields(text, fields)


def _in_brackets(text: str, known: frozenset[str]) -> Iterator[Placeholder]:
    for (opening, _), pattern in zip(_BRACKETS, _bracketed, strict=True):
        for match in pattern.finditer(text) if opening in text else ():
            whole, inside, sigil = match[0], match["inside"], match["sigil"]
            at = match.start()
            if opening == "(" and sigil not in ("$", "%", "#", "@", "&", "!", "*") and not whole.startswith("(("):
                # Brackets of every sentence: only what is written as no word is, or is a person's name by its kind.
                plain = whole.strip("()")
                only = known | BARE if "_" in plain or _camel(plain) else PEOPLE
                yield from _judged(at + len(sigil), whole[len(sigil) :], inside, known, only=only)
                continue
            if opening == "[" and not sigil and text[:at][-1:].isalnum():
                continue  # a[1], and the arguments of links
            control = _control.fullmatch(inside)
            if control and (opening == "{" or inside.startswith("%")):
                names = [name for name in re.findall(r"[^\W\d]\w*", control["rest"]) if _is_usual(name, known)]
                yield Placeholder(at, whole, field_name(names[0]) if names else "", True, len(whole))
                continue
            yield from _judged(at, whole, inside, known, noted=opening != "(")


def _around_fields(text: str, fields: Sequence[str]) -> Iterator[Placeholder]:
    """Signs of other programs around a merge field of ours, which would be left around its value: `${first_name}`."""
    for match, field in zip(_around.finditer(text), fields, strict=False):
        opening, closing = match["open"], match["close"]
        pair = next(((a, b) for a, b in _LEFT_AROUND if opening.endswith(a) and closing.startswith(b)), None)
        if pair is not None and not (pair[0] == "$!" and _fits("$", field, closing, "")):
            yield Placeholder(
                match.end("open") - len(pair[0]), f"{pair[0]}{{{field}}}{pair[1]}", field, True, len("".join(pair)) + 1
            )
        elif opening and not _fits(opening[-1], field, closing, text[: match.end("open") - 1][-1:]):
            close = {"[": "]", "<": ">"}.get(opening[-1], "")
            yield Placeholder(match.end("open") - 1, f"{opening[-1]}{{{field}}}{close}", field, True, 2 + len(close))
        elif opening[-1:] in ("#", "@"):
            yield Placeholder(match.end("open") - 1, f"{opening[-1]}{{{field}}}", field, False, 2)


_LEFT_AROUND: Final = (
    ("{", "}"), ("[[", "]]"), ("<<", ">>"), ("((", "))"), ("*|", "|*"), ("%", "%"), ("#", "#"), ("@", "@"), ("$", "$"),
    ("$!", ""), ("|", "|"), ("~", "~"), ("^", "^"), ("\u00ab\u00ab", "\u00bb\u00bb"), ("\u2039", "\u203a"), ("%=", "%>"),
)  # fmt: skip
_MONEY: Final = tuple(
    word
    for words in (
        "amount amt balance total price due gift donat pledge ask fee cost dollar usd sum payment bill goal rais contribut",
        "discount saving rent tax value owed paid salary wage deposit refund fare rate debt number credit budget fund",
    )
    for word in words.split()
)


_AT: Final = ("location", "venue", "place", "time", "address")
_NUMBERED: Final = ("number", "ward", "precinct", "district", "order", "code", "id", "zip")
"""What may stand behind an @, and behind a #."""


def _fits(sign: str, field: str, closing: str, before: str) -> bool:
    """Whether a sign before a merge field is part of the sentence: `${amount}` is
    money, `${first_name}` another program's."""
    flat = squashed(field)
    if sign == "$":
        return any(word in field for word in _MONEY)
    if sign == "%":
        return before.isdigit()
    if sign in "#@":
        return flat not in USUAL | BARE or any(word in field for word in (_AT if sign == "@" else _NUMBERED))
    return not (flat in PEOPLE and closing[:1] == {"[": "]", "<": ">"}.get(sign, "-"))


def _judged(
    at: int, shown: str, inside: str, known: frozenset[str], *, only: Collection[str] | None = None, noted: bool = False
) -> Iterator[Placeholder]:
    """A placeholder if what is inside is a field's name; `only` these names where the signs are in everyday use;
    `noted`: else still something to point out."""
    for name in _names(inside):
        plain = name if name.isascii() else _without_accents(name)
        # `custom_field_1`, but "Ward 7"
        for flat in (squashed(name), squashed(plain if " " in inside else _number.sub("", plain))):
            if (only is None and (flat in known or flat in USUAL)) or (only is not None and flat in only):
                yield Placeholder(at, shown, name, True, len(shown))
                return
    if noted and re.fullmatch(r"\W*[^\W\d]\w*(?:[ .-]?\w+){0,2}\W*", inside):
        yield Placeholder(at, shown, _name_of(inside), False, len(shown))


def _is_usual(name: str, known: frozenset[str]) -> bool:
    flat = squashed(_name_of(name))
    return flat in USUAL or flat in known


def _names(inside: str) -> Iterator[str]:
    """The names that what stands between the signs may mean: with or without
    prefix, filter, fallback and filler words."""
    head = _tail.sub("", inside).strip().strip("$#@%&*!?=~^/\\-.:;|+_'\"\u2018\u2019\u201c\u201d{}[]() \t")
    if not head or len(head) > 50:
        return
    subscript = _subscript.fullmatch(head)
    if subscript:
        yield _name_of(subscript["key"])
        head = re.split(r"[\[(]", head)[0]
    heads = [head, _filler_words.sub("", _filler_words.sub("", head))]
    for separator in (".", ":", "->", "::", "/", "="):
        if separator in head and not re.search(rf"\s{re.escape(separator)}|{re.escape(separator)}\s", head):
            pieces = head.split(separator)
            heads += [pieces[-1], pieces[0]] if separator != "/" else [pieces[-1]]
    for one in dict.fromkeys(heads):
        name = _name_of(one)
        if name:
            yield name


def _name_of(raw: str) -> str:
    """The normal form, with the words of `firstName` apart."""
    return field_name(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", raw))


def _without_accents(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))


def _camel(word: str) -> bool:
    return re.search(r"[a-z0-9][A-Z]", word) is not None


def _without_inner(found: list[Placeholder]) -> list[Placeholder]:
    """Each but those that stand within another that is known."""
    kept: list[Placeholder] = []
    for one in found:
        if not (kept and one.at < kept[-1].at + kept[-1].size and (kept[-1].is_known or not one.is_known)):
            kept.append(one)
    return kept
