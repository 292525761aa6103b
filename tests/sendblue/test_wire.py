"""What each answer of send-message means, in the safe reading of what no page describes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import ApiError, ConfigurationError, InvalidField, RateLimited, ServerFailed, UnreadableReply
from rumbleup_async.outcomes import Accepted, Bar, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.sendblue import answers, failures, requests, wire
from rumbleup_async.sendblue.models import Message, Status
from rumbleup_async.session import Response


def answer(status: int, body: Any, **headers: str) -> Response:
    return Response(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


_HANDLES = st.sampled_from(["H-1", "", " ", None, 7, True, ["H-1"], "\ud83d", "H\u0000"])
_STATUSES = st.sampled_from([*Status, "queued", " ERROR", "NEW", "", None, 1, {}])
_CODES: st.SearchStrategy[object] = st.sampled_from(
    [None, 0, 0.0, "0", "", " ", "None", False, True, 4001, "4002", 5000, 22.0, []]
)
_INNERS: st.SearchStrategy[object] = st.sampled_from(
    [None, {}, [], "x", {"message_handle": "H-2", "status": "ERROR"}, {"error_code": 4001}]
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "message_handle": _HANDLES,
            "messageHandle": _HANDLES,
            "status": _STATUSES,
            "error_code": _CODES,
            "error_message": st.sampled_from([None, "", "no", 3]),
            "message": st.sampled_from([None, "", "slow down"]),
            "data": _INNERS,
        },
    )
)
def test_the_short_way_to_an_accepted_text_is_no_other_way(body: dict[str, Any]) -> None:
    """An answer that denies a text, or leaves it open, would be counted as sent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_plainly_accepted", lambda _: "")
        expected = wire.decipher_send(answer(200, body))
    assert wire.decipher_send(answer(200, body)) == expected


@pytest.mark.parametrize(
    ("odd", "outcome"),
    [
        (b'"content":"\xff"', Accepted("H-1")),
        (b'"content":"a\nb"', Accepted("H-1")),
        (b'"n":NaN', Accepted("H-1")),
        (b'"n":-Infinity', Accepted("H-1")),
        (b'"content":"\xc3\xa9"', Accepted("H-1")),
        (b'"content":"\\ud83d"', Accepted("H-1")),
        (b'"n":1e999', Accepted("H-1")),
    ],
)
def test_an_oddity_in_what_decides_nothing(odd: bytes, outcome: Outcome) -> None:
    """A caller who is given an error for a text that was taken sends it again."""
    response = answer(200, b'{"message_handle":"H-1","status":"QUEUED",' + odd + b"}")
    assert wire.decipher_send(response) == outcome
    if isinstance(outcome, Accepted):
        assert wire.sent(response, ()).message_handle == "H-1"
    else:
        with pytest.raises(UnreadableReply, match="may have been sent"):
            wire.sent(response, ())


def test_most_answers_take_the_short_way() -> None:
    """Or it would be there for nothing."""
    body = json.dumps({"message_handle": "H-1", "status": "QUEUED", "error_code": None, "number": "+12025550101"}).encode()
    assert wire._plainly_accepted(body) == "H-1"


