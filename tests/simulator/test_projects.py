"""The life of a project: create, update, test, submit, send, stop; under both addresses and in every kind of body."""

import json
from typing import Any

import aiohttp
import pytest

from .callers import TEXT, Caller, Clock, Start

MESSAGE = "Vote today, @first_name@. STOP to opt out"
LIST = "phone,first_name,custom1\n2025550101,Ada,x\n+1 (202) 555-0102,Grace,\n"
NEW = {"name": "GOTV", "message": MESSAGE}


def multipart(parts: dict[str, tuple[str, bytes, str]], **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    for name, (filename, data, content_type) in parts.items():
        form.add_field(name, data, filename=filename, content_type=content_type)
    return form


@pytest.mark.parametrize("resource", ["project", "action"])
async def test_the_whole_life(start: Start, resource: str) -> None:
    """A client could not walk a project from draft to live and back, or under one of its two names only."""
    async with start(clock=Clock(1_701_379_844.0)) as caller:
        status, project = await caller.call(f"{resource}/create", NEW)
        assert (status, project["action"], project["name"], project["project"]) == (200, "126", "GOTV", "GOTV")
        assert (project["status"], project["message"], project["campaignId"]) == ("Draft", MESSAGE, "No")
        assert project["update_time"] == "2023-11-30 15:30 CST"
        assert (await caller.send(action="126"))[0] == 400
        status, project = await caller.call(f"{resource}/test/126", {"test_phone": "12025550109", "terms_agree": True})
        assert (status, project["status"], project["test_phone"]) == (200, "Testing", "2025550109")
        assert project["test_time"] == "2023-11-30 15:30:44 GMT-0600"
        assert (await caller.send(action="126"))[0] == 400
        status, project = await caller.call(f"{resource}/send/126")
        assert (status, project["status"], project["live_time"]) == (200, "Live", "2023-11-30 15:30:44 GMT-0600")
        assert (await caller.send(action="126"))[0] == 200
        status, project = await caller.call(f"{resource}/stop/126")
        assert (status, project["status"]) == (200, "Testing")
        assert (await caller.send(action="126"))[0] == 400
        project = await caller.project(126)
        assert (project["sent"], project["live_time"]) == (1, "2023-11-30T21:30:44Z")
        assert len(caller.simulator.truth) == 1
        assert [text[:3] for text in caller.simulator.world.tests] == [("126", "2025550109", MESSAGE)]


async def test_every_kind_of_body_is_read(caller: Caller) -> None:
    """The pages show JSON, forms and multipart; a client of one of them would fail where the real server works."""
    fields = {**NEW, "flags": "outsourced,other", "shorturl_tracking": "true", "contact_filter": '{"flags":["a"]}'}
    replies = [
        await caller.call("project/create", {**fields, "flags": ["outsourced", "other"], "shorturl_tracking": True}),
        await caller.call("project/create", data=fields),
        await caller.call("project/create", data=multipart({}, **fields)),
    ]
    for status, project in replies:
        assert status == 200
        assert (project["name"], project["message"]) == ("GOTV", MESSAGE)
        assert (project["flags"], project["sent_by"]) == (["outsourced", "other"], "outsourced")
        assert json.loads(project["contact_filter"]) == {"flags": ["a"]}
    assert [project["action"] for _, project in replies] == ["126", "127", "128"]


@pytest.mark.parametrize("part", ["media", "file"])
@pytest.mark.parametrize("call", ["create", "update/125"])
async def test_media_in_either_part(caller: Caller, part: str, call: str) -> None:
    """The part's name differs between the pages' samples; a picture would get lost without an error."""
    form = multipart({part: ("ada.png", b"\x89PNG\r\n--x\r\n\x00", "image/png")}, **NEW)
    status, project = await caller.call(f"project/{call}", data=form)
    assert (status, project["type"]) == (200, "MMS")
    assert project["media"].endswith("/ada.png")
    if call != "create":
        await caller.send()
        assert (await caller.log())[1]["data"][0]["file"] == project["media"]


async def test_a_group_file_fills_the_queue(caller: Caller) -> None:
    """The contacts of an uploaded list would never reach a texter."""
    form = multipart(
        {"media": ("a.png", b"\x89PNG", "image/png"), "group_file": ("voters.csv", LIST.encode("utf-8-sig"), "text/csv")}, **NEW
    )
    _, project = await caller.call("project/create", data=form)
    assert (project["group_name"], project["group_count"], project["contact_count"], project["target"]) == ("voters", 2, 2, 2)
    await caller.call("project/test/126", {"test_phone": "2025550109"})
    await caller.call("project/send/126")
    contacts = [(await caller.next("126"))[1] for _ in range(2)]
    assert [(contact["phone"], contact["first_name"]) for contact in contacts] == [("2025550101", "Ada"), ("2025550102", "Grace")]
    assert contacts[0]["custom1"] == "x"
    assert (await caller.next("126"))[0] == 441
    assert (await caller.next("125"))[0] == 404


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"first_name\nAda\n", "no column named phone"),
        (b"phone\n2025550101\n", "no column named name"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "no column named phone"),
    ],
)
async def test_a_bad_group_file_is_refused(caller: Caller, data: bytes, message: str) -> None:
    """A list without phones would make a project that nobody can text, and half a project would stay behind."""
    status, reply = await caller.call("project/create", data=multipart({"group_file": ("a.csv", data, "text/csv")}, **NEW))
    assert (status, reply["code"]) == (400, "FIELD")
    assert message in reply["message"]
    assert (await caller.call("project/get/126"))[0] == 404
    status, reply = await caller.call("project/create", {**NEW, "group_file": "phone,name"})
    assert (status, reply["message"]) == (400, "group_file: must be uploaded as a file")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"message": MESSAGE}, "name"),
        ({"name": " ", "message": MESSAGE}, "name"),
        ({"name": "GOTV"}, "message"),
        ({**NEW, "group": 999}, "group"),
        ({**NEW, "campaignId": "CNONE"}, "campaignId"),
        ({**NEW, "proxy": "2025550111"}, "proxy"),
        ({**NEW, "proxy": "All"}, "proxy"),
        ({**NEW, "type": "FAX"}, "type"),
        ({**NEW, "contact_filter": "{"}, "contact_filter"),
        ({**NEW, "media": "https://example.com/a.png"}, "media"),
        ({**NEW, "outsource_start": "soon"}, "outsource_start"),
        ({**NEW, "outsource_start": "2026-01-02T10:00:00"}, "outsource_start"),
        ({**NEW, "outsource_start": "2026-01-02T10:00:00-06:00", "outsource_end": "2026-01-02 09:00 CST"}, "outsource_end"),
    ],
)
async def test_mistakes_name_the_field(caller: Caller, fields: dict[str, Any], field: str) -> None:
    """A caller would not learn which field to mend."""
    status, reply = await caller.call("project/create", fields)
    assert (status, reply["status"], reply["code"]) == (400, 400, "FIELD")
    assert reply["message"].startswith(f"{field}: ")


