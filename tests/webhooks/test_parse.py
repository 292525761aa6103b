"""Reading one request, without sockets."""

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import WebhookRefused
from rumbleup_async.rumbleup.webhooks import (
    ContactUpdated,
    DeliveryReceipt,
    Event,
    MessageReceived,
    ReportCreated,
    UnknownEvent,
    parse,
)

from .posting import PRIVATE, SAMPLES, receipt, sample


def read(**event: Any) -> Event:
    return parse({}, json.dumps(event).encode())


@pytest.mark.parametrize(
    ("name", "kind", "incoming"),
    [
        ("message_received", MessageReceived, True),
        ("message_received_stop", MessageReceived, True),
        ("message_received_wrong_number", MessageReceived, True),
        ("delivery_receipt_delivered", DeliveryReceipt, False),
        ("delivery_receipt_undelivered", DeliveryReceipt, False),
        ("contact_updated", ContactUpdated, None),
        ("report_created", ReportCreated, None),
        ("proxy_provisioned", UnknownEvent, None),
    ],
)
def test_samples(name: str, kind: type[Event], incoming: bool | None) -> None:
    """An event would reach the wrong handler, or a reply would be taken for a text of ours."""
    body = sample(name)
    event = parse({"Content-Type": "application/json"}, body)
    assert type(event) is kind
    assert event.incoming is incoming
    assert event.ctime is not None
    assert event.ctime.raw == "1700000000000"
    assert event.ctime.at == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    assert json.loads(event.raw) == json.loads(body)
    assert b"\n" not in event.raw
    assert not any(word in repr(event) for word in PRIVATE)


def test_every_sample_is_tested() -> None:
    """A sample that nobody reads proves nothing."""
    assert len(list(SAMPLES.glob("*.json"))) == 8


def test_opt_outs() -> None:
    """A person who wrote STOP would be texted again."""
    plain, stop, wrong = (
        parse({}, sample(name)) for name in ("message_received", "message_received_stop", "message_received_wrong_number")
    )
    assert isinstance(plain, MessageReceived)
    assert isinstance(stop, MessageReceived)
    assert isinstance(wrong, MessageReceived)
    assert [(e.opted_out, e.wrong_number, e.rude) for e in (plain, stop, wrong)] == [
        (False, False, False),
        (True, False, False),
        (False, True, True),
    ]
    assert plain.message.text == "Yes, count me in"
    assert plain.message.contact_source == "crm-77"
    before = read(type="MESSAGE_RECEIVED", data={"logid": "rl_1", "flags": None, "contact_flags": "replied, DND"})
    assert isinstance(before, MessageReceived)
    assert before.opted_out
    contact = parse({}, sample("contact_updated"))
    assert isinstance(contact, ContactUpdated)
    assert contact.opted_out
    assert not contact.wrong_number
    assert not contact.rude
    assert contact.contact.first_name == "Ada"


def test_receipts() -> None:
    """A text would be counted as delivered that was not."""
    delivered, undelivered = (parse({}, sample(f"delivery_receipt_{end}")) for end in ("delivered", "undelivered"))
    assert isinstance(delivered, DeliveryReceipt)
    assert isinstance(undelivered, DeliveryReceipt)
    assert (delivered.delivered, delivered.undelivered) == (True, False)
    assert (undelivered.delivered, undelivered.undelivered) == (False, True)
    assert undelivered.message.error_code == "landline"
    none = read(type="DELIVERY_RECEIPT", data={"logid": "rl_1"})
    assert isinstance(none, DeliveryReceipt)
    assert (none.status, none.delivered, none.undelivered) == ("", False, False)
    report = parse({}, sample("report_created"))
    assert isinstance(report, ReportCreated)
    assert report.rpid == "r_1"


def test_direction_of_an_unknown_type() -> None:
    """A message of a new type would have no direction although its status or its sender tells it."""
    assert read(type="MMS_IN", data={"logid": "rl_1", "status": "received"}).incoming is True
    assert read(type="MMS_IN", data={"logid": "rl_1", "phone": "1", "sender": "1"}).incoming is True
    assert read(type="MMS_OUT", data={"logid": "rl_1", "phone": "1", "sender": "u_x"}).incoming is False
    assert read(type="DELIVERY_RECEIPT", data={"logid": "rl_1", "phone": "1", "sender": "1"}).incoming is False


def test_a_repeat_has_the_same_key() -> None:
    """A handler would run twice, because the provider changes `ctime` when it sends again."""
    first = read(type="DELIVERY_RECEIPT", ctime=1, data={"cid": "c", "logid": "rl_1", "status": "delivered", "phone": "1"})
    again = read(type="delivery_receipt", ctime=2, data={"status": "delivered", "logid": "rl_1", "cid": "c", "new": 1})
    assert first.key == again.key
    contact = {"cid": "c", "phone": "1", "update_time": "02/04/2025 02:35PM EST", "flags": ["replied"]}
    assert read(type="CONTACT_UPDATED", ctime=1, data=contact).key == read(type="CONTACT_UPDATED", ctime=2, data=contact).key
    assert read(type="X", ctime=1, data={"a": 1, "b": 2}).key == read(type="X", ctime=2, data={"b": 2, "a": 1}).key


