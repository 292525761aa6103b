"""One merge field: its name and its fallback, as people write them who know other programs.

Lives here: what is between the braces of `{first_name|friend}`. Pure.

A fallback written as in Jinja, Liquid or a programming language is understood where it can mean one thing only; a
filter is refused, because it would be sent as a fallback ("Hi upper").
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from rumbleup_async.errors import TemplateError
from rumbleup_async.patterns import when_used
from rumbleup_async.screening.names import USUAL, field_name, spelling, squashed
from rumbleup_async.screening.tidying import WORDS

_name = when_used(r"\s*\w[\w \-]*\s*")
_FORBIDDEN: Final = {
    ".": "no attribute access",
    "[": "no indexing",
    "]": "no indexing",
    "!": "no conversions",
    ":": "no format codes",
}
_QUOTES: Final = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c", "\u00ab": "\u00bb", "`": "`"}

_other_bar = when_used(
    r"(?P<name>[^|?]+?)\s*(?:\?\?|\?:|\|\|)\s*(?P<rest>.*)|(?P<word>[^|]+?)\s+or\s+(?P<quoted>[\"'\u2018\u201c].*)", re.DOTALL
)
"""`{name ?? x}`, `{name || x}`, `{name or "x"}`."""
_default = when_used(
    r"(?:default(?:_if_none|_value|_to)?|defaults|fallback|ifempty|if_empty|d)\s*"
    r"(?:[:=]\s*(?P<plain>.+)|\(\s*(?P<called>.+?)\s*\)|\s+(?P<quoted>[\"'\u2018\u201c].*))",
    re.IGNORECASE | re.DOTALL,
)
_half_said = when_used(r"(?:default|fallback|if_?empty|else|or)\s+\S", re.IGNORECASE)
"""`{name|default friend}`: a fallback is alone behind its bar."""
_FILTER_NAMES: Final = """
upper uppercase upcase lower lowercase downcase title titlecase title_case titleize capitalize capitalise
capitalize_words ucfirst ucwords lcfirst propercase proper_case proper trim strip lstrip rstrip striptags strip_html
strip_newlines newline_to_br nl2br escape escape_once escapejs safe raw truncate truncatewords truncatechars slice
replace replace_first append prepend split join date strftime format number number_format round floor ceil abs length
size urlencode url_encode urldecode url_decode default default_if_none fallback html e camelcase snakecase md5 sha1 json
tojson to_json string int float currency money phone_format strip_tags squish humanize pluralize wordcount
"""
_FILTERS: Final = frozenset(_FILTER_NAMES.split())
"""Of Jinja, Liquid, Twig, Django and Mustache helpers."""
_filter = when_used(r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:[:=(].*)?\s*", re.DOTALL)


class Merge(NamedTuple):
    """One merge field: whose value it takes, its fallback, None without one, and the words that tidy the value."""

    field: str
    default: str | None
    tidying: tuple[str, ...] = ()


def merge_field(body: str, position: int, notes: list[str]) -> Merge:
    """The field that stands between two braces. `notes` gets what was understood otherwise than it was written."""
    name, bar, default = body.partition("|")
    name, tidying = _tidied(name)
    other = _other_bar.fullmatch(body)
    if other and (other["name"] or not bar):
        name, bar, default = (other["name"] or other["word"]), "|", (other["rest"] if other["name"] else other["quoted"])
    bare = _plain_name(name)
    for character in name:
        if character in _FORBIDDEN:
            raise TemplateError(
                f"{{{name}}} at position {position}: {_FORBIDDEN[character]} in a merge field; it is just a column name"
                + _hint(bare)
                + (f"; one of these words may stand behind a colon: {', '.join(WORDS)}" if character == ":" else "")
            )
    field, name = field_name(name), unicodedata.normalize("NFC", name)
    if not field or not _name.fullmatch(name):
        raise TemplateError(
            f"{{{name}}} at position {position} is not a merge field; it is a column name, like {{name}}" + _hint(bare)
        )
    return Merge(field, _fallback(field, default, position, notes) if bar else None, tidying)


def _tidied(name: str) -> tuple[str, tuple[str, ...]]:
    """The name, and the words behind it: `first_name:first:title`."""
    name, *words = name.split(":")
    words = [word.strip() for word in words]
    return (name, tuple(words)) if all(word in WORDS for word in words) else (":".join([name, *words]), ())


def _plain_name(name: str) -> str:
    """The last word that may be a column, of a field written for another program."""
    words = re.findall(r"[^\W\d]\w*", re.split(r"[:,!=/]|\(", name)[0] or name)
    return spelling(field_name(words[-1])) if words else ""


def _hint(bare: str) -> str:
    return f": write {{{bare}}}, or {{{bare}|fallback}}" if bare else ""


def _fallback(field: str, written: str, position: int, notes: list[str]) -> str:
    text = written.strip()
    called = _default.fullmatch(text)
    if called:
        text = (called["plain"] or called["called"] or called["quoted"]).strip()
        notes.append(f"{{{field}|...}} is understood as the field {field} with the fallback {_unquoted(text) or 'of nothing'}")
    if _is_quoted(text):
        text = _unquoted(text)
        if not called:
            notes.append(f"the fallback of {{{field}}} is used without its quotes: {text or 'nothing'}")
        return text
    for piece in text.split("|"):
        found = _filter.fullmatch(piece)
        if found and found["name"].lower() in _FILTERS and (called is None or "|" in text):
            word = found["name"]
            raise TemplateError(
                f"{{{field}|{written}}} at position {position}: there are no filters, so {word!r} would be sent as the "
                f'fallback; write {{{field}}}, or {{{field}|fallback}} (a fallback that is this very word: {{{field}|"{word}"}})'
            )
    if _half_said.match(text) or any(squashed(field_name(piece)) in USUAL for piece in text.split("|")[:-1]):
        raise TemplateError(
            f"{{{field}|{written}}} at position {position}: {text[:40]!r} would be sent as the fallback; a field has one, of "
            f"plain words, as in {{{field}|friend}}"
        )
    if "|" in text:
        notes.append(f"the fallback of {{{field}}} holds a bar, which is sent: {text[:40]}")
    more = called is not None and re.search(r",\s*(?:\w+\s*[:=]|true|false)", text, re.IGNORECASE)
    half = text[:1] in _QUOTES and not (text[0] == "'" and text.count("'") == 1)
    if more or half or text.count('"') % 2:
        raise TemplateError(
            f"{{{field}|{written}}} at position {position}: its quotes or commas can mean two things; write the fallback alone, "
            f"as in {{{field}|friend}}"
        )
    return text


def _is_quoted(text: str) -> bool:
    if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:
        return False
    inner = text[1:-1]
    return not (set(inner) & {text[0], text[-1]}) or (_is_quoted(inner) and text[0] == inner[0])


def _unquoted(text: str) -> str:
    return text[1:-1] if _is_quoted(text) else text
