"""What the answers to message/next mean: in doubt about a person, nobody is texted; in doubt about an answer, it is lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.outcomes import Bar, Barred, Drawn, NoneLeft, NoneNow, Refused, Throttled, Unknown
from rumbleup_async.rumbleup import next_contact
from rumbleup_async.session.exchange import Response

HTML = {"Content-Type": "text/html"}


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Any:
    """The meaning of one answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return next_contact.decipher_next(Response(status, headers or {"Content-Type": "application/json"}, raw))


def contact(**fields: Any) -> dict[str, Any]:
    return {"cid": "c_demo1", "phone": "2025550101", "first_name": "Ada", "last_name": "Byron", **fields}


def test_a_contact() -> None:
    """A texter could not merge what the page shows."""
    drawn = answer(200, contact(custom1="x", zipcode=20001))
    assert isinstance(drawn, Drawn)
    assert drawn.phone == "2025550101"
    assert not drawn.barred
    assert drawn.fields["first_name"] == "Ada"
    assert drawn.fields["zipcode"] == "20001"


@pytest.mark.parametrize(
    "flags",
    [
        "dnd",
        "replied,dnd",
        "replied, dnd",
        " dnd ,replied",
        "DND",
        "replied;dnd",
        "replied dnd",
        "replied|dnd",
        ["dnd"],
        ["replied", "DND"],
        ["replied,dnd"],
        [" dnd "],
        {"dnd": True},
        {"dnd": 1, "replied": True},
        "bad",
        ["bad"],
        "tester, Bad",
        "landline",
        ["Landline", "x"],
    ],
)
def test_who_opted_out_is_not_texted(flags: Any) -> None:
    """Somebody who said STOP would get another text because of a blank or a capital letter."""
    drawn = answer(200, contact(flags=flags))
    assert isinstance(drawn, Drawn)
    assert drawn.barred


@pytest.mark.parametrize(
    "flags", [None, "", [], {}, "replied", ["sent", "newsms"], "optin,tester", {"dnd": False}, "badger", 7, [None, 3]]
)
def test_other_tags_bar_nobody(flags: Any) -> None:
    """People would be left out for a tag of one's own."""
    drawn = answer(200, contact(flags=flags))
    assert isinstance(drawn, Drawn)
    assert not drawn.barred


@pytest.mark.parametrize(
    "body",
    [
        b'{"phone": "2025550101", "first_name": "Ada", "phone": "2025550102"}',
        b'{"cid": "c_1", "phone": "2025550101", "phone": 2025550102}',
        b'{"phone": null, "phone": "2025550102"}',
        b'[{"phone": "2025550101", "phone": "2025550102"}]',
        b'{"phone": "2025550101", "phone": "2025550102"},',
        b'{"data": {"phone": "2025550101", "phone": "2025550102"}, "x',
        b'{"phone": "2025550101", "phone": "2025550102", "first_name": "Ada \\ud83d"}',
    ],
)
def test_two_phones_are_nobody(body: bytes) -> None:
    """The last of two phones would be texted: a guess about a person."""
    drawn = answer(200, body)
    if isinstance(drawn, Drawn):
        assert drawn.phone == ""
        assert drawn.barred
        "".join(drawn.fields.values()).encode()  # no half of a character, which no ledger takes
    else:
        assert isinstance(drawn, Unknown)


def test_two_ambiguous_contacts_are_told_apart() -> None:
    """Only one of them would be in the report."""
    bodies = (b'{"cid": "c_%d", "phone": "2025550101", "phone": "2025550102"}' % number for number in (1, 2))
    first, second = (answer(200, body) for body in bodies)
    assert first != second


