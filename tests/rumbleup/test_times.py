"""The eleven time formats of the API, and everything that is none of them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import times


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        ("04/17/2025 12:15pm EST", utc(2025, 4, 17, 16, 15)),
        ("01/17/2025 12:15am EST", utc(2025, 1, 17, 5, 15)),
        ("02/04/2025 02:35PM EST", utc(2025, 2, 4, 19, 35)),
        ("04/01/2025 12:00 EST", utc(2025, 4, 1, 16, 0)),
        ("2024-08-20T10:00:00Z", utc(2024, 8, 20, 10)),
        ("2024-12-25T10:00:00-06:00", utc(2024, 12, 25, 16)),
        ("2023-12-1 13:00 CST", utc(2023, 12, 1, 19)),
        ("2023-11-30 15:30:44 GMT-0600", utc(2023, 11, 30, 21, 30, 44)),
        ("02-27-2024 08:00 EST", utc(2024, 2, 27, 13)),
        ("1643673600000", utc(2022, 2, 1)),
        (1643673600000, utc(2022, 2, 1)),
        (1643673600000.0, utc(2022, 2, 1)),
        ("2022-02-01", None),
        ("2025-12-12T15:41:20.932Z", utc(2025, 12, 12, 15, 41, 20, 932_000)),
        ("2025-12-12T15:41:20.932111999Z", utc(2025, 12, 12, 15, 41, 20, 932_111)),
        ("2025-12-2T5:41Z", utc(2025, 12, 2, 5, 41)),
        # labels that are wrong about daylight saving name a region all the same
        ("11/22/2024 09:00am CDT", utc(2024, 11, 22, 15)),
        ("07/01/2025 09:00am CST", utc(2025, 7, 1, 14)),
        ("07/01/2025 09:00am MST", utc(2025, 7, 1, 15)),
        ("07/01/2025 09:00am PDT", utc(2025, 7, 1, 16)),
        ("07/01/2025 09:00am ET", utc(2025, 7, 1, 13)),
        ("2024-08-20T10:00:00+0530", utc(2024, 8, 20, 4, 30)),
        ("2024-08-20 10:00 UTC", utc(2024, 8, 20, 10)),
        ("  04/17/2025 12:15pm EST ", utc(2025, 4, 17, 16, 15)),
    ],
)
def test_a_time_is_read(raw: object, at: dt.datetime | None) -> None:
    """A text sent at nine would be reported as sent at ten, or not be found in the log."""
    moment = times.read(raw)
    assert moment is not None
    assert moment.at == at
    assert moment.at is None or moment.at.tzinfo is not None
    assert moment.raw == str(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "soon",
        "13/45/2025 12:15pm EST",
        "02/30/2025 12:15pm EST",
        "04/17/2025 13:15pm EST",
        "04/17/2025 0:15am EST",
        "04/17/2025 25:15 EST",
        "04/17/2025 12:15pm XYZ",
        "04/17/2025 12:15pm",
        "2024-08-20T10:00:00",
        "2024-W34-2T10:00:00Z",
        "2024-13-20T10:00:00Z",
        "2024-08-20T10:00:00+99:99",
        "99999999999999999",
        "17/04/2025 12:15 EST",
        "٢٠٢٤-٠٨-٢٠",
        "1" * 400,
    ],
)
def test_a_time_in_doubt_keeps_its_words_and_gives_no_moment(raw: str) -> None:
    """A guess would be taken for the truth; an exception would lose the whole answer."""
    moment = times.read(raw)
    assert moment is not None
    assert (moment.raw, moment.at) == (raw, None)


@pytest.mark.parametrize("nothing", [None, "", True, [], {}])
def test_nothing_is_no_time(nothing: object) -> None:
    """An empty field would be the year 1970."""
    assert times.read(nothing) is None


@given(st.text(max_size=40) | st.integers() | st.floats() | st.from_regex(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}[ T]\d\d:\d\d.{0,8}"))
def test_no_time_breaks_an_answer(raw: object) -> None:
    """One odd time would make a page of the log unreadable."""
    moment = times.read(raw)
    assert moment is None or moment.at is None or moment.at.tzinfo is not None


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (utc(2022, 2, 1), "1643673600000"),
        (dt.datetime(2022, 1, 31, 19, tzinfo=dt.timezone(dt.timedelta(hours=-5))), "1643673600000"),
        (1643673600000, "1643673600000"),
        (1643673600000.4, "1643673600000"),
        ("2022-02-01", "2022-02-01"),
        (dt.date(2022, 2, 1), "1643673600000"),
    ],
)
def test_what_is_sent_as_a_time(value: dt.datetime | dt.date | float | str, sent: str) -> None:
    """The log would be searched in the wrong hours."""
    assert times.milliseconds(value) == sent


@pytest.mark.parametrize("value", [dt.datetime(2022, 2, 1), float("nan"), float("inf"), True])  # noqa: DTZ001
def test_a_time_that_nobody_can_know_is_refused(value: float | dt.datetime) -> None:
    """A time without a zone would be read as another one on the server."""
    with pytest.raises(ConfigurationError):
        times.milliseconds(value)
