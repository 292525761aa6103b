"""When a text may leave: never outside the hours of any zone or state in which its recipient may be."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.admission import Go, Wait
from rumbleup_async.engine import ports
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Text
from rumbleup_async.reasons import Code
from rumbleup_async.rules import zones
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.hours import Hours, Schedule
from rumbleup_async.rules.outlook import outlook
from rumbleup_async.rules.place_tables import STATES, area_codes
from rumbleup_async.rules.places import Places, decode
from tests.rules import by_hand

CODES = sorted(area_codes())
BEGIN = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
LAST = dt.datetime(2028, 9, 1, tzinfo=dt.UTC)
"""Two years: four changes of clocks, all holidays twice, and the provinces that stop changing in November 2026."""

minutes = st.integers(int(BEGIN.timestamp()) // 60, int(LAST.timestamp()) // 60).map(lambda minute: minute * 60.0)
near_a_change = st.builds(
    lambda day, minute: day.timestamp() + minute * 60.0,
    st.sampled_from([
        dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        dt.datetime(2027, 3, 14, tzinfo=dt.UTC),
        dt.datetime(2027, 11, 7, tzinfo=dt.UTC),
        dt.datetime(2027, 11, 25, tzinfo=dt.UTC),
        dt.datetime(2026, 12, 26, tzinfo=dt.UTC),
        dt.datetime(2027, 7, 5, tzinfo=dt.UTC),
    ]),
    st.integers(-24 * 60, 48 * 60),
)  # fmt: skip
contacts = st.tuples(
    st.sampled_from(CODES).map(lambda code: code + "5550101"),
    st.one_of(st.just(""), st.integers(501, 99950).map(lambda number: f"{number:05}")),
    st.one_of(st.just(""), st.sampled_from(sorted(STATES))),
)
windows = st.sampled_from(["9-20", "8-21", "10:30-17:45", "9-12", "8-20"])
purposes = st.sampled_from(["commercial", "political", "nonprofit"])


def at(written: str) -> float:
    return dt.datetime.fromisoformat(written).timestamp()


@settings(deadline=None)
@given(contacts, st.one_of(minutes, near_a_change), windows, st.sampled_from(["12-20", "9-21", None]), purposes)
def test_a_text_leaves_only_in_the_hours_of_all_its_zones_and_states(
    contact: tuple[str, str, str], now: float, window: str, sunday: str | None, purpose: str
) -> None:
    """Somebody would be texted at night, because the program thought of another zone, another day or another law."""
    hours = Hours(window=window, sunday=sunday, purpose=purpose)
    gates = Gates(hours, Schedule(until="2029-01-01T00:00+00:00"), begin=BEGIN.timestamp())
    place = gates.places.place_of(*contact)
    facts = decode(place)
    is_open = by_hand.is_open(facts.zones, facts.states, now, window, sunday, purpose)
    is_open_after = by_hand.is_open(facts.zones, facts.states, now + hours.margin, window, sunday, purpose)
    assert gates.is_open(place, now) == (is_open and is_open_after)


@settings(deadline=None)
@given(contacts, st.one_of(minutes, near_a_change), st.floats(0, 60 * 3600), purposes)
def test_a_run_without_an_end_leaves_nothing_for_the_next_day(
    contact: tuple[str, str, str], begin: float, later: float, purpose: str
) -> None:
    """Yesterday's "polls close tonight" would be sent this morning."""
    gates = Gates(Hours(purpose=purpose), begin=begin)
    place = gates.places.place_of(*contact)
    if gates.is_open(place, begin + later):
        facts = decode(place)
        assert by_hand.is_open(facts.zones, facts.states, begin + later, "9-20", "12-20", purpose)
        for name in facts.zones:
            zone = ZoneInfo(name)
            day = dt.datetime.fromtimestamp(begin + later, zone).date()
            assert day == dt.datetime.fromtimestamp(begin, zone).date()


@settings(deadline=None)
@given(contacts, st.one_of(minutes, near_a_change), st.lists(st.floats(-3 * 86_400, 3 * 86_400), max_size=6))
def test_what_was_asked_before_changes_no_answer(contact: tuple[str, str, str], now: float, jumps: list[float]) -> None:
    """A clock that jumps would leave the answer of another time in the memory."""
    asked, fresh = (Gates(Hours(), Schedule(until="2029-01-01T00:00+00:00"), begin=BEGIN.timestamp()) for _ in range(2))
    place = asked.places.place_of(*contact)
    for jump in jumps:
        asked.is_open(place, now + jump)
    assert asked.is_open(place, now) == fresh.is_open(place, now)


