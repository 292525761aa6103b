"""Whether a text tells people how to opt out, which is more than that the word "stop" stands in it.

Lives here: the usual wordings, in English and the languages that campaigns in the United States write in. Pure.

"Stop by our office" tells nobody how to opt out, and a provider that only searches for the word would take it. So each
"stop" is judged by what stands around it: a verb such as "reply" before it, an aim such as "to end" behind it, or, in
capitals, its place alone at the end. What is in doubt is refused, and "STOP to opt out" is always understood.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rumbleup_async.patterns import when_used

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATIN: Final = r"0-9A-Za-z_\u00c0-\u024f\u1e00-\u1eff"
_stop = when_used(rf"(?<![{_LATIN}_])(?<![{_LATIN}]['-])[Ss][Tt][Oo][Pp](?:\s?[Aa][Ll][Ll](?![{_LATIN}]))?")
"""The word, with "all" behind it. What may follow is judged by the rules below:
`STOP2END` is usual, `stopped` another word."""
_word_goes_on = when_used(rf"'?[{_LATIN}_]")

_AIM: Final = r"""(?:
    opt|out\b|e?nd\b|ends?\b|quit|un-?sub|unsuscrib|canc|stop\b|remov|be\s(?:removed|taken)|leav|exit|cease|
    no\s(?:more|longer|further)|(?:not|never)\s|(?:get|receive|have)\s(?:no|off|out|removed)|
    discontinu|declin|avoid|block|halt|terminat|withdraw|unenroll|disenroll|deactivat|disabl|turn\soff|finish|prevent|revok|
    refus|unregist|drop\sout|take\s(?:me|yourself)\soff|
    sali|terminar|parar|finaliz|fin\b|dej|deten|no\s(?:recib|quer|m[áa]s)|(?:dar(?:se|te)\sde\s)?baja|anul|desuscri|desinscri|
    acabar|suspender|eliminar|excluir|poner\sfin|optar|
    arr[êe]t|ne\splus|(?:se|vous)\sd[ée]s|d[ée]s(?:abonn|inscri)|annul|quitter|
    sair|deixar|n[ãa]o\sreceb|non\sricev|disiscri|hủy|huỷ|ngừng|dừng|từ\schối|
    itigil|ihinto|huminto|tumigil|mag-(?:opt|un)|abmeld|abbestell|beend|sispann|kite
)"""
_QUOTE: Final = "[\"'»«)\\](\\[*]*"
_LINK: Final = (
    r"(?:to|too?|2|for|4|so\sas\sto|in\sorder\sto|para|p/|pa|por|pour|per|um|upang|para\sma|pou|để|[=:/\u2010-\u2015→>-]+>?)"
)
_aimed = when_used(rf"\s?{_QUOTE}[\s-]*{_LINK}[\s-]*(?:please\s)?(?!\w+ing\b){_AIM}", re.IGNORECASE | re.VERBOSE)
_aimed_at_once = when_used(rf"\s?{_QUOTE}[\s,;(]+(?:{_LINK}\s)?(?!\w+ing\b){_AIM}", re.IGNORECASE | re.VERBOSE)

_dashed = when_used(r"\s+[\u2010-\u2015-]\s")
"""A pause in a sentence: "Stop - end the war"."""

_VERB: Final = r"""(?:
    repl(?:y|ies|ying)|rply|rpl|respond(?:ing)?|te?xt(?:ing)?|send(?:ing)?|typ(?:e|ing)|writ(?:e|ing)|answer(?:ing)?|
    messag(?:e|ing)|msg|enter(?:ing)?|
    respond[aeo]r?|respondiendo|env[ií](?:[aeo]r?|ando)|mand(?:[aeo]r?|ando)|escrib(?:[aeo]|ir)|contest(?:[aeo]r?|ando)|
    texte(?:[aeo]r?)?|r[ée]pond(?:ez|re|s)|envoy(?:ez|er)|trả\slời|nhắn|soạn|gửi|reponn|voye|tumugon|sumagot|
    (?:i|mag)-(?:text|reply)|rispond[ie]|invia|antworten(?:\ssie)?|senden(?:\ssie)?
)"""
_FILLER: Final = r"""(?:
    back|with|w/|us|me|the|a|an|words?|keyword|message|in|by|simply|just|only|any\s?time|at\sany\stime|now|to\s[\d-]{4,14}|
    [\d-]{4,14}|y|la|una?|palabra|con|a|al|el|le|mot|ang|tin|từ|mit|avec|par|mo|la\sparola
)"""
_told = when_used(rf"(?:^|[^{_LATIN}]){_VERB}(?:[\s,:]+{_FILLER}){{0,4}}[\s:,]*{_QUOTE}\s*$", re.IGNORECASE | re.VERBOSE)
_told_loosely = when_used(rf"(?:^|[^{_LATIN}]){_VERB}\s[^.!?\n]{{0,60}}$", re.IGNORECASE | re.VERBOSE)
_aim_before = when_used(
    rf"(?:^|[^{_LATIN}]){_AIM}[\w-]*[^.!\n]{{0,24}}?(?:[=:?,/→>\u2010-\u2015-]+|\s(?:with|w/|by|via|press|use|using|say|con))\s*{_QUOTE}\s*$",
    re.IGNORECASE | re.VERBOSE,
)

_ends = when_used(rf"\s?{_QUOTE}\s*(?:[.!?,;:|/)\]\n]|$)")
_ends_text = when_used(rf"\s?{_QUOTE}[.!]*{_QUOTE}\s*(?:\n|$)")
_goes_on_well = when_used(
    rf"\s?{_QUOTE}[\s,]+(?:at\sany|any\s?time|if|when|or\b|and\b|now|here|back|to\s[\d-]{{4,14}}|en\scualquier|[ou]\b|y\b|si\b|"
    rf"(?:any|your)\s)",
    re.IGNORECASE | re.VERBOSE,
)
_everyday = when_used(
    r"\s+(?:by|the|in|at(?!\s+any)|over|there|our|your|his|her|their|my|this|that|these|those|them|him|it|us|with|sign|light|watch|gap)\b",
    re.IGNORECASE,
)
_help_behind = when_used(r"\s?[/,|&+]\s?(?:HELP|INFO|AYUDA)\b")
_help_before = when_used(r"\b(?:HELP|INFO|AYUDA|END|QUIT|CANCEL|ALTO|UNSUBSCRIBE|ARR[EÊ]T)\s?(?:[/,|&+]|or|o|ou)\s?$")

_STRAIGHT: Final = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
"""Typographic quotes as those of typewriters, so that the rules need to know one kind."""

_last_word = when_used(rf"([{_LATIN}'-]+)\s*$")
_EVERYDAY: Final = """
    a an the to not never no dont don't won't wont can't cant cannot couldn't shouldn't wouldn't doesn't didn't isn't
    let's lets  we you they i he she it us will would could should must may might can and bus train next last first
    final pit one whistle  full rest truck tour every each non please just help only gonna wanna 'til til until till
    without ever who that this our  your my their his her its dead short quick coffee food
