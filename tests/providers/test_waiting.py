"""How long an answer asks to wait: every way to write it is a wish, and no wish ends in six requests in four seconds."""

import datetime as dt
import email.utils
import json
from typing import Any

import pytest
from multidict import CIMultiDict

from rumbleup_async.outcomes import Throttled
from rumbleup_async.provider.waiting import LONGEST, UNREADABLE, retry_after
from rumbleup_async.reasons import from_words as because
from rumbleup_async.retry import Again, Policy, StopRun, decide
from rumbleup_async.rumbleup import wire as rumbleup
from rumbleup_async.sendblue import wire as sendblue
from rumbleup_async.session import Response
from rumbleup_async.session.reading import Headers

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)


def http(moment: dt.datetime) -> str:
    return email.utils.format_datetime(moment, usegmt=True)


def asked(*headers: tuple[str, str], body: Any = None, over: str = "aiohttp") -> float | None:
    """The wish of a 429 with these headers, and `retryAfter` in its body."""
    found: Any = CIMultiDict(headers)
    if over == "pool":
        found = Headers([(name.encode(), value.encode()) for name, value in headers])
    return retry_after(Response(429, found, b""), body)


@pytest.mark.parametrize("over", ["aiohttp", "pool"])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ('"120"', 120.0),
        ("+120", 120.0),
        ("1.5", 1.5),
        ("0.25", 0.25),
        ("1e2", 100.0),
        ("120s", 120.0),
        ("120 s", 120.0),
        ("120 Seconds", 120.0),
        ("2m", 120.0),
        ("2 min", 120.0),
        ("1h", 3600.0),
        ("1500ms", 1.5),
        ("9999999999", 9_999_999_999.0),
        ("99999999999999999999", LONGEST),
        ("1e999", LONGEST),
        ("inf", LONGEST),
        ("Infinity", LONGEST),
        ("nan", UNREADABLE),
        ("-5", UNREADABLE),
        ("soon", UNREADABLE),
        ("1,5", UNREADABLE),
        ("120x", UNREADABLE),
        ("PT2M", UNREADABLE),
        ("5, 70", 70.0),
        ("5, soon", UNREADABLE),
        (str(int(NOW.timestamp()) + 120), 120.0),
        (str(int(NOW.timestamp()) - 120), 0.0),
        ("Thu, 99 Foo 2026 12:00:00", UNREADABLE),
        (http(NOW + dt.timedelta(seconds=120)), 120.0),
        ("2026-03-05T12:02:00Z", 120.0),
        ("2026-03-05T12:02:00", 120.0),
        (http(NOW - dt.timedelta(seconds=120)), 0.0),
        ("Mon, 01 Jan 2099 00:00:00 GMT", (dt.datetime(2099, 1, 1, tzinfo=dt.UTC) - NOW).total_seconds()),
    ],
)
def test_a_header_in_any_writing(value: str, seconds: float, over: str) -> None:
    """A provider that asks for rest in its own way would be asked again at once, and block the account."""
    assert asked(("Retry-After", value), ("Date", http(NOW)), over=over) == pytest.approx(seconds)


@pytest.mark.parametrize("over", ["aiohttp", "pool"])
def test_of_several_wishes_the_longest_counts(over: str) -> None:
    """The wish of the provider would be overheard because a balancer before it has one of its own."""
    assert asked(("Retry-After", "1"), ("retry-after", "70"), ("Retry-After", "2"), over=over) == 70.0
    assert asked(("Retry-After", "1"), ("Retry-After", "later"), over=over) == UNREADABLE
    assert asked(("retry-after-ms", "1500"), over=over) == 1.5
    assert asked(("Retry-After", ""), over=over) is None
    assert asked(over=over) is None


@pytest.mark.parametrize("skew", [dt.timedelta(hours=14), dt.timedelta(hours=-14), dt.timedelta(days=4000)])
def test_a_date_is_measured_by_the_servers_own_clock(skew: dt.timedelta) -> None:
    """A server whose clock is an hour ahead asks for three seconds, and the run would stop for an hour; or not wait at all."""
    moment = dt.datetime.now(dt.UTC) + skew
    assert asked(("Date", http(moment)), ("Retry-After", http(moment + dt.timedelta(seconds=3)))) == 3.0


