"""What an answer means: the table of statuses and bodies, and that no answer can surprise us."""

import datetime as dt
import email.utils
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from rumbleup_async import errors
from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import ApiError, ConfigurationError, RumbleUpError, UnreadableReply
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.provider import arguments, belonging, replies, waiting
from rumbleup_async.rumbleup import answers, failures, next_contact, requests, wire
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from rumbleup_async.rumbleup.models import ContactRecord, Message
from rumbleup_async.session import Response, ScriptedExchange

LOGID = "rl_00000000000000000000000000000001"
HTML = b"<html><body>502 Bad Gateway for 2025550101</body></html>"


def answer(status: int, body: object = b"", **headers: str) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}), data)


def error(status: int, message: str = "no", code: object = None, **more: object) -> dict[str, object]:
    return {"status": status, "message": message, **({} if code is None else {"code": code}), **more}


def short(outcome: Outcome) -> tuple[object, ...]:
    """The outcome without its words."""
    match outcome:
        case Accepted():
            return ("accepted", outcome.logid)
        case Refused():
            return ("refused", outcome.status, outcome.code, outcome.about_recipient)
        case Throttled():
            return ("throttled", outcome.status, outcome.after)
        case Barred():
            return ("barred", outcome.kind, outcome.status)
        case Unknown():
            return ("unknown", outcome.status)
        case _:
            return (outcome,)