SAYS: list[tuple[int, Any, Outcome]] = [
    (200, {"message_handle": "H-1", "status": "QUEUED", "error_code": None}, Accepted("H-1")),
    (200, {"message_handle": "H-1", "status": "QUEUED", "error_code": 0}, Accepted("H-1")),
    (200, {"message_handle": "H-1", "status": "SENT", "error_code": "0"}, Accepted("H-1")),
    (200, {"messageHandle": "H-1", "accountEmail": "a@example.com"}, Accepted("H-1")),
    (202, {"status": "OK", "data": {"message_handle": "H-1", "status": "QUEUED"}}, Accepted("H-1")),
    (200, {"message_handle": "H-1", "status": "SOMETHING_NEW"}, Accepted("H-1")),
    # a refusal under a 200
    (200, {"message_handle": "H-1", "status": "ERROR", "error_code": 10001, "error": "x"},
     Refused(Reason(Code.REFUSED_TEXT, "200 10001 x"), 200, "10001")),
    (200, {"message_handle": "H-1", "status": "DECLINED"}, Refused(Reason(Code.REFUSED_TEXT, "200 DECLINED"), 200)),
    (200, {"status": "error", "error_code": 4002, "error_message": "no"},
     Refused(Reason(Code.REFUSED_PERSON, "200 4002 no"), 200, "4002", True)),
    (200, {"status": "ERROR", "error_code": "22", "message": "odd"}, Refused(Reason(Code.REFUSED_TEXT, "200 22 odd"), 200, "22")),
    # a limit: "not now" only where no message was made
    (200, {"status": "ERROR", "error_code": 4001, "error_message": "slow"}, Throttled(Reason(Code.LIMIT, "200 4001 slow"), 200)),
    (200, {"status": "ERROR", "error_code": "5509"}, Throttled(Reason(Code.LIMIT, "200 5509"), 200)),
    (200, {"status": "ERROR", "error_code": "SMS_LIMIT_REACHED"}, Throttled(Reason(Code.LIMIT, "200 SMS_LIMIT_REACHED"), 200)),
    (200, {"message_handle": "H-1", "status": "ERROR", "error_code": 5003},
     Unknown(Reason(Code.UNCLEAR, "200 5003; it may still leave"), 200)),
    (200, {"message_handle": "H-1", "status": "QUEUED", "error_code": 4001},
     Unknown(Reason(Code.UNCLEAR, "200 4001; it may still leave"), 200)),
    (200, {"error_code": 4001}, Unknown(Reason(Code.UNCLEAR, "200 4001; it may still leave"), 200)),
    # nobody knows
    (200, {"message_handle": "H-1", "status": "ERROR", "error_code": 5000}, Unknown(Reason(Code.UNCLEAR, "200 5000"), 200)),
    (200, {"status": "ERROR", "error_code": 10002}, Unknown(Reason(Code.UNCLEAR, "200 10002"), 200)),
    (200, {"data": {"status": "ERROR", "error_code": 10002}}, Unknown(Reason(Code.UNCLEAR, "200 10002"), 200)),
    (200, {"data": {"status": "ERROR", "error_code": 4001}}, Throttled(Reason(Code.LIMIT, "200 4001"), 200, None)),
    (200, {"message_handle": "H-1", "status": "QUEUED", "error_code": 22},
     Unknown(Reason(Code.UNCLEAR, "200 22 under the status QUEUED"), 200)),
    (200, {"status": "QUEUED"}, Unknown(Reason(Code.UNREADABLE, "an answer without a message handle"), 200)),
    (200, {}, Unknown(Reason(Code.UNREADABLE, "an answer without a message handle"), 200)),
    (200, [], Unknown(Reason(Code.UNREADABLE, "an answer that is no message"), 200)),
    (200, b"", Unknown(Reason(Code.UNREADABLE, "unreadable answer: an empty body"), 200)),
    (200, b"<html>", Unknown(Reason(Code.UNREADABLE, "unreadable answer: an HTML page\x1f of 6 bytes"), 200)),
    (302, b"", Unknown(Reason(Code.SERVER_ANSWERED, "302"), 302)),
    (408, {}, Unknown(Reason(Code.SERVER_ANSWERED, "408"), 408)),
    (409, {"error": "conflict"}, Unknown(Reason(Code.SERVER_ANSWERED, "409"), 409)),
    (400, {"error_code": 5000}, Unknown(Reason(Code.SERVER_ANSWERED, "400"), 400)),
    (500, {"status": "ERROR"}, Unknown(Reason(Code.SERVER_ANSWERED, "500"), 500)),
    (503, b"busy", Unknown(Reason(Code.SERVER_ANSWERED, "503"), 503)),
    # statuses
    (429, {"error": "slow down"}, Throttled(Reason(Code.THROTTLED, "429"), 429)),
    (400, {"status": "ERROR", "error_code": 4001, "error_message": "limit"},
     Throttled(Reason(Code.LIMIT, "400 4001 limit"), 400)),
    (403, {"message": "forbidden"}, Barred(Bar.NOT_ALLOWED, Reason(Code.NOT_ALLOWED, "403 forbidden"), 403)),
    (403, {"message": "The recipient has opted out"},
     Refused(Reason(Code.REFUSED_PERSON, "403 The recipient has opted out"), 403, "", True)),
    (400, {"status": "ERROR", "message": "bad"}, Refused(Reason(Code.REFUSED_TEXT, "400 bad"), 400)),
    (422, {"error": {"message": "bad"}}, Refused(Reason(Code.REFUSED_TEXT, "422 bad"), 422)),
    (404, b"nothing", Barred(Bar.GATEWAY, Reason(Code.GATEWAY, "404 7 bytes that are not the JSON expected"), 404)),
    (409, b"<html>", Barred(Bar.GATEWAY, Reason(Code.GATEWAY, "409 an HTML page\x1f of 6 bytes"), 409)),
    (400, {"message": "bad"}, Barred(Bar.GATEWAY, Reason(Code.GATEWAY, "400 bad"), 400)),
    (400, {"message": "Insufficient balance"}, Barred(Bar.ACCOUNT, Reason(Code.ACCOUNT, "400 Insufficient balance"), 400)),
    (402, {"error": "pay"}, Barred(Bar.ACCOUNT, Reason(Code.ACCOUNT, "402 pay"), 402)),
    (200, {"status": "ERROR", "error_message": "Account suspended"},
     Barred(Bar.ACCOUNT, Reason(Code.ACCOUNT, "200 Account suspended"), 200)),
    (200, {"message": "Insufficient balance"}, Barred(Bar.ACCOUNT, Reason(Code.ACCOUNT, "200 Insufficient balance"), 200)),
    (200, {"status": "ERROR", "message_handle": "H-1", "error_message": "no funds"},
     Refused(Reason(Code.REFUSED_TEXT, "200 no funds"), 200)),
    (404, {"status": "ERROR", "message": "no"}, Barred(Bar.OTHER, Reason(Code.OTHER_NO, "404 no"), 404)),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "outcome"), SAYS)