def test_another_event_has_another_key() -> None:
    """An event would be dropped as a repeat: an undelivered after a delivered, an opt-out in the minute of another change."""
    contact = {"cid": "c", "phone": "1", "update_time": "02/04/2025 02:35PM EST", "flags": ["replied"]}
    keys = [
        read(type="DELIVERY_RECEIPT", data={"cid": "c", "logid": "rl_1", "status": "delivered"}).key,
        read(type="DELIVERY_RECEIPT", data={"cid": "c", "logid": "rl_1", "status": "undelivered"}).key,
        read(type="DELIVERY_RECEIPT", data={"cid": "c", "logid": "rl_2", "status": "delivered"}).key,
        read(type="DELIVERY_RECEIPT", data={"cid": "d", "logid": "rl_1", "status": "delivered"}).key,
        read(type="MESSAGE_RECEIVED", data={"cid": "c", "logid": "rl_1"}).key,
        read(type="MESSAGE_RECEIVED", data={"cid": "c", "phone": "1"}).key,
        read(type="MESSAGE_RECEIVED", data={"cid": "c", "phone": "2"}).key,
        read(type="CONTACT_UPDATED", data=contact).key,
        read(type="CONTACT_UPDATED", data={**contact, "flags": ["replied", "dnd"]}).key,
        read(type="PING", ctime=1).key,
        read(type="PING", ctime=2).key,
        read(ctime=1).key,
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("event", [{}, {"type": None}, {"type": 7, "data": {}}, {"type": "MESSAGE_RECEIVED", "data": []}])
def test_whatever_is_an_object_is_an_event(event: dict[str, Any]) -> None:
    """An event of a new form would be refused for a day and then lost."""
    found = read(**event)
    assert isinstance(found, UnknownEvent)
    assert json.loads(found.raw) == event


def test_half_an_emoji() -> None:
    """A reply that a carrier cut in the middle of an emoji would be refused for a day and then lost."""
    event = parse({}, b'{"type":"MESSAGE_RECEIVED","data":{"logid":"rl_1","text":"ok \\ud83d"}}')
    assert isinstance(event, MessageReceived)
    assert event.message.text == "ok ?"
    assert json.loads(event.raw)["data"]["text"] == "ok ?"


ODD = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"a\nb"', b'"\xe9"', b'"\\ud83d"']


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_hides_no_opt_out(odd: bytes, start: bytes) -> None:
    """A STOP whose event has a price of NaN would be refused for a day and then lost; the person would be texted again."""
    body = start + b'{"type":"MESSAGE_RECEIVED","ctime":1,"data":{"logid":"rl_1","flags":["dnd"],"price":' + odd + b"}}"
    event = parse({}, body)
    assert isinstance(event, MessageReceived)
    assert event.opted_out
    assert json.loads(event.raw)["data"]["flags"] == ["dnd"]
    assert b"\n" not in event.raw
    msgspec.json.decode(event.raw)  # what a sink keeps is strict JSON


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_an_event_in_another_unicode(encoding: str) -> None:
    """The same for an event that a proxy has written anew."""
    body = '{"type":"MESSAGE_RECEIVED","data":{"logid":"rl_1","flags":["dnd"],"text":"arrêt"}}'.encode(encoding)
    event = parse({}, body)
    assert isinstance(event, MessageReceived)
    assert (event.opted_out, event.message.text) == (True, "arrêt")


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"1", b"null", b'{"a":', b'{"a":NaN} x', b"\xff", b"[" * 100_000])
def test_refused(body: bytes) -> None:
    """Something else than an event would reach a handler, or end it."""
    with pytest.raises(WebhookRefused):
        parse({"content-type": "text/html\r\nX: y"}, body)


def test_a_refusal_quotes_nothing() -> None:
    """A private text, or a line break that fakes a log line, would reach a log."""
    with pytest.raises(WebhookRefused) as refusal:
        parse({"content-type": "text/html\r\nX: y"}, b"Ada 5550100001")
    assert "Ada" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_too_large() -> None:
    """A body could have any size where another server hands it in."""
    body = receipt(1)
    assert parse({}, body, limit=len(body)).type == "DELIVERY_RECEIPT"
    with pytest.raises(WebhookRefused, match="more than"):
        parse({}, body, limit=len(body) - 1)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4))
_NAMES = [
    "cid",
    "phone",
    "logid",
    "flags",
    "contact_flags",
    "status",
    "update_time",
    "sent_time",
    "price",
    "sender",
    "group",
    "text",
]
_TYPES = ["MESSAGE_RECEIVED", "DELIVERY_RECEIPT", "CONTACT_UPDATED", "REPORT_CREATED", "message_received", "OTHER"]
_EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(_TYPES) | _JSON,
        "ctime": st.integers() | _JSON,
        "data": st.dictionaries(st.sampled_from(_NAMES), _JSON) | _JSON,
        "more": _JSON,
    },
)
_HEADERS = st.dictionaries(st.text(max_size=12) | st.just("Content-Type"), st.text(max_size=80), max_size=4)


@given(_HEADERS, st.binary(max_size=200) | (_JSON | _EVENTS).map(lambda value: json.dumps(value).encode()))
def test_never_another_exception(headers: dict[str, str], body: bytes) -> None:
    """Somebody who finds the address could make the receiver fail in a way nobody has thought of."""
    try:
        event = parse(headers, body)
    except WebhookRefused:
        return
    look_at_everything(event)
    again = parse({}, event.raw)
    assert (type(again), again.key) == (type(event), event.key)


def look_at_everything(event: Event) -> None:
    """Every property of an event works, whatever is in it."""
    assert b"\n" not in event.raw
    assert len(event.key) == 32
    assert repr(event)
    for name in dir(type(event)):
        if not name.startswith("_"):
            getattr(event, name)