DEEP = b"[" * 100_000 + b"]" * 100_000
UNKNOWN_200 = ("unknown", 200)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        # taken
        (answer(200, {"logid": LOGID}), ("accepted", LOGID)),
        (answer(200, {"logid": LOGID, "status": "scheduled", "flags": [1, {}], "phone": None}), ("accepted", LOGID)),
        (answer(201, {"logid": LOGID}), ("accepted", LOGID)),
        (answer(202, {"logid": LOGID}), ("accepted", LOGID)),
        (answer(200, {"logid": 17}), ("accepted", "17")),
        (answer(200, {"logid": 0}), ("accepted", "0")),
        (answer(200, {"logid": LOGID, "status": 440}), ("accepted", LOGID)),
        (answer(200, {"logid": LOGID, "status": {"a": 1}, "message": 5, "code": []}), ("accepted", LOGID)),
        # perhaps taken
        (answer(200, {"logid": ""}), UNKNOWN_200),
        (answer(200, {"logid": None}), UNKNOWN_200),
        (answer(200, {"logid": ["rl_1"]}), UNKNOWN_200),
        (answer(200, {"logid": True}), UNKNOWN_200),
        (answer(200, {}), UNKNOWN_200),
        (answer(200, []), UNKNOWN_200),
        (answer(200, [{"logid": LOGID}]), UNKNOWN_200),
        (answer(200, "ok"), UNKNOWN_200),
        (answer(200, b"null"), UNKNOWN_200),
        (answer(200, b""), UNKNOWN_200),
        (answer(204), ("unknown", 204)),
        (answer(200, HTML), UNKNOWN_200),
        (answer(200, b'{"logid": "rl_'), UNKNOWN_200),
        (answer(200, b'{"logid": "rl_1"} trailing'), UNKNOWN_200),
        (answer(200, b'\xff\xfe{"logid": 1}'), UNKNOWN_200),
        (answer(200, b'{"logid": "\xff"}'), UNKNOWN_200),
        (answer(200, DEEP), UNKNOWN_200),
        (answer(200, b'{"x":' + DEEP + b"}"), UNKNOWN_200),
        (answer(200, error(441)), UNKNOWN_200),
        (answer(200, error(400)), UNKNOWN_200),
        (answer(200, error(403, "on the opt-out list", "DND")), UNKNOWN_200),
        (answer(200, {"status": 401}), UNKNOWN_200),
        (answer(200, {"status": 400, "code": "DAILYCAP"}), UNKNOWN_200),
        (answer(200, error(500, code="DAILYCAP")), UNKNOWN_200),
        (answer(200, error(500)), UNKNOWN_200),
        (answer(301), ("unknown", 301)),
        (answer(304, b""), ("unknown", 304)),
        (answer(307, b""), ("unknown", 307)),
        (answer(500, error(500)), ("unknown", 500)),
        (answer(500, error(400, code="LANDLINE")), ("unknown", 500)),
        (answer(502, HTML), ("unknown", 502)),
        (answer(503, b"", Retry_After="1"), ("unknown", 503)),
        (answer(504, b""), ("unknown", 504)),
        (answer(599, b""), ("unknown", 599)),
        (answer(500, error(500, code="DAILYCAP")), ("unknown", 500)),
        (answer(500, error(441)), ("unknown", 500)),
        (answer(502, error(440)), ("throttled", 440, None)),
        # not now
        (answer(429, error(429)), ("throttled", 429, None)),
        (answer(429, b""), ("throttled", 429, None)),
        (answer(429, HTML), ("throttled", 429, None)),
        (answer(440, error(440)), ("throttled", 440, None)),
        (answer(440, b""), ("throttled", 440, None)),
        (answer(400, error(440)), ("throttled", 440, None)),
        (answer(400, {"status": "440"}), ("throttled", 440, None)),
        (answer(200, error(440)), ("throttled", 440, None)),
        (answer(200, error(429)), ("throttled", 429, None)),
        (answer(429, error(429), Retry_After="7"), ("throttled", 429, 7.0)),
        (answer(429, error(429), retry_after="0.5"), ("throttled", 429, 0.5)),
        (answer(429, b"", Retry_After="7"), ("throttled", 429, 7.0)),
        (answer(429, error(429), Retry_After="0"), ("throttled", 429, 0.0)),
        (answer(429, error(429), Retry_After="-5"), ("throttled", 429, 5.0)),
        (answer(429, error(429), Retry_After="soon"), ("throttled", 429, 5.0)),
        (answer(429, error(429), Retry_After="nan"), ("throttled", 429, 5.0)),
        (answer(429, error(429), Retry_After="Mon, 99999999999999999999 Jan 2024 00:00:00 GMT"), ("throttled", 429, 5.0)),
        (answer(429, error(429), Retry_After="inf"), ("throttled", 429, 1e10)),
        (answer(429, error(429), Retry_After="Mon, 99 Foo 2025 00:00:00"), ("throttled", 429, 5.0)),
        (answer(429, error(429), Retry_After="Mon, 01 Jan 0001 00:00:00 -0000"), ("throttled", 429, 0.0)),
        (answer(429, error(429, retryAfter=1500)), ("throttled", 429, 1.5)),
        (answer(429, error(429, retryAfter="1500")), ("throttled", 429, 1.5)),
        (answer(429, error(429, retryAfter=-1)), ("throttled", 429, 5.0)),
        (answer(429, error(429, retryAfter=True)), ("throttled", 429, 5.0)),
        (answer(429, error(429, retryAfter=500), Retry_After="9"), ("throttled", 429, 9.0)),
        (answer(200, error(429, retryAfter=60_000)), ("throttled", 429, 60.0)),
        # nobody is texted before somebody acts
        (answer(401, error(401)), ("barred", Bar.KEY_REFUSED, 401)),
        (answer(200, error(401)), ("barred", Bar.KEY_REFUSED, 401)),
        (answer(200, error(403, "Please mention STOP")), ("barred", Bar.OPT_OUT_MISSING, 403)),
        (answer(200, error(400, code="DAILYCAP")), ("barred", Bar.DAILY_CAP, 400)),
        (answer(200, error(403, code="TIMERANGE")), ("barred", Bar.OUTSIDE_HOURS, 403)),
        (answer(401, b""), ("barred", Bar.KEY_REFUSED, 401)),
        (answer(401, HTML), ("barred", Bar.KEY_REFUSED, 401)),
        (answer(403, error(403, "Your message must contain opt-out instructions")), ("barred", Bar.OPT_OUT_MISSING, 403)),
        (answer(403, error(403, "Please mention STOP")), ("barred", Bar.OPT_OUT_MISSING, 403)),
        (answer(403, error(403, "must contain OPT OUT instructions", "FIELD")), ("barred", Bar.OPT_OUT_MISSING, 403)),
        (answer(403, error(403, "API is not authorized")), ("barred", Bar.NOT_ALLOWED, 403)),
        (answer(403, b""), ("barred", Bar.NOT_ALLOWED, 403)),
        (answer(403, HTML), ("barred", Bar.NOT_ALLOWED, 403)),
        (answer(400, error(400, code="DAILYCAP")), ("barred", Bar.DAILY_CAP, 400)),
        (answer(403, error(403, code="dailycap")), ("barred", Bar.DAILY_CAP, 403)),
        (answer(429, error(429, code="DAILYCAP")), ("barred", Bar.DAILY_CAP, 429)),
        (answer(400, error(400, code="TIMERANGE")), ("barred", Bar.OUTSIDE_HOURS, 400)),
        (answer(400, b'{"status": 400, "code": "TIMERANGE", "message": "Hi \\ud83d"}'), ("barred", Bar.OUTSIDE_HOURS, 400)),
        (answer(400, b'{"status": 440, "message": "Hi \\ud83d"}'), ("throttled", 440, None)),
        (answer(441, error(441)), ("throttled", 441, None)),
        (answer(400, error(441)), ("throttled", 441, None)),
        # nothing left, and nobody is written off for it
        (answer(400, b""), ("barred", Bar.GATEWAY, 400)),
        (answer(400, HTML), ("barred", Bar.GATEWAY, 400)),
        (answer(400, DEEP), ("barred", Bar.GATEWAY, 400)),
        (answer(400, {"error": "a field"}), ("barred", Bar.GATEWAY, 400)),
        (answer(400, {"error": "no such action"}), ("barred", Bar.ACCOUNT, 400)),
        (answer(404, error(404)), ("barred", Bar.OTHER, 404)),
        (answer(400, error(404)), ("barred", Bar.OTHER, 400)),
        (answer(404, error(400)), ("barred", Bar.OTHER, 404)),
        (answer(409, error(409, code="FIELD")), ("barred", Bar.OTHER, 409)),
        (answer(403, error(403, code="FIELD")), ("barred", Bar.OTHER, 403)),
        (answer(402, error(402)), ("barred", Bar.ACCOUNT, 402)),
        (answer(400, error(402)), ("barred", Bar.ACCOUNT, 400)),
        (answer(200, error(402)), ("barred", Bar.ACCOUNT, 402)),
        (answer(200, error(404)), UNKNOWN_200),
        (answer(400, error(401)), ("barred", Bar.KEY_REFUSED, 400)),
        (answer(400, error(403)), ("barred", Bar.NOT_ALLOWED, 400)),
        # an error object that says 500 under a 400 says nothing certain
        (answer(400, error(500)), ("unknown", 400)),
        (answer(400, error(408)), ("unknown", 400)),
        (answer(499, error(400)), ("unknown", 499)),
        # no, and it would be no again
        (answer(400, error(400)), ("refused", 400, "", False)),
        (answer(400, error(400, code="LANDLINE")), ("refused", 400, "LANDLINE", True)),
        (answer(403, error(403, code="LANDLINE")), ("refused", 403, "LANDLINE", True)),
        (answer(400, error(400, code="DND")), ("refused", 400, "DND", True)),
        (answer(400, error(400, code=12)), ("refused", 400, "12", False)),
        (answer(400, error(400, code={"x": 1})), ("refused", 400, "", False)),
        (answer(422, error(422)), ("refused", 422, "", False)),
    ],
)
def test_what_an_answer_to_a_send_means(response: Response, expected: tuple[object, ...]) -> None:
    """Somebody would be texted twice, be given up although they could be texted, or a wrong key would cost the whole list."""
    assert short(wire.decipher_send(response)) == expected


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429, 440, 441])
@pytest.mark.parametrize("logid", [LOGID, 17])
def test_a_refusal_with_a_logid_may_have_been_taken(status: int, logid: object) -> None:
    """A message was made of it: behind a 429 the text would be sent once more, and behind a 400 it would count as refused."""
    assert short(wire.decipher_send(answer(status, error(status, logid=logid, phone="2025550101")))) == ("unknown", status)


