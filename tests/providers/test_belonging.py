"""Whom an answer is about, and what a gateway makes of one that is not about the text it sent."""

import json
from typing import Any

import pytest

from rumbleup_async.outcomes import Accepted, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.provider.belonging import Answers, Sent, Whose, whose
from rumbleup_async.rumbleup import wire as rumbleup_wire
from rumbleup_async.sendblue import wire as sendblue_wire
from rumbleup_async.session.exchange import Fit, Response

ADA = Sent("2025550101", "Hi Ada. STOP to opt out", "run-abcdefghij")


@pytest.mark.parametrize(
    ("phone", "found"),
    [
        ("2025550101", Whose.OURS),
        (2025550101, Whose.OURS),
        (2025550101.0, Whose.OURS),
        ("12025550101", Whose.OURS),
        ("+1 (202) 555-0101", Whose.OURS),
        ("202.555.0101 ext 5", Whose.OURS),
        ("tel:+1-202-555-0101", Whose.OURS),
        ("2025550102", Whose.ANOTHERS),
        (2025550102, Whose.ANOTHERS),
        (2025550102.0, Whose.ANOTHERS),
        ("+12025550102", Whose.ANOTHERS),
        ("(202) 555-0102 ext 1", Whose.ANOTHERS),
        ("+442079460101", Whose.ANOTHERS),
        ("***-***-0101", Whose.NOBODYS),
        ("202555****", Whose.NOBODYS),
        ("******0102", Whose.ANOTHERS),
        (None, Whose.NOBODYS),
        ("", Whose.NOBODYS),
        (True, Whose.NOBODYS),
        ("hidden", Whose.NOBODYS),
        ("hmac:8f3a2c", Whose.NOBODYS),
        (["2025550102"], Whose.NOBODYS),
    ],
)
def test_whose_phone_is_named(phone: Any, found: Whose) -> None:
    """A text would be booked under another person's answer, or every text be in doubt because the phone is written in another
    way."""
    assert whose(ADA, phone, None) is found


@pytest.mark.parametrize(
    ("text", "flags", "found"),
    [
        ("Hi Ada. STOP to opt out", None, Whose.NOBODYS),
        ("Hi  Ada.\nSTOP to opt out", None, Whose.NOBODYS),
        ("Hi Grace. STOP to opt out", None, Whose.ANOTHERS),
        (None, ["run-abcdefghij"], Whose.NOBODYS),
        (None, ["newsms", "run-abcdefghij"], Whose.NOBODYS),
        (None, ["newsms", "run-zyxwvutsrq"], Whose.ANOTHERS),
        (None, ["newsms"], Whose.NOBODYS),
        (None, [], Whose.NOBODYS),
        ("", None, Whose.NOBODYS),
    ],
)
def test_without_a_phone_the_words_and_the_tag_are_compared(text: Any, flags: Any, found: Whose) -> None:
    """The answer to another text, or to another run, would pass for this one's."""
    assert whose(ADA, None, text, flags) is found
    assert whose(ADA, "2025550101", text, flags) is Whose.OURS


def rumbleup() -> Answers:
    return Answers(rumbleup_wire.decipher_send, rumbleup_wire.whose)


def answer(http: int = 200, /, **fields: Any) -> Response:
    return Response(http, {"Content-Type": "application/json"}, json.dumps(fields).encode())


def judged(answers: Answers, response: Response, sent: Sent = ADA) -> tuple[Outcome, Fit]:
    judge = answers.to(sent, ())
    fit = judge(response)
    return judge.outcome(response), fit


@pytest.mark.parametrize(
    ("response", "kind", "fit"),
    [
        (answer(logid="rl_1", phone="2025550101"), Accepted, Fit.PROVEN),
        (answer(logid="rl_1"), Accepted, Fit.LIKELY),
        (answer(logid="rl_1", phone="2025550102"), Unknown, Fit.UNFIT),
        (answer(429, status=429, message="slow down"), Throttled, Fit.DENIED),
        (answer(429, status=429, message="slow down", phone="2025550101"), Throttled, Fit.PROVEN),
        (answer(429, status=429, message="slow down", phone="2025550102"), Unknown, Fit.UNFIT),
        (answer(401, status=401, message="no"), Barred, Fit.DENIED),
        (answer(400, status=400, message="no", code="LANDLINE"), Refused, Fit.DENIED),
        (answer(200), Unknown, Fit.UNFIT),
        (answer(503, status=503), Unknown, Fit.UNFIT),
        (Response(200, {}, b""), Unknown, Fit.UNFIT),
        (Response(204, {}, b""), Unknown, Fit.UNFIT),
        (Response(200, {}, b"<html>"), Unknown, Fit.UNFIT),
        (Response(200, {}, b'[{"logid": "rl_1"}]'), Unknown, Fit.UNFIT),
    ],
)
def test_what_an_answer_is_to_a_text(response: Response, kind: type, fit: Fit) -> None:
    """An answer that is not this text's would be believed, or its connection go on as if nothing were."""
    outcome, found = judged(rumbleup(), response)
    assert isinstance(outcome, kind)
    assert found is fit


def test_where_answers_name_people_one_that_names_nobody_is_in_doubt() -> None:
    """A stray answer without a phone would pass for that of whoever is asked for next."""
    answers = rumbleup()
    assert judged(answers, answer(logid="rl_1", phone="2025550101"))[1] is Fit.PROVEN
    outcome, fit = judged(answers, answer(logid="rl_2"))
    assert isinstance(outcome, Unknown)
    assert fit is Fit.UNFIT


def test_an_id_that_has_been_given_to_another_text_is_in_doubt() -> None:
    """An answer that comes twice and names nobody would be taken for that of the next text."""
    answers = rumbleup()
    for logid in ("rl_1", "rl_2"):
        assert isinstance(judged(answers, answer(logid=logid))[0], Accepted)
    outcome, fit = judged(answers, answer(logid="rl_2"))
    assert isinstance(outcome, Unknown)
    assert fit is Fit.UNFIT


def test_a_server_whose_ids_are_all_the_same_is_believed() -> None:
    """A sandbox that calls every text the same could not be used."""
    answers = rumbleup()
    assert all(isinstance(judged(answers, answer(logid="rl_1"))[0], Accepted) for _ in range(5))


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"number": "+12025550101"}, Whose.OURS),
        ({"number": "+12025550102"}, Whose.ANOTHERS),
        ({"data": {"number": "+12025550102"}}, Whose.ANOTHERS),
        ({"number": "+12025550199", "to_number": "+12025550101", "from_number": "+12025550199"}, Whose.OURS),
        ({"number": "+12025550199", "sendblue_number": "+12025550199"}, Whose.NOBODYS),
        ({"content": "Hi Grace. STOP to opt out"}, Whose.ANOTHERS),
        ({}, Whose.NOBODYS),
    ],
)
def test_whom_an_answer_of_sendblue_names(fields: dict[str, Any], found: Whose) -> None:
    """The same over Sendblue, where a number may be the line's own."""
    assert sendblue_wire.whose(answer(**fields), Sent("+12025550101", ADA.text)) is found
