"""`message/send` over real TCP: what is taken, what is refused, and that the truth has exactly what was taken."""

import re
from typing import Any

import pytest

from .callers import TEXT, Caller, Clock, Start


async def test_a_text_leaves(caller: Caller) -> None:
    """A sender could not know the reply's shape, or the truth would miss a text that was accepted."""
    status, reply = await caller.send("2025550101", flags=["batch-42"])
    assert status == 200
    assert list(reply) == [
        "cid", "logid", "action", "phone", "proxy", "sender", "group", "flags", "text", "sent_time", "price",
    ]  # fmt: skip
    assert re.fullmatch(r"rl_[0-9a-f]{32}", reply["logid"])
    assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d(am|pm) EST", reply["sent_time"])
    assert reply["flags"] == ["sent", "batch-42"]
    assert reply["price"] < 0
    (text,) = caller.simulator.truth
    assert (text.phone, text.action, text.text, text.flags) == ("2025550101", "125", TEXT, ("batch-42",))
    assert text.logid == reply["logid"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"phone": "12345"}, 400, "FIELD"),
        ({"phone": "abc"}, 400, "FIELD"),
        ({"phone": None}, 400, "FIELD"),
        ({"action": "999"}, 400, "FIELD"),
        ({"action": None}, 400, "FIELD"),
        ({"text": "  "}, 400, "FIELD"),
        ({"text": None}, 400, "FIELD"),
        ({"text": 7}, 400, "FIELD"),
        ({"text": "Hi Ada"}, 403, None),
    ],
)
async def test_what_is_refused_did_not_leave(caller: Caller, changed: dict[str, Any], status: int, code: str | None) -> None:
    """A refusal that left a text anyway would make every promise about refusals untestable."""
    got, reply = await caller.send(**changed)
    assert (got, reply["status"], reply.get("code")) == (status, status, code)
    assert reply["message"]
    assert len(caller.simulator.truth) == 0


async def test_the_missing_wording_is_named(caller: Caller) -> None:
    """A 403 for the text could not be told from a 403 for the key."""
    _, reply = await caller.send(text="Hi Ada")
    assert "opt-out instructions" in reply["message"]


async def test_the_wording_can_be_optional(start: Start) -> None:
    """The page does not say whether each text is checked, so both must be playable."""
    async with start(require_opt_out=False) as caller:
        assert (await caller.send(text="Hi Ada"))[0] == 200


@pytest.mark.parametrize("phone", ["+1 (202) 555-0101", "12025550101", 2025550101, "202.555.0101"])
async def test_phones_are_normalised(caller: Caller, phone: str | int) -> None:
    """One person under two spellings would be two people in the truth."""
    _, reply = await caller.call("message/send", {"phone": phone, "action": 125, "text": TEXT})
    assert reply["phone"] == "2025550101"
    assert caller.simulator.truth[0].phone == "2025550101"


async def test_a_form_is_read_like_json(caller: Caller) -> None:
    """Callers of the form variant would fail where the real server works."""
    form = {"phone": "2025550101", "action": "125", "text": TEXT, "flags": "a,b"}
    status, reply = await caller.call("message/send", data=form)
    assert (status, reply["flags"]) == (200, ["sent", "a", "b"])


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"\xff\xfe", b"phone"])
async def test_an_unreadable_body_is_a_400(caller: Caller, body: bytes) -> None:
    """A server that breaks on rubbish would hide the client's own mistakes."""
    status, _ = await caller.call("message/send", data=body, headers={"Content-Type": "application/json"})
    assert status == 400


async def test_get_does_not_send(caller: Caller) -> None:
    """A text sent by GET could be repeated by any HTTP library."""
    status, _ = await caller.call("message/send", {"phone": "2025550101"}, method="GET")
    assert (status, len(caller.simulator.truth)) == (405, 0)


async def test_fast_mode_creates_the_contact(caller: Caller) -> None:
    """Nobody could see whether name and group arrive."""
    await caller.send("2025550101", name="Ada Lovelace", group=7)
    await caller.send("2025550102")
    named, unnamed = caller.simulator.contact("2025550101"), caller.simulator.contact("2025550102")
    assert named is not None
    assert unnamed is not None
    assert (named["first_name"], named["groups"]) == ("Ada Lovelace", ["7"])
    assert unnamed["first_name"] == "2025550102"


async def test_without_fast_mode_next_comes_first(start: Start) -> None:
    """A sender that skips message/next would look fine here and fail on an account without fast mode."""
    async with start(fast_mode=False) as caller:
        caller.simulator.add_contacts(125, [{"phone": "2025550101"}])
        assert (await caller.send())[0] == 403
        await caller.next()
        assert (await caller.send())[0] == 200


@pytest.mark.parametrize(("tag", "code"), [("dnd", "DND"), ("bad", "BAD"), ("landline", "LANDLINE")])
async def test_tagged_contacts_are_refused(caller: Caller, tag: str, code: str) -> None:
    """Someone who opted out would be texted."""
    caller.simulator.tag("+1 202 555 0101", tag)
    status, reply = await caller.send()
    assert (status, reply["code"], len(caller.simulator.truth)) == (400, code, 0)


async def test_how_a_tagged_contact_is_refused_is_a_setting(start: Start) -> None:
    """The status is not documented, so a client must be tried with others."""
    async with start(refusals={"dnd": (403, None)}) as caller:
        caller.simulator.tag("2025550101", "dnd")
        status, reply = await caller.send()
        assert (status, "code" in reply) == (403, False)


async def test_a_project_that_is_not_live(caller: Caller) -> None:
    """Texting a draft would look possible."""
    caller.simulator.add_project(126, live=False)
    assert (await caller.send(action=126))[0] == 400
    assert (await caller.next("126"))[0] == 400


async def test_the_daily_cap_ends_with_the_day(start: Start) -> None:
    """A run stopped by the cap could not be shown to go on the next day."""
    clock = Clock()
    async with start(daily_cap=2, clock=clock) as caller:
        replies = [await caller.send(f"202555010{n}") for n in range(3)]
        assert [status for status, _ in replies] == [200, 200, 400]
        assert replies[2][1]["code"] == "DAILYCAP"
        clock.now += 86_400
        assert (await caller.send("2025550102"))[0] == 200


async def test_outside_hours(start: Start) -> None:
    """The window's refusal could not be met."""
    async with start(outside_hours=True) as caller:
        status, reply = await caller.send()
        assert (status, reply["code"]) == (400, "TIMERANGE")


async def test_the_rate_limit_holds_in_every_window(start: Start) -> None:
    """A client's pace could not be checked against a server that allows double in the first second."""
    clock = Clock()
    async with start(rate_limit=2, retry_after=3, clock=clock) as caller:
        first = [(await caller.send())[0] for _ in range(3)]
        clock.now += 0.9
        second = [(await caller.send())[0]]
        clock.now += 0.2
        third = [(await caller.send())[0] for _ in range(3)]
        assert (first, second, third) == ([200, 200, 429], [429], [200, 200, 429])
        _, _, headers = await caller.raw("message/send", {})
        assert headers["Retry-After"] == "3"
        caller.simulator.change(retry_after=None)
        _, _, headers = await caller.raw("message/send", {})
        assert "Retry-After" not in headers


async def test_log_ids_are_unique_and_repeatable(start: Start) -> None:
    """Two texts under one id could not be told apart, and a replayed run would differ."""
    runs = []
    for _ in range(2):
        async with start(seed=7) as caller:
            runs.append([(await caller.send(f"20255501{n:02}"))[1]["logid"] for n in range(20)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 20
