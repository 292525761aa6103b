"""The pages of the select calls: `count`, `total`, `data`, `next_token`. Pure.

A token is opaque to its reader, and the last page has none. Page size and limits are those of the API overview and the
account page.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rumbleup_async.simulator.trouble.quirks import EMPTY_PAGE
from rumbleup_async.simulator.world.replies import Reply, field, ok
from rumbleup_async.simulator.world.request_parsing import Params

__all__ = ["MOST", "page"]

MOST = 999
"""The most rows in a page."""

Row = TypeVar("Row")


def page(rows: Sequence[Row], params: Params, size: int, show: Callable[[Row], Any]) -> Reply:
    """The page of the rows that begins at `_start` and has `_count` rows, or `size` rows without `_count`."""
    token = str(params.get("_start") or "")
    if token == EMPTY_PAGE:
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
