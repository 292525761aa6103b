"""Whether a row of the message log is the text that somebody is in doubt about.

Lives here: pure decisions.

Two mistakes are possible, and neither may be made: to take somebody else's text for ours loses a contact; not to know ours again
texts a person twice. So there is a third answer, `PERHAPS`, and with it the contact stays in doubt.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Container, Mapping
from typing import Any

from rumbleup_async.lookups import UnknownText
from rumbleup_async.messaging import Plan
from rumbleup_async.provider import times
from rumbleup_async.rumbleup.models import Message

_MINUTE = 60_000.0

BEFORE = 5 * _MINUTE
"""Milliseconds that a text of ours may bear a time before its doubt's: it was in flight for a while, times are cut to minutes,
clocks differ."""

AFTER = 120 * _MINUTE
"""Milliseconds that it may bear a time later: it waited for a hold, and the server only schedules what it takes."""

_RUN_TAG = re.compile(r"run-[a-z]{10}")
_TAGS = ("flags", "tags", "labels")
_NUMBER = re.compile(r"[1-9][0-9]*")


class Verdict(enum.Enum):
    """What a row is to a doubt of the same phone."""

    OURS = enum.auto()
    PERHAPS = enum.auto()
    """It may be ours with something changed, or another one that looks like it."""
    OTHER = enum.auto()


class Matcher:
    """Judges rows for one run: its project, its tag."""

    def __init__(self, plan: Plan) -> None:
        self._action = plan.action.strip()
        self._run = plan.run.lower()

    def bears_tag(self, row: Message) -> bool:
        """Whether the row carries the tag of the run, be it in other letters or with something around it."""
        return any(self._run in flag.lower() for flag in row.flags)

    def holds_tag(self, raw: Mapping[str, Any]) -> bool:
        """Whether a row as it came holds the tag of the run wherever tags may stand, in whatever is wrapped around it."""
        for name in _TAGS:
            if (value := raw.get(name)) is not None:
                words = str(value)
                words = words if words.isascii() else unicodedata.normalize("NFKC", words)
                if self._run in words.casefold():
                    return True
        return False

    def may_be_one_of(self, row: Message, texts: Container[str]) -> bool:
        """Whether a row without the run's tag to a stranger has the words of one in doubt, as `plain` has them: it may be that
        one's under a phone that is not what was texted."""
        if row.text is None or plain(row.text) not in texts:
            return False
        return not (is_incoming(row) or self._is_ours(row.action) is False or _is_of_another_run(row))

    def judge(self, row: Message, doubt: UnknownText, *, tagged: bool = False) -> Verdict:
        """What the row is to a doubt. Their phones are the same already. `tagged`: it holds the tag of the run.

        No time makes a row another's: clocks are wrong by hours, zones are not what they are called, days and months change
        places. Whoever was written to in this project by something that leaves no tag of a run stays in doubt.
        """
        tagged = tagged or self.bears_tag(row)
        same_text = row.text is not None and plain(row.text) == plain(doubt.text)
        if is_incoming(row):
            # Nobody writes our words to us who has not had them.
            return Verdict.PERHAPS if tagged or same_text else Verdict.OTHER
        same_action = self._is_ours(row.action)
        if tagged:
            return Verdict.OURS if same_text and same_action is not False else Verdict.PERHAPS
        if same_action is False or _is_of_another_run(row):
            return Verdict.OTHER
        # Its tag was lost, or it is of an earlier run, of another program, of a person.
        return Verdict.OURS if same_text and same_action and _is_within(row, doubt) else Verdict.PERHAPS

    def _is_ours(self, action: str | None) -> bool | None:
        """Whether this is our project; None if it is not told, or in a way that cannot be compared."""
        if action is None:
            return None
        given = action.strip()
        if given == self._action:
            return True
        return False if _NUMBER.fullmatch(given) and _NUMBER.fullmatch(self._action) else None


def is_incoming(row: Message) -> bool:
    """Whether the contact wrote it."""
    return row.incoming or (row.sender is not None and _digits(row.sender) == _digits(row.phone or ""))


def _digits(phone: str) -> str:
    digits = re.sub(r"\D", "", phone, flags=re.ASCII)
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def _is_of_another_run(row: Message) -> bool:
    return any(_RUN_TAG.fullmatch(flag) for flag in row.flags)


def plain(text: str) -> str:
    """The text without what may change on the way and changes nothing for the reader: line ends, outer blanks, how an accent is
    composed."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _is_within(row: Message, doubt: UnknownText) -> bool:
    """Whether the row bears a time at which the doubt may have left, however its zone is read."""
    span = times.span(row.sent_time)
    return span is not None and bool(doubt.time) and span[0] - doubt.time >= -BEFORE and span[1] - doubt.time <= AFTER
