"""`message/next`: one contact to one caller at a time, locks, and its three own statuses."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from .callers import Caller, Clock, Start


def contacts(count: int) -> list[dict[str, Any]]:
    return [{"phone": f"20255501{n:02}", "first_name": f"Ada {n}", "last_name": "Lovelace"} for n in range(count)]


def phones(replies: Iterable[tuple[int, Any]]) -> list[str]:
    return [reply["phone"] for status, reply in replies if status == 200]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_contact_is_handed_out(caller: Caller, method: str) -> None:
    """A texter could not know the contact's shape, or which method works (both are documented)."""
    caller.simulator.add_contacts(125, [{"phone": "2025550101", "custom1": "x", "first_name": "Ada", "last_name": "Lovelace"}])
    status, contact = await caller.call("message/next", {"action": "125"}, method=method)
    assert status == 200
    assert list(contact.items()) == [
        ("cid", "c_demo1"),
        ("phone", "2025550101"),
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("custom1", "x"),
    ]


async def test_a_missing_or_unknown_action_is_a_400(caller: Caller) -> None:
    """A mistake would look like the end of the work (404)."""
    assert (await caller.call("message/next", {}))[0] == 400
    assert (await caller.next("999"))[0] == 400


async def test_nobody_left_is_a_404(caller: Caller) -> None:
    """A loop over the contacts would never end."""
    assert (await caller.next())[0] == 404


async def test_many_callers_share_out_the_contacts(caller: Caller) -> None:
    """Two texters would text the same person."""
    caller.simulator.add_contacts(125, contacts(20))
    replies = await asyncio.gather(*(caller.next() for _ in range(25)))
    assert sorted(phones(replies)) == [contact["phone"] for contact in contacts(20)]
    assert [status for status, _ in replies if status != 200] == [441] * 5


async def test_a_lock_ends_after_its_time(start: Start) -> None:
    """A contact drawn by a texter that died would be lost for good, or come back at once."""
    clock = Clock()
    async with start(lock_seconds=300, clock=clock) as caller:
        caller.simulator.add_contacts(125, contacts(1))
        assert (await caller.next())[0] == 200
        clock.now += 299
        assert (await caller.next())[0] == 441
        clock.now += 1
        assert (await caller.next())[0] == 200
        assert (await caller.next())[0] == 441


async def test_a_sent_contact_does_not_come_back(start: Start) -> None:
    """The queue would never run dry, and everybody would be texted again."""
    clock = Clock()
    async with start(clock=clock) as caller:
        caller.simulator.add_contacts(125, contacts(2))
        _, contact = await caller.next()
        await caller.send(contact["phone"])
        assert list(caller.simulator.world.locks()) == []
        _, other = await caller.next()
        await caller.send(other["phone"])
        clock.now += 1000
        assert (await caller.next())[0] == 404


async def test_a_contact_texted_without_next_is_not_handed_out(caller: Caller) -> None:
    """Fast mode and texters on one project would text people twice."""
    caller.simulator.add_contacts(125, contacts(2))
    await caller.send("2025550100")
    assert phones([await caller.next()]) == ["2025550101"]


async def test_contacts_can_come_later(caller: Caller) -> None:
    """A long poll could not be shown to go on."""
    caller.simulator.add_contacts(125, contacts(1))
    await caller.next()
    assert (await caller.next())[0] == 441
    assert caller.simulator.add_contacts(125, contacts(2)) == 1
    assert phones([await caller.next()]) == ["2025550101"]


async def test_projects_have_their_own_queue(caller: Caller) -> None:
    """A texter of one project would get another's contacts."""
    caller.simulator.add_contacts("126", contacts(1))
    assert (await caller.next("125"))[0] == 404
    assert (await caller.next("126"))[0] == 200


async def test_tagged_contacts_are_passed_over_or_not(start: Start) -> None:
    """Whether next hands out someone who opted out is not documented; both must be playable."""
    async with start() as caller:
        caller.simulator.add_contacts(125, contacts(2))
        caller.simulator.tag("2025550100", "dnd")
        assert phones([await caller.next()]) == ["2025550101"]
    async with start(next_skips_tagged=False) as caller:
        caller.simulator.add_contacts(125, contacts(1))
        caller.simulator.tag("2025550100", "dnd")
        _, contact = await caller.next()
        assert contact["flags"] == ["dnd"]
        assert (await caller.send(contact["phone"]))[0] == 400
        assert (await caller.next())[0] == 404