async def test_the_wording_is_asked_for(caller: Caller) -> None:
    """A 403 for the message could not be told from one for the key."""
    for call, fields in (
        ("create", {"name": "GOTV", "message": "Vote"}),
        ("update/125", {"msg": "Vote"}),
        ("test/125", {"test_phone": "2025550109", "message": "Vote"}),
    ):
        status, reply = await caller.call(f"project/{call}", fields)
        assert (status, reply["status"]) == (403, 403)
        assert "opt-out instructions" in reply["message"]


async def test_an_inactive_group_is_refused(start: Start) -> None:
    """A client could not show what to do about a group that waits for its activation."""
    async with start() as caller:
        caller.simulator.change(imported_group="Pending")
        form = multipart({"group_file": ("voters.csv", LIST.encode(), "text/csv")}, **NEW)
        _, project = await caller.call("project/create", data=form)
        assert project["action"] == "126"
        for call, fields in (
            ("test/126", {"test_phone": "2025550109"}),
            ("submit/126", {"terms_agree": True}),
            ("send/126", {}),
            ("update/125", {"group": project["group"]}),
        ):
            status, reply = await caller.call(f"project/{call}", fields)
            assert status == 400
            assert "group must be Active" in reply["message"]


async def test_submit_needs_the_terms(caller: Caller) -> None:
    """A project would be handed over without anybody having agreed to anything."""
    await caller.call("project/create", {**NEW, "flags": "outsourced", "outsource_start": "12/25/2026 10:00 CST"})
    await caller.call("project/test/126", {"test_phone": "2025550109"})
    status, reply = await caller.call("project/submit/126", {"terms_agree": False})
    assert (status, reply["message"]) == (400, "terms_agree: is required")
    status, project = await caller.call("project/submit/126", data={"terms_agree": "true"})
    assert (status, project["status"], project["sent_by"]) == (200, "Scheduled", "outsourced")
    assert project["submit_time"].count("GMT-0") == 1
    assert project["outsource_start_time"] == "2026-12-25 10:00:00 GMT-0600"
    assert (await caller.project(126))["outsource_start_time"] == "2026-12-25T16:00:00Z"
    caller.simulator.change(outsource_minimum=2500)
    assert (await caller.call("project/submit/126", {"terms_agree": True}))[0] == 400


