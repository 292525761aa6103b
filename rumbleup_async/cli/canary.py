"""The canary on the command line: its options, what is said of it before the question, and how it stands afterwards.

Lives here: the options that `send` and `resume` share, and words.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rumbleup_async.cli.console import say
from rumbleup_async.cli.durations import seconds
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules.canary import NUMBER, OPT_OUTS, RULES, WAIT, Asked, read_rule, read_rules
from rumbleup_async.runs.canary import CanaryState, Number
from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause, Stop

BARE = f"{NUMBER},{WAIT / 60:g}m"
"""What `--canary` alone stands for."""


def read_number(text: str) -> Number:
    """What `N[,WAIT]` means; 0 for `none`. Raises BadParameter."""
    number, comma, wait = text.strip().partition(",")
    if number.strip().lower() == "none" and not comma:
        return 0
    if not (number.strip().isascii() and number.strip().isdecimal() and 0 < int(number) < 10**9):
        raise typer.BadParameter(f"{text!r} is no canary; write it as N[,WAIT], such as 200,15m, or none for none")
    return int(number), seconds(wait) if comma else WAIT


def _checked(text: str) -> str:
    read_number(text)
    return text


def _rule(text: str) -> str:
    try:
        return read_rule(text).words
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


Canary = Annotated[
    str | None,
    typer.Option(
        "--canary",
        metavar="N[,WAIT]|none",
        help="Text N people first, drawn by lot, watch for WAIT, then go on by itself (200,15m); none: no canary.",
        parser=_checked,
    ),
]
AbortIf = Annotated[
    list[str] | None,
    typer.Option(
        "--abort-if",
        metavar="METRIC>P%",
        help="With --canary: stop at too many opt-outs, errors, unknown, refused, undelivered (opt-outs>2%, errors>8%).",
        parser=_rule,
    ),
]
CanaryAsk = Annotated[
    bool | None,
    typer.Option("--canary-ask/--no-canary-ask", help="End once the canary has done well; a resume texts the rest."),
]


def canary_options(canary: str | None, abort_if: list[str] | None, canary_ask: bool | None) -> dict[str, Any]:
    """What these are called as options of a run."""
    return {
        "canary": None if canary is None else read_number(canary),
        "abort_if": read_rules(abort_if) if abort_if else None,
        "canary_ask": canary_ask,
    }


def show_canary(run: Run, *, quiet: bool) -> None:
    """Say before the question what goes first, and by what it is judged."""
    if (found := run.canary) is None or quiet:
        return
    if found.stage in ("going", "watching"):
        asked = Asked(found.number, found.wait, found.rules)
        begun = f" ({found.texts:,} of them went before)" if found.texts else ""
        say(f"{asked}{begun}")
    elif found.stage == "passed":
        say(f"the canary has passed; its rules go on watching: {' or '.join(found.rules)}")
    if run.budget is not None and run.price is None:
        say("note: the price of a segment is learned from the canary, which the budget bounds only as far as answers name one")
    if not watches_opt_outs(run) and any(read_rule(rule).metric == OPT_OUTS for rule in found.rules):
        say("note: the run has no book of people, so nobody tells it of opt-outs; name a book with --book")


def watches_opt_outs(run: Run) -> bool:
    """Whether somebody tells the run of opt-outs."""
    return run.book is not None


def check_watched(run: Run) -> None:
    """ConfigurationError where a rule that was typed cannot be watched."""
    for words in run.typed_rules:
        if read_rule(words).metric == OPT_OUTS and not watches_opt_outs(run):
            raise ConfigurationError(
                f"--abort-if {words!r}: the run has no book of people, so nobody tells it of opt-outs; name a book with "
                f"--book, or leave the rule out (the usual ones are {' and '.join(RULES)})"
            )


def why_not_on(run: Run) -> Stop | None:
    """Why a run whose canary has failed does not go on; None if it may, or if it is judged anew."""
    found = run.canary
    if found is None or found.stage != "failed" or run.judges_anew:
        return None
    return Stop(Cause.CANARY_FAILED, found.words)


def canary_json(found: CanaryState | None) -> dict[str, Any]:
    """For the JSON; nothing in a run without one."""
    return {} if found is None else {"canary": found.as_dict()}


def told(found: CanaryState) -> str:
    """How it stands, in a line."""
    until = f" until {found.until:%Y-%m-%d %H:%M:%S} UTC" if found.stage == "watching" and found.until is not None else ""
    heard = f"{found.opted_out:,} opted out, {found.undelivered:,} undelivered" if found.opted_out or found.undelivered else ""
    return ", ".join(filter(None, [f"canary of {found.number:,}: {found.stage}{until}", found.words, heard]))
