"""Handlers that fail, hang or do not listen."""

import asyncio
import functools
import threading
import time
from typing import NoReturn

import pytest

from rumbleup_async.rumbleup.webhooks import Event
from rumbleup_async.webhooks import Failure

from .posting import new_receiver, provider, receipt, until


class Mishap(Exception):
    """A mistake of a handler."""


def fails(event: Event) -> NoReturn:
    raise Mishap


async def fails_async(event: Event) -> NoReturn:
    raise Mishap


async def hangs(event: Event) -> None:
    await asyncio.Event().wait()


async def cancels_itself(event: Event) -> NoReturn:
    raise asyncio.CancelledError


async def test_a_failing_handler_stops_nobody() -> None:
    """One mistake in one handler would stop opt-outs from being taken."""
    failures: list[Failure] = []
    receiver = new_receiver(handler_timeout=0.2, on_failure=failures.append)
    seen: list[str] = []
    for handler in (fails, fails_async, hangs, cancels_itself, functools.partial(fails)):
        receiver.on(Event)(handler)

    @receiver.on(Event)
    async def sees(event: Event) -> None:
        seen.append(event.key)

    async with provider(receiver) as caller:
        assert [await caller.post(receipt(number)) for number in range(40)] == [200] * 40
        assert len(seen) > 0
    assert len(seen) == 40
    assert receiver.statistics.failed == 200
    assert receiver.statistics.handled == 40
    assert receiver.statistics.dropped == 0
    kinds = {(failure.handler, type(failure.error)) for failure in failures}
    assert kinds == {
        ("fails", Mishap),
        ("fails_async", Mishap),
        ("hangs", TimeoutError),
        ("cancels_itself", asyncio.CancelledError),
    }
    assert repr(failures[0]).startswith("Failure(type='DELIVERY_RECEIPT', handler='")


async def test_a_handler_that_does_not_heed_its_cancellation() -> None:
    """A handler that swallows CancelledError would hold a place for ever, and the end of the program with it."""
    receiver = new_receiver(handler_timeout=0.1, at_once=1)
    release = asyncio.Event()

    @receiver.on(Event)
    async def stubborn(event: Event) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    started = time.monotonic()
    async with provider(receiver) as caller:
        assert [await caller.post(receipt(number)) for number in range(3)] == [200] * 3
        await until(lambda: receiver.statistics.failed == 3)
    assert time.monotonic() - started < 5
    release.set()
    await asyncio.sleep(0)


async def test_threads_that_hang() -> None:
    """Plain functions that hang would stop the others, or keep the program from ending."""
    receiver = new_receiver(handler_timeout=0.1, at_once=2)
    release = threading.Event()
    seen: list[str] = []

    @receiver.on(Event)
    def maybe(event: Event) -> None:
        if event.key in stuck:
            release.wait(20)
        seen.append(event.key)

    stuck: set[str] = set()
    receiver.on(Event)(lambda event: stuck.add(event.key) if len(stuck) < 4 else None)
    async with provider(receiver) as caller:
        for number in range(20):
            assert await caller.post(receipt(number)) == 200
        await until(lambda: receiver.statistics.failed + receiver.statistics.handled == 40)
        assert receiver.statistics.failed <= 4
        assert len(seen) >= 16
    release.set()


async def test_plain_functions_do_not_block_the_receiver() -> None:
    """A handler that writes to a slow database would keep the provider waiting, and it would send everything again."""
    receiver = new_receiver(at_once=4)
    release = threading.Event()
    begun: list[str] = []

    @receiver.on(Event)
    def slow(event: Event) -> None:
        begun.append(event.key)
        release.wait(20)

    async with provider(receiver) as caller:
        for number in range(4):
            assert await caller.post(receipt(number)) == 200
        await until(lambda: len(begun) == 4)
        assert receiver.statistics.handled == 0
        release.set()
        await until(lambda: receiver.statistics.handled == 4)


async def test_handlers_at_a_time_are_bounded() -> None:
    """A burst would start a thousand calls to somebody's database at once."""
    receiver = new_receiver(at_once=5)
    now = most = 0

    @receiver.on(Event)
    async def count(event: Event) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    async with provider(receiver) as caller:
        for number in range(30):
            await caller.post(receipt(number))
    assert receiver.statistics.handled == 30
    assert most <= 5


async def test_a_callable_object_and_an_awaitable() -> None:
    """A handler in an uncommon form would never be awaited."""
    seen: list[str] = []

    class Handler:
        async def __call__(self, event: Event) -> None:
            seen.append("object")

    async def see(event: Event) -> None:
        seen.append("awaitable")

    receiver = new_receiver()
    receiver.on(Event)(Handler())
    receiver.on(Event)(lambda event: see(event))  # noqa: PLW0108 - a plain function that returns an awaitable
    async with provider(receiver) as caller:
        await caller.post(receipt(1))
    assert sorted(seen) == ["awaitable", "object"]


async def test_the_end_waits_for_what_was_taken() -> None:
    """Events that were acknowledged would be lost each time the service is deployed."""
    receiver = new_receiver(at_once=1)
    seen: list[str] = []

    @receiver.on(Event)
    async def slow(event: Event) -> None:
        await asyncio.sleep(0.02)
        seen.append(event.key)

    async with provider(receiver) as caller:
        for number in range(20):
            assert await caller.post(receipt(number)) == 200
    assert len(seen) == 20
    assert receiver.statistics.dropped == 0


async def test_the_end_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """A service could not be stopped, or what was left undone would not be told."""
    receiver = new_receiver(at_once=1, drain_timeout=0.2)
    receiver.on(Event)(hangs)
    started = time.monotonic()
    async with provider(receiver) as caller:
        for number in range(3):
            assert await caller.post(receipt(number)) == 200
    assert time.monotonic() - started < 5
    assert receiver.statistics.dropped == 3
    assert "3 events" in caplog.text


async def test_a_failing_failure_callback(caplog: pytest.LogCaptureFixture) -> None:
    """The callback for failures could itself end a worker."""

    def worse(failure: Failure) -> None:
        raise Mishap

    receiver = new_receiver(on_failure=worse, at_once=1)
    receiver.on(Event)(fails)
    async with provider(receiver) as caller:
        for number in range(3):
            assert await caller.post(receipt(number)) == 200
    assert receiver.statistics.failed == 3
    assert "on_failure itself failed: Mishap" in caplog.text
