"""What is fuzzed: each takes any bytes, and raises only where something is wrong. Beside it the samples to begin with.

What may come of bytes is a result, or the one error that is ours to tell people. Anything else would be a traceback, or the end
of a run in its middle.
"""

import asyncio
import contextlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rumbleup_async.errors import ListError, RumbleUpError, WebhookRefused
from rumbleup_async.lists import suppression_list
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.messaging import Planned
from rumbleup_async.observe.answering import Desk, Keys, Request
from rumbleup_async.outcomes import Accepted, NotSent
from rumbleup_async.rumbleup import next_contact
from rumbleup_async.rumbleup import webhooks as rumbleup_webhooks
from rumbleup_async.rumbleup import wire as rumbleup_wire
from rumbleup_async.rumbleup.models import Message
from rumbleup_async.screening.screen import Screen
from rumbleup_async.sendblue import webhooks as sendblue_webhooks
from rumbleup_async.sendblue import wire as sendblue_wire
from rumbleup_async.session.exchange import Response

SAMPLES = Path(__file__).parents[1] / "samples"
CORPUS = Path(__file__).parent / "corpus"
"""What once was wrong, and small inputs that go far: one folder a target."""
_STATUSES = (200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 422, 425, 429, 440, 441, 499, 500, 502, 503)
_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"content-type": "application/json"},
    {"content-type": "text/html"},
    {"retry-after": "5"},
    {"retry-after": "x"},
)


def read_list(data: bytes) -> None:
    """A list of contacts in whatever form: rows with a phone of ten digits, or with a reason."""
    screen = Screen("Hi {first_name|friend}. STOP")
    with contextlib.suppress(ListError), open_list(io.BytesIO(data), fields=screen.needed_fields) as contacts:
        contacts.require(screen.template.required_fields)
        for batch in contacts.batches(100):
            for row in screen.batch(batch):
                if isinstance(row, Planned):
                    assert len(row.phone) == 10
                    assert row.phone.isascii()
                    assert row.phone.isdigit()
                else:
                    assert row.reason


def read_suppression(data: bytes) -> None:
    """A list of those who must not be texted: every row stands for numbers, for nobody, or is refused."""
    with contextlib.suppress(ListError):
        for row in suppression_list.read_rows(io.BytesIO(data), "a list"):
            assert all(len(phone) == 10 and phone.isdigit() for phone in suppression_list.phones_of(row))


def read_reply(data: bytes) -> None:
    """An answer of either provider, to a send and to the draw of a contact."""
    status, headers = _STATUSES[data[0] % len(_STATUSES)] if data else 200, _HEADERS[data[1] % len(_HEADERS)] if data[1:] else {}
    response = Response(status, headers, data[2:])
    for decipher in (rumbleup_wire.decipher_send, sendblue_wire.decipher_send):
        outcome = decipher(response, ("hunter2",))
        assert not isinstance(outcome, NotSent), "it was answered, so it was reached"
        assert not isinstance(outcome, Accepted) or status < 300
        assert "hunter2" not in repr(outcome)
    with contextlib.suppress(RumbleUpError):
        next_contact.decipher_next(response, ("hunter2",))
    with contextlib.suppress(ValueError, RecursionError):
        if isinstance(row := json.loads(data[2:]), dict):
            with contextlib.suppress(RumbleUpError):
                Message.read(row)


def read_webhook(data: bytes) -> None:
    """A request to the receiver."""
    for parse in (rumbleup_webhooks.parse, sendblue_webhooks.parse):
        with contextlib.suppress(WebhookRefused):
            event = parse({"content-type": "application/json"}, data)
            assert len(event.key) == 32
            assert b"\n" not in event.raw


_LOOP = asyncio.new_event_loop()


def ask_page(data: bytes) -> None:
    """A request to the live page, by whoever finds its port: first line, headers and body, with whatever in them."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, rest = first.partition(" ")
    path, _, run = rest.partition("?run=")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    answer = _LOOP.run_until_complete(_answered(Request(method, path, run, headers, body)))
    assert answer in {200, 400, 403, 404, 405, 421} or (answer == 401 and method)
    assert answer != 200 or path not in {"/runs", "/events", "/steer"} or "KEY" in data.decode("latin-1")


async def _answered(request: Request) -> int:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk([folder], Keys("READKEY", "STEERKEY"), ["localhost"])
        try:
            return (await desk.answer(request)).status
        finally:
            await desk.close()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "lists": read_list,
    "suppression": read_suppression,
    "replies": read_reply,
    "webhooks": read_webhook,
    "page": ask_page,
}
_PAGE = (
    b"GET /runs\nhost: localhost:1\nauthorization: Bearer READKEY",
    b"GET /events?run=a\nhost: localhost\ncookie: key=READKEY",
    b'POST /steer\nhost: localhost\nauthorization: Bearer STEERKEY\nsec-fetch-site: same-origin\n\n{"run": "a", "what": "pause"}',
    b"GET /\nhost: [::1]:8",
)


def seeds(target: str) -> Iterator[bytes]:
    """What is known to go far, the small ones first."""
    files = sorted((CORPUS / target).glob("*")) if (CORPUS / target).is_dir() else []
    if target in {"lists", "suppression"}:
        files += [file for file in (SAMPLES / "lists").iterdir() if file.name.startswith(("people", "van"))]
    elif target == "webhooks":
        files += (SAMPLES / "rumbleup" / "webhooks").glob("*.json")
    elif target == "replies":
        for file in (SAMPLES / "rumbleup").glob("*.json"):
            for case in json.loads(file.read_bytes())["cases"]:
                yield b"\0\1" + json.dumps(case.get("reply", {}).get("json")).encode()
    elif target == "page":
        yield from _PAGE
    for file in sorted(files, key=lambda file: (file.stat().st_size, file.name)):
        yield file.read_bytes()
