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

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from rumbleup_async.engine.ports import Books
from rumbleup_async.errors import ApiError, ExchangeError, InvalidField, UnreadableReply
from rumbleup_async.lookups import LookUpResult, UnknownText
from rumbleup_async.messaging import Plan
from rumbleup_async.provider import evidence
from rumbleup_async.provider.caller import Caller
from rumbleup_async.rumbleup import requests
from rumbleup_async.rumbleup.log_matching import Matcher
from rumbleup_async.rumbleup.log_pass import Pass

PAGE = 999
"""Rows asked for at once: the most that is documented for any list. A server that refuses it is asked for its own number."""

PHONES = 128
"""Phones a request: with the rest of it below 2,000 characters, which every server and proxy takes."""

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
        pass_ = Pass(Matcher(self._plan), unknowns, books)
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

    async def _ask_by_phone(self, unknowns: Sequence[UnknownText], pass_: Pass) -> set[int]:
        """The rows of those texts that the log does not show, if it can be believed about them."""
        if not await self._is_believed_about(unknowns, pass_):
            return set()
        return await self._missed(unknowns, pass_, len(pass_.witnesses))

    async def _missed(self, unknowns: Sequence[UnknownText], pass_: Pass, beside: int) -> set[int]:
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

    async def _is_believed_about(self, unknowns: Sequence[UnknownText], pass_: Pass) -> bool:
        phones = list(dict.fromkeys(unknown.phone for unknown in unknowns))
        witnesses = [*pass_.witnesses]
        # At both ends and in between: a server may heed only a part of a list.
        half = len(phones) // 2
        asked = [*witnesses[1::3], *phones[:half], *witnesses[2::3], *phones[half:], *witnesses[::3]]
        is_seen = await self._ask_for(asked, pass_)
        if is_seen and len(witnesses) == 1:
            is_seen = await self._ask_for(asked[::-1], pass_)
        return is_seen

    async def _ask_for(self, phones: Sequence[str], pass_: Pass, beside: int | None = None) -> bool:
        """Whether the log shows what it must show of these phones: `beside` witnesses, by default all there are."""
        pass_.met.clear()
        pass_.asked = frozenset(phones)
        if not await self._read({"phone": ",".join(phones)}, pass_):
            return False
        if not pass_.witnesses:
            pass_.problem = pass_.problem or evidence.NO_WITNESS
            return False
        return len(pass_.met) >= (len(pass_.witnesses) if beside is None else beside) or pass_.cut(evidence.UNSEEN)

    async def _read(self, filters: Mapping[str, str], pass_: Pass) -> bool:
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

    async def _pages(self, filters: Mapping[str, str], pass_: Pass, shown: Collection[int]) -> AsyncIterator[list[Any]]:
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

    async def _paged(self, filters: Mapping[str, str | None], pass_: Pass, shown: Collection[int]) -> AsyncIterator[list[Any]]:
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
