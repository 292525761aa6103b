"""docs/api-map.md says of every endpoint which method calls it; these tests hold it against code, samples and simulator."""

import inspect
import json
import re
import typing
from pathlib import Path
from typing import NamedTuple

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.session.exchange import Response
from rumbleup_async.session.scripted import ScriptedExchange
from rumbleup_async.simulator import ROUTES

from . import samples

PAGE = Path(__file__).parents[2] / "docs" / "api-map.md"
RESOURCES = ("messages", "projects", "actions", "tcr", "account", "contacts", "proxies", "account_reports")


class Row(NamedTuple):
    """One line of the map."""

    method: str
    path: str
    call: str
    result: str


def _rows() -> list[Row]:
    found = re.findall(r"^\| `(\w+) (/\S+)` \| `(\w+\.\w+)` \| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [Row(method, path, call, result.replace("\\|", "|")) for method, path, call, result in found]


ROWS = _rows()
CLIENT = RumbleUp("KEY:SECRET", exchange=ScriptedExchange(lambda _: Response(200, {}, b"")))


def _method(call: str) -> typing.Any:
    resource, name = call.split(".")
    return getattr(getattr(CLIENT, resource), name)


def test_every_public_method_is_on_the_map() -> None:
    """Nobody would find the method, or the map would promise one that is not there."""
    public = {
        f"{resource}.{name}"
        for resource in RESOURCES
        for name, _ in inspect.getmembers(getattr(CLIENT, resource), inspect.ismethod)
        if not name.startswith("_")
    }
    assert {row.call for row in ROWS} == public
    assert len(ROWS) == len(public)


def test_the_map_is_the_simulator_s_routes() -> None:
    """An endpoint would be called that no test can meet, or served and never called."""
    assert {f"/api{row.path}" for row in ROWS} == {route.path for route in ROUTES}
    for row in ROWS:
        (route,) = [route for route in ROUTES if route.path == f"/api{row.path}"]
        if row.call != "account_reports.delete":
            assert row.method in route.methods


@pytest.mark.parametrize("row", ROWS, ids=[row.call for row in ROWS])
def test_the_result_is_what_the_method_returns(row: Row) -> None:
    """An editor would show another type than the map."""
    method = _method(row.call)
    annotation = inspect.signature(method).return_annotation
    assert annotation == row.result


@pytest.mark.parametrize("row", ROWS, ids=[row.call for row in ROWS])
def test_every_method_is_documented_and_takes_a_timeout(row: Row) -> None:
    """A caller would not learn what an endpoint is, or could not wait longer for it than for the rest."""
    method = _method(row.call)
    assert inspect.getdoc(method)
    assert "timeout" in inspect.signature(method).parameters


@pytest.mark.parametrize("row", ROWS, ids=[row.call for row in ROWS])
def test_every_endpoint_has_a_sample(row: Row) -> None:
    """The client and the simulator could disagree about an endpoint without a test that fails."""
    path = row.path.replace("/action/", "/project/")
    pattern = re.compile(re.escape(path).replace(re.escape("{id}"), r"[\w-]+") + "$")
    cases = samples.load(path.removesuffix("/{id}").strip("/").replace("/", "-"))
    requests = [case["request"] for case in cases if pattern.match(case["request"]["path"])]
    assert row.method in {request["method"] for request in requests}, json.dumps(requests)
