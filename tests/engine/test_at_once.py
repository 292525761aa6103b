"""Tasks that end together, though one of them takes a cancellation for something else, and their host waits for the dead."""

import asyncio

import pytest

from rumbleup_async.engine.at_once import at_once
from tests import virtual_time


async def _stubborn(ended: list[str]) -> None:
    """As a worker whose text was on its way: it takes the first cancellation for the end of the delivery, and goes on."""
    task = asyncio.current_task()
    assert task is not None
    try:
        await asyncio.sleep(1e6)
    except asyncio.CancelledError:
        task.uncancel()
    try:
        await asyncio.sleep(1e6)
    finally:
        ended.append("stubborn")


async def _host_that_tidies_up(ended: list[str], waits: asyncio.Event) -> None:
    """As the books: cancelled, they first wait for what workers still have in hand."""
    try:
        await waits.wait()
    finally:
        try:
            await waits.wait()
        finally:
            ended.append("host")


@pytest.mark.parametrize("how", ["a task fails", "the host fails", "the host is cancelled"])
def test_all_end_when_one_does(how: str) -> None:
    """A mistake in one worker would leave the run hanging, its ledger locked and its texts open, until somebody kills it."""
    ended: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(1.0)
        raise ValueError

    async def main() -> None:
        never = asyncio.Event()
        async with at_once() as start:
            start(lambda: _stubborn(ended))
            if how == "a task fails":
                start(fails)
            await asyncio.sleep(0.5)
            if how == "the host fails":
                raise ValueError
            await _host_that_tidies_up(ended, never)

    async def whole() -> BaseException | None:
        task = asyncio.ensure_future(main())
        await asyncio.sleep(0.7)
        if how == "the host is cancelled":
            task.cancel()
            await asyncio.sleep(0.1)
            task.cancel()
        await asyncio.wait([task])
        return None if task.cancelled() else task.exception()

    error = virtual_time.run(whole())
    assert "stubborn" in ended
    assert ("host" in ended) == (how != "the host fails")
    if how == "the host is cancelled":
        assert error is None
    else:
        assert isinstance(error, BaseExceptionGroup)
        assert [type(one) for one in error.exceptions] == [ValueError]


def test_who_ends_by_himself_is_left_alone() -> None:
    """A text that is on its way would be cut off, and be unknown, because the run has come to its end."""
    ended: list[str] = []

    async def slow() -> None:
        await asyncio.sleep(5.0)
        ended.append("slow")

    async def main() -> None:
        async with at_once() as start:
            start(slow)

    virtual_time.run(main())
    assert ended == ["slow"]