@pytest.mark.parametrize("phone", [["2025550101", "2025550102"], {"home": "2025550101"}, True, [], ""])
def test_a_phone_that_is_none(phone: Any) -> None:
    """Something that is not a phone would be taken for one, or the contact would be lost without a word."""
    drawn = answer(200, contact(phone=phone))
    assert isinstance(drawn, Drawn)
    assert drawn.phone == ""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"status": 404, "message": "No more contacts"}),
        (404, {"message": "No more contacts"}),
        (200, {"status": 404, "message": "No more contacts"}),
    ],
)
def test_the_end_of_the_work(status: int, body: Any) -> None:
    """Texters would never go home."""
    assert answer(status, body) == NoneLeft()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>404 Not Found</html>",
        b"",
        b"Not found",
        b"[]",
        b"null",
        b'"no"',
        b"7",
        b"{}",
        b'{"message": "Not Found"}',
        b'{"error": "Not Found"}',
        b'{"timestamp": 1, "status": 404, "error": "Not Found", "message": "no route", "path": "/message/next"}',
        b'{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no route"}',
        b'{"fault": {"faultstring": "no route"}}',
    ],
)
def test_a_404_of_somebody_else_is_not_the_end(body: bytes) -> None:
    """A mistyped address, or a proxy in between, would look like a project that is done."""
    meant = answer(404, body, HTML)
    assert isinstance(meant, Barred)
    assert meant.kind is Bar.GATEWAY


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (441, {"status": 441, "message": "Try again in a couple of seconds"}),
        (441, b""),
        (441, b"<html>"),
        (400, {"status": 441, "message": "Try again"}),
        (400, {"status": "441"}),
        (200, {"status": 441, "message": "Try again"}),
        (200, {"status": 441}),
        (404, {"status": 441, "message": "Try again"}),
    ],
)
def test_nobody_this_time(status: int, body: Any) -> None:
    """The run would end, or stop as failed, while contacts remain."""
    assert answer(status, body) == NoneNow()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (440, {"status": 440, "message": "x"}, 440),
        (440, b"", 440),
        (400, {"status": 440, "message": "x"}, 440),
        (200, {"status": 440, "message": "x"}, 440),
        (429, {"status": 429, "message": "x"}, 429),
        (429, b"<html>", 429),
    ],
)
def test_not_now(status: int, body: Any, told: int) -> None:
    """A wish for rest would be taken for the end or for a failure."""
    meant = answer(status, body)
    assert isinstance(meant, Throttled)
    assert meant.status == told


def test_how_long_to_rest() -> None:
    """A time asked for would not be kept."""
    meant = answer(429, {"status": 429}, {"Retry-After": "7"})
    assert isinstance(meant, Throttled)
    assert meant.after == 7.0


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"status": 401, "message": "no"}, Bar.KEY_REFUSED),
        (403, {"status": 403, "message": "API is not authorized"}, Bar.NOT_ALLOWED),
        (403, {"status": 403, "message": "must contain opt-out instructions"}, Bar.OPT_OUT_MISSING),
        (400, {"status": 400, "code": "DAILYCAP", "message": "no"}, Bar.DAILY_CAP),
    ],
)
def test_what_stands_in_the_way(status: int, body: Any, kind: Bar) -> None:
    """The run would go on against a wall."""
    meant = answer(status, body)
    assert isinstance(meant, Barred)
    assert meant.kind is kind


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"status": 500, "message": "x"}),
        (502, b"<html>"),
        (503, b""),
        (302, b""),
        (200, b""),
        (200, b"<html>Log in</html>"),
        (200, b'{"phone": "20255'),
        (200, b"[]"),
        (200, b"null"),
        (200, {"cid": "c_1"}),
        (200, {"phone": None}),
        (200, b'{"phone": "2025550101", "x": ' + b"[" * 100_000),
        (200, b'{"phone": ' + b"9" * 5000 + b"}"),
        (200, b'\xff\xfe{"phone"'),
    ],
)
def test_a_lost_answer(status: int, body: Any) -> None:
    """A contact that may be locked for nobody would not be spoken of, or half an answer would be texted."""
    assert isinstance(answer(status, body), Unknown)


def test_the_key_is_not_repeated() -> None:
    """A server that quotes what it was sent would bring the key into a report."""
    body = json.dumps({"status": 400, "message": "bad key c_me:hunter2hunter2 refused"}).encode()
    meant = next_contact.decipher_next(Response(400, {}, body), ("c_me:hunter2hunter2",))
    assert isinstance(meant, Refused)
    assert "hunter2" not in meant.reason


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["dnd", "2025550101", 441]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["phone", "flags", "status", "x"]), inner),
    max_leaves=8,
)
names = st.sampled_from(["phone", "phone", "flags", "status", "cid", "message", "code", "retryAfter", "first_name", ""])


@given(st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 440, 441, 429, 500]), st.lists(st.tuples(names, values)))
def test_no_answer_is_too_strange(status: int, pairs: list[tuple[str, Any]]) -> None:
    """A strange answer would end the run with a traceback, and the contact behind it would be lost."""
    body = "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs) + "}"
    for raw in (body, f"[{body}]", f'{{"data": {body}}}'):
        meant = answer(status, raw.encode())
        if isinstance(meant, Drawn) and not meant.barred:
            assert status // 100 == 2
            phones = {str(value) for name, value in pairs if name == "phone"}
            assert len(phones) == 1


@given(st.sampled_from([200, 404, 441, 500]), st.binary(max_size=60))
def test_no_bytes_are_too_strange(status: int, body: bytes) -> None:
    """The same for what is not JSON."""
    answer(status, body)
