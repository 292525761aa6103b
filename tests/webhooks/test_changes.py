"""A contact's changes: the third one is no repeat of the first, whatever keeps the events; and a late one undoes no opt-out."""

import itertools
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.rumbleup import webhooks as rumbleup
from rumbleup_async.rumbleup.webhooks import ContactUpdated, Event, parse
from rumbleup_async.sendblue import webhooks as sendblue
from rumbleup_async.webhooks import JsonLines, Receiver, Record, Sink, SQLite
from rumbleup_async.webhooks.changes import Changes
from rumbleup_async.webhooks.group_writer import record_of

from .posting import all_of, new_receiver, provider, receipt

Make = Callable[[Path], Sink | None]
KEEPERS = pytest.mark.parametrize("make", [JsonLines, SQLite, lambda path: None], ids=["jsonlines", "sqlite", "memory"])
FILES = pytest.mark.parametrize("make", [JsonLines, SQLite])


def change(flags: list[str], ctime: int | None, phone: str = "2125550101") -> bytes:
    data = {"cid": "c_1", "phone": phone, "flags": flags, "update_time": "03/05/2025 09:10AM EST"}
    return json.dumps({"type": "CONTACT_UPDATED", "data": data} | ({} if ctime is None else {"ctime": ctime})).encode()


STOP: list[str] = ["dnd"]
GO: list[str] = []


def kept(path: Path) -> list[Any]:
    """The flags of the contact in the file, oldest first."""
    if path.read_bytes().startswith(b"SQLite format"):
        db = sqlite3.connect(path)
        events = [row[0] for row in db.execute("SELECT event FROM event ORDER BY id")]
        db.close()
    else:
        events = [json.dumps(json.loads(line)["event"]) for line in path.read_text().splitlines()]
    return [json.loads(event)["data"]["flags"] for event in events]


async def posted(make: Make, path: Path, *bodies: bytes, **options: Any) -> tuple[list[list[str]], Receiver]:
    """What the handlers were told of these changes, posted one after another."""
    seen: list[list[str]] = []
    receiver = new_receiver(sink=make(path), at_once=1, **options)
    receiver.on(ContactUpdated)(lambda event: seen.append(event.data["flags"]))
    async with provider(receiver) as caller:
        for body in bodies:
            assert await caller.post(body) == 200
    return seen, receiver


@KEEPERS
@pytest.mark.parametrize("times", [(1, 2, 3), (None, None, None), (1, 1, 1)], ids=["times", "no times", "one time"])
async def test_the_third_change_of_a_contact(make: Make, tmp_path: Path, times: tuple[int | None, ...]) -> None:
    """Somebody who said STOP, was let in again and said STOP again would be texted: the last known state was "not opted out"."""
    path = tmp_path / "events"
    bodies = [change(flags, time) for flags, time in zip((STOP, GO, STOP), times, strict=True)]
    seen, receiver = await posted(make, path, *bodies)
    assert seen == [STOP, GO, STOP]
    assert (receiver.statistics.received, receiver.statistics.repeated) == (3, 0)
    if path.exists():
        assert kept(path) == [STOP, GO, STOP]


@KEEPERS
async def test_what_equals_the_latest_is_a_repeat(make: Make, tmp_path: Path) -> None:
    """Every event that the provider sends again would be handled and kept again."""
    path = tmp_path / "events"
    bodies = [
        change(STOP, 1),
        change(STOP, 1),
        change(STOP, 9),
        change(GO, 10),
        change(GO, 11),
        change(STOP, 12),
        change(STOP, 12),
    ]
    seen, receiver = await posted(make, path, *bodies)
    assert seen == [STOP, GO, STOP]
    assert receiver.statistics.repeated == 4
    if path.exists():
        assert kept(path) == seen


@KEEPERS
async def test_an_old_change_that_comes_late_undoes_no_opt_out(make: Make, tmp_path: Path) -> None:
    """ "Not opted out", sent before the STOP and delivered once more after it, would be the last known state."""
    seen, receiver = await posted(make, tmp_path / "events", change(GO, 1), change(STOP, 2), change(GO, 1), change(GO, 2))
    assert seen == [GO, STOP]
    assert receiver.statistics.repeated == 2
    # An opt-out that comes late is kept all the same: in doubt the person is not texted.
    seen, _ = await posted(make, tmp_path / "others", change(STOP, 1), change(GO, 2), change(STOP, 1))
    assert seen == [STOP, GO, STOP]
    # And somebody may be let in again.
    seen, _ = await posted(make, tmp_path / "more", change(GO, 1), change(STOP, 2), change(GO, 3))
    assert seen == [GO, STOP, GO]


@FILES
async def test_it_is_known_over_restarts(make: Make, tmp_path: Path) -> None:
    """The third change would be lost if the receiver was restarted in between, or a repeat be kept twice."""
    path = tmp_path / "events"
    for number, flags in enumerate((STOP, STOP, GO, GO, STOP, STOP, GO)):
        await posted(make, path, change(flags, number))
    assert kept(path) == [STOP, GO, STOP, GO]


