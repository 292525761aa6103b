"""`rumbleup`, `rumbleup --version`: what the command says of itself, alone and before a command."""

import json
import sqlite3

import pytest

import rumbleup_async
from tests.cli.conftest import Process, Rumbleup


async def test_the_versions_are_told(command: Rumbleup) -> None:
    """Whoever reports a fault would have to be asked for each of them."""
    assert (await command("--version")).stdout == f"rumbleup_async {rumbleup_async.__version__}\n"
    for arguments in (("--version", "--json"), ("--json", "--version")):
        done = await command(*arguments)
        told = json.loads(done.stdout)
        assert (done.exit_code, told["version"], told["sqlite"]) == (0, rumbleup_async.__version__, sqlite3.sqlite_version)
        assert told["parts"]["aiohttp"]


@pytest.mark.parametrize("arguments", [("--json",), ("--json", "account"), ("--",)])
async def test_what_is_no_command_is_refused(command: Rumbleup, arguments: tuple[str, ...]) -> None:
    """A script would take nothing at all for an answer."""
    assert (await command(*arguments)).exit_code == 2


async def test_without_arguments_the_commands_are_listed(process: Process) -> None:
    """The first thing that anybody types would end in a traceback."""
    done = await process()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "rumbleup demo" in done.stdout + done.stderr
