"""The body of a posted event, read so that nothing is refused without need.

Lives here: pure reading. May import: errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from rumbleup_async.errors import WebhookRefused

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
    except msgspec.DecodeError:
        # Half an emoji, which is what a carrier makes of a text cut in the middle, is no reason to refuse an event for a day.
        body = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(body), body
    if b"\n" in body or b"\r" in body:
        body = msgspec.json.format(body, indent=-1)
    return found, body
