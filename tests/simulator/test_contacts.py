"""Contacts, groups, lists, accounts."""

import csv
import io
from typing import Any

import aiohttp
import pytest

from .callers import Caller

LIST = "phone,name,custom1\n2025550101,Ada Lovelace,x\n2025550102,Ada B,\n,Nobody,\n2025550101,Twice,\n"


def upload(part: str = "csv", **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData(fields)
    form.add_field(part, LIST.encode(), filename="voters.csv", content_type="text/csv")
    return form


async def phones(caller: Caller, **params: Any) -> list[str]:
    status, reply = await caller.call("contact/select", params, method="GET")
    assert status == 200
    return [contact["phone"] for contact in reply["data"]]


async def test_sync_creates_and_changes(caller: Caller) -> None:
    """A contact would lose its fields, or a known one be made anew."""
    fields = {"phone": "+1 202 555 0101", "first_name": "Ada", "custom1": "x", "flags": "vip", "group": 26, "action": 125}
    status, contact = await caller.call("contact/sync", fields)
    assert (status, contact["phone"], contact["rupid"]) == (200, "2025550101", "2025550101")
    assert (contact["name"], contact["custom1"], contact["flags"], contact["group"]) == ("Ada", "x", ["vip"], ["26"])
    _, contact = await caller.call("contact/sync", data={"phone": "2025550101", "last_name": "Lovelace", "flags": "a,b"})
    assert (contact["first_name"], contact["last_name"]) == ("Ada", "Lovelace")
    assert contact["flags"] == ["vip", "a", "b"]
    _, handed_out = await caller.next()
    assert (handed_out["phone"], handed_out["last_name"]) == ("2025550101", "Lovelace")
    for bad in ({}, {"phone": "1"}, {"phone": "2025550101", "group": "x"}, {"phone": "2025550101", "action": "x"}):
        assert (await caller.call("contact/sync", bad))[1]["code"] == "FIELD"


async def test_dnd_stays(caller: Caller) -> None:
    """An opt-out could be taken back by the sender."""
    await caller.send()
    caller.simulator.reply("2025550101", "STOP")
    _, contact = await caller.call("contact/sync", {"phone": "2025550101", "flags": ["vip"]})
    assert set(contact["flags"]) == {"dnd", "replied", "vip"}
    assert (contact["action"], contact["reaction"]) == (["125"], ["125"])
    assert (await caller.send())[0] == 400


@pytest.mark.parametrize("part", ["csv", "file"])
async def test_an_import_makes_a_group(caller: Caller, part: str) -> None:
    """An imported list could not be found again, or not be texted."""
    status, group = await caller.call("contact/import", data=upload(part))
    assert (status, group["name"], group["count"], group["status"]) == (200, "voters", 2, "Active")
    gid = group["gid"]
    assert (await caller.call(f"group/get/{gid}", method="GET"))[1] == group
    assert await phones(caller, group=gid) == ["2025550101", "2025550102"]
    _, contact = await caller.call("contact/select", {"q": "lovelace"})
    assert [(row["first_name"], row["last_name"], row["custom1"]) for row in contact["data"]] == [("Ada", "Lovelace", "x")]
    action = await caller.new_project(group=gid)
    assert [(await caller.next(action))[1]["phone"] for _ in range(2)] == ["2025550101", "2025550102"]


async def test_contacts_imported_into_a_group_appear(caller: Caller) -> None:
    """A texter that waits for more contacts would wait for ever."""
    _, group = await caller.call("contact/import", data=upload(name="October"))
    assert group["name"] == "October"
    action = await caller.new_project(group=group["gid"])
    for _ in range(2):
        await caller.send((await caller.next(action))[1]["phone"], action=action)
    assert (await caller.next(action))[0] == 404
    await caller.call("contact/sync", {"phone": "2025550103", "group": group["gid"]})
    assert (await caller.next(action))[1]["phone"] == "2025550103"


async def test_who_was_texted_before_the_import_is_not_handed_out(caller: Caller) -> None:
    """Somebody texted by fast mode would be texted again by the texters."""
    await caller.send("2025550101")
    await caller.call("contact/sync", {"phone": "2025550101", "action": "125"})
    assert (await caller.next())[0] == 404


async def test_filters(caller: Caller) -> None:
    """A filter would silently let everybody through."""
    for n in range(5):
        await caller.send(f"202555010{n}", group=7 if n < 2 else 8)
    caller.simulator.tag("2025550103", "vip")
    assert await phones(caller, group="7") == ["2025550100", "2025550101"]
    assert await phones(caller, flags="vip,x") == ["2025550103"]
    assert await phones(caller, noflags="vip", group="8") == ["2025550102", "2025550104"]
    assert await phones(caller, q="0104") == ["2025550104"]
    assert len(await phones(caller, action="125")) == 5
    assert await phones(caller, actions="126") == []
    assert await phones(caller, since=99_999_999_999_999) == []
    assert (await caller.call("contact/select", {"since": "soon"}))[0] == 400
    _, page = await caller.call("contact/select", {"_count": 2})
    assert (page["count"], page["total"]) == (2, 5)
    assert await phones(caller, _start=page["next_token"], _count="999") == ["2025550102", "2025550103", "2025550104"]
    assert (await caller.call("group/get/8"))[1]["count"] == 3
    assert (await caller.call("group/get/9"))[0] == 404


async def test_download(caller: Caller) -> None:
    """A list could not be held against what was imported."""
    _, group = await caller.call("contact/import", data=upload())
    status, text, headers = await caller.raw("contact/download", {"gid": group["gid"]})
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/csv")
    rows = [*csv.DictReader(io.StringIO(text))]
    assert [(row["phone"], row["first_name"], row["group"]) for row in rows] == [
        ("2025550101", "Ada", group["gid"]),
        ("2025550102", "Ada", group["gid"]),
    ]
    assert (await caller.call("contact/download", {}))[0] == 400
    assert (await caller.call("contact/download", {"gid": "99"}))[0] == 404


async def test_accounts(caller: Caller) -> None:
    """A sub-account could neither be made nor found."""
    fields = {"name": "Branch", "terms": True, "type": "campaign", "zipcode": "20001"}
    status, made = await caller.call("account/create/subaccount", fields)
    assert (status, made["owner_cid"], made["status"]) == (200, "c_demo1", "Active")
    assert (await caller.call("account/get", {"cid": made["cid"]}))[1] == made
    _, page = await caller.call("account/select", {"_count": "1"}, method="GET")
    assert (page["count"], page["total"], page["data"][0]["cid"]) == (1, 2, "c_demo1")
    _, page = await caller.call("account/select", {"_start": page["next_token"]}, method="GET")
    assert page["data"] == [made]
    assert (await caller.call("account/select", {"name": "bra"}))[1]["data"] == [made]
    assert (await caller.call("account/select", {"q": "sub1"}))[1]["data"] == [made]
    for name in fields:
        status, reply = await caller.call("account/create/subaccount", {**fields, name: ""})
        assert (status, reply["message"]) == (400, f"{name}: is required")