def test_the_end_of_an_hour_is_not_in_it() -> None:
    """The first text after closing is the one that is sued over."""
    gates = Gates(Hours(margin=0), begin=at("2026-12-01T08:00-05:00"))
    place = gates.places.place_of("2125550101", "10001")
    closes = at("2026-12-01T20:00-05:00")
    assert gates.window(place, closes - 0.001) == (at("2026-12-01T09:00-05:00"), closes)
    assert [gates.is_open(place, closes - 0.001), gates.is_open(place, closes)] == [True, False]
    assert gates.window(place, closes) is None


def test_who_has_no_common_hour_is_known_at_planning() -> None:
    """The contact would wait for an hour that never comes, and the run with it."""
    gates = Gates(Hours(), begin=at("2027-07-01T08:00-05:00"))
    assert gates.why_never(gates.places.place_of("6715550101", "", "Newfoundland")).code is Code.NO_COMMON_HOUR
    assert not gates.why_never(gates.places.place_of("6715550101"))
    trusting = Gates(Hours(trust_address=True), begin=gates.begin)
    assert not trusting.why_never(trusting.places.place_of("6715550101", "", "Newfoundland"))


def test_guam_and_new_york_meet_on_different_days() -> None:
    """Tuesday evening there is Wednesday morning here: an hour they have in common would be missed."""
    gates = Gates(Hours(), begin=at("2026-12-01T10:00-05:00"))
    place = gates.places.place_of("6715550101", "10001")
    assert gates.window(place, gates.begin) == (at("2026-12-01T18:00-05:00"), at("2026-12-01T19:50-05:00"))


def test_states_that_are_left_out_are_shut() -> None:
    """In an emergency some states ban all solicitation."""
    gates = Gates(Hours(not_in=("Louisiana", "PE")), begin=at("2026-12-01T12:00-05:00"))
    for contact in (("5045550101",), ("2125550101", "70112"), ("9025550101",)):
        place = gates.places.place_of(*contact)
        assert gates.why_never(place).code is Code.STATE_LEFT_OUT
        assert gates.shut(gates.begin)[place] <= gates.begin
    assert not gates.why_never(gates.places.place_of("2125550101", "10001"))


def test_the_ledger_learns_when_each_place_is_shut() -> None:
    """It opens who is shut soonest first, and nobody who is shut now."""
    now = at("2026-12-01T17:00-05:00")
    gates = Gates(Hours(), begin=now)
    new_york, chicago, honolulu, guam = (gates.places.place_of(code + "5550101") for code in ("212", "312", "808", "671"))
    shut = gates.shut(now)
    assert 0 not in shut
    assert shut.get(0) is None
    assert new_york in shut
    assert shut.get(new_york) == shut[new_york]
    assert gates.is_open(0, now)
    assert shut[new_york] == at("2026-12-01T19:50-05:00")
    assert shut[chicago] == at("2026-12-01T19:50-06:00")
    assert shut[honolulu] == at("2026-12-01T19:50-10:00")
    assert gates.window(guam, now) == (at("2026-12-02T09:00+10:00"), at("2026-12-02T19:50+10:00"))
    assert shut[guam] <= now
    assert gates.opens([guam], now) == at("2026-12-02T09:00+10:00")
    assert gates.last_closing([new_york, guam], now) == at("2026-12-02T19:50+10:00")


def test_the_ledger_has_the_same_answer_until_somebody_opens() -> None:
    """It would sort thousands of places with every step; or never hear that a place is open."""
    now = at("2026-12-01T09:30-05:00")
    gates = Gates(Hours(), Schedule(until="2026-12-03T12:00-05:00"), begin=now)
    new_york, chicago = gates.places.place_of("2125550101"), gates.places.place_of("3125550101")
    shut = gates.shut(now)
    assert shut[chicago] <= now < shut[new_york]
    opens = at("2026-12-01T09:00-06:00")
    assert gates.shut(now) is gates.shut(opens - 1) is shut
    assert gates.shut(opens)[chicago] == at("2026-12-01T19:50-06:00")
    assert gates.shut(now)[chicago] <= now  # the clock was set back
    assert gates.shut(at("2026-12-02T09:00-05:00"))[new_york] == at("2026-12-02T19:50-05:00")


