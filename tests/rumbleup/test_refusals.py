"""Odd arguments and errors that come as successes: what must never leave, and what must never be quoted or overlooked."""

import datetime as dt
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rumbleup_async import (
    ApiError,
    ConfigurationError,
    InvalidField,
    NotAllowed,
    RateLimited,
    Request,
    Response,
    RumbleUp,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.rumbleup.models import Message
from rumbleup_async.session.scripted import ScriptedExchange

KEY = "KEYKEYKEYKEYKEYKEYKEY"
SECRET = "SECRETSECRETSECRETSECRET"
TEXT = "Dear Ada Lovelace, will you vote on Tuesday? STOP to opt out"
BROKEN = "half an emoji \ud83d, STOP"

Call = Callable[[RumbleUp], Awaitable[Any]]


def answering(body: object, status: int = 200) -> ScriptedExchange:
    """An exchange that answers everything alike."""
    return ScriptedExchange(lambda _: Response(status, {}, json.dumps(body).encode()))


def client(exchange: ScriptedExchange) -> RumbleUp:
    return RumbleUp(f"{KEY}:{SECRET}", exchange=exchange)


def _send(**changed: Any) -> Call:
    return lambda rumbleup: rumbleup.messages.send(**{"phone": "2025550101", "action": 125, "text": TEXT, **changed})


def _create(**changed: Any) -> Call:
    return lambda rumbleup: rumbleup.projects.create(**{"name": "N", "message": TEXT, **changed})


def _log(**filters: Any) -> Call:
    return lambda rumbleup: rumbleup.messages.log(**filters).all()


ODD: dict[str, Call] = {
    "a text cut in the middle": _send(text=BROKEN),
    "a text of bytes": _send(text=TEXT.encode()),
    "no text": _send(text=None),
    "a name cut in the middle": _send(name=BROKEN),
    "a group that is a truth": _send(group=True),
    "no project": _send(action=None),
    "a direct text cut in the middle": lambda rumbleup: rumbleup.proxies.send(phone="2025550101", text=BROKEN),
    "a direct text of bytes": lambda rumbleup: rumbleup.proxies.send(phone="2025550101", text=b"x"),  # type: ignore[arg-type]
    "a message cut in the middle": _create(message=BROKEN),
    "one beside a file": _create(outsource_notes=BROKEN, media=b"x", flags=["outsourced"]),
    "a time without a day": _create(flags=["outsourced"], outsource_start=dt.time(10, tzinfo=dt.UTC)),
    "a part called like a field": _create(media=b"x", media_part="name"),
    "a part without a name": _create(media=b"x", media_part=""),
    "a list opened as text": _create(group_file=io.StringIO("phone,name\n2025550101,Ada\n")),
    "no id": lambda rumbleup: rumbleup.projects.get(None),  # type: ignore[arg-type]
    "an empty tag": _log(flags=""),
    "an empty id among others": _log(logid=["rl_1", ""]),
    "an empty time": _log(since=""),
    "a time that is none": _log(before=object()),
    "a filter cut in the middle": _log(proxy=BROKEN),
    "a name of bytes": lambda rumbleup: rumbleup.contacts.sync(phone="2025550101", first_name=b"Ada"),
    "a page of true rows": _log(page_size=True),
    "a page of half a row": _log(page_size=1.5),
    "a page in words": _log(page_size="50"),
    "a timeout in words": _log(timeout="5"),
}


@pytest.mark.parametrize("call", ODD.values(), ids=ODD.keys())
async def test_an_odd_argument_never_leaves(call: Call) -> None:
    """Something else than was meant would be sent or searched for, or a foreign exception met."""
    exchange = answering({"logid": "rl_1", "action": 1, "data": []})
    async with client(exchange) as rumbleup:
        with pytest.raises(ConfigurationError):
            await call(rumbleup)
    assert exchange.requests == []


LISTS: dict[str, Call] = {
    "log": _log(),
    "campaigns": lambda rumbleup: rumbleup.tcr.campaigns().all(),
    "stats": lambda rumbleup: rumbleup.projects.stats(),
    "stats as csv": lambda rumbleup: rumbleup.projects.stats(format="csv"),
    "stats as xml": lambda rumbleup: rumbleup.projects.stats(format="xml"),
}


@pytest.mark.parametrize("call", LISTS.values(), ids=LISTS.keys())
async def test_an_error_that_comes_as_a_success_is_no_empty_list(call: Call) -> None:
    """The log would seem to say that a text was not sent, and it would be sent again."""
    async with client(answering({"status": 403, "message": "no"})) as rumbleup:
        with pytest.raises(NotAllowed):
            await call(rumbleup)
    async with client(answering({"status": 440, "message": "slow down"})) as rumbleup:
        with pytest.raises(RateLimited):
            await call(rumbleup)


DONE: dict[str, Call] = {
    "sync": lambda rumbleup: rumbleup.contacts.sync(phone="2025550101"),
    "import": lambda rumbleup: rumbleup.contacts.import_(b"phone,name\n2025550101,Ada\n"),
    "contacts": lambda rumbleup: rumbleup.contacts.download(26),
    "report": lambda rumbleup: rumbleup.account_reports.download("rp1"),
    "delete": lambda rumbleup: rumbleup.account_reports.delete("rp1"),
    "delete by GET": lambda rumbleup: rumbleup.account_reports.delete("rp1", method="GET"),
    "next": lambda rumbleup: rumbleup.messages.next(action=125),
}


@pytest.mark.parametrize("call", DONE.values(), ids=DONE.keys())
async def test_an_error_that_comes_as_a_success_is_no_success(call: Call) -> None:
    """A contact would seem to be in its group, a report to be gone, and a file to hold contacts."""
    async with client(answering({"status": 403, "message": "no"})) as rumbleup:
        with pytest.raises(NotAllowed):
            await call(rumbleup)
    async with client(answering({"status": 440})) as rumbleup:
        with pytest.raises(RateLimited):
            await call(rumbleup)


async def test_a_server_that_lost_patience_may_have_taken_the_text() -> None:
    """Somebody who reads "nothing was sent" in a 408 sends it again."""
    for call in (_send(), DONE["sync"], QUOTING["direct"], QUOTING["test"]):
        async with client(answering({"status": 408, "message": "too slow"}, 408)) as rumbleup:
            with pytest.raises(ServerFailed):
                await call(rumbleup)


QUOTING: dict[str, Call] = {
    "send": _send(),
    "direct": lambda rumbleup: rumbleup.proxies.send(phone="2025550101", text=TEXT),
    "create": _create(),
    "update": lambda rumbleup: rumbleup.projects.update(1, message=TEXT),
    "test": lambda rumbleup: rumbleup.projects.test(1, test_phone="2025550100", message=TEXT),
}


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("call", QUOTING.values(), ids=QUOTING.keys())
async def test_no_error_quotes_what_was_to_be_sent(call: Call, status: int) -> None:
    """A text would stand in a log file because the provider quotes what it refuses."""
    async with client(answering({"status": 400, "message": f"wrong: {TEXT} (2025550101)"}, status)) as rumbleup:
        with pytest.raises(InvalidField) as caught:
            await call(rumbleup)
    assert "Lovelace" not in f"{caught.value!s}{caught.value!r}{caught.value.__dict__}"
    assert "2025550101" not in f"{caught.value!s}{caught.value.__dict__}"


READS: dict[str, Call] = {
    "account": lambda rumbleup: rumbleup.account.get(),
    "log": _log(),
    "next": lambda rumbleup: rumbleup.messages.next(action=1),
    "project": lambda rumbleup: rumbleup.projects.get(1),
    "stats": lambda rumbleup: rumbleup.projects.stats(),
    "group": lambda rumbleup: rumbleup.contacts.group(1),
    "report": lambda rumbleup: rumbleup.account_reports.get("r"),
}


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("call", READS.values(), ids=READS.keys())
async def test_no_error_quotes_the_key(call: Call, status: int) -> None:
    """The key would stand in a log file because the provider quotes it."""
    async with client(answering({"status": 400, "message": f"who is {KEY}:{SECRET}?"}, status)) as rumbleup:
        with pytest.raises(ApiError) as caught:
            await call(rumbleup)
    assert SECRET not in f"{caught.value!s}{caught.value.__dict__}"


async def test_an_empty_list_beside_a_file_is_an_empty_field() -> None:
    """No flags would be an error with a picture, and none without."""
    exchange = answering({"action": 1})
    async with client(exchange) as rumbleup:
        await rumbleup.projects.update(1, flags=[], media=b"x")
        await rumbleup.projects.update(1, flags=[])
    form, body = exchange.requests
    assert {part.name: part.value for part in form.parts if part.name != "media"} == {"flags": ""}
    assert json.loads(body.body) == {"flags": []}


async def test_next_by_get_if_the_server_insists() -> None:
    """The reference lists it as a GET: an account whose server takes nothing else could not work."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(200, {}, b'{"phone": "2025550101"}')

    async with client(ScriptedExchange(answer)) as rumbleup:
        contact = await rumbleup.messages.next(action=125, method="GET")
    assert contact is not None
    assert [(request.method, request.query, request.body) for request in asked] == [("GET", "action=125", b"")]


@pytest.mark.parametrize(
    ("sender", "phone", "incoming"), [("12025550101", "2025550101", True), ("u_1", "2025550101", False), (None, None, False)]
)
def test_a_reply_is_known_by_its_sender_however_it_is_written(sender: str | None, phone: str | None, incoming: bool) -> None:
    """A reply would be taken for a text of ours."""
    assert Message(sender=sender, phone=phone).incoming is incoming


HALVED = b'"text": "Hi \\ud83d", "first_name": "Ada \\uD83D"'


async def test_half_an_emoji_hides_no_row() -> None:
    """One text that was cut in the middle would make the whole log unreadable."""
    body = b'{"data": [{"logid": "rl_1", "phone": "2025550101", "action": 1, %s}]}' % HALVED
    async with client(ScriptedExchange(lambda _: Response(200, {}, body))) as rumbleup:
        (message,) = await rumbleup.messages.log().all()
        (project,) = await rumbleup.projects.stats()
    assert (message.logid, message.text, project.id) == ("rl_1", "Hi ?", "1")
    one = b'{"logid": "rl_1", "phone": "2025550101", %s}' % HALVED
    async with client(ScriptedExchange(lambda _: Response(200, {}, one))) as rumbleup:
        assert (await rumbleup.messages.send(phone="2025550101", action=1, text=TEXT)).logid == "rl_1"
        contact = await rumbleup.messages.next(action=1)
        assert contact is not None
        assert contact.first_name == "Ada ?"
        assert (await rumbleup.contacts.sync(phone="2025550101")).phone == "2025550101"


async def test_half_an_emoji_hides_no_second_phone() -> None:
    """Somebody would be texted by a guess after all."""
    body = b'{"phone": "2025550101", "phone": "2025550102", %s}' % HALVED
    async with client(ScriptedExchange(lambda _: Response(200, {}, body))) as rumbleup:
        with pytest.raises(UnreadableReply, match="two different phones"):
            await rumbleup.messages.next(action=1)
