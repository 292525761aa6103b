"""Whether a row of the log is the text in doubt: the two mistakes that must not be made, and the third answer."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from rumbleup_async.lookups import UnknownText
from rumbleup_async.messaging import Plan
from rumbleup_async.provider import times
from rumbleup_async.rumbleup.log_matching import Matcher, Verdict, is_incoming
from rumbleup_async.rumbleup.models import Message

OURS, PERHAPS, OTHER = Verdict.OURS, Verdict.PERHAPS, Verdict.OTHER
RUN = "qrtxntzqqb"
PLAN = Plan(run=RUN, provider="rumbleup", action="125", text="Hi {name}. STOP")
TEXT = "Hi José. STOP"
NOON = dt.datetime(2026, 1, 15, 12, 0, tzinfo=dt.UTC)
"""In winter, when the letters of a zone mean the same in every reading."""


def at(**later: float) -> int:
    """A moment so much after noon, in milliseconds."""
    return int((NOON + dt.timedelta(**later)).timestamp() * 1000)


DOUBT = UnknownText(1, "2022340001", TEXT, at())


def row(**fields: Any) -> Message:
    """A row of the text in doubt, as the log should have it, with other fields or without (None)."""
    whole = {
        "logid": "rl_1",
        "phone": "2022340001",
        "sender": "u_x",
        "action": "125",
        "text": TEXT,
        "flags": ["sent", f"run-{RUN}"],
        "sent_time": at(seconds=3),
    }
    return Message.read({name: value for name, value in {**whole, **fields}.items() if value is not None})


def judge(**fields: Any) -> Verdict:
    return Matcher(PLAN).judge(row(**fields), DOUBT)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"action": 125},
        {"action": None},
        {"flags": f"sent,run-{RUN}"},
        {"flags": [f"RUN-{RUN.upper()}"]},
        {"flags": [f"campaign:run-{RUN}:x"]},
        {"sent_time": "soon"},
        {"sent_time": None},
        {"sent_time": at(days=-3)},
        {"sent_time": at(days=3)},
        {"text": f"  {TEXT}\r\n"},
        {"text": "Hi Jose\u0301. STOP"},
        {"status": "delivered"},
        {"status": "failed"},
        {"status": "a newer word"},
    ],
    ids=str,
)
def test_a_text_with_its_tag_is_ours(fields: dict[str, Any]) -> None:
    """Somebody who was texted would stay unknown, or be texted again."""
    assert judge(**fields) is OURS


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "Hi José. Reply STOP"},
        {"text": TEXT.replace("José", "")},
        {"text": None},
        {"action": "126"},
        {"sender": "12022340001"},
        {"status": "received"},
    ],
    ids=str,
)
def test_a_row_with_our_tag_that_contradicts_itself_is_left_in_doubt(fields: dict[str, Any]) -> None:
    """A message of ours that the server has changed (a shortened link, say) would count as absent and be sent again."""
    assert judge(**fields) is PERHAPS


@pytest.mark.parametrize("sender", ["2022340001", "12022340001", "+1 (202) 234-0001"])
def test_what_the_contact_wrote_is_not_ours(sender: str) -> None:
    """Somebody who sends our words back would count as texted by us."""
    for status in (None, "received"):
        assert judge(sender=sender, flags=[], status=status, text="Who is this?") is OTHER
        assert judge(sender=sender, flags=[], status=status) is PERHAPS, "whoever quotes our words has had them"


UNTAGGED: list[tuple[dict[str, Any], Verdict]] = [
    ({"sent_time": at(seconds=1)}, OURS),
    ({"sent_time": at(minutes=-2)}, OURS),  # times are cut to minutes, and a request takes its time
    ({"sent_time": at(minutes=30)}, OURS),  # it waited for a hold
    ({"sent_time": at(minutes=-30)}, PERHAPS),
    ({"sent_time": at(hours=-10)}, PERHAPS),  # an earlier run, or ours in a zone nobody knows of
    ({"sent_time": at(hours=-30)}, PERHAPS),  # or a clock of ours that was wrong
    ({"sent_time": at(days=-400)}, PERHAPS),
    ({"text": "Hi Ada. STOP", "sent_time": at(hours=-30)}, PERHAPS),  # ours with something changed, and a clock that was wrong
    ({"action": "c_125"}, PERHAPS),  # who knows what that is
    ({"action": "the spring project"}, PERHAPS),
    ({"action": "0125"}, PERHAPS),
    ({"action": {"id": 126}}, PERHAPS),
    ({"action": 126}, OTHER),
    ({"sent_time": at(hours=5)}, PERHAPS),
    ({"sent_time": at(days=5)}, PERHAPS),
    ({"sent_time": "soon"}, PERHAPS),
    ({"sent_time": "2026-01-15"}, PERHAPS),
    ({"sent_time": None}, PERHAPS),
    ({"action": None}, PERHAPS),
    ({"action": "126"}, OTHER),
    ({"text": "Hi Ada. STOP"}, PERHAPS),  # may be ours with something changed
    ({"text": None}, PERHAPS),
    ({"text": "Hi Ada. STOP", "sent_time": at(minutes=-30)}, PERHAPS),
    ({"text": "Hi Ada. STOP", "sent_time": at(days=2)}, PERHAPS),
    ({"text": "Hi Ada. STOP", "sent_time": None}, PERHAPS),
    ({"text": "Hi Ada. STOP", "action": "126"}, OTHER),
    ({"flags": ["sent", "run-bbbbbbbbbb"]}, OTHER),  # of another run of ours
    ({"flags": ["sent", "run-qrtx"]}, OURS),  # what is left of our tag
    ({"flags": ["RUN-QRTXN"], "sent_time": at(minutes=-30)}, PERHAPS),
    ({"flags": ["spring"]}, OURS),
]


@pytest.mark.parametrize(("fields", "expected"), UNTAGGED, ids=[str(fields) for fields, _ in UNTAGGED])
def test_a_text_without_its_tag_is_told_by_its_time(fields: dict[str, Any], expected: Verdict) -> None:
    """An earlier run's text would count as ours and lose a contact, or ours as an earlier one's and be sent twice."""
    assert judge(**{"flags": ["sent"], **fields}) is expected


def test_a_doubt_without_a_time_is_decided_by_the_tag_alone() -> None:
    """Any text that the phone ever got would count as ours, or as none."""
    unknown = UnknownText(1, "2022340001", TEXT, 0)
    assert Matcher(PLAN).judge(row(), unknown) is OURS
    assert Matcher(PLAN).judge(row(flags=[]), unknown) is PERHAPS
    assert Matcher(PLAN).judge(row(flags=[], sent_time=at(days=-999)), unknown) is PERHAPS


SUMMER = dt.datetime(2026, 7, 15, 16, 0, tzinfo=dt.UTC)
"""Noon in New York, where the wall shows EDT and the samples write EST."""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("07/15/2026 12:01pm EDT", OURS),
        ("07/15/2026 12:01pm EST", OURS),  # wall time, or 13:01: both lie in the window
        ("07/15/2026 11:01am EST", PERHAPS),  # noon if the label is meant literally; an hour before if not
        ("07/15/2026 11:01am EDT", PERHAPS),
        ("07/15/2026 11:01am CDT", OURS),
        ("2026-07-15T16:01:00Z", OURS),
        ("2026-07-15 11:01:00 GMT-0500", OURS),
        ("07/14/2026 12:01pm EST", PERHAPS),
    ],
)
def test_a_zone_that_cannot_be_trusted_leaves_in_doubt(written: str, expected: Verdict) -> None:
    """An hour of daylight saving would make an earlier run's text ours."""
    unknown = UnknownText(1, "2022340001", TEXT, int(SUMMER.timestamp() * 1000))
    assert Matcher(PLAN).judge(row(flags=[], sent_time=written), unknown) is expected


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("01/15/2026 07:00am EST", (0, 0)),
        ("01/15/2026 07:00am EDT", (-1, 0)),
        ("01/15/2026 07:00am ET", (0, 0)),
        ("2026-01-15T12:00:00Z", (0, 0)),
        (at(), (0, 0)),
    ],
)
def test_the_readings_of_a_time(written: object, hours: tuple[int, int]) -> None:
    """A time would be taken for exact that can mean two moments."""
    assert times.span(times.read(written)) == tuple(at(hours=hour) for hour in hours)