async def test_the_order_of_life(caller: Caller) -> None:
    """A client that goes live without a test would not be found out."""
    await caller.call("project/create", NEW)
    assert (await caller.call("project/send/126"))[0] == 400
    assert (await caller.call("project/stop/126"))[0] == 400
    assert (await caller.call("project/test/126", {}))[1]["message"] == "test_phone: is required"
    assert (await caller.call("project/test/126", {"test_phone": "1"}))[0] == 400
    assert (await caller.call("project/test/125", {"test_phone": "2025550109"}))[0] == 400
    caller.simulator.change(test_first=False)
    assert (await caller.call("project/send/126"))[0] == 200


@pytest.mark.parametrize("call", ["get", "update", "test", "submit", "send", "stop"])
async def test_an_unknown_id_is_a_404(caller: Caller, call: str) -> None:
    """A mistyped id would look like something else."""
    status, reply = await caller.call(f"project/{call}/999", {"test_phone": "2025550109", "terms_agree": 1})
    assert (status, reply["status"]) == (404, 404)
    assert (await caller.call(f"project/{call}/"))[0] == 404


async def test_update_changes_what_is_named(caller: Caller) -> None:
    """An update would forget the other fields, or a project would go on with its old list."""
    caller.simulator.add_contacts(125, [{"phone": "2025550103"}])
    before = await caller.project()
    status, project = await caller.call("action/update/125", data={"outsource_notes": "evenings", "proxy": "2025550198"})
    assert (status, project["outsource_notes"], project["proxy"]) == (200, "evenings", "2025550198")
    assert (project["name"], project["message"], project["status"]) == (before["name"], before["message"], "Live")
    assert (await caller.send())[1]["proxy"] == "2025550198"
    await caller.call("action/update/125", data=multipart({"group_file": ("b.csv", LIST.encode(), "text/csv")}))
    assert [(await caller.next())[1]["phone"] for _ in range(1)] == ["2025550102"]
    assert (await caller.project())["contact_count"] == 2


async def test_only_get_and_stats_may_be_read_by_get(caller: Caller) -> None:
    """A project would be sent by a call that any library may repeat."""
    for call in ("create", "update/125", "test/125", "submit/125", "send/125", "stop/125"):
        assert (await caller.call(f"project/{call}", method="GET"))[0] == 405
    assert (await caller.call("project/get/125"))[0] == 200


async def test_multipart_of_other_programs(caller: Caller) -> None:
    """Only the bytes that one library writes would be read."""
    body = (
        'preamble\r\n--a b\r\nContent-Disposition: form-data; name="name"\r\n\r\nGO\r\n--a TV\r\n--a b\r\n'
        "content-disposition: form-data; name=message\r\nContent-Type: text/plain\r\n\r\nSTOP é\r\n--a b  \r\n"
        'Content-Disposition: form-data; name="media"; filename="é.png"\r\nContent-Type: image/png\r\n\r\n\r\n\r\n\r\n--a b--\r\n'
    ).encode()
    headers = {"Content-Type": 'multipart/form-data; boundary="a b"'}
    status, project = await caller.call("project/create", data=body, headers=headers)
    assert (status, project["name"], project["message"]) == (200, "GO\r\n--a TV", "STOP é")
    assert project["media"] == "https://media.simulator.invalid/4/é.png"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nvalue\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nGOTV'),
    ],
)
async def test_broken_multipart_is_a_400(caller: Caller, content_type: str, body: bytes) -> None:
    """Half a form would make half a project."""
    status, _ = await caller.call("project/create", data=body, headers={"Content-Type": content_type})
    assert status == 400


async def test_a_project_can_fail_too(start: Start) -> None:
    """Retries of the control plane could not be shown."""
    async with start(faults={"project:503-before": 0.5}, seed=2) as caller:
        statuses = [(await caller.call("project/get/125"))[0] for _ in range(20)]
        assert {200, 503} == set(statuses)
        assert (await caller.send(text=TEXT))[0] == 200
