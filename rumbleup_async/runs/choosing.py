"""A list whose texts are chosen by a function: it is called in the event loop of the run, wherever the list is read.

Lives here: calling it for the rows of a batch, and waiting for it from the thread that reads a list file.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.screening.chosen import Writer, judged
from rumbleup_async.screening.screen import Screen

T = TypeVar("T")

_AT_A_TIME = 16
"""Answers of an async function that are awaited side by side."""

_LOOK = 0.2
"""Seconds after which a thread that waits looks whether the run was stopped."""


class Choosing:
    """Chooses the texts of one list. `is_stopped` is asked while a thread waits for the function."""

    def __init__(self, screen: Screen, writer: Writer, *, require_opt_out: bool, is_stopped: Callable[[], bool]) -> None:
        self._screen = screen
        self._writer = writer
        self._require_opt_out = require_opt_out
        self._is_stopped = is_stopped
        self._is_cancelled = False

    async def batch(self, rows: Sequence[Contact | Skipped]) -> list[Planned | Skipped]:
        """These rows with the texts that the function chooses, in their order. It is not asked about whoever is not texted
        whatever the text is. Raises what it raises."""
        found: dict[int, Planned | Skipped] = {}
        waiting: list[tuple[int, Contact, Awaitable[str | None]]] = []
        for place, row in enumerate(rows):
            if isinstance(row, Skipped):
                found[place] = row
                continue
            if (why_not := self._screen.why_not(row)) is not None:
                found[place] = why_not
                continue
            text = self._writer(row)
            if inspect.isawaitable(text):
                waiting.append((place, row, text))
                if len(waiting) == _AT_A_TIME:
                    await self._gather(waiting, found)
            else:
                found[place] = self._judged(row, text)
            if place % 100 == 99:
                await asyncio.sleep(0)
        await self._gather(waiting, found)
        return [found[place] for place in range(len(rows))]

    async def _gather(
        self, waiting: list[tuple[int, Contact, Awaitable[str | None]]], found: dict[int, Planned | Skipped]
    ) -> None:
        tasks = [asyncio.ensure_future(text) for _, _, text in waiting]
        try:
            texts = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        for (place, row, _), text in zip(waiting, texts, strict=True):
            found[place] = self._judged(row, text)
        waiting.clear()

    def _judged(self, contact: Contact, text: object) -> Planned | Skipped:
        phone = self._screen.phone_of(contact)
        return judged(self._screen, contact, phone, text, require_opt_out=self._require_opt_out)

    def in_thread(self) -> Callable[[Sequence[Contact | Skipped]], list[Planned | Skipped] | None]:
        """The same for the thread in which a list file is read: None once the run was stopped."""
        loop = asyncio.get_running_loop()

        def batch(rows: Sequence[Contact | Skipped]) -> list[Planned | Skipped] | None:
            asked = asyncio.run_coroutine_threadsafe(self.batch(rows), loop)
            while True:
                try:
                    return asked.result(_LOOK)
                except concurrent.futures.TimeoutError:
                    if asked.done():
                        raise  # it is the function's own
                    if self._is_cancelled or self._is_stopped():
                        asked.cancel()
                        return None

        return batch

    async def until_done(self, reading: Awaitable[T]) -> T:
        """What a list is read by. A cancellation does not wait for a function that may never answer."""
        task = asyncio.ensure_future(reading)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._is_cancelled = True
            task.cancel()
            await asyncio.wait([task])
            raise
