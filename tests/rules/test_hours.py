"""What callers may say of hours and of the days of a run, and what is refused."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules.hours import Hours, Schedule, read_states, read_window, write_window


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("9-20", (540, 1200)),
        ("9:30-19:45", (570, 1185)),
        (" 8 - 21 ", (480, 1260)),
        ("08-21", (480, 1260)),
        ("9-9:01", (540, 541)),
        ("8:59-19:59", (539, 1199)),
    ],
)
def test_hours_are_read(written: str, window: tuple[int, int]) -> None:
    assert read_window(written) == window
    assert read_window(write_window(window)) == window


@pytest.mark.parametrize(
    "written", ["", "9", "9-", "20-9", "9-9", "9:60-20", "9-19:60", "9-25", "9-24:01", "9.5-20", "9am-8pm", "-9-20", "٩-20"]
)
def test_what_is_no_window_is_refused(written: str) -> None:
    """A window that somebody else reads into it would be texted in."""
    with pytest.raises(ConfigurationError, match=r"are no hours.*write them as 9-20"):
        read_window(written, anyway=True)


@pytest.mark.parametrize("written", ["7:59-20", "9-21:01", "0-24"])
def test_hours_beyond_federal_law_take_a_word(written: str) -> None:
    """A slip of the pen would be a law suit."""
    with pytest.raises(ConfigurationError, match="--hours-anyway"):
        Hours(window=written)
    assert Hours(window=written, anyway=True).on_weekdays == read_window(written, anyway=True)
    with pytest.raises(ConfigurationError, match="--hours-anyway"):
        Hours(sunday=written)
    with pytest.raises(ConfigurationError, match="--hours-anyway"):
        read_window(written)


def test_the_hours_of_weekdays_bind_on_sundays_as_well() -> None:
    """A plan would promise texts on a Sunday afternoon that never leave."""
    assert "Sunday 12-18" in str(Hours(window="9-18"))
    assert "no Sunday" in str(Hours(window="9-12"))
    assert "Sunday 10:30-19" in str(Hours(window="10:30-19", sunday="9-20"))


def test_sundays_may_have_no_hours() -> None:
    assert Hours(sunday="none") == Hours(sunday=None)
    assert Hours(sunday=None).on_sundays is None
    assert Hours().on_sundays == (720, 1200)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"purpose": "fun"}, "commercial, political, nonprofit"),
        ({"margin": -1.0}, "margin is -1"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"margin": 86_400.0}, "margin is 86400"),
        ({"not_in": ("Bavaria",)}, "'Bavaria' is no state"),
        ({"window": (9, 20)}, r"window is \(9, 20\); it is hours of a day, such as '9-20'"),
        ({"sunday": 12}, "sunday is 12; it is hours of Sundays"),
        ({"not_in": None}, "not_in is None; it is the codes of states"),
        ({"not_in": ["LA", 3]}, "3 is no state"),
        ({"margin": True}, "margin is True; it is a number of seconds"),
        ({"margin": "10m"}, "margin is '10m'; it is a number of seconds"),
        ({"trust_address": "no"}, "trust_address is 'no'; it is True or False"),
        ({"anyway": "no"}, "anyway is 'no'; it is True or False"),
        ({"clock": 5}, "clock is a function"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Hours.from_dict(options)


def test_hours_are_kept_in_a_ledger() -> None:
    """A resume would go by other hours than its run."""
    hours = Hours(window="10-17", sunday="none", purpose="political", not_in=("la,New York",), margin=60.0, trust_address=True)
    assert hours.not_in == ("LA", "NY")
    assert Hours.from_dict(json.loads(json.dumps(hours.as_dict()))) == hours
    assert str(hours) == "hours 10-17, no Sunday, purpose political, not in LA, NY"
    assert read_states("") == ()
    assert Hours.from_dict({"not_in": "LA,NY"}).not_in == ("LA", "NY")


def test_a_schedule_says_in_which_zone() -> None:
    """Nine o'clock on a server is the middle of the night elsewhere."""
    for given in ("2026-12-01T09:00", dt.datetime(2026, 12, 1, 9)):  # noqa: DTZ001 - it is what is refused
        with pytest.raises(ConfigurationError, match=r"add the offset, as in 2026-12-01T09:00-05:00"):
            Schedule(until=given)
    with pytest.raises(ConfigurationError, match="write it as 2026-12-01T09:00-05:00"):
        Schedule(until="tomorrow")
    for year in ("0001", "1970", "9999"):
        with pytest.raises(ConfigurationError, match="its year is 2000 to 2199"):
            Schedule(not_before=f"{year}-12-31T23:59-05:00")
    for other in (dt.date(2026, 12, 1), 1796083966):
        with pytest.raises(ConfigurationError, match="is no moment; hand in a datetime with an offset"):
            Schedule(until=other)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="before it begins"):
        Schedule(not_before="2026-12-01T10:00-05:00", until="2026-12-01T10:00-04:00")
    assert Schedule(until="2026-12-01T09:00-05:00").ends == dt.datetime(2026, 12, 1, 14, tzinfo=dt.UTC).timestamp()
    with pytest.raises(ConfigurationError, match="before it begins"):
        Schedule(not_before="2026-12-01T10:00-05:00", until="2026-12-01T09:00-06:00")


def test_a_schedule_is_kept_in_a_ledger() -> None:
    """A resume would text on after the end of its run, or before it was to begin."""
    nine, ten = "2026-12-01T09:00-05:00", dt.datetime(2026, 12, 1, 10, tzinfo=dt.UTC)
    assert Schedule(until=nine).as_dict() == {"until": nine}
    assert Schedule(not_before=ten).as_dict() == {"not_before": "2026-12-01T10:00:00+00:00"}
    assert [one.is_given for one in (Schedule(), Schedule(until=nine), Schedule(not_before=ten))] == [False, True, True]


def test_what_nobody_has_asked_for_is_careful() -> None:
    """A text would arrive after closing because it left in the last seconds; or an area code not count unasked."""
    assert (Hours().margin, Hours().trust_address) == (600.0, False)
