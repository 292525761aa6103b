"""What holds for every command of the command line, whatever its options are.

Lives here: the class of the commands, and of the groups that make them.
"""

from __future__ import annotations

import importlib
import math
from collections import Counter, UserDict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from rumbleup_async.cli import plain_values

F = TypeVar("F", bound=Callable[..., Any])


class _Plain:
    """A command or group whose parameters read what is plain themselves, and leave to typer what is not."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # beside it stands a class of typer
        for parameter in found:
            if "process_value" not in vars(parameter):
                parameter.process_value = _process(parameter)
        return found


def _process(parameter: Any) -> Callable[[Any, Any], Any]:
    process: Callable[[Any, Any], Any] = parameter.process_value

    def processed(ctx: Any, value: Any) -> Any:
        plain = plain_values.read(parameter, value)
        if plain is plain_values.UNREAD:
            return process(ctx, value)
        return plain if parameter.callback is None else parameter.callback(ctx, parameter, plain)

    return processed


class Once(_Plain, TyperCommand):
    """A command that refuses an option with one value that is given twice, and one that is infinite or no number.

    The parser would keep the last value and say nothing. People take a repeated
    option for a sum, as `--suppress` is one.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given: list[Any]
        *_, given = self.make_parser(ctx).parse_args(args=list(args))
        options: list[Any] = [parameter for parameter in given if parameter.param_type_name == "option"]
        for parameter, times in Counter(options).items():
            # The same flag once more says the same; of `--outbound --inbound` one would win.
            says_the_same = parameter.is_flag and not parameter.secondary_opts
            adds_up = parameter.multiple or parameter.count
            if times > 1 and not (says_the_same or adds_up):
                words = "given more than once, and only one value could be heeded; give it once"
                raise typer.BadParameter(words, ctx=ctx, param_hint="/".join([*parameter.opts, *parameter.secondary_opts]))
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name or "")
            if isinstance(value, float) and not math.isfinite(value):
                raise typer.BadParameter(f"{value} is no number to go by", ctx=ctx, param_hint="/".join(parameter.opts))
        return rest


class Group(_Plain, TyperGroup):
    """A group of commands."""


class Commands(typer.Typer):
    """A `Group` whose commands are `Once`."""

    def __init__(self, *, help: str, **options: Any) -> None:  # noqa: A002 - typer's own name
        super().__init__(help=help, no_args_is_help=True, rich_markup_mode=None, **{"cls": Group, **options})

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        return super().command(name, **{"cls": Once, **options})


class Entry(NamedTuple):
    """One command, or group of commands, of a `Menu`. `place`: its module in this room, and its name there. `example`: of a
    command; those of a group have their own."""

    name: str
    place: str
    example: str = ""

    def command(self) -> Any:
        """Import its module and put its options together."""
        module, _, name = self.place.partition(":")
        found = getattr(importlib.import_module(f"rumbleup_async.cli.{module}"), name)
        around = Commands(help="")
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=self.name)
        else:
            around.command(self.name, epilog=f"Example: {self.example}")(found)
        return typer.main.get_group(around).commands[self.name]


class _WhenAsked(UserDict[str, Any]):
    """Commands by name. Each is made of its entry when somebody asks for it, and kept."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__({entry.name: entry for entry in entries})

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, Entry):
            found = self.data[name] = found.command()
        return found


class Menu(Group):
    """A group that imports the module of a command when the command is called: a call of one pays for no other. Its help, which
    has a line of each, imports them all."""

    entries: ClassVar[tuple[Entry, ...]] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _WhenAsked(self.entries)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's own name
        """The names alone, for which nothing has to be imported."""
        return list(self.commands)
