"""The message log asked about texts that are in doubt: by the run's tag, then by phone.

Lives here: the reading of the log, page by page. May import: errors, messaging, provider.*, rumbleup.log_matching,
rumbleup.models, rumbleup.wire.

- The tag comes first, because one pass over the run's messages answers for all. What it does not show is asked for by phone,
  many in a request, without a time filter: whether `since` can be relied on is not documented.
- A text that is found is found, however little of the log could be read. Absent is only what both searches do not show, each
  read to its end. A page that repeats is passed over; a token that repeats, a row that cannot be read, or a search by phone that
  does not even show a message of the run known from its tag, mean that the log was not read to its end.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from rumbleup_async.errors import InvalidField, RumbleUpError, UnreadableReply
from rumbleup_async.messaging import Doubt, Findings, Plan
from rumbleup_async.provider import times
from rumbleup_async.provider.caller import Caller
from rumbleup_async.provider.models import as_text
from rumbleup_async.rumbleup import models, wire
from rumbleup_async.rumbleup.log_matching import Matcher, Verdict, is_incoming

PAGE = 999
"""Rows asked for at once: the most that is documented for any list. A server that refuses it is asked for its own number."""

PHONES = 128
"""Phones a request: with the rest of it below 2,000 characters, which every server and proxy takes."""

_STALE_PAGES = 50
"""Pages in which nothing is new, after which a list that never ends is left."""


class LogSearch:
    """Looks texts of one run up in the message log."""

    def __init__(self, caller: Caller, plan: Plan, *, page_size: int = PAGE) -> None:
        self._caller = caller
        self._plan = plan
        self._page: str | None = str(page_size)

    async def look_up(self, doubts: Sequence[Doubt]) -> Findings:
        """What the log says of these texts. Never raises for what network or provider do: what cannot be read stays in doubt."""
        if not doubts:
            return Findings()
        pass_ = _Pass(Matcher(self._plan), doubts)
        absent: set[int] = set()
        try:
            is_whole = await self._read({"flags": self._plan.tag}, pass_)
            left = [doubt for doubt in doubts if doubt.row not in pass_.hits]
            for start in range(0, len(left), PHONES):
                absent |= await self._ask_by_phone(left[start : start + PHONES], pass_, is_whole=is_whole)
        except RumbleUpError as error:
            pass_.problem = f"the log cannot be read: {error}"
        return pass_.findings(absent)

    async def _ask_by_phone(self, doubts: Sequence[Doubt], pass_: _Pass, *, is_whole: bool) -> set[int]:
        """The rows of those that are certainly not in the log."""
        phones = list(dict.fromkeys(doubt.phone for doubt in doubts))
        witness = pass_.witness
        if witness and witness not in phones:
            phones.append(witness)
        pass_.met_witness = False
        if not await self._read({"phone": ",".join(phones)}, pass_):
            return set()
        if witness and not pass_.met_witness:
            pass_.cut("it does not show by phone what it shows by tag")
            return set()
        return set() if not is_whole else {doubt.row for doubt in doubts if pass_.shows_nothing_of(doubt)}

    async def _read(self, filters: Mapping[str, str], pass_: _Pass) -> bool:
        """Take in every row of a search; whether it was read to its end."""
        pass_.is_readable = True
        stale = 0
        seen: set[int] = set()
        try:
            async for rows in self._pages(filters):
                for row in rows:
                    pass_.take(row)
                if pass_.is_done:
                    return True
                mark = hash(tuple(str(row.get("logid")) if isinstance(row, dict) else "" for row in rows))
                stale = stale + 1 if mark in seen else 0
                seen.add(mark)
                if stale >= _STALE_PAGES:
                    return pass_.cut("the same pages come again and again")
        except UnreadableReply as error:
            return pass_.cut(str(error))
        return True if pass_.is_readable else pass_.cut("it has rows that cannot be read")

    async def _pages(self, filters: Mapping[str, str]) -> AsyncIterator[list[Any]]:
        is_first = True
        try:
            async for rows in self._paged({**filters, "_count": self._page}):
                is_first = False
                yield rows
        except InvalidField:
            if not is_first or self._page is None:
                raise
        else:
            return
        self._page = None
        async for rows in self._paged(filters):
            yield rows

    async def _paged(self, filters: Mapping[str, str | None]) -> AsyncIterator[list[Any]]:
        pages = self._caller.pages(wire.LOG, filters)
        is_empty = True
        async for rows in pages.by_page():
            is_empty = is_empty and not rows
            yield rows
        if is_empty and pages.total:
            raise UnreadableReply(f"it speaks of {pages.total} rows and shows none", endpoint=wire.LOG)


class _Hit(msgspec.Struct, frozen=True, order=True):
    """A message that is the text: those with the run's tag before the others, the earliest first."""

    is_untagged: bool
    time: float
    number: int
    logid: str