@pytest.mark.parametrize("logid", [None, "", 0, False, [], {}])
def test_an_empty_logid_beside_a_refusal_is_none(logid: object) -> None:
    """A server that writes all its fields has refused the text all the same."""
    assert short(wire.decipher_send(answer(400, error(400, logid=logid)))) == ("refused", 400, "", False)
    assert short(wire.decipher_send(answer(400, error(400, code="LANDLINE", logid=LOGID)))) == ("refused", 400, "LANDLINE", True)


def test_a_date_says_how_long_to_wait() -> None:
    """A wish to be left alone for two minutes would be overheard because it is a date."""
    when = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=120), usegmt=True)
    outcome = wire.decipher_send(answer(429, b"", Retry_After=when))
    assert isinstance(outcome, Throttled)
    assert outcome.after is not None
    assert 110 < outcome.after <= 121
    past = email.utils.format_datetime(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), usegmt=True)
    assert short(wire.decipher_send(answer(429, b"", Retry_After=past))) in {("throttled", 429, None), ("throttled", 429, 0.0)}


# ---- what the provider says and what we show of it ----

PHONE = "2025550101"
WRITTEN = [
    "2025550101",
    "12025550101",
    "+1 (202) 555-0101",
    "202.555.0101",
    "202 555 0101",
    "202-555-0101",
    "202\u2011555\u20110101",
    "202\u2013555\u20130101",
    "202\u00a0555\u00a00101",
    "202/555/0101",
    "202_555_0101",
    "202,555,0101",
    "202*555*0101",
    "2 0 2 5 5 5 0 1 0 1",
    "\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff10\uff11",
    "202\u200b555\u200b0101",
]
TEXT = "Hi Ada Lovelace of 12 Main Street.\nYour code is 4711. STOP to opt out " + "x" * 200
QUOTED = [
    TEXT,
    TEXT.replace("\n", " "),
    TEXT.replace("\n", "\\n"),
    TEXT[:120],
    json.dumps(TEXT),
    TEXT.upper(),
]


