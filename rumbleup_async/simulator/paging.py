"""The envelope of the select calls: count, total, data, next_token. Pure; imports only this folder.

A token is opaque to its reader and absent on the last page. Page size and limits are those of the API overview and the
account page.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .bodies import Params
from .replies import Reply, field, ok

__all__ = ["BEHIND", "MOST", "page"]

MOST = 999
BEHIND = "end"
"""The token of the empty page that the quirk `empty-last-page` puts behind the last one."""

Row = TypeVar("Row")


def page(rows: Sequence[Row], params: Params, size: int, show: Callable[[Row], Any]) -> Reply:
    """One page of the rows, from `_start` on, `_count` of them (else `size`)."""
    token = str(params.get("_start") or "")
    if token == BEHIND:
        return ok({"count": 0, "total": len(rows), "data": []})
    try:
        start = int(urlsafe_b64decode(token + "==").removeprefix(b"at ")) if token else 0
        count = int(str(params.get("_count") or size))
    except ValueError:
        raise field("_start or _count: not a token of ours or not a number") from None
    if start < 0 or not 1 <= count <= MOST:
        raise field(f"_count: must be from 1 to {MOST}")
    shown = [show(row) for row in rows[start : start + count]]
    reply: dict[str, Any] = {"count": len(shown), "total": len(rows), "data": shown}
    if start + count < len(rows):
        reply["next_token"] = urlsafe_b64encode(b"at %d" % (start + count)).decode().rstrip("=")
    return ok(reply)
