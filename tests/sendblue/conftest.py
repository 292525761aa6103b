"""A Sendblue client of the simulated provider."""

from collections.abc import AsyncIterator

import pytest

from rumbleup_async import Sendblue
from rumbleup_async.simulator import Server


@pytest.fixture
async def sendblue(server: Server) -> AsyncIterator[Sendblue]:
    async with Sendblue("KEY", "SECRET", base_url=server.origin) as client:
        yield client
