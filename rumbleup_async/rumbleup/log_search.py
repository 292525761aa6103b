"""Unknown texts, looked up in the message log: by the run's tag, then by phone.

Lives here: the reading of the log, page by page.

- The tag comes first, because one pass over the run's messages answers for all. What it does not show is asked for by phone,
  many in a request, without a time filter: whether `since` can be relied on is not documented.
- A text that is found is found, however little of the log could be read. Absent is only what both searches do not show, each
  read to its end, and only if each search by phone shows its witnesses: texts that the ledger knows as sent, and that were
  asked for together with the unknown ones. A search that shows more rows than any other is made again in smaller parts,
  because a server may show so many at most and say nothing of the rest.
- A page that repeats is passed over. A token that repeats, fewer rows than the log speaks of, a row that cannot be read, a
  message with the run's tag to a phone that is not in the ledger: then nothing is absent.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

import msgspec

from rumbleup_async.engine.ports import Books
from rumbleup_async.errors import ApiError, ExchangeError, InvalidField, UnreadableReply
from rumbleup_async.lookups import Known, LookUpResult, UnknownText
from rumbleup_async.messaging import Plan
from rumbleup_async.provider import evidence, times
from rumbleup_async.provider.caller import Caller
from rumbleup_async.provider.models import as_text
from rumbleup_async.rumbleup import models, requests
from rumbleup_async.rumbleup.log_matching import Matcher, Verdict, plain

PAGE = 999
"""Rows asked for at once: the most that is documented for any list. A server that refuses it is asked for its own number."""

PHONES = 128
"""Phones a request: with the rest of it below 2,000 characters, which every server and proxy takes."""

_FEW = 25
"""Rows; a server that shows no more than these leaves none out. A longer answer without a total is asked for in parts."""

_USUAL_PAGES = frozenset({10, 20, 25, 30, 32, 40, 50, 64, 75, 100, 128, 150, 200, 250, 256, 300, 400, 500, 512, 999, 1000})
"""Rows that servers usually show at once."""

_STALE_PAGES = 50
"""Pages without anything new, after which a list that never ends is given up."""


class LogSearch:
    """Looks texts of one run up in the message log."""

    def __init__(self, caller: Caller, plan: Plan, *, page_size: int = PAGE) -> None:
        self._caller = caller
        self._plan = plan
        self._page: str | None = str(page_size)

    async def look_up(self, unknowns: Sequence[UnknownText], books: Books) -> LookUpResult:
        """What the log says of these texts. Never raises for what network or provider do: what cannot be read stays unknown."""
        if not unknowns:
            return LookUpResult()
        pass_ = _Pass(Matcher(self._plan), unknowns, books)
        absent: set[int] = set()
        try:
            is_whole = await self._read({"flags": self._plan.tag}, pass_)
            left = [unknown for unknown in unknowns if unknown.row not in pass_.hits]
            pass_.witnesses = {one.phone: one for one in await evidence.choose(books, left, pass_.is_shown)}
            for start in range(0, len(left), PHONES):
                missed = await self._ask_by_phone(left[start : start + PHONES], pass_)
                if is_whole:
                    absent |= missed
        except (ApiError, ExchangeError) as error:
            pass_.problem = f"the log cannot be read: {error}"
        return pass_.result(absent)

    async def _ask_by_phone(self, unknowns: Sequence[UnknownText], pass_: _Pass) -> set[int]:
        """The rows of those texts that the log does not show, if it can be believed about them."""
        if not await self._is_believed_about(unknowns, pass_):
            return set()
        return await self._missed(unknowns, pass_, len(pass_.witnesses))

    async def _missed(self, unknowns: Sequence[UnknownText], pass_: _Pass, beside: int) -> set[int]:
        """The rows of those texts that the search under way has not shown. They are asked for again in smaller and smaller parts,
        as long as the log may hold rows back. `beside`: how many witnesses were asked for together with them."""
        missed = [unknown for unknown in unknowns if pass_.shows_nothing_of(unknown)]
        if not missed or not pass_.may_hold_back(is_last=len(unknowns) == 1 and not beside):
            return {unknown.row for unknown in missed}
        if len(unknowns) == 1 and not beside:
            pass_.cut("it may have more rows than it shows at once")
            return set()
        # One witness is enough from here on; none only where the log has never shown more than one row at once.
        fewer = 1 if pass_.most_shown > 1 and (beside > 1 or len(unknowns) > 1) else 0
        half = len(missed) if len(missed) < len(unknowns) or fewer < beside else (len(missed) + 1) // 2
        absent: set[int] = set()
        for part in (missed[:half], missed[half:]):
            phones = [*dict.fromkeys(unknown.phone for unknown in part), *[*pass_.witnesses][:fewer]]
            if part and await self._ask_for(phones, pass_, fewer):
                absent |= await self._missed(part, pass_, fewer)
        return absent

    async def _is_believed_about(self, unknowns: Sequence[UnknownText], pass_: _Pass) -> bool:
        phones = list(dict.fromkeys(unknown.phone for unknown in unknowns))
        witnesses = [*pass_.witnesses]
        # At both ends and in between: a server may heed only a part of a list.
        half = len(phones) // 2
        asked = [*witnesses[1::3], *phones[:half], *witnesses[2::3], *phones[half:], *witnesses[::3]]
        is_seen = await self._ask_for(asked, pass_)
        if is_seen and len(witnesses) == 1:
            is_seen = await self._ask_for(asked[::-1], pass_)
        return is_seen

    async def _ask_for(self, phones: Sequence[str], pass_: _Pass, beside: int | None = None) -> bool:
        """Whether the log shows what it must show of these phones: `beside` witnesses, by default all there are."""
        pass_.met.clear()
        pass_.asked = frozenset(phones)
        if not await self._read({"phone": ",".join(phones)}, pass_):
            return False
        if not pass_.witnesses:
            pass_.problem = pass_.problem or evidence.NO_WITNESS
            return False
        return len(pass_.met) >= (len(pass_.witnesses) if beside is None else beside) or pass_.cut(evidence.UNSEEN)

    async def _read(self, filters: Mapping[str, str], pass_: _Pass) -> bool:
        """Take in every row of a search. Whether the search was read to its end."""
        stale = 0
        seen: set[int] = set()
        rows_of: set[int] = set()
        try:
            async for rows in self._pages(filters, pass_, rows_of):
                for row in rows:
                    pass_.take(row)
                await pass_.compare_with_ledger()
                if pass_.is_done:
                    return True
                ids = [row.get("logid") if isinstance(row, dict) else None for row in rows]
                rows_of.update(hash(str(one)) for one in ids if one not in (None, ""))
                mark = hash(tuple(map(str, ids)))
                stale = stale + 1 if mark in seen else 0
                seen.add(mark)
                if stale >= _STALE_PAGES:
                    return pass_.cut("the same pages come again and again")
        except UnreadableReply as error:
            return pass_.cut(str(error))
        return not pass_.distrust

    async def _pages(self, filters: Mapping[str, str], pass_: _Pass, shown: Collection[int]) -> AsyncIterator[list[Any]]:
        is_first = True
        try:
            async for rows in self._paged({**filters, "_count": self._page}, pass_, shown):
                is_first = False
                yield rows
        except InvalidField:
            if not is_first or self._page is None:
                raise
        else:
            return
        self._page = None
        async for rows in self._paged(filters, pass_, shown):
            yield rows

    async def _paged(self, filters: Mapping[str, str | None], pass_: _Pass, shown: Collection[int]) -> AsyncIterator[list[Any]]:
        """The pages of a search. UnreadableReply after the last one if rows must be missing. `shown`: the rows that the caller
        has had."""
        pages = self._caller.pages(requests.LOG, filters)
        pass_.number_shown, pass_.number_of_pages, pass_.is_counted, pass_.is_filtered = 0, 0, False, True
        async for rows in pages.by_page():
            pass_.date = pages.date or pass_.date
            pass_.number_shown += len(rows)
            pass_.number_of_pages += 1
            pass_.is_counted = pages.total is not None
            yield rows
        pass_.most_shown = max(pass_.most_shown, pass_.number_shown)
        if pages.most > len(shown):
            raise UnreadableReply(f"it speaks of {pages.most} rows and shows {len(shown) or 'none'}", endpoint=requests.LOG)
        if pages.cut:
            raise UnreadableReply(pages.cut, endpoint=requests.LOG)


class _Hit(msgspec.Struct, frozen=True, order=True):
    """A message that is the text: those with the run's tag before the others, the earliest first."""

    is_untagged: bool
    time: float
    number: int
    logid: str


class _Pass:
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
