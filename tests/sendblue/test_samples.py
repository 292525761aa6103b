"""The sample files of Sendblue: each call makes exactly the request, and reads the reply; and the map names every call."""

import json
import re
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import RumbleUpError, Sendblue
from rumbleup_async.session import ScriptedExchange
from rumbleup_async.simulator import SENDBLUE_ROUTES
from tests.rumbleup import samples

FOLDER = Path(__file__).parents[1] / "samples" / "sendblue"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]
]


@pytest.mark.parametrize("case", CASES)
async def test_the_call_makes_the_request_and_reads_the_reply(case: samples.Case) -> None:
    """The API would be asked for something else than its pages describe, or its answer misread."""
    exchange = ScriptedExchange(lambda _: samples.response(case["reply"]))
    found: Any
    async with Sendblue("KEY", "SECRET", exchange=exchange) as client:
        try:
            called = getattr(client.messages, case["call"].partition(".")[2])(**samples.arguments(case))
            found = [row async for row in called] if isinstance(called, AsyncIterable) else await called
        except RumbleUpError as error:
            found = error
    assert [samples.seen(request) for request in exchange.requests] == ([] if case["request"] is None else [case["request"]])
    assert samples.plain(found, case["result"]) == case["result"]


def test_the_map_names_every_call_and_the_simulator_serves_it() -> None:
    """Nobody would find a call, or it would be one that no test can meet."""
    page = (Path(__file__).parents[2] / "docs" / "api-map.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+) (/\S+)` \| `sendblue\.(\w+\.\w+)` \|", page, re.MULTILINE)
    client = Sendblue("KEY", "SECRET", exchange=ScriptedExchange(samples.response))  # type: ignore[arg-type]
    calls = {f"messages.{name}" for name in dir(client.messages) if not name.startswith("_")}
    assert {name for *_, name in rows} == {*calls, "opt_outs.tell"}
    assert {(method, path) for method, path, _ in rows} == {(method, path) for method, path, _ in SENDBLUE_ROUTES}
