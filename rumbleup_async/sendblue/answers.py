"""Answers of the Sendblue API that hold a message, or a page of a list.

Lives here: pure functions; an answer in, a value out. Sources: the status and list reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.provider import arguments, replies
from rumbleup_async.provider.models import as_bool
from rumbleup_async.sendblue.failures import error_of, words_of
from rumbleup_async.sendblue.models import Message
from rumbleup_async.sendblue.wire import message_row
from rumbleup_async.session.exchange import Response


def one(response: Response, endpoint: str, redact: tuple[str, ...]) -> Message:
    """The message of a get or a status call: bare, or under `data`."""
    value = replies.read_json(response, endpoint)
    if isinstance(value, dict) and isinstance(value.get("data"), list) and len(value["data"]) == 1:
        value = {"data": value["data"][0]}
    row = message_row(value) if isinstance(value, dict) else value
    message = Message.read(row, endpoint=endpoint)
    if message.message_handle is None and message.status is None and message.number is None:
        raise UnreadableReply("an answer that is no message", status=response.status, endpoint=endpoint)
    if message.message_handle is None and message.number is None and not _is_told(message):
        raise error_of(Response(404, response.headers, response.body), endpoint, redact)
    return message


def _is_told(message: Message) -> bool:
    """Whether there is more of a message than a status, which an error may have, too."""
    told = (message.content, message.from_number, message.to_number, message.date_created, message.date_sent, message.is_outbound)
    return any(field is not None for field in told)


def query(filters: Mapping[str, str | None], token: str | None) -> str:
    """The query of a list's page; the token is the offset of its first row."""
    return arguments.query({**filters, "offset": token})


def page(response: Response, endpoint: str, redact: tuple[str, ...], token: str | None) -> replies.Page:
    """The envelope `{status, data, pagination: {hasMore, limit, offset, total}}`.

    Where `hasMore` is missing there is another page for as long as rows come. An error that came as a success is raised: as an
    empty page it would say that nothing was sent. `token`: the offset that was asked for, None for the beginning.
    """
    value = replies.read_json(response, endpoint)
    rows = value.get("data") if isinstance(value, dict) else None
    if not rows and isinstance(value, dict):
        status = value.get("status")
        is_ok = (
            isinstance(rows, list) and str(status).upper() not in {"ERROR", "FAILED", "DECLINED"} and replies.number(status) < 400
        )
        if any(
            words_of(value.get(name))
            for name in ("error", "error_message", *(() if is_ok and status is not None else ("message",)))
        ):
            raise error_of(Response(400, response.headers, response.body), endpoint, redact)
        if not is_ok:
            rows = None
    if not isinstance(rows, list):
        raise UnreadableReply("expected a page of messages", status=response.status, endpoint=endpoint)
    found = value.get("pagination")
    paging: dict[str, Any] = found if isinstance(found, dict) else {}
    more = as_bool(paging.get("hasMore", paging.get("has_more")))
    total = replies.total(paging.get("total"))
    begin = int(token or "0")
    if not rows and (more or (begin == 0 and total)):
        raise UnreadableReply("an empty page that says there are more; the list cannot be read to its end", endpoint=endpoint)
    go_on = bool(rows) if more is None else more
    return replies.Page(rows, str(begin + len(rows)) if go_on else None, total)


DIALECT = replies.Dialect(error_of, query, page)
"""Sendblue as a caller must know it."""
