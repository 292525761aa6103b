"""Whom the account itself knows to have opted out: all of them before a run, and those who join them during one.

Lives here: which flags say so, and reading them to their end. Source of the facts: the Contacts page for the flags (`dnd`: the
person sent STOP, only the system sets it; `bad`: an opt-out in other words, set by a user or a detector, removable). That lists
can be filtered by flags is an integrator's knowledge: a list counts only if every row shows the flag that was asked for.

`since` is not relied on for contacts: their `update_time` is that of the last change by hand, so a STOP may not be in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import InvalidField, UnreadableReply
from rumbleup_async.people.entries import OptOut, Pull
from rumbleup_async.rumbleup import contacts as contacts_api
from rumbleup_async.rumbleup import requests

if TYPE_CHECKING:
    from rumbleup_async.messaging import Identity
    from rumbleup_async.people.book import Book
    from rumbleup_async.rumbleup.contacts import Contacts
    from rumbleup_async.rumbleup.messages import Messages

FLAGS: Final = {"dnd": True, "bad": False}
"""The flags that keep a person from being texted, and whether the opt-out is beyond doubt."""

_PAGE = 999
"""Rows of a page; the most that is documented for any list. A server that refuses it is asked for pages of its own size."""

_OVERLAP = 600.0
"""Seconds by which the looks into the log overlap: a log may show a reply late."""


class OptOuts:
    """`rumbleup.opt_outs`. Raises what the calls raise, and UnreadableReply where a list does not show what was asked for."""

    def __init__(self, contacts: Contacts, messages: Messages, identity: Identity, world: str) -> None:
        self._contacts = contacts
        self._messages = messages
        self._name = f"{identity.provider} {identity.server} {identity.account}"
        self._world = world
        self._looked: float | None = None
        self._known: set[tuple[str, str]] = set()

    def source(self, flag: str) -> str:
        """Under which name a book keeps how far this flag was read."""
        return f"{self._name} {flag}"

    async def age(self, book: Book, now: float | None = None) -> float | None:
        """Seconds since a read of all opt-outs began that came to its end; None if none ever did."""
        moment = time.time() if now is None else now
        at = [(await book.pull_of(self.source(flag))).at for flag in FLAGS]
        return moment - min(at) if all(at) else None

    async def pull(self, book: Book, heard: Callable[[int], None] | None = None) -> int:
        """Read all opt-outs of the account into a book. How many it shows. What was read is kept if the rest cannot be: the next
        pull goes on there. `heard` is told how many there are so far."""
        total = 0
        for flag in FLAGS:
            total += await self._pull(book, flag, total, heard or _nobody_hears)
        return total

    async def _pull(self, book: Book, flag: str, before: int, heard: Callable[[int], None]) -> int:
        known = await book.pull_of(self.source(flag))
        if known.cursor:
            try:
                return await self._read(book, flag, known, before, heard, _PAGE)
            except InvalidField:
                known = Pull(known.source, known.at)  # the place is not known there any more: from the beginning
        try:
            return await self._read(book, flag, known, before, heard, _PAGE)
        except InvalidField:
            return await self._read(book, flag, known, before, heard, None)

    async def _read(self, book: Book, flag: str, known: Pull, before: int, heard: Callable[[int], None], size: int | None) -> int:
        # Whoever opts out after their page was read is in none that is still to come, so a list is as old as its first page.
        now = int(time.time())
        began, token = _place(known.cursor) or (now, "")
        number = known.read if token else 0
        pages = self._contacts.select(flags=flag, page_size=size, start=token or None)
        async for rows in pages.by_page():
            found = list(self._opt_outs(flag, [(row.phone, row.flags) for row in rows], now))
            number += len(found)
            cursor = f"{began} {pages.next_token}" if pages.next_token else ""
            await book.add_opt_outs(found, Pull(known.source, known.at, cursor, number))
            heard(before + number)
        if pages.cut:
            raise _unread(flag, pages.cut, contacts_api.SELECT)
        await book.add_opt_outs([], Pull(known.source, began, "", number))
        return number

    async def look(self, since: float | None = None) -> list[OptOut]:
        """Those whose replies the message log has shown since the last look; the first time, since this Unix second.

        Two requests. A log may show a reply late, so looks overlap by ten minutes.
        """
        began = time.time()
        start = (self._looked if self._looked is not None else began if since is None else since) - _OVERLAP
        found: list[OptOut] = []
        for flag in FLAGS:
            pages = self._messages.log(flags=flag, since=int(start * 1000), page_size=200)
            rows = [row async for row in pages]
            if pages.cut:
                raise _unread(flag, pages.cut, requests.LOG)
            # A text of ours may bear such a word as its tag. A row that does not say who wrote it counts.
            written = [row for row in rows if row.incoming or not (row.status or row.sender)]
            replies = [(row.phone or "", (*row.flags, *row.contact_flags)) for row in written]
            found += self._opt_outs(flag, replies, int(began), requests.LOG)
        self._looked = began
        new = [one for one in found if (one.phone, one.word) not in self._known]
        self._known.update((one.phone, one.word) for one in new)
        return new

    def _opt_outs(
        self, flag: str, rows: Sequence[tuple[str, Sequence[str]]], now: int, endpoint: str = contacts_api.SELECT
    ) -> Iterator[OptOut]:
        for phone, flags in rows:
            if flag not in flags:
                raise _unread(flag, "it shows contacts without the flag that was asked for", endpoint)
            if len(phone) == 10 and phone.isascii() and phone.isdecimal():
                yield OptOut(phone, now, self.source(flag), flag, FLAGS[flag], self._world)


def _place(cursor: str) -> tuple[int, str] | None:
    """When a read that was broken off began, and where it goes on; None for a place of which nobody knows when it began."""
    began, _, token = cursor.partition(" ")
    return (int(began), token) if began.isdecimal() and token else None


def _nobody_hears(number: int) -> None: ...


def _unread(flag: str, why: str, endpoint: str) -> UnreadableReply:
    return UnreadableReply(f"a list of opt-outs ({flag}) that cannot be relied on: {why}", endpoint=endpoint)