def test_what_an_answer_means(status: int, body: Any, outcome: Outcome) -> None:
    """A text that may have left would be sent again, or one that was refused be counted as sent."""
    assert wire.decipher_send(answer(status, body)) == outcome


def test_a_wrong_key_names_the_variables() -> None:
    """The user would look for a RumbleUp key."""
    outcome = wire.decipher_send(answer(401, {"message": "Invalid credentials"}))
    assert isinstance(outcome, Barred)
    assert outcome.kind is Bar.KEY_REFUSED
    assert "SENDBLUE_API_SECRET" in outcome.remedy


def test_a_wish_to_wait_is_honoured() -> None:
    """We would ask again at once and be blocked."""
    assert wire.decipher_send(answer(429, {}, **{"Retry-After": "7"})) == Throttled(Reason(Code.THROTTLED, "429"), 429, 7.0)


@pytest.mark.parametrize(("status", "body", "outcome"), SAYS)
def test_a_single_message_reads_the_same(status: int, body: Any, outcome: Outcome) -> None:
    """`messages.send` would report a failure, and its caller send again, where a run says that nobody knows."""
    response = answer(status, body)
    try:
        if not 200 <= response.status < 300:
            raise failures.error_of(response, requests.SEND)
        found: object = wire.sent(response, ())
    except ApiError as error:
        found = error
    if isinstance(outcome, Accepted):
        assert isinstance(found, Message)
        assert found.message_handle == outcome.logid
    elif isinstance(outcome, Throttled):
        assert isinstance(found, RateLimited)
    elif isinstance(outcome, Unknown):
        assert isinstance(found, (UnreadableReply, ServerFailed)), found
    else:
        assert isinstance(found, ApiError)
        assert not isinstance(found, (UnreadableReply, ServerFailed, RateLimited))


@pytest.mark.parametrize(
    "message", ["The recipient has opted out of this line", "Unsubscribed from the from_number", "blacklist of your line"]
)
def test_who_opted_out_of_a_line_is_not_tried_over_the_next(message: str) -> None:
    """Somebody who has opted out would be texted from another number, and the line would rest for an hour."""
    failure = failures.read_failure(answer(400, {"message": message}))
    assert (failure.about_recipient, failure.about_line) == (True, False)
    for line in ("Invalid from_number", "This line is not verified"):
        assert failures.read_failure(answer(400, {"message": line})).about_line


def test_an_answer_that_quotes_the_text_is_not_repeated() -> None:
    """A private text would stand in the report and in logs."""
    body = {"status": "ERROR", "error_code": 4000, "error_message": "cannot send: the quokkas vote on Tuesday to +12025550101"}
    outcome = wire.decipher_send(answer(400, body), ("Dear Ada, the quokkas vote on Tuesday",))
    assert isinstance(outcome, Refused)
    assert "quokka" not in outcome.reason
    other = wire.decipher_send(answer(400, body))
    assert isinstance(other, Refused)
    assert "2025550101" not in other.reason


@pytest.mark.parametrize(
    ("given", "phone"),
    [("2025550101", "+12025550101"), (2025550101, "+12025550101"), ("(202) 555-0101", "+12025550101"),
     ("+1 202 555 0101", "+12025550101"), ("+44 20 7946 0101", "+442079460101")],
)  # fmt: skip
def test_phones_travel_in_e164(given: str | int, phone: str) -> None:
    """The API refuses anything else, or takes it for another country's number."""
    assert requests.e164(given) == phone


@pytest.mark.parametrize("given", ["", "911", "202555010", "+1202555010", "+", "+0123456789", "call me", "+1 (202) 555-0101 x5"])
def test_a_phone_in_doubt_is_refused(given: str) -> None:
    """A stranger would be texted."""
    with pytest.raises(ConfigurationError):
        requests.e164(given)


def test_a_send_style_is_checked_before_it_travels() -> None:
    """A typing error would come back as a refusal of every text."""
    assert requests.style("confetti") == "confetti"
    with pytest.raises(ConfigurationError, match="celebration"):
        requests.style("konfetti")