async def test_too_many_at_one_time_is_a_440(start: Start) -> None:
    """Lowering the number of texters could not be tried."""
    async with start(next_concurrency=2, latency=0.25) as caller:
        caller.simulator.add_contacts(125, contacts(5))
        replies = await asyncio.gather(*(caller.next() for _ in range(4)))
        assert sorted(status for status, _ in replies) == [200, 200, 440, 440]
        assert (await caller.next())[0] == 200


async def test_a_lost_answer_leaves_the_contact_locked(caller: Caller) -> None:
    """What happens to the contact behind a lost reply of next could not be seen."""
    caller.simulator.add_contacts(125, contacts(1))
    caller.simulator.fault("2025550100", ["next:hang-after"])
    assert await caller.gives_up("message/next", {"action": "125"})
    assert [phone for _, phone, _ in caller.simulator.world.locks()] == ["2025550100"]
    assert (await caller.next())[0] == 441


async def test_statuses_by_rate(start: Start) -> None:
    """A loop that takes 441 for the end would not be found out."""
    async with start(faults={"441": 0.3, "440": 0.2}, seed=3) as caller:
        caller.simulator.add_contacts(125, contacts(50))
        statuses = [(await caller.next())[0] for _ in range(50)]
        assert {200, 440, 441} == set(statuses)
        assert len(caller.simulator.world.projects["125"].locks) == statuses.count(200)


async def test_the_phone_can_come_twice(caller: Caller) -> None:
    """A client that silently takes the last of two phones would not be found out."""
    caller.simulator.add_contacts(125, contacts(1))
    caller.simulator.fault("2025550100", "next:duplicate-phone")
    _, text, _ = await caller.raw("message/next", {"action": "125"})
    assert '"phone":"2025550100","first_name":"Ada 0"' in text
    assert text.endswith('"phone":"2025550101"}')


async def test_a_long_pause_is_a_switch(caller: Caller) -> None:
    """A long poll of 441 could not be played, or would hide the end of the work."""
    await caller.admin("settings", {"next_pause": True})
    assert (await caller.next())[0] == 404
    await caller.admin("contacts", {"action": "125", "contacts": contacts(1)})
    assert [(await caller.next())[0] for _ in range(3)] == [441] * 3
    await caller.admin("settings", {"next_pause": False})
    assert (await caller.next())[0] == 200
    await caller.admin("settings", {"next_pause": True})
    assert (await caller.next())[0] == 441
    await caller.send("2025550100")
    assert (await caller.next())[0] == 404


async def test_the_lock_time_can_change(start: Start) -> None:
    """A test of ended locks would take five minutes."""
    clock = Clock()
    async with start(clock=clock) as caller:
        caller.simulator.add_contacts(125, contacts(2))
        await caller.next()
        await caller.admin("settings", {"lock_seconds": 2})
        await caller.next()
        clock.now += 2
        assert phones([await caller.next()]) == ["2025550101"]
        assert (await caller.next())[0] == 441
        held = (await caller.admin("locks"))["locks"]
        assert [(lock["phone"], lock["expires"] - clock.now) for lock in held] == [("2025550100", 298), ("2025550101", 2)]


async def test_many_texters_on_one_project(start: Start) -> None:
    """With locks that end, throttling and lost races somebody would be texted twice or forgotten."""
    async with start(latency=0.002, next_concurrency=6, faults={"next:441": 0.1}, seed=7) as caller:
        caller.simulator.add_contacts(125, contacts(60))
        statuses = set()

        async def texter() -> None:
            while True:
                status, contact = await caller.next()
                statuses.add(status)
                if status == 404:
                    return
                if status == 200:
                    assert (await caller.send(contact["phone"]))[0] == 200
                else:
                    await asyncio.sleep(0.003)

        await asyncio.gather(*(texter() for _ in range(12)))
        assert sorted(text.phone for text in caller.simulator.truth) == [contact["phone"] for contact in contacts(60)]
        assert statuses == {200, 404, 440, 441}
        assert (await caller.admin("locks"))["locks"] == []


async def test_who_dies_with_a_contact_gives_it_back(start: Start) -> None:
    """A contact drawn by a process that was killed would never be texted, or be texted by two."""
    clock = Clock()
    async with start(clock=clock) as caller:
        caller.simulator.add_contacts(125, contacts(3))
        await caller.next()
        for _ in range(2):
            _, contact = await caller.next()
            await caller.send(contact["phone"])
        assert (await caller.next())[0] == 441
        clock.now += 300
        _, contact = await caller.next()
        assert contact["phone"] == "2025550100"
        await caller.send(contact["phone"])
        assert (await caller.next())[0] == 404
        assert len({text.phone for text in caller.simulator.truth}) == len(caller.simulator.truth) == 3