def test_gates_fit_the_engine() -> None:
    now = at("2026-12-01T09:30-05:00")
    gates: ports.Gates = Gates(Hours(), begin=now)
    assert not gates.may_wait
    assert (Gates.is_live, Gates.looks_up) == (True, False)  # asked again before the wire, and without a question to anybody
    assert Gates(Hours(), begin=now, has_sent=True).may_wait
    assert Gates(Hours(), Schedule(until="2026-12-03T12:00-05:00"), begin=now).may_wait


def test_a_run_over_several_days_goes_on_in_the_morning() -> None:
    """`until` asks for it."""
    now = at("2026-12-01T20:30-05:00")
    gates = Gates(Hours(), Schedule(until="2026-12-02T12:00-05:00"), begin=now)
    place = gates.places.place_of("2125550101")
    assert gates.window(place, now) == (at("2026-12-02T09:00-05:00"), at("2026-12-02T12:00-05:00"))
    assert gates.window(place, at("2026-12-02T12:00-05:00")) is None
    assert gates.last_closing([place], now) == at("2026-12-02T12:00-05:00")
    ending = Gates(Hours(), Schedule(until="2026-12-02T09:00-05:00"), begin=now)
    assert ending.window(place, now) is None


def test_who_is_shut_for_days_is_open_for_a_whole_day_then() -> None:
    """Monday's window would end at the minute at which somebody asked on Saturday."""
    now = at("2026-12-05T17:00-05:00")
    gates = Gates(Hours(sunday=None), Schedule(until="2027-01-01T00:00-05:00"), begin=now)
    place = gates.places.place_of("4015550101", "02903")  # Rhode Island: until 17:00 on Saturdays, until 18:00 on Mondays
    assert gates.window(place, now) == (at("2026-12-07T09:00-05:00"), at("2026-12-07T17:50-05:00"))


def test_who_comes_too_late_is_told_when_it_would_go_on() -> None:
    """A run that finds everybody shut would name no time at which to come again, or that of another place."""
    now = at("2026-12-01T22:00-05:00")
    gates = Gates(Hours(not_in=("LA",)), begin=now)
    new_york, chicago, louisiana = (gates.places.place_of(code + "5550101") for code in ("212", "312", "504"))
    opens = at("2026-12-02T09:00-05:00")
    assert gates.opens([new_york, chicago], now) is None
    assert gates.opens_again([chicago, new_york], now) == (opens, new_york)
    assert [str(gates.local(opens, place)) for place in (new_york, chicago, 0)] == [
        "2026-12-02 09:00:00-05:00", "2026-12-02 08:00:00-06:00", "2026-12-02 09:00:00-05:00",
    ]  # fmt: skip
    assert gates.why_never(louisiana).code is Code.STATE_LEFT_OUT


def test_a_schedule_alone_asks_for_no_hours() -> None:
    """Canada's curfew, which holds for everybody, would hold in a rehearsal as well."""
    now = at("2026-12-05T03:00-05:00")
    gates = Gates(None, Schedule(until="2026-12-07T12:00-05:00"), begin=now)
    for code in ("212", "416", "808", "907"):
        place = gates.places.place_of(code + "5550101")
        assert all(gates.is_open(place, now + 900 * number) for number in range(57 * 4))
    midnight = at("2026-12-06T00:00-05:00")
    place = gates.places.place_of("2125550101")
    assert gates.is_open(place, midnight - 0.5)
    assert gates.window(place, midnight - 0.5) == (midnight - 0.5, midnight)


def test_nothing_leaves_before_the_run_begins() -> None:
    gates = Gates(Hours(), Schedule(not_before="2026-12-02T11:00-05:00"), begin=at("2026-12-01T12:00-05:00"))
    place = gates.places.place_of("2125550101")
    assert not gates.is_open(place, at("2026-12-01T12:30-05:00"))
    assert gates.window(place, at("2026-12-01T12:30-05:00")) == (at("2026-12-02T11:00-05:00"), at("2026-12-02T19:50-05:00"))