def test_long_content_is_refused_before_it_travels() -> None:
    """A text would be refused by the server, or cut."""
    assert len(requests.content("a" * requests.LONGEST)) == requests.LONGEST
    with pytest.raises(ConfigurationError):
        requests.content("a" * (requests.LONGEST + 1))


def test_both_spellings_are_read() -> None:
    """Half of the answers would come without an account, a handle or a date."""
    one = Message.read({"account_email": "a@example.com", "date_created": "2026-01-02T03:04:05Z", "status": "delivered"})
    two = Message.read({"accountEmail": "a@example.com", "dateCreated": "2026-01-02T03:04:05Z", "status": "DELIVERED"})
    assert one == two
    assert one.status == Status.DELIVERED
    assert one.date_created is not None
    assert one.date_created.at is not None
    assert "example.com" not in repr(one)


@pytest.mark.parametrize(
    ("row", "contact", "line"),
    [
        ({"is_outbound": True, "number": "+1A", "from_number": "+1B"}, "+1A", "+1B"),
        (
            {"is_outbound": False, "number": "+1A", "from_number": "+1A", "to_number": "+1B", "sendblue_number": "+1B"},
            "+1A",
            "+1B",
        ),
        ({"is_outbound": False, "number": "+1A", "from_number": "+1B", "sendblue_number": "+1B"}, "+1A", "+1B"),
        ({"status": "RECEIVED", "number": "+1B", "from_number": "+1A", "sendblue_number": "+1B"}, "+1A", "+1B"),
    ],
)
def test_who_is_the_contact(row: dict[str, Any], contact: str, line: str) -> None:
    """A reply would be taken for one of our own line, because the fields change their meaning with the direction."""
    message = Message.read(row)
    assert (message.contact, message.line) == (contact, line)


@pytest.mark.parametrize(
    ("body", "token", "next_token", "rows"),
    [
        ({"data": [{}, {}], "pagination": {"hasMore": True, "limit": 2, "offset": 0, "total": 5}}, None, "2", 2),
        ({"data": [{}, {}], "pagination": {"hasMore": True}}, "2", "4", 2),
        ({"data": [{}], "pagination": {"hasMore": False, "total": 5}}, "4", None, 1),
        ({"data": [], "pagination": {"hasMore": False}}, None, None, 0),
        ({"data": [{}]}, None, "1", 1),
        ({"data": []}, "1", None, 0),
        ({"data": [{}], "pagination": {"hasMore": "false"}}, None, None, 1),
        ({"data": [], "pagination": {"total": 7}}, "7", None, 0),
        ({"status": "OK", "message": "none found", "data": []}, None, None, 0),
        ({"status": "success", "message": "none found", "data": []}, None, None, 0),
        ({"status": 200, "data": []}, None, None, 0),
        ({"status": None, "data": []}, None, None, 0),
        ({"data": [{}], "pagination": {"hasMore": True}}, "1000000", "1000001", 1),
    ],
)
def test_pages(body: Any, token: str | None, next_token: str | None, rows: int) -> None:
    """A part of the list would be missing, and a text in it be taken for one that never left."""
    page = answers.page(answer(200, body), "/x", (), token)
    assert (page.next_token, len(page.rows)) == (next_token, rows)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"status": "ERROR", "message": "no"},
        {"status": "ERROR", "message": "no", "data": []},
        {"status": "ERROR", "data": []},
        {"status": "OK", "error": "no", "data": []},
        {"message": "no", "data": None},
        {"message": "no", "data": []},
        {"status": 503, "data": []},
        {"status": "OK", "data": [], "pagination": {"total": 7, "hasMore": False}},
        [],
        {"data": [], "pagination": {"hasMore": True}},
        b"<html>",
    ],
)
def test_what_is_no_page_is_no_empty_list(body: Any) -> None:
    """An error that came as a 200 would say that nothing was sent."""
    with pytest.raises((UnreadableReply, InvalidField)):
        answers.page(answer(200, body), "/x", (), None)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"message_handle": "H-1", "status": "ERROR"}),
        (429, {"data": {"message_handle": "H-1"}}),
        (400, {"message_handle": "H-1", "status": "ERROR", "error_code": 5003}),
        (400, {"message_handle": "H-1", "status": "QUEUED", "error_message": "odd"}),
        (403, {"message_handle": "H-1", "status": "SENT"}),
    ],
)
def test_a_refusal_with_a_handle_may_have_been_taken(status: int, body: dict[str, Any]) -> None:
    """A message was made of it: behind a limit the text would be sent once more, and otherwise it would count as refused."""
    assert isinstance(wire.decipher_send(answer(status, body)), Unknown)


def test_a_message_that_failed_is_refused_with_its_handle() -> None:
    """A handle beside ERROR is the record of a failure."""
    outcome = wire.decipher_send(answer(400, {"message_handle": "H-1", "status": "ERROR", "error_code": 22}))
    assert isinstance(outcome, Refused)