def shown(outcome: Outcome) -> str:
    return f"{outcome!r} {getattr(outcome, 'reason', '')} {getattr(outcome, 'code', '')}"


def digits(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("where", ["message", "code", "error"])
def test_no_phone_of_the_providers_words_is_shown(written: str, where: str) -> None:
    """Reports and logs are mailed around; a number in them is somebody's private data."""
    body = {"status": 400, where: f"Contact {written} said no" if where != "code" else written}
    for status in (400, 401, 403):
        outcome = wire.decipher_send(answer(status, body))
        assert "5550101" not in digits(shown(outcome).replace(str(status), ""))
        raised = failures.error_of(answer(status, body), "/message/send")
        assert "5550101" not in digits(f"{raised} {raised!r} {raised.message} {raised.code}".replace(str(status), ""))


@pytest.mark.parametrize("quoted", QUOTED)
async def test_no_text_of_the_providers_words_is_shown(quoted: str) -> None:
    """The text, merged with what is known of a person, would stand in the report of everybody it was refused for."""
    carrier = ScriptedExchange(lambda request: answer(400, error(400, f"The text '{quoted}' has no opt-out")))
    outcome = await RumbleUpGateway(carrier, action="125").deliver(Text(1, PHONE, TEXT), Permit())
    assert "lovelace" not in shown(outcome).lower()
    assert "4711" not in shown(outcome)


def test_words_are_one_short_line() -> None:
    """A page of HTML in a message would fill the terminal, or forge lines of the report."""
    line = replies.safe("a\r\nb\t\x00c\x1b[31m" + "d" * 1000)
    assert line.startswith("a b c [31m")
    assert len(line) <= 160
    assert line.isprintable()


# ---- errors of single calls ----


@pytest.mark.parametrize(
    ("response", "kind", "status", "code"),
    [
        (answer(401, error(401)), errors.KeyRefused, 401, ""),
        (answer(403, error(403)), errors.NotAllowed, 403, ""),
        (answer(403, error(403, "must contain opt-out instructions")), errors.OptOutMissing, 403, ""),
        (answer(404, error(404)), errors.NotFound, 404, ""),
        (answer(400, error(400)), errors.InvalidField, 400, ""),
        (answer(400, error(400, "The group must be Active")), errors.GroupNotActive, 400, ""),
        (answer(400, error(400, code="FIELD")), errors.InvalidField, 400, "FIELD"),
        (answer(400, error(400, code="LANDLINE")), errors.Landline, 400, "LANDLINE"),
        (answer(400, error(400, code="DAILYCAP")), errors.DailyCapReached, 400, "DAILYCAP"),
        (answer(400, error(400, code="TIMERANGE")), errors.OutsideHours, 400, "TIMERANGE"),
        (answer(429, error(429)), errors.RateLimited, 429, ""),
        (answer(440, b""), errors.RateLimited, 440, ""),
        (answer(400, error(440)), errors.RateLimited, 440, ""),
        (answer(441, error(441)), ApiError, 441, ""),
        (answer(500, HTML), errors.ServerFailed, 500, ""),
        (answer(503, b""), errors.ServerFailed, 503, ""),
        (answer(307, b""), UnreadableReply, 307, ""),
        (answer(418, error(418, code="TEAPOT")), ApiError, 418, "TEAPOT"),
    ],
)
def test_which_exception_an_answer_is(response: Response, kind: type[ApiError], status: int, code: str) -> None:
    """A caller who handles a refused key would not be told of one."""
    raised = failures.error_of(response, "/message/send")
    assert type(raised) is kind
    assert (raised.status, raised.code, raised.endpoint) == (status, code, "/message/send")


def test_a_wait_asked_for_is_in_the_exception() -> None:
    """A caller of single calls could not obey it."""
    raised = failures.error_of(answer(429, error(429), Retry_After="12"), "/x")
    assert isinstance(raised, errors.RateLimited)
    assert raised.after == 12.0


# ---- keys, phones, lists ----


@pytest.mark.parametrize(
    ("key", "scheme", "header"),
    [
        ("KEY:SECRET", "basic", "Basic S0VZOlNFQ1JFVA=="),
        ("KEY:SECRET", "bearer", "Bearer KEY:SECRET"),
        ("c_1:key", "basic", "Basic Y18xOmtleQ=="),
        ("KEY:SE:CRET", "basic", "Basic S0VZOlNFOkNSRVQ="),
    ],
)
def test_the_header_of_a_key(key: str, scheme: str, header: str) -> None:
    """Every call would be answered 401."""
    assert requests.auth_header(key, scheme) == header


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        ("", "basic"),
        ("KEYSECRET", "basic"),
        (":SECRET", "basic"),
        ("KEY:", "basic"),
        ("KEY:SECRET\n", "basic"),
        (" KEY:SECRET", "basic"),
        ("KEY: SECRET", "basic"),
        ("KEY:SECRET\r\nX-Evil: 1", "bearer"),
        ("KEY:SÉCRET", "basic"),
        ("KEY:SECRET", "digest"),
        ("c_1:SECRET", "bearer"),
    ],
)
def test_a_key_that_cannot_be_right_is_refused_without_showing_it(key: str, scheme: str) -> None:
    """A key pasted with its line break would be answered 401 for no visible reason, or stand in a log."""
    with pytest.raises(ConfigurationError) as raised:
        requests.auth_header(key, scheme)
    assert "SECRET" not in str(raised.value).replace("KEY:SECRET", "")


