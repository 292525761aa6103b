"""Every quirk, met over real TCP."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rumbleup_async.simulator import QUIRKS, Simulator

from .callers import TEXT, Caller, Start
from .test_projects import multipart
from .test_webhooks import Receiver, receiver  # noqa: F401

Check = Callable[[Caller], Awaitable[bool]]


def get(path: str, holds: Callable[[Any], bool], **params: Any) -> Check:
    async def check(caller: Caller) -> bool:
        status, reply = await caller.call(path, params, method="GET")
        assert status == 200
        return holds(reply)

    return check


def post(path: str, holds: Callable[[int, Any], bool], **fields: Any) -> Check:
    async def check(caller: Caller) -> bool:
        return holds(*await caller.call(path, fields))

    return check


def raw(path: str, holds: Callable[[int, str], bool], method: str = "GET", **fields: Any) -> Check:
    async def check(caller: Caller) -> bool:
        status, text, _ = await caller.raw(path, fields, method=method)
        return holds(status, text)

    return check


def media(call: str, part: str, status: int) -> Check:
    async def check(caller: Caller) -> bool:
        form = multipart({part: ("a.png", b"\x89PNG", "image/png")}, name="GOTV", message=TEXT)
        return (await caller.call(f"project/{call}", data=form))[0] == status

    return check


def both(*checks: Check) -> Check:
    async def check(caller: Caller) -> bool:
        return all([await one(caller) for one in checks])

    return check


async def pages_end(caller: Caller) -> bool:
    """Two pages with rows and tokens, then an empty one without a token."""
    counts, params = [], {"_count": "3"}
    while True:
        _, page = await caller.log(**params)
        counts.append(len(page["data"]))
        if "next_token" not in page:
            return counts == [3, 2, 0]
        params["_start"] = page["next_token"]


async def numbers_page(caller: Caller) -> bool:
    """The number leads to the next page."""
    _, first = await caller.log(_count=3)
    if not isinstance(first["next_token"], int):
        return False
    _, second = await caller.log(_count=3, _start=first["next_token"])
    return len(second["data"]) == 2 and not {row["logid"] for row in second["data"]} & {row["logid"] for row in first["data"]}


async def objects_page(caller: Caller) -> bool:
    """One object a page, and a token to the next."""
    _, first = await caller.call("tcr/campaign/select")
    if not isinstance(first["data"], dict):
        return False
    _, second = await caller.call("tcr/campaign/select", {"_start": first["next_token"]})
    return bool(first["data"]["campaignId"] == "CSIM001" and second["data"]["campaignId"] == "C1" and "next_token" not in second)


def first(page: Any) -> Any:
    return page["data"][0]


PROJECT, LOG, CAMPAIGN = "project/get/125", "message/log/select", "tcr/campaign/select"
WRONG = "project/get/999"

CHECKS: dict[str, Check] = {
    "cid-digits": get(PROJECT, lambda r: r["cid"] == "12345"),
    "eleven-digits": both(
        get(CAMPAIGN, lambda r: first(r)["proxy"][0] == "12025550199"), get(LOG, lambda r: first(r)["phone"] == "12025550101")
    ),
    "extra-fields": get(CAMPAIGN, lambda r: "newly" in first(r)),
    "null-fields": get(PROJECT, lambda r: r["outsource_notes"] is None and r["links"] is None),
    "numeric-ids": both(
        get(PROJECT, lambda r: (r["action"], r["group"], r["num"]) == (125, 26, 125)),
        get(LOG, lambda r: first(r)["action"] == 125)
    ),
    "string-booleans": get(CAMPAIGN, lambda r: first(r)["ok"] == "true"),
    "string-counts": both(
        get(PROJECT, lambda r: (r["sent"], r["sent_percent"]) == ("5", "71.43")), get(LOG, lambda r: r["count"] == "5")
    ),
    "tcr-names": get(CAMPAIGN, lambda r: first(r).get("tcr_cid") == "CSIM001" and "campaignId" not in first(r)),
    "campaignId-no": get("proxy/select", lambda r: [row["campaignId"] for row in r["data"]].count("No") == 1),
    "flags-string": get(LOG, lambda r: first(r)["flags"] == "sent,run-1"),
    "count-lies": get(LOG, lambda r: (r["count"], r["total"], len(r["data"])) == (7, 2, 5)),
    "data-null": get(LOG, lambda r: r["data"] is None, phone="2025559999"),
    "data-object": objects_page,
    "data-under-logs": get(LOG, lambda r: len(r["logs"]) == 5 if "logs" in r else False),
    "data-under-messages": get(LOG, lambda r: len(r["messages"]) == 5 if "messages" in r else False),
    "empty-last-page": pages_end,
    "next-token-empty": get(LOG, lambda r: r.get("next_token") == ""),
    "next-token-null": get(LOG, lambda r: r.get("next_token", "") is None),
    "next-token-number": numbers_page,
    "no-total": get(LOG, lambda r: "total" not in r),
    "reads-get-only": both(
        raw(LOG, lambda s, _: s == 405, "POST"),
        raw(PROJECT, lambda s, _: s == 405, "POST"),
        get(PROJECT, lambda r: "action" in r)
    ),
    "duplicate-phone": raw("message/next", lambda _, t: len(set(re.findall(r'"phone":"(\d+)"', t))) == 2, "POST", action=125),
    "repeated-phone": raw("message/next", lambda _, t: len(re.findall(r'"phone":"(2025550106)"', t)) == 2, "POST", action=125),
    "next-get-only": both(post("message/next", lambda s, _: s == 405), get("message/next", lambda r: "phone" in r, action=125)),
    "next-post-only": raw("message/next", lambda s, _: s == 405, action=125),
    "errcode": get(LOG, lambda r: first(r).get("errcode") == "landline" and "error_code" not in first(r)),
    "group-list": get(LOG, lambda r: first(r)["group"] == ["26"]),
    "no-cid": get(LOG, lambda r: not {"cid", "action", "group"} & first(r).keys()),
    "no-status": both(
        get(LOG, lambda r: not {"status", "update_time"} & first(r).keys()),
        get(PROJECT, lambda r: "status" not in r),
        get(CAMPAIGN, lambda r: "status" not in first(r)),
    ),
    "other-phone": post("message/send", lambda _, r: r["phone"] != "2025550101", phone="2025550101", action=125, text=TEXT),
    "price-positive": get(LOG, lambda r: first(r)["price"] == 0.05),
    "price-string": get(LOG, lambda r: first(r)["price"] == "-0.05"),
    "status-queued": post(
        "message/send", lambda _, r: r.get("status") == "queued", phone="2025550101", action=125, text=TEXT
    ),
    "campaignId-empty": get("project/get/126", lambda r: r["campaignId"] == ""),
    "contact-filter-object": get("project/get/126", lambda r: r["contact_filter"] == {"flags": ["vip"]}),
    "csv-when-json-asked": raw("action/stats", lambda _, t: t.startswith("cid,"), format="json"),
    "deprecated-fields": get(PROJECT, lambda r: {"tcrcid", "updated", "lastmsg", "percent"} <= r.keys()),
    "duplicate-percent-key": raw(PROJECT, lambda _, t: t.count('"err_target_percent"') == 2 and "replies_target" not in t),
    "lower-case-status": get(PROJECT, lambda r: r["status"] == "live"),
    "name-under-project": get(PROJECT, lambda r: "name" not in r and r["project"] == "Project 125"),
    "phone-list": get(PROJECT, lambda r: r.get("phone") == ["2025550199"] and r["proxy"] is None),
    "proxy-list": get(PROJECT, lambda r: r["proxy"] == ["2025550199"]),
    "stats-under-data": get("project/stats", lambda r: isinstance(r, dict) and len(r["data"]) == 2, format="json"),
    "strict-media-part": both(
        media("create", "media", 400), media("create", "file", 200),
        media("update/125", "media", 200), media("update/125", "file", 400)
    ),
    "strict-stats-filter": both(
        get("project/stats", lambda r: len(r) == 2, format="json", action=125),
        get("project/stats", lambda r: len(r) == 1, format="json", project=125),
        get("action/stats", lambda r: len(r) == 1, format="json", action=125),
    ),
    "submit-report": post("project/submit/125", lambda _, r: "rpid" in r and "project" not in r, terms_agree=True),
    "no-ok": get(CAMPAIGN, lambda r: "ok" not in first(r)),
    "proxy-string": get(CAMPAIGN, lambda r: first(r)["proxy"] == "2025550199,2025550198"),
    "status-lags": get(CAMPAIGN, lambda r: (first(r)["status"], first(r)["ok"]) == ("PENDING", True)),
    "staztus": get(CAMPAIGN, lambda r: first(r).get("staztus") == "ACTIVE"),
    "html-error": raw(WRONG, lambda s, t: s == 404 and t.startswith("<!DOCTYPE html>")),
    "no-code": post("message/send", lambda s, r: s == 400 and "code" not in r, phone="1"),
    "retry-after-in-body": both(
        post("message/send", lambda _, r: r["phone"] == "2025550105", phone="2025550105", action=125, text=TEXT),
        post("message/send", lambda s, r: (s, r["retryAfter"]) == (429, 1000) if s == 429 else False, phone="1"),
    ),
    "status-in-body-only": post("message/send", lambda s, r: (s, r["status"]) == (200, 400), phone="1"),
    "status-string": post("message/send", lambda s, r: (s, r["status"]) == (400, "400"), phone="1"),
    "time-a": get(PROJECT, lambda r: bool(re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d[ap]m EST", r["update_time"]))),
    "time-b": get(LOG, lambda r: bool(re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d[AP]M EST", first(r)["sent_time"]))),
    "time-c": get(LOG, lambda r: bool(re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d EST", first(r)["sent_time"]))),
    "time-d": get(LOG, lambda r: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first(r)["sent_time"]))),
    "time-e": get(LOG, lambda r: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[56]:00", first(r)["sent_time"]))),
    "time-f": get(LOG, lambda r: bool(re.fullmatch(r"\d{4}-[1-9]\d?-[1-9]\d? \d\d:\d\d CST", first(r)["sent_time"]))),
    "time-g": get(LOG, lambda r: bool(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT-0[56]00", first(r)["sent_time"]))),
    "time-h": get(LOG, lambda r: bool(re.fullmatch(r"\d\d-\d\d-\d{4} \d\d:\d\d EST", first(r)["sent_time"]))),
    "time-i": get(LOG, lambda r: isinstance(first(r)["sent_time"], int)),
    "time-j": get(LOG, lambda r: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", first(r)["sent_time"]))),
    "time-k": get(LOG, lambda r: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first(r)["sent_time"]))),
    "time-unreadable": get(PROJECT, lambda r: r["update_time"] == "soon"),
    "time-null": get(PROJECT, lambda r: r["update_time"] is None),
}  # fmt: skip


def test_every_quirk_is_tried() -> None:
    """A quirk would be listed that nobody has seen on the wire."""
    assert CHECKS.keys() | {"webhook-sender"} == QUIRKS.keys()
    assert all(sentence.endswith(".") for sentence in QUIRKS.values())


@pytest.mark.parametrize("name", sorted(CHECKS))
async def test_a_quirk(start: Start, name: str) -> None:
    """A client would be called tolerant of what it has never met; or the quirk be there without being asked for."""
    async with start(receipt_delay=0, test_first=False) as caller:
        simulator = caller.simulator
        simulator.add_campaign("C1", proxies=["3035550101"])
        simulator.add_contacts(125, [{"phone": "2025550106"}, {"phone": "2025550107"}])
        await caller.call("project/create", {"name": "Second", "message": TEXT, "contact_filter": {"flags": ["vip"]}})
        simulator.receipt("2025550101", "landline")
        for n in range(1, 6):
            await caller.send(f"202555010{n}", flags=["run-1"])
        if name == "retry-after-in-body":
            simulator.change(rate_limit=0.001)
        if name not in ("repeated-phone", "retry-after-in-body", "strict-media-part"):
            assert not await CHECKS[name](caller)
            simulator.world.projects["125"].locks.clear()
        simulator.set_quirks(name)
        assert await CHECKS[name](caller)


async def test_an_event_with_a_sender(caller: Caller, receiver: Receiver) -> None:  # noqa: F811
    """Direction would be read from fields that are not always there."""
    caller.simulator.webhook(receiver.url, events=["MESSAGE_RECEIVED"])
    caller.simulator.set_quirks("webhook-sender", "numeric-ids", "eleven-digits", "time-i")
    await caller.send()
    caller.simulator.reply("2025550101", "yes")
    (event,) = await receiver.has(1)
    assert (event["sender"], event["status"], event["action"]) == ("12025550101", "received", 125)
    assert event["phone"] == "12025550101"
    assert isinstance(event["sent_time"], int)


async def test_the_switch(start: Start) -> None:
    """A server in another process could not be made to contradict itself, or never stop doing so."""
    async with start(quirks=("numeric-ids", "staztus")) as caller:
        assert (await caller.project())["action"] == 125
        state = await caller.admin("quirks")
        assert state["on"] == ["numeric-ids", "staztus"]
        assert state["quirks"]["staztus"]
        await caller.admin("quirks", {"quirks": ["no-ok"]})
        assert (await caller.project())["action"] == "125"
        await caller.admin("reset", {})
        assert (await caller.project())["action"] == 125
        assert (await caller.call("/_simulator/quirks", {"quirks": ["nothing"]}, key=None))[0] == 400
    with pytest.raises(ValueError, match="unknown quirk 'nothing'; known: "):
        Simulator(quirks=["nothing"])


async def test_all_at_once(start: Start) -> None:
    """Two quirks together would break the server."""
    names = set(QUIRKS) - {"html-error", "status-in-body-only", "next-get-only", "next-post-only", "reads-get-only"}
    async with start(quirks=tuple(names)) as caller:
        caller.simulator.add_contacts(125, [{"phone": "2025550106"}])
        for path in ("message/next", "message/log/select", "tcr/campaign/select", "tcr/brand/select", "project/get/125"):
            status, text, _ = await caller.raw(path, {"action": "125"})
            assert status == 200
            assert isinstance(json.loads(text), dict)
        assert (await caller.send())[0] == 200
        assert (await caller.send("1"))[0] == 400
