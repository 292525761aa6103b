"""The states' own hours, and their holidays."""

from __future__ import annotations

import datetime as dt

import pytest

from rumbleup_async.rules import states
from rumbleup_async.rules.place_tables import STATES
from rumbleup_async.rules.states import Purpose, both, holidays, is_state, rows
from tests.rules import by_hand

WEEK = [dt.date(2027, 8, 2) + dt.timedelta(number) for number in range(7)]
"""Monday to Sunday, without a holiday."""


@pytest.mark.parametrize(
    ("state", "purpose", "hours"),
    [
        ("RI", "commercial", "9-18 9-18 9-18 9-18 9-18 10-17 none"),
        ("TX", "commercial", "9-21 9-21 9-21 9-21 9-21 9-21 12-21"),
        ("SD", "commercial", "9-21 9-21 9-21 9-21 9-21 none none"),
        ("MS", "nonprofit", "9-21 9-21 9-21 9-21 9-21 9-21 none"),
        ("ON", "political", "9-21.5 9-21.5 9-21.5 9-21.5 9-21.5 10-18 10-18"),
    ],
)
def test_a_state_has_its_hours(state: str, purpose: str, hours: str) -> None:
    (row,) = rows(Purpose(purpose), [state])
    shown = (window and f"{window[0] / 60:g}-{window[1] / 60:g}" for window in map(row.window, WEEK))
    assert " ".join(window or "none" for window in shown) == hours


@pytest.mark.parametrize("purpose", Purpose)
def test_each_state_has_the_hours_of_its_law(purpose: Purpose) -> None:
    """A slip in one row of the table would text a whole state at an hour that its law forbids."""
    for state in STATES:
        written = [by_hand.laws(purpose, (state,))[0][1][:3]] if by_hand.laws(purpose, (state,)) else []
        found = [[row.weekdays, row.saturday, row.sunday] for row in rows(purpose, [state])]
        assert [
            ["--" if one is None else "-".join(f"{at // 60}:{at % 60:02}" for at in one) for one in row] for row in found
        ] == written


@pytest.mark.parametrize("state", sorted(by_hand.OWN))
def test_holidays_are_those_of_the_calendar(state: str) -> None:
    """Somebody would be texted on a day on which his state forbids it; or nobody on a day on which nothing is against it."""
    first, last = "2026-09-01", "2028-09-05"
    found = {str(day) for year in (2026, 2027, 2028) for day in holidays(state, year)}
    assert sorted(day for day in found if first <= day <= last) == sorted(
        {*by_hand.HOLIDAYS.split(), *by_hand.OWN[state].split()}
    )


def test_easter_is_that_of_another_rule() -> None:
    """In one year of a century Good Friday would be texted on."""

    def by_oudin(year: int) -> dt.date:
        century, golden = year // 100, year % 19
        moon = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15) % 30
        moon -= (moon // 28) * (1 - (moon // 28) * (29 // (moon + 1)) * ((21 - golden) // 11))
        sunday = moon - (year + year // 4 + moon + 2 - century + century // 4) % 7
        month = 3 + (sunday + 40) // 44
        return dt.date(year, month, sunday + 28 - 31 * (month // 4))

    assert all(states._easter(year) == by_oudin(year) for year in range(1583, 5000))


def test_two_windows_have_in_common_what_is_in_both() -> None:
    """An end that is excluded would be in the hours, or a day without hours have some."""
    assert both((540, 1200), (600, 1260)) == both((600, 1260), (540, 1200)) == (600, 1200)
    assert both((540, 600), (600, 660)) is both(None, (540, 600)) is both((540, 600), None) is None


def test_a_code_is_known_or_not() -> None:
    """A state that nobody knows would count as one without a law of its own."""
    assert [is_state(code) for code in ("NY", "ON", "PR", "XX", "")] == [True, True, True, False, False]


def test_laws_on_sales_do_not_bind_everybody() -> None:
    assert rows(Purpose.POLITICAL, ["FL", "TX", "RI", "WA", "MS"]) == ()
    assert len(rows(Purpose.NONPROFIT, ["FL", "TX", "RI", "WA", "MS"])) == 2
    assert rows(Purpose.COMMERCIAL, ["NY", "CA", ""]) == ()
    assert len(rows(Purpose.COMMERCIAL, ["FL", "MD", "NS", "PE"])) == 2  # equal rows are one


def test_a_holiday_on_a_weekend_has_two_days() -> None:
    """Christmas 2022 was a Sunday, observed on the Monday; whoever counts one of them texts on the other."""
    for state in ("AL", "LA", "PA", "RI", "UT"):
        assert {dt.date(2022, 12, 25), dt.date(2022, 12, 26)} <= holidays(state, 2022)
        assert {dt.date(2027, 12, 31), dt.date(2028, 1, 1)} <= holidays(state, 2027) | holidays(state, 2028)
        assert dt.date(2022, 12, 27) not in holidays(state, 2022)


@pytest.mark.parametrize(
    ("state", "days"),
    [
        ("LA", ["2026-02-17", "2026-04-03", "2026-11-27"]),  # Mardi Gras, Good Friday, the day after Thanksgiving
        ("AL", ["2026-02-17", "2026-04-27", "2026-06-01", "2026-12-01"]),
        ("PA", ["2026-06-14", "2026-11-03"]),
        ("RI", ["2026-05-04", "2026-08-10", "2026-11-03"]),
        ("UT", ["2026-07-24"]),
    ],
)
def test_states_have_holidays_of_their_own(state: str, days: list[str]) -> None:
    assert set(map(dt.date.fromisoformat, days)) <= holidays(state, 2026)


def test_easter_is_found() -> None:
    """Good Friday goes with it."""
    fridays = ["2024-03-29", "2025-04-18", "2030-04-19", "2038-04-23", "2049-04-16"]
    assert all(dt.date.fromisoformat(day) in holidays("LA", int(day[:4])) for day in fridays)