@pytest.mark.parametrize(
    "written", ["2025550101", 2025550101, "12025550101", "+12025550101", "+1 (202) 555-0101", "202.555.0101", " 202-555-0101 "]
)
def test_a_phone_in_any_way_of_writing(written: str | int) -> None:
    """A number as people write it would be refused."""
    assert requests.phone_digits(written) == "2025550101"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "555-0101",
        "+4722334455",
        "+20 25 550 101",
        "+202 555 0101",
        "22025550101",
        "120255501011",
        "2025550101x12",
        "1-202-555-010",
        "1202555010",
        "0123456789",
        "2015550a01",
        "٢٠٢٥٥٥٠١٠١",
        "2.025550101",
        "202555010.1",
        "2025550101.0",
        "-2025550101",
        True,
    ],
)
def test_a_phone_in_doubt_is_refused(written: str | int) -> None:
    """A stranger would be texted: +47 22 33 44 55 is somebody in Oslo, not 472 233 4455 in the Americas."""
    with pytest.raises(ConfigurationError) as raised:
        requests.phone_digits(written)
    assert digits(str(written))[-7:] not in str(raised.value) or not digits(str(written))


def test_comma_lists() -> None:
    """A filter would be cut in two by a comma inside of a value."""
    assert requests.comma("a,b") == "a,b"
    assert requests.comma(["a", 2]) == "a,2"
    assert requests.comma(7) == "7"
    with pytest.raises(ConfigurationError):
        requests.comma(["a,b", "c"])


def test_queries_are_encoded() -> None:
    """A tag with `&` in it would be another parameter."""
    assert arguments.query({"flags": "a&b=c d+é", "phone": None, "_start": "x"}) == "flags=a%26b%3Dc+d%2B%C3%A9&_start=x"


# ---- pages and contacts ----


