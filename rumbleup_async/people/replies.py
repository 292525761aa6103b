"""What a reply says about being texted: nothing, perhaps an opt-out, or one beyond doubt.

Lives here: the words. Pure.

Since April 2025 a person may revoke in any reasonable way (FCC, 47 CFR 64.1200(a)(10)). These words alone are always enough:
stop, quit, end, revoke, opt out, cancel, unsubscribe. What only contains such words is kept as likely, for a person to look at.
Either way nobody is texted: to leave somebody out by mistake costs one text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import msgspec

_WHOLE: Final = frozenset(
    (
        "stop",
        "stopall",
        "stop all",
        "stopp",
        "quit",
        "end",
        "revoke",
        "opt out",
        "optout",
        "cancel",
        "unsubscribe",
        "unsub",
        "remove",
        "alto",
        "pare",
        "parar",
        "baja",
        "cancelar",
        "arret",
        "arrêt",
        "stop stop",
        "stop stop stop",
        "stop2quit",
        "stop to quit",
        "end all",
        "please stop",
        "stop please",
        "remove me",
        "delete me",
        "no more",
        "desuscribir",
        "desuscribirme",
    )
)
"""Messages that are an opt-out and nothing else."""

_FIRST: Final = frozenset({"stop", "stopall", "unsubscribe", "optout"})
"""First words of a message that is an opt-out, whatever follows."""

_GOES_ON: Final = re.compile(r"(?:stop|end|quit|cancel) (?:by|at|sign|the count|the steal|and go|lying)\b").match
"""`Stop by any time`: the word has another meaning."""

_NOT: Final = r"(?:dont|do not|doesnt|never|no|not|quit|stop)"
_CONTAINED: Final = re.compile(
    rf"""\b(?:
    stop\ (?:the\ )?(?:text|txt|messag|msg|contact|send|call|bother|harass|spam|this|it\b|now\b|already\b)
    | {_NOT}\ (?:ever\ |call\ or\ )?(?:text|txt|contact|messag|msg|write|send)
    | (?:remove|take|delete|get)\ (?:me|my|this|us)\b
    | (?:remove|take|delete)\ (?:the\ |this\ )?(?:number|phone)
    | (?:lose|delete|forget|erase)\ (?:my|this)\ number
    | unsubscribe | opt\ (?:me\ )?out | optout | optar\ por\ no
    | leave\ (?:me|us)\ alone
    | (?:no|any)\ ?more\ (?:text|txt|messag|msg)
    | no\ mas | no\ más | no\ me\ (?:escriba|mande|envie|envíe|contacte)
    | wrong\ (?:number|person|phone|guy) | (?:this|that)\ is(?:nt|\ not)\ (?!a\ problem|an\ issue)\w+$
    | not\ (?:interested|me\b) | you\ have\ the\ wrong
    | who(?:\ is|s)\ this\ stop | fuck\ off | go\ away | piss\ off
    )""",
    re.VERBOSE,
).search

_NAME: Final = re.compile(r"^((?:this|that) is(?:nt| not)) \w+$")
"""`This is not Brian`: the name belongs into no book."""

_OUT: Final = re.compile(r"[^\w\s]|_")
_APOSTROPHES: Final = str.maketrans("", "", "'`\u2019\u2018\u00b4\u02bc\u200b\u200c\u200d\ufe0f\u2060")


class Reply(msgspec.Struct, frozen=True):
    """What a reply says. `is_sure`: it is an opt-out beyond doubt. `word`: the words that say so; "" for no opt-out."""

    word: str = ""
    is_sure: bool = False

    @property
    def is_opt_out(self) -> bool:
        """Whether its sender is not to be texted any more."""
        return bool(self.word)


NOTHING: Final = Reply()


def read_reply(text: str) -> Reply:
    """What this reply says about being texted. Case, punctuation, emoji, accents' forms and apostrophes do not matter."""
    words = plain(text)
    if not words:
        return NOTHING
    if words in _WHOLE or words.replace(" ", "") in {"stop", "stopall", "optout", "unsubscribe"}:
        return Reply(words, is_sure=True)
    first = words.partition(" ")[0]
    if first in _FIRST and not _GOES_ON(words):
        return Reply(first, is_sure=True)
    if words.endswith(" stop") and not _turned(words):
        return Reply("stop")
    found = _CONTAINED(words)
    return NOTHING if found is None or _turned(words) else Reply(_NAME.sub(r"\1", found[0]))


def plain(text: str) -> str:
    """The words of a reply: lower case, without punctuation, apostrophes and emoji, one space between them."""
    text = unicodedata.normalize("NFKC", text[:2000]).translate(_APOSTROPHES).casefold()
    return " ".join(_OUT.sub(" ", text).split())


def _turned(words: str) -> bool:
    """`Don't stop`, `you cannot stop`: the contrary. Only where nothing else is said."""
    return re.search(r"\b(?:dont|do not|never|wont|cant|cannot|non|not) stop$|\bnon stop\b", words) is not None and not re.search(
        r"\b(?:text|txt|messag|contact|remove|unsubscribe|wrong)", words
    )
