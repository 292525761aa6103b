"""Contacts that a caller hands over as an iterable or async iterable, as screened batches.

Lives here: gathering.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable, Sequence
from contextlib import aclosing

from rumbleup_async.errors import ListError
from rumbleup_async.lists import contacts as lists
from rumbleup_async.lists.consent import Watch
from rumbleup_async.lists.kept_columns import Keep
from rumbleup_async.lists.mappings import names_of
from rumbleup_async.messaging import Planned, Skipped
from rumbleup_async.screening.screen import Screen

Contacts = str | os.PathLike[str] | Iterable[object] | AsyncIterable[object]

BATCH = 1000

_PATIENCE = 0.02
"""Seconds that the contacts of an async iterable are gathered into a batch."""


async def screened(
    contacts: Iterable[object] | AsyncIterable[object],
    screen: Screen,
    phone_field: str | None,
    watch: Watch | None = None,
    keep: Keep | None = None,
) -> AsyncGenerator[Sequence[Planned | Skipped], None]:
    """The contacts of a caller's iterable in screened batches; the row is the position, from 1.

    `watch` leaves out whom the rows themselves say not to text; a phone that a row has named so is left out from then on.
    """
    needed: Collection[str] | None = screen.needed_fields
    at_hand = isinstance(contacts, Iterable)
    screened_rows: list[Planned | Skipped] = []
    row = 0
    async with aclosing(_batches(contacts)) as batches:
        async for items in batches:
            if not row and (watch is not None or keep is not None):
                names = names_of(items)
                if watch is not None:
                    watch.begin(names, "the list")
                if keep is not None:
                    keep.begin(names, names, phone_field, "the list")
                    needed = keep.wanted(needed)
            rows = [lists.contact_of(item, row + number, phone_field, needed, watch) for number, item in enumerate(items, 1)]
            first, row = not row, row + len(items)
            if first:
                screen.learn(names_of(items))
            planned = screen.batch(rows)
            if keep is not None:
                planned = keep.with_cells(rows, planned)
            screened_rows += planned if watch is None or not watch.barred else map(watch.leave_out, planned)
            if at_hand and not first and len(screened_rows) < BATCH:
                # What is at hand is screened in small parts, for the sake of the loop, and goes into the ledger in large ones.
                await asyncio.sleep(0)
                continue
            yield screened_rows
            screened_rows = []
    if screened_rows:
        yield screened_rows


async def _batches(contacts: Iterable[object] | AsyncIterable[object]) -> AsyncGenerator[list[object], None]:
    if isinstance(contacts, Iterable):
        iterator = iter(contacts)
        while items := list(itertools.islice(iterator, 250)):
            yield items
        return
    coming: list[object] = []
    news, room = asyncio.Event(), asyncio.Event()

    async def pump() -> None:
        async for item in contacts:
            coming.append(item)
            news.set()
            if len(coming) >= BATCH:
                room.clear()
                await room.wait()

    # One task reads the whole source: it may hold a cancel scope or a connection open between two contacts.
    pumping = asyncio.create_task(pump())
    pumping.add_done_callback(lambda _: news.set())
    try:
        while True:
            if not coming:
                if pumping.done():
                    break
                news.clear()
                await news.wait()
                if not pumping.done():
                    await asyncio.sleep(_PATIENCE)
                continue
            items = coming.copy()
            coming.clear()
            room.set()
            yield items
        if pumping.cancelled():
            raise ListError("the list was cancelled while it was read")
        pumping.result()
    finally:
        pumping.cancel()
        await asyncio.wait([pumping])
