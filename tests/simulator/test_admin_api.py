"""The admin API: what another process can read and set."""

import json
from typing import Any

import pytest

from rumbleup_async.simulator import digest

from .callers import TEXT, Caller, Clock, Start
from .test_log import fill


async def truth(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    status, text, headers = await caller.raw(f"/_simulator/truth{query}", method="GET", key=None)
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in text.splitlines()]


async def test_the_truth(start: Start) -> None:
    """A test in another process could not hold a report against what really left."""
    clock = Clock(1000.5)
    async with start(clock=clock) as caller:
        assert await truth(caller) == []
        logids = [(await caller.send(f"202555010{n}", flags=["run-1"]))[1]["logid"] for n in range(3)]
        row = {"phone": "2025550101", "action": "125", "text": TEXT, "flags": ["run-1"], "logid": logids[1], "time": 1000.5}
        rows = await truth(caller)
        assert len(rows) == 3
        assert rows[1] == row
        assert await truth(caller, "?fields=phone,time&start=1&count=1") == [{"phone": "2025550101", "time": 1000.5}]
        assert await truth(caller, "?fields=text_hash&start=2") == [{"text_hash": digest(TEXT)}]


async def test_the_truth_of_many(start: Start) -> None:
    """The truth of a large run would break off or lose lines at a seam."""
    async with start(keep_texts=False) as caller:
        world = caller.simulator.world
        project = world.projects["125"]
        for n in range(10_001):
            world.take(project, phone=str(n), text=str(n), flags=(), group="", now=n, tagged=True)
        rows = await truth(caller, "?fields=phone,time,text,text_hash")
        assert [row["phone"] for row in rows] == [str(n) for n in range(10_001)]
        assert rows[7] == {"phone": "7", "time": 7.0, "text": None, "text_hash": digest("7")}


async def test_the_summary(start: Start) -> None:
    """A duplicate would be counted wrongly, or one of another run held against this one."""
    clock = Clock(100)
    async with start(clock=clock) as caller:
        caller.simulator.add_project(126)
        _, empty = await caller.call("/_simulator/summary", method="GET", key=None)
        assert (empty["texts"], empty["first_time"], empty["last_time"]) == (0, None, None)
        await caller.send("2025550101", flags=["run-1"])
        await caller.send("2025550102", flags=["run-1"])
        clock.now += 5
        await caller.send("2025550101", flags=["run-2"])
        await caller.send("2025550102", flags=["run-1"])
        await caller.send("2025550103", flags=["run-1"])
        await caller.send("2025550103", flags=["run-1"], action=126)
        caller.simulator.fault("2025550101", "429")
        await caller.send("2025550101")
        _, summary = await caller.call("/_simulator/summary", method="GET", key=None)
        assert summary == {
            "texts": 6,
            "phones": 3,
            "duplicates": 2,
            "duplicates_same_flags": 1,
            "requests": {"message/send": {"received": 7, "200": 6, "429": 1}},
            "faults": {"429": 1},
            "first_time": 100.0,
            "last_time": 105.0,
        }
        _, tagged = await caller.call("/_simulator/summary", {"flag": "run-1"}, method="GET", key=None)
        assert (tagged["texts"], tagged["phones"], tagged["duplicates"]) == (5, 3, 1)


async def test_faults_contacts_and_settings(caller: Caller) -> None:
    """A server in another process could not be set up."""

    async def post(path: str, body: dict[str, Any]) -> Any:
        status, reply = await caller.call(f"/_simulator/{path}", body, key=None)
        assert status == 200
        return reply

    await post("projects", {"action": "126", "group": 9})
    assert await post("contacts", {"action": "126", "contacts": [{"phone": "2025550101"}, {"phone": "2025550102"}]}) == {
        "added": 2
    }
    await post("contacts", {"tags": {"2025550101": ["dnd"]}})
    assert (await caller.next("126"))[1]["phone"] == "2025550102"
    _, held = await caller.call("/_simulator/locks", method="GET", key=None)
    assert [(lock["action"], lock["phone"]) for lock in held["locks"]] == [("126", "2025550102")]
    await post("faults", {"rates": {"503-before": 1.0}, "phones": {"2025550103": ["400", None]}})
    assert [(await caller.send(phone))[0] for phone in ("2025550103", "2025550103", "2025550104")] == [400, 200, 503]
    await post("settings", {"rate_limit": 0.001, "refusals": {"dnd": [403, "NO"]}})
    await post("faults", {"rates": {}})
    assert [(await caller.send("2025550104"))[0] for _ in range(2)] == [200, 429]
    _, settings = await caller.call("/_simulator/settings", method="GET", key=None)
    assert settings["settings"]["rate_limit"] == 0.001
    assert settings["settings"]["refusals"]["dnd"] == [403, "NO"]
    assert settings["kinds"]["hang-after"]["left"] is True
    await post("stall", {})
    assert caller.simulator.stalled
    await post("resume", {})
    await post("reset", {})
    assert (len(caller.simulator.truth), caller.simulator.settings.rate_limit) == (0, None)
    assert (await caller.next("126"))[0] == 400
    assert (await caller.send("2025550104"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"latencies": 1}),
        ("settings", {"latency": "soon"}),
        ("faults", {"rates": {"nothing": 0.1}}),
        ("faults", {"phones": {"2025550101": "nothing"}}),
        ("contacts", {"contacts": [{"phone": "2025550101"}]}),
        ("contacts", {"action": "125", "contacts": [{"first_name": "Ada"}]}),
        ("projects", {"live": True}),
    ],
)
async def test_mistakes_are_named(caller: Caller, path: str, body: dict[str, Any]) -> None:
    """A misspelled switch would silently leave a scenario unplayed."""
    status, reply = await caller.call(f"/_simulator/{path}", body, key=None)
    assert status == 400
    assert reply["message"]


async def test_unknown_paths(caller: Caller) -> None:
    """A wrong address would look like an empty truth."""
    assert (await caller.call("/_simulator/truths", method="GET", key=None))[0] == 404
    assert (await caller.call("/_simulator/truth?fields=name", method="GET", key=None))[0] == 400


async def test_the_side_address_is_not_the_api(caller: Caller) -> None:
    """Reading the truth would disturb the counters, or a stalled server could not be looked into."""
    fill(caller.simulator, 2)
    caller.simulator.stall()
    assert len(await truth(caller)) == 2
    caller.simulator.resume()
    assert caller.simulator.requests.count() == 0
