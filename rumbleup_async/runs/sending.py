"""What `run.send()` gives to the caller: the results one by one, or the summary at the end.

Lives here: the object that the caller iterates over or awaits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Self

from rumbleup_async.lists.batches import Contacts
from rumbleup_async.messaging import Result
from rumbleup_async.runs.execution import Execution
from rumbleup_async.runs.summary import Summary


class Sending:
    """What `run.send()` gives: iterate over it for the results, or await it for the summary. Nothing is sent before either."""

    def __init__(self, execution: Execution, contacts: Contacts | None) -> None:
        self._execution = execution
        self._results = execution.results
        self._contacts = contacts
        self.is_begun = False
        """Somebody has awaited it or iterated over it."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        self.is_begun = True
        if not self._results.waiting:
            await self._more()
        result, is_room = self._results.take()
        if is_room:
            self._execution.ring()
        return result

    async def _more(self) -> None:
        results = self._results
        task = self._execution.start(self._contacts)
        while not results.waiting:
            if task.done():
                self._execution.is_told = True
                task.result()
                raise StopAsyncIteration
            results.news.clear()
            await results.news.wait()

    def __await__(self) -> Generator[Any, None, Summary]:
        self.is_begun = True
        return self._finish().__await__()

    async def _finish(self) -> Summary:
        execution = self._execution
        execution.discard()
        task = execution.start(self._contacts)
        await asyncio.wait([task])
        execution.is_told = True
        task.result()
        return execution.summary
