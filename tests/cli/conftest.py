"""The command in this process, against a simulator that serves from this loop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from typer.testing import CliRunner, Result

from rumbleup_async.cli.app import complete
from rumbleup_async.simulator import Server

Rumbleup = Callable[..., Awaitable[Result]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, server: Server) -> Rumbleup:
    """`await command("projects", "get", "125")`: the finished command, with the key and the address of the simulator."""
    monkeypatch.setenv("RUMBLEUP_API_KEY", "KEY:SECRET")
    monkeypatch.setenv("RUMBLEUP_BASE_URL", server.url)
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()

    async def run(*arguments: str) -> Result:
        # In a thread, because a command runs a loop of its own.
        return await asyncio.to_thread(lambda: runner.invoke(complete(), list(arguments)))

    return run
