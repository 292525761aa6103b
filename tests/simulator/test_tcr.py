"""Campaigns, brands, their numbers, and the daily cap of a brand."""

from typing import Any

import pytest

from .callers import Caller, Clock, Start

FIELDS = {
    "cid", "campaignId", "brandId", "brandName", "ok", "status", "proxy", "autoRenewal", "ageGated", "numberPool", "embeddedLink",
    "embeddedPhone", "directLending", "subscriberOptout", "subscriberOptin", "subscriberHelp", "usecase", "description",
    "privacyLink", "messageFlow", "optinMessage", "optoutMessage", "helpMessage", "sample1", "sample2", "messageSentPerDay",
    "helpKeywords", "optinKeywords", "optoutKeywords", "createDate", "billedDate", "nextRenewalOrExpirationDate", "sent_time",
    "mnoMetadata",
}  # fmt: skip


async def select(caller: Caller, what: str = "campaign", **params: Any) -> Any:
    status, reply = await caller.call(f"tcr/{what}/select", params, method="GET")
    assert status == 200
    return reply


async def test_a_campaign(start: Start) -> None:
    """A client could not know a campaign's shape."""
    async with start(clock=Clock(1_743_526_800.0)) as caller:
        reply = await select(caller)
        assert (reply["count"], reply["total"], len(reply["data"])) == (1, 1, 1)
        (campaign,) = reply["data"]
        assert campaign.keys() == FIELDS
        assert (campaign["campaignId"], campaign["ok"], campaign["status"]) == ("CSIM001", True, "ACTIVE")
        assert campaign["createDate"] == "04/01/2025 13:00 EST"
        assert (await caller.send())[1]["proxy"] in campaign["proxy"]


async def test_filters_and_pages(caller: Caller) -> None:
    """A campaign would be missed behind the first page, or a filter silently ignored."""
    for n in range(5):
        caller.simulator.add_campaign(f"C{n}", brand=f"B{n % 2}", proxies=[2025550300 + n], cap=100 + n)
    assert [row["campaignId"] for row in (await select(caller, campaignId="C1,C3"))["data"]] == ["C1", "C3"]
    assert [row["campaignId"] for row in (await select(caller, brandId="B1"))["data"]] == ["C1", "C3"]
    assert (await select(caller, campaignId="CX"))["data"] == []
    assert [row["brandId"] for row in (await select(caller, "brand"))["data"]] == ["BSIM001", "B0", "B1"]
    assert (await select(caller, "brand", brandId="B1"))["data"][0]["companyName"]
    pages, params = [], {"_count": "2"}
    while True:
        reply = await select(caller, **params)
        pages.append([row["campaignId"] for row in reply["data"]])
        if "next_token" not in reply:
            break
        params["_start"] = reply["next_token"]
    assert pages == [["CSIM001", "C0"], ["C1", "C2"], ["C3", "C4"]]


@pytest.mark.parametrize("params", [{"_start": "???"}, {"_count": "0"}, {"_count": "1000"}, {"_count": "x"}])
async def test_bad_pages_are_a_400(caller: Caller, params: dict[str, str]) -> None:
    """A token of another call would silently begin anew."""
    assert (await caller.call("tcr/campaign/select", params, method="GET"))[0] == 400


async def test_the_cap_is_the_brands(start: Start) -> None:
    """A brand would be texted past what its carrier allows, under another project or campaign."""
    clock = Clock()
    async with start(clock=clock) as caller:
        caller.simulator.add_campaign("C1", brand="B1", proxies=["2025550301"], cap=3)
        caller.simulator.add_campaign("C2", brand="B1", proxies=["2025550302"])
        one = await caller.new_project(campaignId="C1")
        two = await caller.new_project(campaignId="C2", proxy="All")
        assert (await select(caller, campaignId="C1"))["data"][0]["brandDailyCap"] == 3
        replies = [await caller.send(f"202555010{n}", action=one if n % 2 else two) for n in range(4)]
        assert [status for status, _ in replies] == [200, 200, 200, 400]
        assert replies[3][1]["code"] == "DAILYCAP"
        assert [reply["proxy"] for _, reply in replies[:2]] == ["2025550302", "2025550301"]
        assert (await caller.call("proxy/send", {"phone": "2025550107", "text": "Hi", "proxy": "2025550301"}))[1][
            "code"
        ] == "DAILYCAP"
        assert (await caller.send("2025550108"))[0] == 200
        clock.now += 86_400
        assert (await caller.send("2025550109", action=one))[0] == 200
        assert [text.action for text in caller.simulator.truth] == [two, one, two, "125", one]


async def test_the_project_names_its_campaign(caller: Caller) -> None:
    """A project would be sent from a number of another campaign."""
    caller.simulator.add_campaign("C1", proxies=["2025550301"])
    action = await caller.new_project(campaignId="C1", proxy="12025550301")
    project = await caller.project(action)
    assert (project["campaignId"], project["proxy"], project["areacode"]) == ("C1", "2025550301", "202")
    assert (await caller.call(f"project/update/{action}", {"proxy": "2025550199"}))[1]["message"].startswith("proxy: ")
    await caller.send(action=action)
    _, page = await caller.log(tcr_cid="C1")
    assert [row["tcr_cid"] for row in page["data"]] == ["C1"]
    assert (await caller.log(tcr_cid="CSIM001"))[1]["data"] == []