@pytest.mark.parametrize(
    ("body", "rows", "token"),
    [
        ({"count": 1, "data": [{"logid": "a"}], "next_token": "t"}, 1, "t"),
        ({"count": 3, "total": 3, "data": [{}], "next_token": 17}, 1, "17"),
        ({"data": [{}, {}]}, 2, None),
        ({"data": [], "next_token": ""}, 0, None),
        ({"data": [], "next_token": None}, 0, None),
        ({"data": [], "next_token": "0"}, 0, "0"),
        ({"data": [], "next_token": 0}, 0, "0"),
        ({"data": [], "next_token": False}, 0, None),
        ({"data": [], "next_token": {}}, 0, None),
        ({"data": None, "messages": [{}]}, 1, None),
        ({"logs": [{}]}, 1, None),
        ({"data": {"logid": "a"}}, 1, None),
        ([{}, {}], 2, None),
        ({}, 0, None),
    ],
)
def test_pages_as_servers_write_them(body: object, rows: int, token: str | None) -> None:
    """The rest of a log would never be read, and texts that left be taken for texts that did not."""
    page = answers.read_page(answer(200, body), "/log")
    assert (rows, token) == (len(page.rows), page.next_token)


@pytest.mark.parametrize("token", [{"a": 1}, ["a"], True])
def test_a_token_that_cannot_be_sent_back_is_not_the_end(token: object) -> None:
    """The rest of a log would be lost without a word."""
    with pytest.raises(UnreadableReply, match="page token"):
        answers.read_page(answer(200, {"data": [{}], "next_token": token}), "/log")


@pytest.mark.parametrize(
    ("total", "read"),
    [(0, 0), (3, 3), (2_500_000, 2_500_000), ("2500000", 2_500_000), (None, None), (True, None), (-1, None), ("x", None)],
)
def test_totals(total: object, read: int | None) -> None:
    """The progress bar of a long log would have no end."""
    assert answers.read_page(answer(200, {"data": [], "total": total}), "/log").total == read


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "DAILYCAP", "cap", errors.DailyCapReached),
        (440, "TIMERANGE", "late", errors.OutsideHours),
        (500, "LANDLINE", "x", errors.ServerFailed),
        (401, "FIELD", "x", errors.KeyRefused),
        (404, "FIELD", "x", errors.NotFound),
        (409, "FIELD", "x", errors.InvalidField),
        (400, "FIELD", "the contact group must be Active", errors.GroupNotActive),
        (403, "FIELD", "the message lacks opt-out instructions", errors.OptOutMissing),
        (403, "FIELD", "x", errors.InvalidField),
        (403, "OTHER", "x", errors.NotAllowed),
    ],
)
def test_status_and_code_together(status: int, code: str, message: str, kind: type[Exception]) -> None:
    """A cap would look like a short pause, a 5xx like proof that nothing was sent."""
    error = failures.error_of(answer(status, {"status": status, "code": code, "message": message}), "/message/send")
    assert type(error) is kind


@pytest.mark.parametrize("values", ["", " ", [""], ["a", " "], []])
def test_an_empty_filter_is_refused(values: str | list[str]) -> None:
    """It would search for everything, and whoever looks for one text would find another."""
    with pytest.raises(ConfigurationError, match="everything"):
        requests.comma(values)


@pytest.mark.parametrize("action", [None, "", " ", True, 1.5, b"7", ["7"], -1, "abc", "12a", "1 2", "\u00b2"])
def test_what_is_no_project_id(action: Any) -> None:
    """A text would be sent into the project `None`; or a dry run would find nothing wrong with a name in the place of an id."""
    with pytest.raises(ConfigurationError):
        requests.project_id(action)


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"5", b'"x"', b"{", DEEP])
def test_what_is_no_page_is_an_error_not_an_empty_page(body: bytes) -> None:
    """An error page would look like a log without the text, and the text be sent again."""
    with pytest.raises(UnreadableReply):
        answers.read_page(answer(200, body), "/log")


@pytest.mark.parametrize(
    "body",
    [
        b'{"phone": "2025550101", "phone": "2025550102"}',
        b'{"phone": "2025550101", "first_name": "Ada", "phone": 2025550102}',
        b'{"phone": null, "phone": "2025550102"}',
        b"[]",
        b"",
        b"nope",
        DEEP,
        b'{"phone": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_contact_in_doubt_is_refused(body: bytes) -> None:
    """The API's own sample has two phones in one contact: one of them is a stranger."""
    with pytest.raises(UnreadableReply):
        next_contact.read_next(answer(200, body), "/message/next")


def test_a_contact_that_says_the_same_twice_is_fine() -> None:
    """A harmless repetition would end the run."""
    assert next_contact.read_next(answer(200, b'{"phone": "2025550101", "phone": 2025550101}'), "/x") == {"phone": 2025550101}


# ---- nothing surprises us ----

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_NAMES = [
    "logid",
    "status",
    "message",
    "code",
    "retryAfter",
    "error",
    "phone",
    "data",
    "next_token",
    "total",
    "flags",
    "price",
    "sent_time",
    "group",
    "action",
    "sender",
    "update_time",
    "create_time",
    "tracking",
    "name",
    "first_name",
]
_known = st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _json))
_body = st.one_of(
    st.binary(max_size=60),
    _json.map(lambda value: json.dumps(value).encode()),
    _known.map(lambda value: json.dumps(value).encode()),
)
_header = st.text(max_size=40) | st.sampled_from(
    ["Mon,", "1 Jan", "0,", "1,2,3,4,5,6", "Fri, 31 Dec 9999 23:59:59 +9999", "1_0", "∞"]
)


