"""Runs by the clocks of people: whom they text now, whom later, and how they end."""

import asyncio
import datetime as dt
import email.utils
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rumbleup_async import (
    Cause,
    Code,
    ConfigurationError,
    Go,
    Hours,
    LedgerMismatch,
    ListError,
    Never,
    Reason,
    Request,
    Response,
    RumbleUp,
    Schedule,
    ScriptedExchange,
    State,
    Summary,
)
from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import Text

TEXT = "Hi. STOP to opt out"
EAST = ZoneInfo("America/New_York")
NEW_YORK, CHICAGO, HONOLULU, GUAM = "2125550101", "3125550102", "8085550103", "6715550104"
TUESDAY = dt.datetime(2026, 12, 1, 12, 0, tzinfo=EAST)
"""A day on which all hours are usual: noon in New York, 7:00 in Honolulu, 3:00 of the next day in Guam."""


class Clock:
    """Begins at `at`, and goes `speed` times as fast as time does."""

    def __init__(self, at: dt.datetime, speed: float = 1.0) -> None:
        self._at = at.timestamp()
        self._began = time.monotonic()
        self._speed = speed

    def __call__(self) -> float:
        return self._at + (time.monotonic() - self._began) * self._speed


class Day:
    """A run over these contacts that begins at `at`, and when whom it texted."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.texted: dict[str, dt.datetime] = {}
        self.exchange = ScriptedExchange(self._answer)
        self.client = RumbleUp("KEY:SECRET", exchange=self.exchange)

    def _answer(self, request: Request) -> Response:
        assert isinstance(request.body, bytes)
        body = json.loads(request.body)
        self.texted[body["phone"]] = dt.datetime.fromtimestamp(self.clock(), EAST)
        number = len(self.texted)
        return Response(200, {}, json.dumps({"logid": f"rl_{number}", "phone": body["phone"], "text": TEXT}).encode())

    def send(self, ledger: Path | None, contacts: Any, *, hours: Mapping[str, Any] | None = None, **options: Any) -> Summary:
        """Text these, or go on with the ledger for None."""

        async def main() -> Summary:
            options["hours"] = Hours(clock=self.clock, **(hours or {}))
            if contacts is None:
                run = self.client.resume(ledger, reconcile=False, **options)
            else:
                run = self.client.fast_mode(action=125, text=TEXT, ledger=ledger, **options)
            async with run:
                return await run.send(contacts)

        return asyncio.run(main())


def reasons(ledger: Path) -> dict[str, tuple[State, Code]]:
    """State and code of each contact."""
    reader = Reader(ledger)
    try:
        return {result.phone: (result.state, result.code) for result in reader.rows()}
    finally:
        reader.close()


def list_of(path: Path, *rows: str, header: str = "phone") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_each_is_texted_by_his_own_clock(tmp_path: Path) -> None:
    """Somebody in Honolulu would be woken at seven because it is noon in New York."""
    day = Day(Clock(TUESDAY, 36_000))
    contacts = list_of(tmp_path / "list.csv", HONOLULU, NEW_YORK, CHICAGO, GUAM)
    summary = day.send(tmp_path / "run.ledger", contacts)
    assert day.texted.keys() == {NEW_YORK, CHICAGO, HONOLULU, GUAM}
    hours = {
        NEW_YORK: "America/New_York",
        CHICAGO: "America/Chicago",
        HONOLULU: "Pacific/Honolulu",
        GUAM: "Pacific/Guam",
    }
    for phone, zone in hours.items():
        at = day.texted[phone].astimezone(ZoneInfo(zone))
        assert 9 <= at.hour < 20, (phone, at)
    assert summary.stop is None
    assert summary.sent == 4


def test_nobody_open_and_nothing_said_ends_the_run_at_once(tmp_path: Path) -> None:
    """A run begun at night would go on by itself in the morning."""
    ledger = tmp_path / "run.ledger"
    night = Day(Clock(TUESDAY.replace(hour=4)))
    summary = night.send(ledger, list_of(tmp_path / "list.csv", NEW_YORK, CHICAGO))
    assert night.texted == {}
    assert summary.stop is not None
    assert summary.stop.cause is Cause.OUTSIDE_HOURS
    assert summary.stopped == ("outside hours: next opens 2026-12-01 09:00 EST, 2 left; resume then, or give --not-before")
    assert set(reasons(ledger).values()) == {(State.QUEUED, Code.OUTSIDE_HOURS)}
    # Nothing has begun: the next day is as good as this one.
    later = Day(Clock(TUESDAY + dt.timedelta(days=1)))
    assert later.send(ledger, None).sent == 2


def test_the_day_of_a_run_does_not_begin_anew(tmp_path: Path) -> None:
    """ "The polls close tonight" would go out the next day."""
    ledger = tmp_path / "run.ledger"
    contacts = list_of(tmp_path / "list.csv", NEW_YORK, CHICAGO, HONOLULU)
    evening = Day(Clock(TUESDAY.replace(hour=20)))
    assert evening.send(ledger, contacts, limit=1).sent == 1
    assert evening.texted.keys() == {CHICAGO}
    next_day = Day(Clock(TUESDAY + dt.timedelta(days=1)))
    for contacts_again in (None, contacts):
        summary = next_day.send(ledger, contacts_again)
        assert next_day.texted == {}
        assert summary.stop is not None
        assert summary.stop.cause is Cause.NOT_AFTER
        assert summary.stop.detail.startswith("the run was to end with its first day, 2026-12-01; open now, 2 left; give --until")
    assert reasons(ledger)[HONOLULU] == (State.QUEUED, Code.TOO_LATE)
    until = Schedule(until=TUESDAY + dt.timedelta(days=1, hours=12))
    assert next_day.send(ledger, None, schedule=until, limit=1).sent == 2
    assert next_day.texted.keys() == {NEW_YORK}


def test_what_shuts_while_the_run_goes_on_is_too_late(tmp_path: Path) -> None:
    """Whoever was not reached in the evening would be texted at night, or be said to be refused."""
    ledger = tmp_path / "run.ledger"
    evening = Day(Clock(TUESDAY.replace(hour=19, minute=45)))
    summary = evening.send(ledger, list_of(tmp_path / "list.csv", NEW_YORK, "2065550105"), hours={"margin": 1200.0})
    assert evening.texted.keys() == {"2065550105"}
    assert summary.stop is not None
    assert summary.stop.cause is Cause.NOT_AFTER
    assert reasons(ledger)[NEW_YORK] == (State.QUEUED, Code.TOO_LATE)


def test_a_schedule_is_waited_for_and_kept(tmp_path: Path) -> None:
    """A run that is to begin at ten would begin at nine; and after its end somebody would be texted."""
    day = Day(Clock(TUESDAY.replace(hour=8), 36_000))
    schedule = Schedule(not_before=TUESDAY.replace(hour=10).isoformat(), until=TUESDAY.replace(hour=13).isoformat())
    summary = day.send(tmp_path / "run.ledger", [NEW_YORK, CHICAGO, HONOLULU], schedule=schedule)
    assert day.texted.keys() == {NEW_YORK, CHICAGO}
    assert min(day.texted.values()) >= TUESDAY.replace(hour=10)
    assert summary.stop is not None
    assert summary.stop.cause is Cause.NOT_AFTER


def test_whoever_looks_sees_until_when_nobody_is_open() -> None:
    """A run that waits for the morning would look as if it hung; and it must end at a word all the same."""

    async def main() -> None:
        day = Day(Clock(TUESDAY.replace(hour=8)))
        schedule = Schedule(not_before=TUESDAY.replace(hour=10))
        async with day.client.fast_mode(action=125, text=TEXT, hours=Hours(clock=day.clock), schedule=schedule) as run:
            sending = asyncio.ensure_future(run.send([NEW_YORK]))
            async with asyncio.timeout(20):
                while run.held < 1.0:
                    await asyncio.sleep(0.01)
            assert 7000.0 < run.held <= 7200.0
            assert run.held_for == "nobody open until 2026-12-01 10:00 EST"
            run.stop("enough")
            assert (await sending).stopped == "enough"
            assert run.held == 0.0
        assert day.texted == {}

    asyncio.run(main())


def test_nobody_is_drawn_where_it_is_day_nowhere(tmp_path: Path) -> None:
    """Each contact that is drawn is locked for five minutes, for nothing."""
    ledger = tmp_path / "run.ledger"

    async def draw(at: dt.datetime) -> tuple[Summary, int]:
        exchange = ScriptedExchange(lambda request: Response(404, {}, b'{"status": 404, "message": "none left"}'))
        client = RumbleUp("KEY:SECRET", exchange=exchange)
        given = Hours(window="9-12", clock=Clock(at))
        async with client.concurrent_mode(action=125, text=TEXT, ledger=ledger, hours=given) as run:
            return await run.send(), len(exchange.requests)

    summary, asked = asyncio.run(draw(TUESDAY.replace(hour=5)))
    assert asked == 0
    assert summary.stop is not None
    assert summary.stop.cause is Cause.OUTSIDE_HOURS
    assert str(summary.stopped).startswith("outside hours: next opens 2026-12-01 ")
    assert asyncio.run(draw(TUESDAY.replace(hour=10)))[1] > 0


def test_an_overdue_schedule_does_not_fire(tmp_path: Path) -> None:
    """The machine was off at the time; what was meant for yesterday would go out today."""
    day = Day(Clock(TUESDAY + dt.timedelta(days=1)))
    ledger = tmp_path / "run.ledger"
    contacts = list_of(tmp_path / "list.csv", NEW_YORK)
    summary = day.send(ledger, contacts, schedule=Schedule(not_before=TUESDAY))
    assert day.texted == {}
    assert summary.stop is not None
    assert summary.stop.cause is Cause.NOT_AFTER
    late = Day(Clock(TUESDAY)).send(tmp_path / "other", list_of(tmp_path / "one.csv", NEW_YORK), schedule=Schedule(until=TUESDAY))
    assert late.stopped == "not after: the run was to end 2026-12-01 12:00 EST; open now, 1 left; give a later --until to go on"
    # Its remedy is another --until: to wait for an allowed hour helps nobody.
    assert set(reasons(ledger).values()) == {(State.QUEUED, Code.TOO_LATE)}


def test_a_schedule_alone_asks_nobodys_hours(tmp_path: Path) -> None:
    """A rehearsal with a schedule would wait for the morning."""

    async def main() -> int:
        day = Day(Clock(TUESDAY))
        schedule = Schedule(until=dt.datetime.now(EAST) + dt.timedelta(hours=1))
        async with day.client.fast_mode(action=125, text=TEXT, schedule=schedule) as run:
            summary = await run.send([NEW_YORK, HONOLULU, GUAM])
        return summary.sent

    assert asyncio.run(main()) == 3


def test_states_that_are_left_out_end_nothing(tmp_path: Path) -> None:
    """A script would take for a failure what it has asked for itself."""
    ledger = tmp_path / "run.ledger"
    day = Day(Clock(TUESDAY))
    contacts = list_of(tmp_path / "list.csv", f"{NEW_YORK},NY", f"{CHICAGO},LA", header="phone,state")
    summary = day.send(ledger, contacts, hours={"not_in": ("LA",)})
    assert day.texted.keys() == {NEW_YORK}
    assert summary.stop is None
    assert reasons(ledger)[CHICAGO] == (State.QUEUED, Code.STATE_LEFT_OUT)
    assert day.send(ledger, None, hours={"not_in": ()}).sent == 2


def test_no_common_hour_is_left_over(tmp_path: Path) -> None:
    """A number of New York with an address in Hawaii has no morning in common: the text would come at night in one of both."""
    ledger = tmp_path / "run.ledger"
    day = Day(Clock(TUESDAY.replace(hour=11)))
    contacts = list_of(tmp_path / "list.csv", f"{CHICAGO},NY", f"{NEW_YORK},HI", header="phone,state")
    summary = day.send(ledger, contacts, hours={"window": "9-12"})
    assert summary.stop is not None
    assert summary.stopped == "left over: 1, mostly no hour suits its zones"
    assert reasons(ledger)[NEW_YORK] == (State.QUEUED, Code.NO_COMMON_HOUR)


def test_the_address_counts(tmp_path: Path) -> None:
    """Whoever has taken a New York number along to Honolulu would be woken."""
    day = Day(Clock(TUESDAY))
    contacts = list_of(tmp_path / "list.csv", f"{NEW_YORK},96813", f"{CHICAGO},60601", header="phone,zip")
    day.send(tmp_path / "run.ledger", contacts, limit=1)
    assert day.texted.keys() == {CHICAGO}


def test_an_unknown_zone_names_its_row(tmp_path: Path) -> None:
    """The list would have to be searched for it."""
    contacts = list_of(tmp_path / "list.csv", f"{NEW_YORK},America/New_York", f"{CHICAGO},Chicago", header="phone,timezone")
    with pytest.raises(ListError, match=r"list.csv, row 3: 'Chicago' is no time zone; write the name"):
        Day(Clock(TUESDAY)).send(tmp_path / "run.ledger", contacts)


def test_a_ledger_without_places_is_not_gone_on_with_by_hours(tmp_path: Path) -> None:
    """The address of the list would be forgotten, and people be texted by their numbers alone."""
    ledger = tmp_path / "run.ledger"
    day = Day(Clock(TUESDAY))

    async def without() -> Summary:
        async with day.client.fast_mode(action=125, text=TEXT, ledger=ledger, limit=1) as run:
            return await run.send(list_of(tmp_path / "list.csv", NEW_YORK, CHICAGO))

    assert asyncio.run(without()).sent == 1
    with pytest.raises(LedgerMismatch, match="begun without hours"):
        day.send(ledger, None)


def test_hours_hold_for_a_resume(tmp_path: Path) -> None:
    """A resume that forgets the hours would text people at night."""
    ledger = tmp_path / "run.ledger"
    contacts = list_of(tmp_path / "list.csv", NEW_YORK, HONOLULU)
    evening = TUESDAY.replace(hour=22, minute=55)
    Day(Clock(TUESDAY)).send(ledger, contacts, limit=1, hours={"window": "10-18"})
    day = Day(Clock(evening))

    async def again() -> Summary:
        async with day.client.resume(ledger, reconcile=False, hours={"clock": day.clock}) as run:
            assert "hours 10-18" in run.goes_on_with
            return await run.send()

    summary = asyncio.run(again())
    assert day.texted == {}
    assert summary.stop is not None
    assert summary.stop.cause is Cause.NOT_AFTER


def test_a_rule_of_the_callers_own(tmp_path: Path) -> None:
    """A caller's own list of holidays would be asked for nobody; or a resume would forget it."""
    ledger = tmp_path / "run.ledger"
    day = Day(Clock(TUESDAY))

    class NobodyInChicago:
        async def admit(self, text: Text, now: float) -> Go | Never:
            assert now > 0
            return Never(Reason(Code.OTHER, "a holiday there")) if text.phone == CHICAGO else Go()

    async def send(*, resume: bool, **options: Any) -> Summary:
        client = day.client
        run = (
            client.resume(ledger, reconcile=False, **options)
            if resume
            else client.fast_mode(action=125, text=TEXT, ledger=ledger, **options)
        )
        async with run:
            return await run.send(None if resume else list_of(tmp_path / "list.csv", NEW_YORK, CHICAGO, HONOLULU))

    assert asyncio.run(send(resume=False, rules=[NobodyInChicago()], limit=1)).sent == 1
    with pytest.raises(LedgerMismatch, match="rules of its caller's own"):
        asyncio.run(send(resume=True))
    summary = asyncio.run(send(resume=True, rules=[NobodyInChicago()]))
    assert (summary.sent, summary.not_sent) == (2, 1)
    assert day.texted.keys() == {NEW_YORK, HONOLULU}
    with pytest.raises(ConfigurationError, match="a rule is an object with the method admit"):
        RumbleUp("KEY:SECRET").fast_mode(action=125, text=TEXT, rules=[NobodyInChicago])  # type: ignore[list-item]


