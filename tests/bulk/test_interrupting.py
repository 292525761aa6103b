"""A Ctrl-C that strikes in the middle of a run, in a program of somebody who uses the library."""

import asyncio
from pathlib import Path

import pytest

from rumbleup_async import Response, RumbleUp, ScriptedExchange
from rumbleup_async.messaging import State
from rumbleup_async.session import Request

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