def test_an_unreadable_time_has_no_span() -> None:
    """A text whose time is unknown would be put into 1970."""
    assert times.span(times.read("soon")) is times.span(None) is None


@pytest.mark.parametrize(
    ("minutes", "milliseconds", "expected"),
    [(-5, 0, OURS), (-5, -1, PERHAPS), (120, 0, OURS), (120, 1, PERHAPS)],
)
def test_the_window_around_a_doubt_has_sharp_ends(minutes: int, milliseconds: int, expected: Verdict) -> None:
    """A text of an earlier run would be ours because the window had grown, or ours be left in doubt because it had shrunk."""
    assert judge(flags=["sent"], sent_time=at(minutes=minutes, milliseconds=milliseconds)) is expected


@pytest.mark.parametrize(
    ("phone", "sender", "is_from_the_contact"),
    [
        ("2022340001", "12022340001", True),
        ("12022340001", "2022340001", True),
        ("2022340001", "92022340001", False),
        ("2022340001", "112022340001", False),
        ("92022340001", "2022340001", False),
        ("022340001", "1022340001", False),  # too short for a country code
        (None, "2022340001", False),
        (None, None, False),
    ],
)
def test_who_wrote_is_told_by_the_whole_number(phone: str | None, sender: str | None, is_from_the_contact: bool) -> None:
    """A text of ours would be taken for the contact's own words, because their numbers are alike but for a digit."""
    assert is_incoming(msgspec.structs.replace(row(), phone=phone, sender=sender)) is is_from_the_contact