@settings(max_examples=80)
@given(status=st.integers(100, 599), body=_body, retry=_header)
def test_any_answer_is_an_outcome(status: int, body: bytes, retry: str) -> None:
    """One strange answer would leave an entry open, or end a run of a million in a traceback."""
    response = answer(status, body, Retry_After=retry, Content_Type=retry)
    outcome = wire.decipher_send(response)
    assert isinstance(outcome, Outcome)
    assert "\n" not in getattr(outcome, "reason", "")
    if isinstance(outcome, Throttled):
        assert outcome.after is None or 0 <= outcome.after <= waiting.LONGEST
    if isinstance(outcome, Accepted):
        assert 200 <= status < 300
        assert outcome.logid
    assert isinstance(failures.error_of(response, "/x"), ApiError)
    next_contact.decipher_next(response)


@settings(max_examples=80)
@given(body=_body, reader=st.sampled_from(["page", "next", "message", "contact"]))
def test_any_body_is_a_model_or_one_of_our_errors(body: bytes, reader: str) -> None:
    """A field of another type than documented would break a caller who only catches RumbleUpError."""
    response = answer(200, body)
    try:
        if reader == "page":
            for row in answers.read_page(response, "/x").rows:
                repr(Message.read(row))
        elif reader == "next":
            repr(ContactRecord.read(next_contact.read_next(response, "/x")))
        elif reader == "message":
            repr(Message.read(replies.read_json(response, "/x")))
        else:
            repr(ContactRecord.read(replies.read_json(response, "/x")))
    except RumbleUpError as raised:
        assert "\n" not in str(raised)  # noqa: PT017 - or nothing is raised


_PRIVATE = [
    "phone",
    "proxy",
    "sender",
    "rupid",
    "name",
    "first_name",
    "last_name",
    "email",
    "street",
    "descr",
    "question",
    "custom1",
    "custom5",
    "text",
    "error_text",
    "contact_source",
    "source",
    "tracking",
    "unheard_of",
]


@pytest.mark.parametrize("model", [ContactRecord, Message])
@pytest.mark.parametrize("field", _PRIVATE)
def test_no_model_shows_a_whole_phone(model: type[ContactRecord | Message], field: str) -> None:
    """Every log line with a contact in it would be private data."""
    value: Any = model.read({"phone": PHONE, field: PHONE, "logid": LOGID})
    assert value.phone == PHONE
    assert PHONE not in repr(value)
    assert PHONE not in f"{value}"


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        (b'{"logid":"rl_1"}', True),
        (b'{"logid":"rl_1","phone":"2025550101","text":"Hi","flags":["run-zzzzzzzzzz"]}', True),
        (b'{"logid":"rl_1","flags":["sent","newsms"]}', True),
        (b'{"logid":"rl_1","flags":["run-zzzzzzzzzz"]}', False),
        (b'{"logid":"rl_1","phone":"2025550102"}', False),
        (b'{"logid":"rl_1","phone":"+1 (202) 555-0101"}', False),
        (b'{"logid":"rl_1","text":"something else"}', False),
        (b'{"logid":1}', False),
        (b'{"logid":""}', False),
        (b'{"logid":"rl_1","phone":null}', False),
        (b'[{"logid":"rl_1"}]', False),
        (b"", False),
    ],
)
def test_only_what_needs_no_care_is_read_at_one_look(body: bytes, accepted: bool) -> None:
    """The quick look would take another person's answer for this one's."""
    sent = belonging.Sent("2025550101", "Hi", "run-abcdefghij")
    assert (wire.usual(Response(200, {}, body), sent) is not None) is accepted
    assert wire.usual(Response(400, {}, body), sent) is None
