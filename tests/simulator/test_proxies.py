"""Sending numbers, texts without a project, and reports."""

import csv
import io
from typing import Any

import pytest

from .callers import Caller, Clock, Start

DIRECT = {"phone": "2025550101", "text": "Hi Ada", "proxy": "2025550190"}


async def test_numbers(caller: Caller) -> None:
    """A number could not be found by its campaign or state."""

    async def proxies(**params: str) -> list[str]:
        return [row["proxy"] for row in (await caller.call("proxy/select", params, method="GET"))[1]["data"]]

    caller.simulator.add_campaign("C1", brand="B1", proxies=["3035550101"])
    caller.simulator.world.account_data.numbers["2025550190"].status = "pending"
    assert await proxies(campaignId="CSIM001") == ["2025550199", "2025550198"]
    assert await proxies(brandId="B1,B2") == ["3035550101"]
    assert await proxies(areacode="303") == ["3035550101"]
    assert await proxies(status="pending,error") == ["2025550190"]
    _, reply = await caller.call("proxy/select", {"areacode": "303"})
    assert reply["data"][0].keys() == {
        "cid", "proxy", "create_time", "update_time", "referenceId", "campaignId", "campaignName", "brandId", "brandName",
        "status",
    }  # fmt: skip


async def test_a_direct_text_is_in_the_truth_and_the_log(caller: Caller) -> None:
    """A text would leave without a trace."""
    status, reply = await caller.call("proxy/send", DIRECT)
    assert (status, reply["phone"], reply["proxy"], reply["text"]) == (200, "2025550101", "2025550190", "Hi Ada")
    (text,) = caller.simulator.truth
    assert (text.phone, text.action, text.logid) == ("2025550101", "", reply["logid"])
    assert (await caller.log(phone="2025550101"))[1]["data"][0]["proxy"] == "2025550190"
    assert (await caller.log(proxy="2025550190"))[1]["total"] == 1
    assert (await caller.project())["sent"] == 0
    assert (await caller.call("proxy/send", {**DIRECT, "proxy": None, "campaignId": "CSIM001"}))[1]["tcr_cid"] == "CSIM001"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"phone": "1"}, "FIELD"),
        ({"text": ""}, "FIELD"),
        ({"campaignId": "CX"}, "FIELD"),
        ({"proxy": "2025550111"}, "PROXY"),
        ({"proxy": "2025550199", "campaignId": "C1"}, "PROXY"),
        ({"proxy": "", "campaignId": "C1"}, "PROXY"),
        ({"phone": "2025550102"}, "LANDLINE"),
    ],
)
async def test_what_is_refused_did_not_leave(caller: Caller, changed: dict[str, Any], code: str) -> None:
    """A refusal's code could not be met."""
    caller.simulator.add_campaign("C1")
    caller.simulator.tag("2025550102", "landline")
    status, reply = await caller.call("proxy/send", {**DIRECT, **changed})
    assert (status, reply["code"], len(caller.simulator.truth)) == (400, code, 0)


async def test_the_limits_hold_here_too(caller: Caller) -> None:
    """Hours, rate and the account's permission would only be known to projects."""
    for changes, status, code in (
        ({"outside_hours": True}, 400, "TIMERANGE"),
        ({"outside_hours": False, "daily_cap": 0}, 400, "DAILYCAP"),
        ({"daily_cap": None, "direct_send": False}, 403, None),
    ):
        caller.simulator.change(**changes)
        got, reply = await caller.call("proxy/send", DIRECT)
        assert (got, reply.get("code")) == (status, code)
    assert len(caller.simulator.truth) == 0
    caller.simulator.change(direct_send=True, rate_limit=0.001)
    assert [(await caller.call("proxy/send", DIRECT))[0] for _ in range(2)] == [200, 429]


async def test_a_direct_text_can_hang(start: Start) -> None:
    """A lost answer of this call could not be played."""
    async with start() as caller:
        caller.simulator.fault("2025550101", "proxy:hang-after")
        assert await caller.gives_up("proxy/send", DIRECT)
        assert len(caller.simulator.truth) == 1


async def test_a_report(start: Start) -> None:
    """A client could not wait for a report and fetch it."""
    clock = Clock()
    async with start(clock=clock, report_delay=60) as caller:
        await caller.send("2025550101", flags=["run-1"])
        await caller.send("2025550102")
        status, report = await caller.call("report/create", {"title": "Conversations", "flags": ["run-1"], "action": 125})
        assert (status, report["status"], report["files"]) == (200, "pending", [])
        rpid = report["rpid"]
        assert (await caller.call(f"report/download/{rpid}", method="GET"))[0] == 400
        clock.now += 60
        _, report = await caller.call(f"report/get/{rpid}", method="GET")
        assert (report["status"], len(report["files"])) == ("done", 1)
        _, text, headers = await caller.raw(f"report/download/{rpid}", method="GET")
        assert headers["Content-Type"].startswith("text/csv")
        assert [row["phone"] for row in csv.DictReader(io.StringIO(text))] == ["2025550101"]
        assert (await caller.call(f"report/download/{rpid}", {"file": "other"}, method="GET"))[0] == 404
        assert [row["rpid"] for row in (await caller.call("report/list", method="GET"))[1]["data"]] == [rpid]
        assert (await caller.call(f"report/delete/{rpid}", method="GET"))[0] == 200
        assert (await caller.call(f"report/get/{rpid}", method="GET"))[0] == 404
        assert (await caller.call("report/create", {}))[1]["message"] == "title: is required"
        assert (await caller.call("report/create", {"title": "x", "interval": "often"}))[0] == 400


async def test_a_periodic_report_keeps_six_files_for_sixty_days(start: Start) -> None:
    """The newest file could not be told from an old one."""
    clock = Clock()
    async with start(clock=clock) as caller:
        _, report = await caller.call("report/create", {"title": "Conversations", "interval": 60})
        clock.now += 9.5 * 3600
        _, report = await caller.call(f"report/get/{report['rpid']}", method="GET")
        numbers = [int(file["file"].rpartition("-")[2].removesuffix(".csv")) for file in report["files"]]
        assert numbers == [10, 9, 8, 7, 6, 5]
        _, once = await caller.call("report/create", {"title": "Conversations"})
        await caller.call("report/list")
        clock.now += 61 * 86_400
        assert [row["rpid"] for row in (await caller.call("report/list"))[1]["data"]] == [report["rpid"]]
        assert (await caller.call(f"report/get/{once['rpid']}"))[0] == 404


async def test_a_report_over_a_range_of_projects(caller: Caller) -> None:
    """The documented way to name many projects would be taken for one that does not exist."""
    for action in ("126", "130", "141"):
        caller.simulator.add_project(action)
        await caller.send(f"2025550{action}", action=action)
    _, report = await caller.call("report/create", {"title": "Conversations", "action": "125,128-140,141"})
    _, text, _ = await caller.raw(f"report/download/{report['rpid']}", method="GET")
    assert [row["action"] for row in csv.DictReader(io.StringIO(text))] == ["130", "141"]