def test_without_the_servers_clock_ours_must_do() -> None:
    """A date would be no wish where the server does not tell the time."""
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=120)
    for headers in ([], [("Date", "now")]):
        found = asked(*headers, ("Retry-After", http(moment)))
        assert found is not None
        assert 110 < found <= 121


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("RateLimit-Reset", "30", 30.0),
        ("X-RateLimit-Reset", str(int(NOW.timestamp()) + 30), 30.0),
        ("X-RateLimit-Reset", str(int(NOW.timestamp() + 30) * 1000), 30.0),
        ("x-ratelimit-reset", http(NOW + dt.timedelta(seconds=30)), 30.0),
        ("X-RateLimit-Reset-After", "1.25", 1.25),
        ("RateLimit", "limit=100, remaining=0, reset=30", 30.0),
        ("RateLimit", '"minute";r=0;t=30, "day";r=0;t=60', 60.0),
        ("RateLimit", '"default";r=7;t=30', None),
        ("X-RateLimit-Reset", "-1", None),
        ("X-RateLimit-Reset", "monday", None),
    ],
)
def test_the_reset_of_a_quota_is_heard_where_nothing_else_is_said(name: str, value: str, seconds: float | None) -> None:
    """We would ask again and again until the quota is full."""
    assert asked((name, value), ("Date", http(NOW))) == seconds
    assert asked((name, value), ("Date", http(NOW)), ("Retry-After", "2")) == 2.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1500, 1.5), ("1500", 1.5), (1500.0, 1.5), (100, 0.1), (99.9, 99.9), (2, 2.0), ("2", 2.0),
     (0.5, 0.5), ("1.5", 1.5), ("30", 30.0), ("2ms", 0.002), ("2, 1500", 2.0),
     ("2s", 2.0), (0, 0.0), (-1, UNREADABLE), (True, UNREADABLE), ("", UNREADABLE),
     ("soon", UNREADABLE), ([], UNREADABLE), ({}, UNREADABLE), (10**30, LONGEST), (1e300, LONGEST), ("9" * 40, LONGEST)],
)  # fmt: skip
def test_a_body_in_any_writing(value: object, seconds: float) -> None:
    """The same for a limiter that says it in its answer. A wait of two seconds would be over after two milliseconds."""
    assert asked(body=value) == pytest.approx(seconds)
    assert asked(("Retry-After", "7"), body=value) == 7.0
    for wire in (rumbleup, sendblue):
        outcome = wire.decipher_send(Response(429, CIMultiDict(), json.dumps({"retryAfter": value}).encode()))
        assert isinstance(outcome, Throttled)
        assert outcome.after == pytest.approx(seconds)


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_body_may_name_a_moment(unit: int) -> None:
    """A date in numbers would be a wait of weeks, and stop the run."""
    assert asked(("Date", http(NOW)), body=(int(NOW.timestamp()) + 2) * unit) == 2.0


@pytest.mark.parametrize("value", ["9999999999", "Mon, 01 Jan 2199 00:00:00 GMT", "inf", "1e999"])
def test_an_absurd_wish_stops_the_run_and_says_how_long(value: str) -> None:
    """The run would go on against a provider that does not want it, six requests in four seconds."""
    outcome = Throttled(because("told 429"), 429, asked(("Retry-After", value)))
    decision = decide(outcome, 1, Policy(), proven=True)
    assert isinstance(decision, StopRun)
    assert decision.stop.cause.words == "throttled"
    assert f"{outcome.after:.0f} seconds" in decision.stop.message


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "5 apples"])
def test_an_unreadable_wish_is_waited_for(value: str) -> None:
    """A wish in a language that we do not speak would count as none."""
    decision = decide(Throttled(because("told 429"), 429, asked(("Retry-After", value))), 1, Policy(), proven=True)
    assert isinstance(decision, Again)
    assert decision.after >= 2
