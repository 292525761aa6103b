"""What one pass over the message log has shown: of which unknown texts, and whether it may be believed about the rest.

Lives here: rows of the log taken in, and the result that they come to. Asks no server.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from rumbleup_async.engine.ports import Books
from rumbleup_async.lookups import Known, LookUpResult, UnknownText
from rumbleup_async.provider import evidence, times
from rumbleup_async.provider.models import as_text
from rumbleup_async.rumbleup import models, requests
from rumbleup_async.rumbleup.log_matching import Matcher, Verdict, plain

_FEW = 25
"""Rows; a server that shows no more than these leaves none out. A longer answer without a total is asked for in parts."""

_USUAL_PAGES = frozenset({10, 20, 25, 30, 32, 40, 50, 64, 75, 100, 128, 150, 200, 250, 256, 300, 400, 500, 512, 999, 1000})
"""Rows that servers usually show at once."""


class _Hit(msgspec.Struct, frozen=True, order=True):
    """A message that is the text: those with the run's tag before the others, the earliest first."""

    is_untagged: bool
    time: float
    number: int
    logid: str


class Pass:
    """What is known so far of some unknown texts, and whether the log can be believed."""

    def __init__(self, matcher: Matcher, unknowns: Sequence[UnknownText], books: Books) -> None:
        self._matcher = matcher
        self._books = books
        self._by_phone = {unknown.phone: unknown for unknown in unknowns}
        self._texts = {plain(unknown.text) for unknown in unknowns}
        self._number = 0
        self._tagged: dict[str, set[str]] = {}
        """By phone: logids of messages that bear the run's tag or its words, and are still to be compared with the ledger."""
        self._shown = bytearray(books.last_row // 8 + 1)
        self.hits: dict[int, list[_Hit]] = {}
        self.perhaps: set[int] = set()
        self.witnesses: dict[str, Known] = {}
        """By phone."""
        self.met: set[str] = set()
        """Phones of the witnesses that the search under way has shown."""
        self.asked: frozenset[str] = frozenset()
        """Phones that the search under way has asked for."""
        self.is_filtered = True
        """Whether that search has shown no other phone."""
        self.number_shown = self.number_of_pages = 0
        """Rows and pages of the search under way."""
        self.most_shown = 0
        """The most rows that a search of this look has shown."""
        self.is_counted = False
        """Whether that search has said how many rows there are."""
        self.offset: float | None = None
        self.date: str | None = None
        self.distrust = ""
        """Why nothing of this look is absent."""
        self.problem = ""

    def cut(self, why: str) -> bool:
        """Note that a search came to no end, or shows less than there is. Always False."""
        self.problem = self.problem or f"the log could not be read to its end: {why}"
        return False

    def is_shown(self, row: int) -> bool:
        """Whether the text of this row, which the ledger knows as sent, was seen in the log."""
        return bool(self._shown[row >> 3] >> (row & 7) & 1)

    @property
    def is_done(self) -> bool:
        """Whether everything asked for was found."""
        return len(self.hits) == len(self._by_phone)

    def may_hold_back(self, *, is_last: bool) -> bool:
        """Whether the search under way may have more rows than it has shown: no other search has shown more, or the number is
        one that servers use as a page. `is_last`: nothing smaller can be asked for, so a total that the log names is believed."""
        if self.number_of_pages > 1:
            return False
        if not self.is_filtered:
            return self.number_shown in _USUAL_PAGES
        if is_last:
            return not self.is_counted and self.number_shown >= self.most_shown
        return self.number_shown >= self.most_shown or (not self.is_counted and self.number_shown > _FEW)

    def shows_nothing_of(self, unknown: UnknownText) -> bool:
        """Whether no row is this text or may be it."""
        is_asked = self._by_phone.get(unknown.phone) is unknown
        return is_asked and unknown.row not in self.hits and unknown.row not in self.perhaps

    def take(self, raw: object) -> None:
        """Note what a row of the log says."""
        phone = evidence.ten_digits(raw.get("phone")) if isinstance(raw, dict) else ""
        if not isinstance(raw, dict) or not phone:
            # The row may be one of the unknown texts.
            self.distrust = self.distrust or "it has rows that cannot be read"
            return
        self.is_filtered &= phone in self.asked
        tagged = self._matcher.holds_tag(raw)
        witness = self.witnesses.get(phone)
        if witness is not None and as_text(raw.get("logid")) == witness.logid:
            self.met.add(phone)
            self.offset = evidence.offset(witness, times.read(raw.get("sent_time")), self.offset)
        unknown = self._by_phone.get(phone)
        if unknown is None:
            if tagged or (witness is None and self._may_be_one_of_them(raw)):
                self._tagged.setdefault(phone, set()).add(as_text(raw.get("logid")) or "")
            return
        row = models.Message.read(raw, endpoint=requests.LOG)
        verdict = self._matcher.judge(row, unknown, tagged=tagged)
        if verdict is Verdict.OURS and row.logid:
            self._note(unknown, row, row.logid)
        elif verdict is not Verdict.OTHER:
            self.perhaps.add(unknown.row)

    def _may_be_one_of_them(self, raw: dict[str, Any]) -> bool:
        if plain(as_text(raw.get("text")) or "") not in self._texts:
            return False
        return self._matcher.may_be_one_of(models.Message.read(raw, endpoint=requests.LOG), self._texts)

    async def compare_with_ledger(self) -> None:
        """Compare the messages of the run that the last page has shown with the ledger."""
        tagged, self._tagged = self._tagged, {}
        if not tagged:
            return
        known = await self._books.known([*tagged])
        for one in known:
            if one.logid and one.logid in tagged[one.phone]:
                self._shown[one.row >> 3] |= 1 << (one.row & 7)
        if len(known) < len(tagged):
            # The log may show one of the unknown texts under another phone.
            self.distrust = self.distrust or "it has texts of this run to phones that the ledger does not know"

    def _note(self, unknown: UnknownText, row: models.Message, logid: str) -> None:
        hits = self.hits.setdefault(unknown.row, [])
        if any(hit.logid == logid for hit in hits):
            return
        self._number += 1
        span = times.span(row.sent_time)
        hits.append(_Hit(not self._matcher.bears_tag(row), math.inf if span is None else span[0], self._number, logid))

    def result(self, absent: set[int]) -> LookUpResult:
        if self.distrust:
            absent = set()
            self.cut(self.distrust)
        undecided = sum(1 for unknown in self._by_phone.values() if unknown.row not in self.hits and unknown.row not in absent)
        problem = self.problem
        if undecided and not problem:
            problem = "the log holds texts that may be theirs and may be others'"
        return LookUpResult(
            found={row: min(hits).logid for row, hits in self.hits.items()},
            absent=frozenset(absent),
            problem=problem,
            several={row: len(hits) for row, hits in self.hits.items() if len(hits) > 1},
            now=evidence.clock([self.date]),
            offset=self.offset,
        )
