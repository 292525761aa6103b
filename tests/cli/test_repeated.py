"""An option that is given twice, over every command there is."""

from typing import Any

import pytest
import typer.main

from rumbleup_async.cli.app import app
from rumbleup_async.simulator import Simulator

from .conftest import Rumbleup


def _options() -> list[tuple[tuple[str, ...], Any]]:
    """Every option of every command that means one value."""

    def of(group: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
        found: list[tuple[tuple[str, ...], Any]] = []
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                found += of(command, (*path, name))
                continue
            found += [
                ((*path, name), option)
                for option in command.params
                if option.param_type_name == "option" and not (option.multiple or option.is_flag or option.count)
            ]
        return found

    return of(typer.main.get_command(app), ())


async def test_no_option_swallows_its_first_value(command: Rumbleup, simulator: Simulator) -> None:
    """`--rate 5 --rate 50`, or a second `--text` in a script, would win without a word; people take it for a sum."""
    options = _options()
    assert len(options) > 80
    for path, option in options:
        first, last = option.opts[0], option.opts[-1]
        done = await command(*path, first, "1", f"{last}=2")
        assert done.exit_code == 2, (path, first, done.stderr)
        assert "given more than once" in done.stderr, (path, first)
        assert first in done.stderr
    assert simulator.requests.count() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sendblue", "messages", "list", "--outbound", "--inbound"), "given more than once"),
        (("contacts", "sync", "2025550101", "--set", "a=1", "--set", "a=2"), "--set names a more than once"),
        (("send", "a.csv", "--action", "1", "--text", "--yes", "--project", "1"), "given more than once"),
        (("simulate", "--fault", "hang=0.1", "--fault", "hang=0.2"), "'hang' is given more than once"),
    ],
)
async def test_what_contradicts_itself_is_refused(
    command: Rumbleup, simulator: Simulator, arguments: tuple[str, ...], words: str
) -> None:
    """The last one would win without a word."""
    done = await command(*arguments)
    assert (done.exit_code, simulator.requests.count()) == (2, 0)
    assert words in done.stderr


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
async def test_what_is_no_number_is_refused(command: Rumbleup, simulator: Simulator, number: str) -> None:
    """A simulator would never answer, and `--patience nan` never end."""
    for arguments in (
        ("simulate", "--port", "0", "--latency", number),
        ("send", "a.csv", "--action", "1", "--text", "STOP", "--rate", number),
        ("texters", "--action", "1", "--text", "STOP", "--patience", number),
        ("messages", "log", "--timeout", number),
        ("projects", "stats", "--days", number),
    ):
        done = await command(*arguments)
        assert done.exit_code == 2, (arguments, done.stderr)
    assert simulator.requests.count() == 0


async def test_what_says_the_same_is_no_mistake(command: Rumbleup) -> None:
    """A script that adds `--yes` to what has it already would fail."""
    done = await command("messages", "log", "--json", "--phone", "2025550101", "--phone", "2025550102", "--json")
    assert done.exit_code == 0, done.stderr
