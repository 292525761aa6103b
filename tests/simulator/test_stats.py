"""Counters and stats: that they add up from the texts that left, in every format and window."""

import csv
import io
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from .callers import TEXT, Caller, Clock, Start

DAY = 86_400


async def stats(caller: Caller, **params: Any) -> list[dict[str, Any]]:
    status, rows = await caller.call("project/stats", {"format": "json", **params}, method="GET")
    assert status == 200
    assert isinstance(rows, list)
    return rows


async def test_counters_add_up(start: Start) -> None:
    """A report held against the provider's figures would be held against fiction."""
    clock = Clock()
    async with start(clock=clock, receipt_delay=10, delivered_rate=0.6, undelivered_rate=0.3) as caller:
        simulator = caller.simulator
        simulator.add_contacts(125, [{"phone": 2025550100 + n} for n in range(150)])
        simulator.tag("2025550100", "dnd")
        simulator.tag("2025550101", "landline")
        for n in range(100):
            await caller.send(str(2025550100 + n), text=TEXT if n % 2 else TEXT + "x" * 200)
        simulator.inbound.take("2025550110", "Stop")
        simulator.inbound.take("2025550111", "yes")
        project = await caller.project()
        assert (project["sent"], project["segments_sent"], project["delivered"], project["err"]) == (98, 98 + 49, 0, 0)
        assert (project["target"], project["contact_count"], project["skipped"]) == (150, 150, 2)
        assert (project["received"], project["dnd"], project["replies"]) == (2, 1, 1)
        assert project["sent_percent"] == round(100 * 98 / 150, 2)
        assert project["cost"] == round(98 * 0.05, 2)
        clock.now += 10
        project = await caller.project()
        assert 30 < project["delivered"] < 90
        assert 0 < project["err"] < 60
        assert project["delivered"] + project["err"] < 98
        assert project["delivered_percent"] == round(100 * project["delivered"] / 98, 2)
        assert project["err_target_percent"] == round(100 * project["err"] / 150, 2)
        rows = []
        token = None
        while True:
            _, page = await caller.log(_count=50, **({} if token is None else {"_start": token}))
            rows += page["data"]
            token = page.get("next_token")
            if token is None:
                break
        states = [row.get("status") for row in rows]
        assert states.count("delivered") == project["delivered"]
        assert states.count("undelivered") + states.count("failed") == project["err"]
        assert all("error_code" in row for row in rows if row.get("status") == "undelivered")


async def test_csv_is_the_default(caller: Caller) -> None:
    """A client that forgets the format would never meet the CSV."""
    await caller.send()
    status, text, headers = await caller.raw("action/stats", {})
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/csv")
    (row,) = csv.DictReader(io.StringIO(text))
    (same,) = await stats(caller)
    assert set(row) == set(same)
    assert (row["action"], row["sent"], row["delivered"]) == ("125", "1", str(same["delivered"]))
    assert "GMT-0" in row["sent_time"]
    assert same["sent_time"].endswith("Z")


async def test_xml_and_jsontext(caller: Caller) -> None:
    """The two other formats would be found broken by their users."""
    await caller.call("project/create", {"name": "A & <B>\x01", "message": TEXT})
    _, text, headers = await caller.raw("project/stats", {"format": "xml"})
    assert headers["Content-Type"].startswith("application/xml")
    names = [name.text for name in ET.fromstring(text).iter("name")]
    assert names == ["Project 125", "A & <B>"]
    _, rows = await caller.call("action/stats", {"format": "jsontext"})
    assert [row["action"] for row in rows] == ["125", "126"]


async def test_the_window(start: Start) -> None:
    """Yesterday's projects would be missed, or the default window taken for everything."""
    clock = Clock()
    first = clock.now
    async with start(clock=clock) as caller:
        clock.now += 3 * DAY
        await caller.call("project/create", {"name": "Second", "message": TEXT})
        clock.now += DAY / 2
        milliseconds = int(1000 * (first + DAY))
        assert [row["action"] for row in await stats(caller)] == ["126"]
        assert [row["action"] for row in await stats(caller, days=7)] == ["125", "126"]
        assert [row["action"] for row in await stats(caller, interval=7 * DAY * 1000)] == ["125", "126"]
        assert [row["action"] for row in await stats(caller, since=milliseconds)] == ["126"]
        assert [row["action"] for row in await stats(caller, before=milliseconds)] == ["125"]
        assert [row["action"] for row in await stats(caller, since="2025-03-01", before="03/06/2025 10:00 EST")] == ["125"]
        assert [row["action"] for row in await stats(caller, action="125")] == ["125"]
        assert [row["action"] for row in await stats(caller, project=125)] == ["125"]
        assert [row["action"] for row in await stats(caller, name="sec", days=9)] == ["126"]
        assert await stats(caller, name="third") == []
        await caller.send()
        assert [row["action"] for row in await stats(caller)] == ["125", "126"]


@pytest.mark.parametrize("fields", [{"format": "pdf"}, {"days": "few"}, {"days": "-1"}, {"since": "soon"}, {"interval": "nan"}])
async def test_bad_parameters_are_a_400(caller: Caller, fields: dict[str, str]) -> None:
    """A window that was not understood would silently be another one."""
    status, reply = await caller.call("project/stats", fields)
    assert (status, reply["code"]) == (400, "FIELD")
