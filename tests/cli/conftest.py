"""The command, in this process or in one of its own, against a simulator that serves from this loop."""

import asyncio
import functools
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from typer.testing import CliRunner, Result

from rumbleup_async.cli.app import app
from rumbleup_async.simulator import Server
from tests.acceptance.shell import Shell

Rumbleup = Callable[..., Awaitable[Result]]
Process = Callable[..., Awaitable["subprocess.CompletedProcess[str]"]]


_put_together = functools.cache(typer.main.get_command)
"""The whole command, put together once: that takes longer than most of the tests."""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, server: Server) -> Rumbleup:
    """`await command("projects", "get", "125")`: the finished command, with the key and the address of the simulator."""
    monkeypatch.setenv("RUMBLEUP_API_KEY", "KEY:SECRET")
    monkeypatch.setenv("RUMBLEUP_BASE_URL", server.url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(typer.testing, "_get_command", _put_together, raising=False)
    runner = CliRunner()

    async def run(*arguments: str) -> Result:
        # In a thread, because a command runs a loop of its own.
        return await asyncio.to_thread(lambda: runner.invoke(app, list(arguments)))

    return run


_OURS = ("RUMBLEUP_", "SENDBLUE_")
"""Variables that only the command reads, and Python itself does not."""


@pytest.fixture
def process(server: Server, tmp_path: Path, shell: Shell) -> Process:
    """`await process("status", "x", stdout=file, env={...})`: the command in a process of its own, in an empty folder.

    A forked one, or where streams or variables of Python are given, one with an interpreter of its own.
    """
    folder = tmp_path / "folder"
    folder.mkdir()
    around = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "XDG_DATA_HOME") if name in os.environ}
    keys = {
        "RUMBLEUP_API_KEY": "KEY:SECRET",
        "RUMBLEUP_BASE_URL": server.url,
        "SENDBLUE_API_KEY": "KEY",
        "SENDBLUE_API_SECRET": "SECRET",
        "SENDBLUE_BASE_URL": server.url.removesuffix("/api"),
    }

    async def run(*arguments: object, env: dict[str, str] | None = None, **options: Any) -> "subprocess.CompletedProcess[str]":
        words = [*map(str, arguments)]
        command = [sys.executable, "-m", "rumbleup_async", *words]
        if not options and all(name.startswith(_OURS) for name in env or {}):
            variables = {**around, **keys, **(env or {})}
            done = await asyncio.to_thread(lambda: shell.run(words, folder=folder, env=variables))
            return subprocess.CompletedProcess(command, done.code, done.out, done.err)
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return await asyncio.to_thread(
            lambda: subprocess.run(
                command, cwd=folder, env={**around, **keys, **(env or {})}, text=True, timeout=60, check=False, **streams
            )
        )

    return run
