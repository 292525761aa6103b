"""Credentials, routes and account/get."""

import json
import random
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from rumbleup_async.simulator import QUIRKS, ROUTES, Simulator

from .callers import KEY, Caller, Start


def basic(pair: str) -> str:
    return f"Basic {b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize("key", [KEY, "bearer KEY:SECRET", basic("KEY:SECRET"), basic("KEY:SECRET").replace("Basic", "basic")])
async def test_the_key_is_let_in(caller: Caller, key: str) -> None:
    """One of the two documented forms could not be tried."""
    assert (await caller.call("account/get", method="GET", key=key))[0] == 200


@pytest.mark.parametrize(
    "key",
    [None, "", "Bearer", "Bearer KEY", "Bearer KEY:WRONG", "KEY:SECRET", basic("KEY"), basic("SECRET:KEY"), "Basic KEY:SECRET"],
)
@pytest.mark.parametrize("path", ["message/send", "message/next", "message/log/select", "account/get"])
async def test_any_other_is_a_401(caller: Caller, path: str, key: str | None) -> None:
    """A client with a broken header would pass its tests."""
    status, reply = await caller.call(path, {"action": "125"}, key=key)
    assert (status, reply["status"]) == (401, 401)
    assert reply["message"]


async def test_a_legacy_key_is_basic_only(start: Start) -> None:
    """The overview page allows the old pair of account id and key as Basic alone."""
    async with start(api_key="c_77:KEY") as caller:
        status, account = await caller.call("account/get", key=basic("c_77:KEY"))
        assert (status, account["cid"]) == (200, "c_77")
        assert (await caller.call("account/get", key="Bearer c_77:KEY"))[0] == 401


async def test_a_changed_key_shuts_the_old_one_out(caller: Caller) -> None:
    """A key revoked in the middle of a run could not be played."""
    assert (await caller.send())[0] == 200
    caller.simulator.change(api_key="NEW:PAIR")
    assert (await caller.send())[0] == 401
    assert (await caller.call("account/get", key="Bearer NEW:PAIR"))[0] == 200


async def test_account_get(caller: Caller) -> None:
    """The cheap check of a key would look different from the real one."""
    for method in ("GET", "POST"):
        status, account = await caller.call("account/get", {}, method=method)
        assert status == 200
        assert {"cid", "name", "proxy", "balance", "status"} <= account.keys()
    assert (await caller.call("account/get", {"cid": "c_other"}))[0] == 404


@pytest.mark.parametrize("path", ["message/sent", "message/send/", "", "action/got/125"])
async def test_an_unknown_path_is_a_json_404(caller: Caller, path: str) -> None:
    """A typing mistake in a path would look like an empty queue or a broken server."""
    status, reply = await caller.call(path, {})
    assert (status, reply["status"]) == (404, 404)


async def test_other_methods_are_a_405(caller: Caller) -> None:
    """A request by the wrong method would be worked on."""
    assert (await caller.call("message/next", {"action": "125"}, method="PUT"))[0] == 405


async def test_requests_are_counted(caller: Caller) -> None:
    """A test could not show that a send was made once and never again."""
    caller.simulator.fault("2025550102", "hang-after")
    await caller.send()
    await caller.send(text="no wording")
    assert await caller.gives_up("message/send", {"phone": "2025550102", "action": "125", "text": "STOP"})
    await caller.call("nowhere")
    requests = caller.simulator.requests
    assert requests.count() == 4
    assert requests.count("message/send") == 3
    assert [requests.count("message/send", status) for status in (200, 403, 0, 404)] == [1, 1, 1, 0]
    assert requests.count(status=404) == 1
    assert requests.faults == {"hang-after": 1}
    assert requests.as_dict()["message/send"] == {"received": 3, "none": 1, "200": 1, "403": 1}


ODD = [
    None,
    "",
    0,
    -1,
    1.5,
    "125",
    2025550101,
    "\x00",
    [],
    [1, None],
    {},
    {"a": 1},
    True,
    "STOP",
    "9" * 5000,
    "2025-01-01",
    "MS4yLjMuNA",
]


def test_odd_parameters_never_break_it() -> None:
    """A server that fails on odd input would look like one of its own faults."""
    dice = random.Random(1)
    simulator = Simulator(faults={"502": 0.1, "log-repeat-page": 0.2, "next:duplicate-phone": 0.5})
    simulator.add_contacts(125, [{"phone": 2025550100 + n} for n in range(99)])
    names = ["phone", "action", "text", "flags", "name", "group", "_start", "_count", "since", "before", "logid", "proxy", "cid"]
    for _ in range(4000):
        fields = {name: dice.choice(ODD) for name in dice.sample(names, 5)} | dice.choice([{}, {"action": 125, "text": "STOP"}])
        path = dice.choice(["message/send", "message/next", "message/log/select", "account/get"])
        reply = simulator.answer("POST", f"/api/{path}", KEY, None, json.dumps(fields).encode())
        assert reply.status in {200, 400, 403, 404, 441, 502}
    assert simulator.requests.count(status=200) > 100


NAMES = [
    "phone", "action", "text", "flags", "name", "group", "_start", "_count", "since", "before", "message", "msg", "media", "file",
    "group_file", "campaignId", "proxy", "outsource_start", "outsource_end", "shorturl_tracking", "contact_filter", "test_phone",
    "terms_agree", "format", "days", "interval", "project", "cid", "q", "brandId", "csv", "gid", "title", "terms", "type",
    "zipcode", "noflags", "areacode", "status",
]  # fmt: skip


@pytest.mark.parametrize("quirky", [False, True])
def test_odd_parameters_never_break_any_route(quirky: bool) -> None:
    """A server that fails on odd input would look like one of its own faults."""
    dice = random.Random(2)
    simulator = Simulator(quirks=QUIRKS if quirky else ())
    simulator.add_contacts(125, [{"phone": 2025550100 + n} for n in range(99)])
    useful = ["csv", "json", "xml", "Ada. STOP", "125", "2025550101", "CSIM001", True, 26]
    for _ in range(1500):
        route = dice.choice(ROUTES)
        fields = {name: dice.choice(ODD + useful) for name in dice.sample(NAMES, 8)}
        path = route.path.replace("{id}", dice.choice(["125", "126", "rp_000001", "26", "%00", "x"]))
        body = json.dumps(fields).encode()
        content_type: str | None = None
        if dice.random() < 0.3:
            body = urlencode(fields).encode()
            content_type = "application/x-www-form-urlencoded"
        elif dice.random() < 0.3:
            parts = (
                f'--x\r\nContent-Disposition: form-data; name="{name}"{dice.choice(FILES)}\r\n\r\n{fields[name]}\r\n'
                for name in fields
            )
            body = ("".join(parts) + "--x--").encode("utf-8", "replace")
            content_type = "multipart/form-data; boundary=x"
        reply = simulator.answer(route.methods[-1], path, KEY, content_type, body)
        assert reply.status in {200, 400, 403, 404, 405, 441}
    if not quirky:
        assert simulator.requests.count(status=200) > 100


FILES = ["", '; filename="a.csv"', '; filename="a.png"\r\nContent-Type: image/png']