async def test_two_processes_write_one_file(tmp_path: Path) -> None:
    """What one of them has seen meanwhile would not count for the other, and an opt-out be lost between the two."""
    path = tmp_path / "events"
    one, two = new_receiver(sink=SQLite(path)), new_receiver(sink=SQLite(path))
    async with provider(one) as first, provider(two) as second:
        for number, (caller, flags) in enumerate([(first, STOP), (second, GO), (first, STOP), (second, STOP)]):
            assert await caller.post(change(flags, number)) == 200
    assert kept(path) == [STOP, GO, STOP]
    assert two.statistics.repeated == 1


async def test_a_file_of_before_goes_on(tmp_path: Path) -> None:
    """A file begun by an older version could not be used, or would lose the next opt-out."""
    for path, sink in ((tmp_path / "db", SQLite(tmp_path / "db")), (tmp_path / "lines", JsonLines(tmp_path / "lines"))):
        sink.open()
        events = [parse({}, change(flags, 1)) for flags in (STOP, GO)]
        sink.write([Record(event.key, event.type, 1, msgspec.Raw(event.raw)) for event in events])
        sink.close()
        if path.name == "db":
            db = sqlite3.connect(path)
            db.execute("DROP TABLE latest")
            db.close()
        await posted(type(sink), path, change(STOP, 5), change(STOP, 6), change(GO, 7))
        assert kept(path) == [STOP, GO, STOP, GO]


@FILES
async def test_many_contacts_at_once(make: Make, tmp_path: Path) -> None:
    """The changes of one contact would be taken for those of another."""
    path = tmp_path / "events"
    phones = [f"21255501{number:02d}" for number in range(40)]
    receiver = new_receiver(sink=make(path))
    async with provider(receiver) as caller:
        for time, flags in enumerate((STOP, GO, STOP)):
            assert set(await all_of([caller.post(change(flags, time, phone)) for phone in phones * 2])) == {200}
        assert set(await all_of([caller.post(receipt(number % 10)) for number in range(20)])) == {200}
    assert (receiver.statistics.received, receiver.statistics.repeated) == (120 + 10, 120 + 10)


def test_a_disk_that_is_full_forgets_what_it_could_not_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An opt-out that was not kept would count as kept when the provider sends it again."""
    sink = JsonLines(tmp_path / "events")
    sink.open()
    first, second = (record_of(parse({}, change(flags, 1))) for flags in (STOP, GO))
    assert sink.write([first]) == [True]
    with monkeypatch.context() as patch:

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        patch.setattr("rumbleup_async.webhooks.jsonlines.os.write", full)
        with pytest.raises(OSError, match="No space"):
            sink.write([second, first, second])
    assert sink.write([first, second, second, first]) == [False, True, False, True]
    sink.close()


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.none() | st.integers(0, 5)), max_size=12))
def test_no_order_of_events_loses_an_opt_out(events: list[tuple[str, bool, int | None]]) -> None:
    """There would be an order in which a STOP is not the last thing known though nothing came after it."""
    changes = Changes(100)
    last: dict[str, bool] = {}
    for who, stopped, sent in events:
        record = Record(f"{who}{stopped}", "X", 0, msgspec.Raw(b"{}"), who, sent, stopped)
        if not changes.is_repeat(record):
            changes.note(record)
            last[who] = stopped
        if stopped:
            assert last[who] or changes._latest[who].key == record.key


def test_of_what_an_equal_one_is_always_a_repeat() -> None:
    """A receipt that is sent again would be handled again behind the next one."""
    for body in (receipt(1), json.dumps({"type": "MESSAGE_RECEIVED", "data": {"logid": "rl_1"}}).encode()):
        assert parse({}, body).about == ""
    for other in ({"message_handle": "H", "status": "SENT"}, {"message_handle": "H", "is_outbound": False}):
        assert sendblue.parse({}, json.dumps(other).encode()).about == ""


async def test_changes_of_the_other_provider_and_of_types_that_nobody_knows(tmp_path: Path) -> None:
    """A line that is blocked for the second time would seem to be in use; or an opt-out under a new name be lost."""
    blocked, assigned = ({"event_type": kind, "number": "+12125550101"} for kind in ("line_blocked", "line_assigned"))
    out, back = ({"type": kind, "data": {"phone": "2125550101"}} for kind in ("OPTED_OUT", "OPTED_IN"))
    cases: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [(sendblue.parse, blocked, assigned), (rumbleup.parse, out, back)]
    for parser, one, other in cases:
        receiver = Receiver(parser, allow_unauthenticated=True)
        seen: list[Any] = []
        receiver.on(object)(seen.append)
        async with provider(receiver) as caller:
            for body in (one, other, one, one):
                assert await caller.post(json.dumps(body).encode()) == 200
        assert len(seen) == 3
        assert receiver.statistics.repeated == 1


def test_nothing_of_a_person_is_in_what_is_compared() -> None:
    """A phone would stand in the file's keys, which are logged."""
    events = [parse({}, change(flags, 1)) for flags in (STOP, GO)]
    assert len({event.about for event in events}) == 1
    for event, other in itertools.product(events, [parse({}, change(STOP, 1, "2125550102"))]):
        assert isinstance(event, Event)
        assert event.about != other.about
        assert "5550101" not in repr(event)
        assert len(event.about) == 32
