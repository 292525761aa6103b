"""A running simulator for each test that wants one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rumbleup_async.simulator import Simulator, serve

from .callers import Caller, Start


@pytest.fixture
def start() -> Start:
    """`async with start(latency=0.1) as caller:` serves a simulator made with these options."""

    @asynccontextmanager
    async def starting(*, keep_alive: bool = False, **options: Any) -> AsyncIterator[Caller]:
        async with serve(Simulator(**options)) as server, Caller(server, keep_alive=keep_alive) as caller:
            yield caller

    return starting


@pytest.fixture
async def caller(start: Start) -> AsyncIterator[Caller]:
    """A caller of a simulator with nothing special."""
    async with start() as running:
        yield running
