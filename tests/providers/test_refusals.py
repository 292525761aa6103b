"""Whose no it is: every status below 500 in every form, over both providers. A gateway or an account writes nobody off."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from rumbleup_async.outcomes import Bar, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.provider import replies
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.rumbleup import wire as rumbleup
from rumbleup_async.sendblue import wire as sendblue
from rumbleup_async.session import Response

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
PAGE = b"<html>\r\n<head><title>Error</title></head><body><center>nginx</center></body></html>\r\n"
STATUSES = range(400, 500)

FOREIGN: dict[str, Callable[[int], Any]] = {
    "message": lambda status: {"message": "Forbidden"},
    "message and request": lambda status: {"message": "no Route matched with those values", "request_id": "8f3a"},
    "Message": lambda status: {"Message": "Missing Authentication Token"},
    "problem": lambda status: {"type": "about:blank", "title": "Bad", "status": status, "detail": "no"},
    "problem with words": lambda status: {"type": "about:blank", "title": "Bad", "status": status, "message": "no"},
    "framework": lambda status: {"timestamp": 1, "status": status, "error": "Bad", "message": "no", "path": "/message/send"},
    "statusCode": lambda status: {"statusCode": status, "message": "Resource not found"},
    "fault": lambda status: {"fault": {"faultstring": "no", "detail": {"errorcode": "x"}}},
    "error_msg": lambda status: {"error_msg": "404 Route Not Found"},
    "success": lambda status: {"success": False, "errors": [{"code": 1000, "message": "no"}]},
    "list": lambda status: [{"status": status, "message": "no"}],
    "word": lambda status: "no",
    "null": lambda status: None,
    "empty": lambda status: {},
}
"""JSON of gateways, balancers and web frameworks."""

SENDERS = pytest.mark.parametrize("wire", [rumbleup, sendblue], ids=["rumbleup", "sendblue"])


def answer(status: int, body: object, headers: dict[str, str] = JSON) -> Response:
    return Response(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def check_not_written_off(status: int, outcome: Outcome) -> None:
    """Nothing that is said here is about the text."""
    if status in {429, 440, 441}:
        assert isinstance(outcome, Throttled)
    elif status in {408, 425, 499}:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Barred), outcome
        expected = {401: Bar.KEY_REFUSED, 402: Bar.ACCOUNT, 403: Bar.NOT_ALLOWED}.get(status, Bar.GATEWAY)
        assert outcome.kind is expected


@SENDERS
@pytest.mark.parametrize(
    "body", [PAGE, b"", b"  ", b"404 page not found\n", b'{"status":400,"mess'], ids=["html", "", " ", "txt", "cut"]
)
@pytest.mark.parametrize("status", STATUSES)
def test_a_page_refuses_nobody(wire: Any, status: int, body: bytes) -> None:
    """Whoever was met by a proxy that answers for itself would never be texted, and the books would call it a refusal."""
    check_not_written_off(status, wire.decipher_send(answer(status, body, HTML)))


@SENDERS
@pytest.mark.parametrize("form", FOREIGN)
@pytest.mark.parametrize("status", STATUSES)
def test_json_of_a_gateway_refuses_nobody(wire: Any, form: str, status: int) -> None:
    """A gateway that answers in JSON would be taken for the API, and its 404 for a no to a person."""
    body = FOREIGN[form](status)
    outcome = wire.decipher_send(answer(status, body))
    if wire is sendblue and status == 409 and isinstance(body, dict):
        # What the conflict is with nobody knows: perhaps with this very text.
        assert isinstance(outcome, Unknown)
    elif wire is sendblue and form == "framework" and status not in {401, 402, 403, 408, 425, 429, 440, 441, 499}:
        assert isinstance(outcome, Barred)
    else:
        check_not_written_off(status, outcome)


@pytest.mark.parametrize("status", STATUSES)
def test_the_api_itself_refuses_with_two_statuses(status: int) -> None:
    """People would be written off for an error that is not said to be about them, or asked for again though the API said no."""
    outcome = rumbleup.decipher_send(answer(status, {"status": status, "message": "no"}))
    if status in {400, 422}:
        assert outcome == Refused(Reason(Code.REFUSED_TEXT, f"{status} no"), status)
    elif status in {401, 402, 403, 408, 425, 429, 440, 441, 499}:
        check_not_written_off(status, outcome)
    else:
        assert outcome == Barred(Bar.OTHER, Reason(Code.OTHER_NO, f"{status} no"), status)


@pytest.mark.parametrize("status", STATUSES)
def test_sendblue_itself_refuses_with_two_statuses(status: int) -> None:
    """The same for the other provider, whose errors look otherwise."""
    outcome = sendblue.decipher_send(answer(status, {"status": "ERROR", "error_code": 4000, "error_message": "no"}))
    if status in {400, 422}:
        assert outcome == Refused(Reason(Code.REFUSED_TEXT, f"{status} 4000 no"), status, "4000")
    elif status == 409:
        assert isinstance(outcome, Unknown)
    elif status in {401, 402, 408, 425, 429, 440, 441, 499}:
        check_not_written_off(status, outcome)
    else:
        assert outcome == Barred(Bar.OTHER, Reason(Code.OTHER_NO, f"{status} 4000 no"), status, "4000")


@pytest.mark.parametrize("code", ["LANDLINE", "DND", "landline"])
@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 422, 451])
def test_a_code_about_the_recipient_refuses_under_any_status(status: int, code: str) -> None:
    """A landline would be asked for again with every resume, and the run never come to its end."""
    outcome = rumbleup.decipher_send(answer(status, {"status": status, "message": "no", "code": code}))
    assert outcome == Refused(
        Reason(Code.REFUSED_PERSON, f"{status} {code.upper()} no"), status, code.upper(), about_recipient=True
    )


ACCOUNT_WORDS = [
    "Insufficient balance",
    "insufficient funds in your account",
    "Not enough credits",
    "Your account has no credit left: no funds",
    "out of credits",
    "Your balance is too low to send",
    "zero balance",
    "Account suspended",
    "Your account has been suspended; contact support",
    "This account is disabled",
    "suspended account",
    "Subscription expired",
    "Payment required",
    "account is not active",
]


@SENDERS
@pytest.mark.parametrize("status", [200, 400, 402, 403, 404, 422])
@pytest.mark.parametrize("message", ACCOUNT_WORDS)
def test_no_funds_and_a_suspended_account_refuse_nobody(wire: Any, status: int, message: str) -> None:
    """An account that runs dry in the middle of a campaign would cost everybody else their text, for good."""
    bodies: list[dict[str, Any]] = [{"message": message}, {"error": message}, {"message": message, "code": "X1"}]
    if wire is rumbleup:
        bodies += [{"status": max(status, 400), "message": message, "code": "FIELD"}, {"status": "error", "message": message}]
    else:
        bodies += [{"status": "ERROR", "error_code": 4000, "error_message": message}]
    for body in bodies:
        outcome = wire.decipher_send(answer(status, body))
        assert isinstance(outcome, Barred), (body, outcome)
        assert outcome.kind in {Bar.ACCOUNT, Bar.NOT_ALLOWED}


@pytest.mark.parametrize(
    "message",
    [
        "The contact is blocked",
        "Phone is not active",
        "no such phone",
        "text is empty",
        "closed to texts",
        "must contain balance",
        "",
    ],
)
def test_words_about_a_person_are_not_about_the_account(message: str) -> None:
    """A person whom the API refuses would be asked for again and again."""
    assert not replies.about_account(message)


@pytest.mark.parametrize("message", ["accepted; your balance is zero balance now", "queued; account suspended soon"])
def test_a_warning_beside_a_success_sends_nothing_again(message: str) -> None:
    """Somebody would be texted twice because the answer to the first text also spoke of money."""
    assert isinstance(rumbleup.decipher_send(answer(200, {"message": message})), Unknown)
    taken = rumbleup.decipher_send(answer(200, {"logid": "rl_1", "message": "Insufficient balance"}))
    assert taken.logid == "rl_1"  # type: ignore[union-attr]


@SENDERS
@pytest.mark.parametrize("body", [b"\xef\xbb\xbf%s", b"%s", b"\n%s\r\n"], ids=["bom", "plain", "lines"])
@pytest.mark.parametrize("odd", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"\xff"', b'"a\tb"', b'"\\ud83d"'])
def test_an_odd_value_hides_no_accepted_text(wire: Any, body: bytes, odd: bytes) -> None:
    """A text that left would be in doubt because its answer has a price of NaN; whoever then sends it again texts twice."""
    known = b'"logid":"rl_1"' if wire is rumbleup else b'"message_handle":"rl_1","status":"QUEUED"'
    outcome = wire.decipher_send(answer(200, body % (b"{" + known + b',"price":' + odd + b"}")))
    assert outcome.logid == "rl_1"


@SENDERS
def test_an_answer_in_utf_16_is_read(wire: Any) -> None:
    """The same for an answer that a proxy has written anew."""
    name = "logid" if wire is rumbleup else "message_handle"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
        outcome = wire.decipher_send(answer(200, json.dumps({name: "rl_1", "status": "QUEUED"}).encode(encoding)))
        assert outcome.logid == "rl_1"


@SENDERS
@pytest.mark.parametrize("body", [b'{"%s":"rl_1"', b'{"%s":"rl_1"} {', b'{"%s":"rl_\xff"}', b'"%s"', b"{%s:NaN}"])
def test_half_an_answer_is_no_answer(wire: Any, body: bytes) -> None:
    """Who is lenient must not take half of an answer for the whole, or a damaged id for an id."""
    name = b"logid" if wire is rumbleup else b"message_handle"
    assert isinstance(wire.decipher_send(answer(200, body % name)), Unknown)