@pytest.mark.parametrize(
    ("contact", "now", "verdict"),
    [
        (("2125550101", "10001"), "2026-12-01T12:00-05:00", "go"),
        (("2125550101", "10001"), "2026-12-01T19:55-05:00", "2026-12-02T09:00-05:00"),
        (("2125550101", "10001"), "2026-12-06T09:30-05:00", "2026-12-06T12:00-05:00"),  # a Sunday
        (("4015550101", "02903"), "2026-12-24T17:55-05:00", "2026-12-26T10:00-05:00"),  # Rhode Island on Christmas Eve
    ],
)
async def test_the_rule_says_when_to_ask_again(contact: tuple[str, ...], now: str, verdict: str) -> None:
    """A text that is put off is looked at again when its place opens, and not each second until then."""
    gates = Gates(Hours(), begin=at(now))
    text = Text(1, contact[0], "Hi", place=gates.places.place_of(*contact))
    match await gates.admit(text, at(now)):
        case Wait(until=until, why=why):
            assert (until, why.code) == (at(verdict), Code.OUTSIDE_HOURS)
        case answer:
            assert (answer, verdict) == (Go(), "go")


async def test_a_text_without_a_place_has_that_of_its_number() -> None:
    """A list that was loaded without hours would be texted at any time, although they are asked for now."""
    gates = Gates(Hours(), begin=at("2026-12-01T23:00-05:00"))
    verdict = await gates.admit(Text(1, "12125550101", "Hi"), gates.begin)
    assert isinstance(verdict, Wait)
    assert verdict.until == at("2026-12-02T09:00-05:00")


async def test_who_is_never_texted_is_not_asked_about_each_second() -> None:
    """A text to a state that is left out would be taken for one that leaves tomorrow, or be looked at again and again."""
    gates = Gates(Hours(not_in=("LA",)), begin=at("2026-12-01T12:00-05:00"))
    verdict = await gates.admit(Text(1, "5045550101", "Hi"), gates.begin)
    assert isinstance(verdict, Wait)
    assert (verdict.until, verdict.why.code) == (gates.begin + 12 * 86_400, Code.STATE_LEFT_OUT)


def test_the_plan_counts_who_is_open() -> None:
    now = at("2027-07-01T19:30-04:00")
    gates = Gates(Hours(not_in=("LA",)), begin=now)
    found = Places().place_of
    contacts = {
        found("2125550101", "10001"): 5, found("3125550101"): 3, found("6715550101"): 1, found("7095550101", "96910"): 2,
        found("5045550101"): 4, found("9025550101", "", "NS"): 7, found("8085550101", "", "", "Pacific/Honolulu"): 6,
    }  # fmt: skip
    seen = outlook(gates, contacts, now)
    assert (seen.open_now, seen.later_today, seen.not_today, seen.no_common_hour, seen.left_out) == (15, 0, 7, 2, 4)
    assert seen.first_closing == at("2027-07-01T19:50-04:00")
    assert seen.by_source == {"ZIP": 7, "number only": 8, "state": 7, "zone": 6}
    early = at("2026-12-01T09:30-05:00")
    seen = outlook(Gates(Hours(), begin=early), {found("2125550101"): 5, found("3125550101"): 3}, early)
    assert (seen.open_now, seen.later_today, seen.last_opening) == (5, 3, at("2026-12-01T09:00-06:00"))
    assert seen.last_closing == at("2026-12-01T19:50-06:00")


def test_a_number_that_is_no_place_is_an_error() -> None:
    """A ledger of a newer version would be texted by the hours of somebody else."""
    gates = Gates(Hours(), begin=BEGIN.timestamp())
    for place in (7, 8, -1, 1 | 1 << 62):
        with pytest.raises(ConfigurationError, match="no place"):
            gates.window(place, BEGIN.timestamp())


def test_hours_are_those_of_the_package_and_not_of_the_search_path() -> None:
    """The system's data may be years old: one hour off all winter in Winnipeg."""
    data = zones.load()
    assert data.zone("America/Winnipeg").utcoffset(dt.datetime(2026, 12, 15, tzinfo=dt.UTC)) == dt.timedelta(hours=-5)
