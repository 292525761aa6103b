"""Whatever JSON of the right shape comes, there is a result or one of our errors, never another exception."""

import asyncio
import json
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumbleup_async import Account, AccountReport, Brand, Campaign, Group, Project, Proxy, RumbleUp, RumbleUpError
from rumbleup_async.provider.models import Model
from rumbleup_async.rumbleup.models import ContactRecord, Message
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.session.scripted import ScriptedExchange

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["No", "12025550101", "2025-13-45 99:99 CST", "04/17/2025 12:15pm EST", "9" * 40, "1e999", "-0.05", "{", '{"a":1}']
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6
)


def _names(model: type[Model]) -> list[str]:
    own = [model.OWN_NAMES.get(field, field) for field in model.__struct_fields__]
    return [*own, *(name for names in model.ALIASES.values() for name in names), "status", "message", "data", "unheard_of"]


def _objects(model: type[Model]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(_names(model)), VALUES, max_size=12)


def _pages(model: type[Model]) -> st.SearchStrategy[Any]:
    rows = st.one_of(_objects(model), st.lists(st.one_of(_objects(model), VALUES), max_size=3), VALUES)
    # A token would be followed for ever by a server that answers every page alike; it is None or comes back at once.
    return st.fixed_dictionaries({}, optional={"data": rows, "count": VALUES, "total": VALUES, "next_token": VALUES})


CALLS: dict[str, tuple[Callable[[RumbleUp], Awaitable[Any] | AsyncIterable[Any]], st.SearchStrategy[Any]]] = {
    "projects.get": (lambda r: r.projects.get(3), _objects(Project)),
    "projects.create": (lambda r: r.projects.create(name="N", message="STOP"), _objects(Project)),
    "projects.send": (lambda r: r.projects.send(3), st.one_of(_objects(Project), st.lists(_objects(Project), max_size=2))),
    "projects.stats": (lambda r: r.projects.stats(), st.one_of(st.lists(_objects(Project), max_size=3), _pages(Project))),
    "tcr.campaigns": (lambda r: r.tcr.campaigns(), _pages(Campaign)),
    "tcr.brands": (lambda r: r.tcr.brands(), _pages(Brand)),
    "account.get": (lambda r: r.account.get(), _objects(Account)),
    "account.select": (lambda r: r.account.select(), _pages(Account)),
    "contacts.select": (lambda r: r.contacts.select(), _pages(ContactRecord)),
    "contacts.sync": (lambda r: r.contacts.sync(phone="2025550101"), st.one_of(_objects(ContactRecord), VALUES)),
    "contacts.import_": (lambda r: r.contacts.import_(b"phone\n"), st.one_of(_objects(Group), VALUES)),
    "contacts.group": (lambda r: r.contacts.group(3), _objects(Group)),
    "proxies.select": (lambda r: r.proxies.select(), _pages(Proxy)),
    "proxies.send": (lambda r: r.proxies.send(phone="2025550101", text="STOP"), _objects(Message)),
    "account_reports.create": (lambda r: r.account_reports.create(title="Conversations"), _objects(AccountReport)),
    "account_reports.list": (lambda r: r.account_reports.list(), _pages(AccountReport)),
    "account_reports.get": (lambda r: r.account_reports.get("rp1"), _objects(AccountReport)),
    "messages.next": (lambda r: r.messages.next(action=3), _objects(ContactRecord)),
    "messages.send": (lambda r: r.messages.send(phone="2025550101", action=3, text="STOP"), _objects(Message)),
    "messages.log": (lambda r: r.messages.log(), _pages(Message)),
}


async def _fetch(name: str, status: int, body: bytes) -> None:
    def answer(_: Request) -> Response:
        return Response(status, {}, body)

    async with RumbleUp("KEY:SECRET", exchange=ScriptedExchange(answer)) as client:
        try:
            result = CALLS[name][0](client)
            found = [row async for row in result] if isinstance(result, AsyncIterable) else await result
        except RumbleUpError as error:
            str(error)
            return
        repr(found)
        for one in found if isinstance(found, list) else [found]:
            _look_at(one)


def _look_at(one: Any) -> None:
    """Read every property, too."""
    for name in dir(type(one)):
        if isinstance(getattr(type(one), name), property):
            getattr(one, name)


@pytest.mark.filterwarnings("ignore::rumbleup_async.errors.RumbleUpWarning")
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_a_result_or_one_of_our_errors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign would end in a TypeError because a server sent a number where its page says text."""

    async def at_once(_: float) -> None: ...

    monkeypatch.setattr("rumbleup_async.provider.retrying.sleep", at_once)
    monkeypatch.setattr("rumbleup_async.engine.pace.Hold.hold", lambda *_: None)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CALLS[name][1])
    def check(value: Any) -> None:
        asyncio.run(_fetch(name, 200, json.dumps(value).encode()))

    await asyncio.to_thread(check)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[", b"\xff\xfe", b"<html>", b"[" * 100_000, b'"x"', b"a,b\n1", b"action,name\n\x00,\x00\n"]
)
async def test_a_body_that_is_no_object(name: str, body: bytes) -> None:
    """A proxy's page under 200 would surface as a traceback."""
    await _fetch(name, 200, body)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404, 418, 441])
async def test_a_status_of_any_kind(name: str, status: int) -> None:
    """A status that no page lists would surface as a traceback."""
    await _fetch(name, status, b'{"status": "x", "message": {"a": 1}, "code": [1]}')
