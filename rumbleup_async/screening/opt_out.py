"""Whether a text tells people how to opt out, which is more than that the word "stop" stands in it.

Lives here: the usual wordings, in English and the languages that campaigns in the United States write in. Pure.

"Stop by our office" tells nobody how to opt out, and a provider that only searches for the word would take it. So each
"stop" is judged by what stands around it: a verb such as "reply" before it, an aim such as "to end" behind it, or, in
capitals, its place alone at the end. What is in doubt is refused, and "STOP to opt out" is always understood.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATIN: Final = r"0-9A-Za-z_\u00c0-\u024f\u1e00-\u1eff"
_stop = re.compile(rf"(?<![{_LATIN}_])(?<![{_LATIN}]['-])[Ss][Tt][Oo][Pp](?:\s?[Aa][Ll][Ll](?![{_LATIN}]))?").finditer
"""The word, with "all" behind it. What may follow is judged by the rules below:
`STOP2END` is usual, `stopped` another word."""
_word_goes_on = re.compile(rf"'?[{_LATIN}_]").match

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
_aimed = re.compile(rf"\s?{_QUOTE}[\s-]*{_LINK}[\s-]*(?:please\s)?(?!\w+ing\b){_AIM}", re.IGNORECASE | re.VERBOSE).match
_aimed_at_once = re.compile(rf"\s?{_QUOTE}[\s,;(]+(?:{_LINK}\s)?(?!\w+ing\b){_AIM}", re.IGNORECASE | re.VERBOSE).match

_dashed = re.compile(r"\s+[\u2010-\u2015-]\s").match
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
_told = re.compile(rf"(?:^|[^{_LATIN}]){_VERB}(?:[\s,:]+{_FILLER}){{0,4}}[\s:,]*{_QUOTE}\s*$", re.IGNORECASE | re.VERBOSE).search
_told_loosely = re.compile(rf"(?:^|[^{_LATIN}]){_VERB}\s[^.!?\n]{{0,60}}$", re.IGNORECASE | re.VERBOSE).search
_aim_before = re.compile(
    rf"(?:^|[^{_LATIN}]){_AIM}[\w-]*[^.!\n]{{0,24}}?(?:[=:?,/→>\u2010-\u2015-]+|\s(?:with|w/|by|via|press|use|using|say|con))\s*{_QUOTE}\s*$",
    re.IGNORECASE | re.VERBOSE,
).search

_ends = re.compile(rf"\s?{_QUOTE}\s*(?:[.!?,;:|/)\]\n]|$)").match
_ends_text = re.compile(rf"\s?{_QUOTE}[.!]*{_QUOTE}\s*(?:\n|$)").match
_goes_on_well = re.compile(
    rf"\s?{_QUOTE}[\s,]+(?:at\sany|any\s?time|if|when|or\b|and\b|now|here|back|to\s[\d-]{{4,14}}|en\scualquier|[ou]\b|y\b|si\b|"
    rf"(?:any|your)\s)",
    re.IGNORECASE | re.VERBOSE,
).match
_everyday = re.compile(
    r"\s+(?:by|the|in|at(?!\s+any)|over|there|our|your|his|her|their|my|this|that|these|those|them|him|it|us|with|sign|light|watch|gap)\b",
    re.IGNORECASE,
).match
_help_behind = re.compile(r"\s?[/,|&+]\s?(?:HELP|INFO|AYUDA)\b").match
_help_before = re.compile(r"\b(?:HELP|INFO|AYUDA|END|QUIT|CANCEL|ALTO|UNSUBSCRIBE|ARR[EÊ]T)\s?(?:[/,|&+]|or|o|ou)\s?$").search

_STRAIGHT: Final = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
"""Typographic quotes as those of typewriters, so that the rules need to know one kind."""

_last_word = re.compile(rf"([{_LATIN}'-]+)\s*$").search
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
    for match in _stop(text):
        yield match.span()


def _tells(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 120) : start], text[end : end + 80]
    if _word_goes_on(after) and not _aimed(after):
        return False
    is_keyword = text[start : start + 4] == "STOP"
    found = _last_word(before)
    last = found[1].lower() if found else ""
    is_shouted = is_keyword and before.strip().isupper() and after.strip().isupper() and len(before + after) > 40
    if _told(before):
        return not _everyday(after) if is_keyword else bool(_ends(after) or _aimed(after) or _goes_on_well(after))
    if is_keyword and not is_shouted:
        if _aimed(after) or (last not in _EVERYDAY_BEFORE and _aimed_at_once(after)):
            return True
    elif last not in _EVERYDAY_BEFORE and _aimed(after) and not _dashed(after):
        return True
    if _aim_before(before) and _ends(after) and (is_keyword or ":" in before[-3:] or "=" in before[-3:]):
        return True
    if not is_keyword:
        return False
    if _beside_other_script(before, after) or _help_behind(after) or _help_before(before):
        return True
    if last in _EVERYDAY_BEFORE:
        return False
    if _told_loosely(before) and (_ends(after) or _goes_on_well(after)):
        return True
    if _ends_text(after):
        return not before.strip().isupper() or not found or not before.rstrip().endswith(found[1])
    return bool(re.match(r"\s+(?:if|when)\b", after)) and not found


def _beside_other_script(before: str, after: str) -> bool:
    """Whether a letter of another script stands next to it: 回复STOP退订. There "stop" is no word of the sentence."""
    return any(
        piece.isalpha() and ord(piece) > 0x24F and not 0x1E00 <= ord(piece) <= 0x1EFF
        for piece in (before.rstrip("\"'«「『 ")[-1:], after.lstrip("\"'»」』 ")[:1])
    )