@pytest.mark.parametrize(
    ("raw", "holds"),
    [
        ({}, False),
        ({"flags": None, "tags": None}, False),
        ({"flags": ["sent", "run-bbbbbbbbbb"]}, False),
        ({"flags": [f"run-{RUN}"]}, True),
        ({"flags": {"spring": [f"RUN-{RUN.upper()}"]}}, True),
        ({"flags": f"run-{RUN}".translate({letter: letter + 0xFEE0 for letter in range(0x61, 0x7B)})}, True),  # in full width
        ({"flags": None, "tags": [f"run-{RUN}"]}, True),
        ({"text": f"run-{RUN}"}, False),
    ],
    ids=str,
)
def test_a_tag_is_seen_in_whatever_it_is_wrapped(raw: dict[str, Any], holds: bool) -> None:
    """A text of ours whose tags come in another form would count as somebody else's, or each row with the same words as ours."""
    assert Matcher(PLAN).holds_tag(raw) is holds


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"action": None}, True),
        ({"action": "the spring project"}, True),
        ({"text": None}, False),
        ({"text": "Hi Ada. STOP"}, False),
        ({"action": "126"}, False),
        ({"status": "received"}, False),
        ({"flags": ["run-bbbbbbbbbb"]}, False),
    ],
    ids=str,
)
def test_a_row_under_another_phone_may_be_ours(fields: dict[str, Any], expected: bool) -> None:
    """A log that masks phones would make everybody absent; or anything that was ever sent would leave everybody in doubt."""
    masked = row(**{"phone": "202234XXXX", "flags": ["sent"], **fields})
    assert Matcher(PLAN).may_be_one_of(masked, {TEXT}) is expected
