"""Whether a row of the message log is a certain unknown text.

Lives here: pure decisions.

Two mistakes are possible. Taking another text for ours loses a contact; not recognising ours texts a person twice.
Neither may be made, so there is a third answer, `PERHAPS`, with which the contact stays unknown.
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
"""Milliseconds by which the log's time of a text may lie before the ledger's: it was in flight,
times are cut to minutes, clocks differ."""

AFTER = 120 * _MINUTE
"""Milliseconds by which it may lie after: the text waited for a hold, and the server schedules what it accepts."""

_RUN_TAG = re.compile(r"run-[a-z]{10}")
_TAGS = ("flags", "tags", "labels")
_NUMBER = re.compile(r"[1-9][0-9]*")


class Verdict(enum.Enum):
    """What a row is to an unknown text to the same phone."""

    OURS = enum.auto()
    PERHAPS = enum.auto()
    """It may be ours with something changed, or another text that looks alike."""
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
        """Whether a row as it came holds the tag of the run wherever tags may
        stand, in whatever is wrapped around it."""
        for name in _TAGS:
            if (value := raw.get(name)) is not None:
                words = str(value)
                words = words if words.isascii() else unicodedata.normalize("NFKC", words)
                if self._run in words.casefold():
                    return True
        return False

    def may_be_one_of(self, row: Message, texts: Container[str]) -> bool:
        """Whether a row to a phone that is not asked about may be one of these texts, shown under another phone: it has
        the words of one, as `plain` gives them, and no tag of the run."""
        if row.text is None or plain(row.text) not in texts:
            return False
        return not (is_incoming(row) or self._is_ours(row.action) is False or _is_of_another_run(row))

    def judge(self, row: Message, unknown: UnknownText, *, tagged: bool = False) -> Verdict:
        """What the row is to an unknown text to the same phone. `tagged`: the row holds the tag of the run.

        A time alone never makes a row another's: clocks are wrong by hours, zones are named wrongly, days and months
        change places. Whoever was texted in this project by something that leaves no tag of a run stays unknown.
        """
        tagged = tagged or self.bears_tag(row)
        same_text = row.text is not None and plain(row.text) == plain(unknown.text)
        if is_incoming(row):
            # Nobody writes our words to us who has not had them.
            return Verdict.PERHAPS if tagged or same_text else Verdict.OTHER
        same_action = self._is_ours(row.action)
        if tagged:
            return Verdict.OURS if same_text and same_action is not False else Verdict.PERHAPS
        if same_action is False or _is_of_another_run(row):
            return Verdict.OTHER
        # The tag was lost, or the text is of an earlier run, of another program or of a person.
        return Verdict.OURS if same_text and same_action and _is_within(row, unknown) else Verdict.PERHAPS

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
    """The text without what may change on the way and changes nothing for the reader: line ends,
    outer blanks, how an accent is composed."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _is_within(row: Message, unknown: UnknownText) -> bool:
    """Whether the unknown text may have left at the row's time, however its zone is read."""
    span = times.span(row.sent_time)
    return span is not None and bool(unknown.time) and span[0] - unknown.time >= -BEFORE and span[1] - unknown.time <= AFTER
