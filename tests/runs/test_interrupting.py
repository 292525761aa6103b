"""A Ctrl-C that strikes in the middle of a run, in a program of somebody who uses the library."""

import asyncio
from pathlib import Path

import pytest

from rumbleup_async import Response, RumbleUp, ScriptedExchange
from rumbleup_async.engine.sender import TWO_ANSWERS
from rumbleup_async.messaging import State
from rumbleup_async.outcomes import Accepted, Throttled
from rumbleup_async.reasons import INTERRUPTED
from rumbleup_async.reasons import from_words as because
from rumbleup_async.session import Request
from tests import virtual_time
from tests.engine.scripted import Provider, make_run, phones

PHONES = [f"20255501{number:02d}" for number in range(10)]


def test_an_interruption_is_no_group_of_errors_and_the_ledger_is_true(tmp_path: Path) -> None:
    """`except KeyboardInterrupt` of the caller would not catch it, and a traceback of groups would hide what happened."""
    seen: list[BaseException] = []
    asked: list[Request] = []
    path = tmp_path / "run.ledger"

    def strikes(request: Request) -> Response:
        asked.append(request)
        if len(asked) == 5:
            raise KeyboardInterrupt
        return Response(200, {}, b'{"logid":"rl_%d"}' % len(asked))

    async def main() -> None:
        async with RumbleUp("KEY:SECRET", exchange=ScriptedExchange(strikes)) as client:
            try:
                async with client.fast_mode(action=125, text="Hi. STOP to opt out", ledger=path, concurrency=4) as run:
                    await run.send(PHONES)
            except BaseException as error:
                seen.append(error)
                raise

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert [type(error) for error in seen if isinstance(error, BaseExceptionGroup)] == []
    assert seen

    async def read() -> dict[State, int]:
        async with RumbleUp("KEY:SECRET", exchange=ScriptedExchange(strikes)) as client, client.resume(path) as run:
            return dict(run.counts)

    counts = asyncio.run(read())
    assert counts[State.SENT] + counts[State.UNKNOWN] >= len(asked) - 1
    assert counts[State.UNKNOWN] >= 1
    assert sum(counts.values()) == len(PHONES)


@pytest.mark.parametrize("how", ["interrupted", "failed", "another answer"])
def test_a_no_of_which_it_is_not_known_whose_it_is(how: str) -> None:
    """While it is waited for whether another answer comes the run may be abandoned; its text be left open, or sent again."""

    async def main() -> tuple[dict[State, int], set[str]]:
        is_waiting = asyncio.Event()

        async def alone() -> bool:
            is_waiting.set()
            if how == "interrupted":
                await asyncio.Event().wait()
            elif how == "failed":
                raise OSError
            return False

        provider = Provider(
            lambda text, attempt: Throttled(because("not now"), 429, alone=alone) if text.row == 3 else Accepted("rl_1")
        )
        async with make_run(provider, concurrency=2) as run:
            sending = asyncio.ensure_future(run.send(phones(3)))
            await is_waiting.wait()
            run.stop("enough")
            if how == "interrupted":
                run._execution.abandon()
            await sending
            reasons = {result.reason for result in await run._ledger.rows(0, 10) if result.state is State.UNKNOWN}
            return dict(run.counts), reasons

    counts, reasons = virtual_time.run(main())
    assert (counts[State.SENT], counts[State.UNKNOWN], counts[State.INTENT]) == (2, 1, 0)
    words = {"interrupted": str(INTERRUPTED), "failed": "unexpected OSError", "another answer": str(TWO_ANSWERS)}
    assert reasons == {words[how]}