class _Pass:
    """What is known so far of some doubts."""

    def __init__(self, matcher: Matcher, doubts: Sequence[Doubt]) -> None:
        self._matcher = matcher
        self._by_phone = {doubt.phone: doubt for doubt in doubts}
        self._number = 0
        self.hits: dict[int, list[_Hit]] = {}
        self.perhaps: set[int] = set()
        self.witness = ""
        """A phone that a message of the run went to."""
        self.met_witness = False
        self.is_readable = True
        self.problem = ""

    def cut(self, why: str) -> bool:
        """A search came to no end: False."""
        self.problem = self.problem or f"the log could not be read to its end: {why}"
        return False

    @property
    def is_done(self) -> bool:
        """Whether everything asked for was found."""
        return len(self.hits) == len(self._by_phone)

    def shows_nothing_of(self, doubt: Doubt) -> bool:
        """Whether no row was met that is this text, or may be."""
        is_asked = self._by_phone.get(doubt.phone) is doubt
        return is_asked and doubt.row not in self.hits and doubt.row not in self.perhaps

    def take(self, raw: object) -> None:
        """Note what a row of the log says."""
        phone = _phone(raw)
        if not isinstance(raw, dict) or not phone:
            # It may be one of those in doubt.
            self.is_readable = False
            return
        self.met_witness = self.met_witness or phone == self.witness
        doubt = self._by_phone.get(phone)
        if doubt is None and self.witness:
            return
        row = models.Message.read(raw, endpoint=wire.LOG)
        if not self.witness and self._matcher.bears_tag(row) and not is_incoming(row):
            self.witness = phone
        if doubt is None:
            return
        verdict = self._matcher.judge(row, doubt)
        if verdict is Verdict.OURS and row.logid:
            self._note(doubt, row, row.logid)
        elif verdict is not Verdict.OTHER:
            self.perhaps.add(doubt.row)

    def _note(self, doubt: Doubt, row: models.Message, logid: str) -> None:
        hits = self.hits.setdefault(doubt.row, [])
        if any(hit.logid == logid for hit in hits):
            return
        self._number += 1
        span = times.span(row.sent_time)
        hits.append(_Hit(not self._matcher.bears_tag(row), math.inf if span is None else span[0], self._number, logid))

    def findings(self, absent: set[int]) -> Findings:
        undecided = sum(1 for doubt in self._by_phone.values() if doubt.row not in self.hits and doubt.row not in absent)
        problem = self.problem
        if undecided and not problem:
            problem = "the log holds texts that may be theirs and may be others'"
        return Findings(
            found={row: min(hits).logid for row, hits in self.hits.items()},
            absent=frozenset(absent),
            problem=problem,
            several={row: len(hits) for row, hits in self.hits.items() if len(hits) > 1},
        )


def _phone(raw: object) -> str:
    """Ten digits, whatever stands around them; "" if there are none."""
    value = raw.get("phone") if isinstance(raw, dict) else None
    digits = re.sub(r"\D", "", as_text(value) or "", flags=re.ASCII)
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
