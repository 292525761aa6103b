"""What holds for every command of the command line, whatever its options are.

Lives here: the class of the commands, and of the groups that make them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand

F = TypeVar("F", bound=Callable[..., Any])


class Once(TyperCommand):
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


class Commands(typer.Typer):
    """A group whose commands are `Once`."""

    def __init__(self, *, help: str, **options: Any) -> None:  # noqa: A002 - typer's own name
        super().__init__(help=help, no_args_is_help=True, rich_markup_mode=None, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        return super().command(name, **{"cls": Once, **options})
