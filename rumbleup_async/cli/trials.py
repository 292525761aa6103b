"""The test text before a list: `send --test-to`, and `rumbleup test`, which sends nothing else.

Lives here: the words and the JSON of what became of it, and whether the list may follow.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

import typer

from rumbleup_async.cli.console import FINE, plural, print_json, say
from rumbleup_async.cli.signals import stopping
from rumbleup_async.messaging import State, mask
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.trials import Tried, digits_of
from rumbleup_async.stops import Cause, Stop

is_alone: ContextVar[bool] = ContextVar("is_alone", default=False)
"""Whether the command is `rumbleup test`: nobody of the list is texted."""

ARRIVED = "Did the test text arrive as it should?"

TestTo = Annotated[
    list[str] | None,
    typer.Option(
        "--test-to",
        metavar="PHONE",
        help="First send the first contact's text to this phone of yours, then ask; repeatable.",
    ),
]


def phones_of(test_to: list[str] | None) -> list[str]:
    """The phones that are to get a test text. ConfigurationError for what is no phone."""
    return list(dict.fromkeys(map(digits_of, test_to or ())))


async def try_out(run: Run, phones: list[str]) -> dict[str, Any]:
    """Send the test texts; what the JSON has of them. The run is stopped if not all of them were accepted."""
    with stopping(lambda: run.stop(Stop(Cause.INTERRUPTED)), "stopping after the test text; nothing else leaves"):
        tried = await run.test(phones)
    for one in tried:
        say(f"test text to {mask(one.phone)}, {plural(one.segments, 'segment')}: {_words(one)}")
    last = tried[-1]
    if last.state is not State.SENT:
        look = f"; it may have left: look with rumbleup messages log --phone {mask(last.phone)}"
        detail = f"{last.why}{look if last.state is State.UNKNOWN else ''}; nobody of the list was texted"
        run.stop(Stop(Cause.TEST_FAILED, detail))
    return {"tests": [_as_json(one) for one in tried]}


def end_alone(run: Run, shown: dict[str, Any], *, as_json: bool, quiet: bool) -> int:
    """The end of `rumbleup test` whose texts were all accepted; the exit code."""
    if not quiet:
        say("nobody of the list was texted; send does that")
    if as_json:
        print_json({"run": run.plan.run, "action": run.plan.action, **shown})
    return FINE


def _words(one: Tried) -> str:
    return f"sent, logid {one.logid}" if one.state is State.SENT else f"{one.state.word.replace('_', ' ')}: {one.why}"


def _as_json(one: Tried) -> dict[str, Any]:
    return {
        "phone": mask(one.phone),
        "state": one.state.word,
        "code": str(one.why.code),
        "reason": str(one.why),
        "logid": one.logid or None,
        "segments": one.segments,
        "tag": one.tag,
    }
