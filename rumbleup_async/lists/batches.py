"""Contacts that a caller hands over as an iterable or async iterable, as screened batches.

Lives here: gathering.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns, frames
from rumbleup_async.lists import contacts as lists
from rumbleup_async.lists.consent import ConsentCheck
from rumbleup_async.lists.kept_columns import Keep
from rumbleup_async.lists.mappings import names_of, require_phone_field, settled_among
from rumbleup_async.lists.whereabouts import Whereabouts
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.screening.screen import Screen

Contacts = str | os.PathLike[str] | Iterable[object] | AsyncIterable[object]

BATCH = 1000

_PATIENCE = 0.02
"""Seconds that the contacts of an async iterable are gathered into a batch."""


def require_conditions(screen: Screen, names: Sequence[str], where: str) -> None:
    """`ListError` if a column that decides which text a contact gets is not among these, or is there more than once."""
    for kind in screen.kinds:
        if kind.column not in names:
            raise ListError(f"{where}: there is no column {kind.column!r} for text-when; {columns.choice(kind.column, names)}")
        if names.count(kind.column) > 1:
            raise ListError(f"{where}: several columns are called {kind.column!r}; rename all but one")


async def screened(
    contacts: Iterable[object] | AsyncIterable[object],
    screen: Screen,
    phone_field: str | None,
    consent: ConsentCheck | None = None,
    keep: Keep | None = None,
    whereabouts: Whereabouts | None = None,
    chosen: Callable[[Sequence[Contact | Skipped]], Awaitable[list[Planned | Skipped]]] | None = None,
) -> AsyncGenerator[Sequence[Planned | Skipped], None]:
    """The contacts of a caller's iterable in screened batches; the row is the position, from 1.

    `consent` leaves out whom the rows themselves say not to text; a phone that one
    row has left out stays out from then on. `whereabouts` finds out where each contact is. `chosen` screens rows for which a
    function chooses the text.
    """
    needed: Collection[str] | None = None if chosen is not None else screen.needed_fields
    at_hand = isinstance(contacts, Iterable)
    described = frames.names_of_cursor(contacts)
    screened_rows: list[Planned | Skipped] = []
    row = 0
    async with aclosing(_batches(contacts)) as batches:
        async for given in batches:
            part = list(frames.named(given, described)) if described else given
            names = names_of(part) if not row else []
            if not row:
                phone_field = phone_field or settled_among(part)
                require_conditions(screen, names, "the list")
            if at_hand:
                require_phone_field(part, names, phone_field)
            if not row and consent is not None:
                consent.begin(names, "the list")
            if not row and keep is not None:
                keep.begin(names, names, phone_field, "the list")
                needed = keep.wanted(needed)
            if not row and whereabouts is not None:
                whereabouts.begin(names, "the list")
                needed = whereabouts.wanted(needed)
                screen.place_by(whereabouts.placing())
            rows = [lists.contact_of(one, row + number, phone_field, needed, consent) for number, one in enumerate(part, 1)]
            first, row = not row, row + len(part)
            if first:
                screen.learn(names)
            planned = screen.batch(rows) if chosen is None else await chosen(rows)
            if keep is not None:
                planned = keep.with_cells(rows, planned)
            screened_rows += planned if consent is None or not consent.barred else map(consent.leave_out, planned)
            if at_hand and not first and len(screened_rows) < BATCH:
                # Small parts are screened, so that the loop stays free; large ones go into the ledger.
                await asyncio.sleep(0)
                continue
            yield screened_rows
            screened_rows = []
    if screened_rows:
        yield screened_rows


async def _batches(contacts: Iterable[object] | AsyncIterable[object]) -> AsyncGenerator[list[object], None]:
    if isinstance(contacts, Iterable):
        iterator = iter(contacts)
        while part := list(itertools.islice(iterator, 250)):
            yield part
        return
    coming: list[object] = []
    news, room = asyncio.Event(), asyncio.Event()

    async def pump() -> None:
        async for contact in contacts:
            coming.append(contact)
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
            part = coming.copy()
            coming.clear()
            room.set()
            yield part
        if pumping.cancelled():
            raise ListError("the list was cancelled while it was read")
        pumping.result()
    finally:
        pumping.cancel()
        await asyncio.wait([pumping])