"""
_EVERYDAY_BEFORE: Final = frozenset(_EVERYDAY.split())


def says_stop(text: str) -> bool:
    """Whether the text tells people to use the word STOP to opt out."""
    text = text.translate(_STRAIGHT)
    return any(_tells(text, start, end) for start, end in _words(text))


def has_word(text: str) -> bool:
    """Whether the word stands there at all, whatever it says."""
    return any(True for _ in _words(text))


def _words(text: str) -> Iterator[tuple[int, int]]:
    for match in _stop.finditer(text):
        yield match.span()


def _tells(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 120) : start], text[end : end + 80]
    if _word_goes_on.match(after) and not _aimed.match(after):
        return False
    is_keyword = text[start : start + 4] == "STOP"
    found = _last_word.search(before)
    last = found[1].lower() if found else ""
    is_shouted = is_keyword and before.strip().isupper() and after.strip().isupper() and len(before + after) > 40
    if _told.search(before):
        return (
            not _everyday.match(after)
            if is_keyword
            else bool(_ends.match(after) or _aimed.match(after) or _goes_on_well.match(after))
        )
    if is_keyword and not is_shouted:
        if _aimed.match(after) or (last not in _EVERYDAY_BEFORE and _aimed_at_once.match(after)):
            return True
    elif last not in _EVERYDAY_BEFORE and _aimed.match(after) and not _dashed.match(after):
        return True
    if _aim_before.search(before) and _ends.match(after) and (is_keyword or ":" in before[-3:] or "=" in before[-3:]):
        return True
    if not is_keyword:
        return False
    if _beside_other_script(before, after) or _help_behind.match(after) or _help_before.search(before):
        return True
    if last in _EVERYDAY_BEFORE:
        return False
    if _told_loosely.search(before) and (_ends.match(after) or _goes_on_well.match(after)):
        return True
    if _ends_text.match(after):
        return not before.strip().isupper() or not found or not before.rstrip().endswith(found[1])
    return bool(re.match(r"\s+(?:if|when)\b", after)) and not found


def _beside_other_script(before: str, after: str) -> bool:
    """Whether a letter of another script stands next to it: 回复STOP退订. There "stop" is no word of the sentence."""
    return any(
        piece.isalpha() and ord(piece) > 0x24F and not 0x1E00 <= ord(piece) <= 0x1EFF
        for piece in (before.rstrip("\"'«「『 ")[-1:], after.lstrip("\"'»」』 ")[:1])
    )