@pytest.mark.parametrize(("off", "which"), [(90, "behind"), (-90, "ahead of")])
def test_a_clock_that_is_wrong_stops_the_run(off: int, which: str) -> None:
    """A machine whose clock is an hour fast would text people at eight."""

    def answer(request: Request) -> Response:
        date = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=off), usegmt=True)
        return Response(200, {"Date": date}, b'{"logid": "rl_1"}')

    async def send(**options: Any) -> Summary:
        client = RumbleUp("KEY:SECRET", exchange=ScriptedExchange(answer))
        async with client.fast_mode(action=125, text=TEXT, concurrency=1, **options) as run:
            return await run.send([f"212555{number:04}" for number in range(101, 121)])

    all_day = {"window": "0-24", "sunday": "0-24", "anyway": True, "margin": 0, "purpose": "political"}
    summary = asyncio.run(send(hours=all_day))
    assert summary.stop is not None
    assert summary.stop.cause is Cause.CLOCK_OFF
    assert f"seconds {which} the provider's" in str(summary.stopped)
    assert summary.sent < 5
    assert asyncio.run(send()).stop is None  # no rule reads the clock


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hours": 9}, "hours is a Hours"),
        ({"hours": {"windows": "9-20"}}, "hours cannot be meant"),
        ({"hours": {"window": "7-20"}}, "8-21"),
        ({"schedule": {"until": "2026-12-01T10:00"}}, "offset"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], words: str) -> None:
    """A run would go by other hours than its caller believes."""
    with pytest.raises(ConfigurationError, match=words):
        RumbleUp("KEY:SECRET").fast_mode(action=125, text=TEXT, **options)
