"""The body of a posted event, read so that nothing is refused without need.

Lives here: pure reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rumbleup_async.errors import WebhookRefused
from rumbleup_async.provider.decoding import decode

MAX_BODY = 1 << 20
"""Bytes of a body at most."""


def read_object(headers: Mapping[str, str], body: bytes, limit: int = MAX_BODY) -> tuple[dict[str, Any], bytes]:
    """The JSON object of one request, and the same as JSON on one line. WebhookRefused for anything else."""
    if len(body) > limit:
        raise WebhookRefused(f"the body has more than {limit:,} bytes")
    try:
        found, raw = _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "none given")
        raise WebhookRefused(f"the body is not readable as JSON (Content-Type: {ascii(kind[:60])[1:-1]})") from None
    if not isinstance(found, dict):
        raise WebhookRefused(f"the body is a JSON {type(found).__name__}, not an object")
    return found, raw


def _decode(body: bytes) -> tuple[Any, bytes]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Half an emoji, which is what a carrier makes of a text cut in the middle, a NaN or a byte order mark is no
        # reason to refuse an event for a day: it may be an opt-out.
        found = decode(body)
        return found, msgspec.json.encode(found)
    if b"\n" in body or b"\r" in body:
        body = msgspec.json.format(body, indent=-1)
    return found, body
