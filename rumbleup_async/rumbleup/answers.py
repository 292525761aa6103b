"""Answers of the RumbleUp API that hold an object, rows, or text, in whatever wrapping they come.

Lives here: pure functions from a reply to JSON values.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from typing import Any

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.patterns import when_used
from rumbleup_async.provider import arguments, replies
from rumbleup_async.rumbleup import failures, requests
from rumbleup_async.session.exchange import Response

ROWS = ("data", "messages", "logs")
"""Where a page has its rows: as documented, and as an integrator met them."""


def read_page(response: Response, endpoint: str) -> replies.Page:
    """The envelope `{count, data, total?, next_token?}`; `data` may be a list, one object, or missing.

    Only `next_token` says whether there is more: the API's samples have counts and totals that do not add up. An integrator
    also met the list under `messages` or `logs`.
    """
    value = replies.read_json(response, endpoint)
    if isinstance(value, list):
        return replies.Page(value, None, None)
    if not isinstance(value, dict):
        raise UnreadableReply(f"expected a page, got {type(value).__name__}", status=response.status, endpoint=endpoint)
    data: Any = next((value[name] for name in ROWS if value.get(name) is not None), [])
    token = value.get("next_token")
    if isinstance(token, bool) or not isinstance(token, (str, int, float)):
        if token:
            # To take this for the end would lose rows without a word.
            raise UnreadableReply("a page token that is neither text nor number", status=response.status, endpoint=endpoint)
        token = None
    return replies.Page(
        rows=data if isinstance(data, list) else [data],
        next_token=str(token) if token not in (None, "") else None,
        total=replies.total(value.get("total")),
    )


def item(response: Response, endpoint: str, *, known: Collection[str], redact: tuple[str, ...] = ()) -> dict[str, Any]:
    """The one object of an answer: bare, alone in a list, or under `data`. `known`: fields that only the object itself has.

    `redact`: as for `raise_hidden`.
    """
    value = replies.read_json(response, endpoint)
    if isinstance(value, dict) and not any(name in value for name in known):
        raise_hidden(response, value, endpoint, redact)
        if isinstance(value.get("data"), (dict, list)):
            value = value["data"]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise UnreadableReply(f"expected an object, got {_kind(value)}", status=response.status, endpoint=endpoint)
    return value


def rows(response: Response, endpoint: str, redact: tuple[str, ...] = ()) -> list[Any]:
    """The objects of a stats answer: an array, an object with `data`, one object, or CSV though JSON was asked for."""
    try:
        value = replies.decode(response.body)
    except replies.BROKEN:
        return _csv_rows(response, endpoint)
    if isinstance(value, dict) and value.get("data") is None:
        raise_hidden(response, value, endpoint, redact)
        if "action" in value:
            return [value]
    return read_page(response, endpoint).rows


def page_query(filters: Mapping[str, str | None], token: str | None) -> str:
    """The query of a list's page: the first one for None."""
    return arguments.query({**filters, "_start": token})


def page(response: Response, endpoint: str, redact: tuple[str, ...] = (), token: str | None = None) -> replies.Page:
    """One page of a list. An error that came as a success is raised: as an empty page it would say that nothing was sent."""
    found = read_page(response, endpoint)
    if endpoint == requests.LOG:
        found = _log_page(response, replies.decode(response.body), found)
    if not found.rows:
        _check_empty(response, endpoint, redact, is_first=token is None)
    return found


_PAGE_SIZES = frozenset({32, 999})
"""What `count` is where a page says how many rows it may hold: the default, and the number that is asked for."""

_MORE = when_used(r"(?!next_token$)(?:next|more|has_?(?:more|next)|cursor|truncated|partial|incomplete|remaining)", re.IGNORECASE)
_TOTAL = when_used(r"total(?:_?(?:count|rows|results|items))?", re.IGNORECASE)
_PAGES = when_used(r"(?:total_?)?pages|(?:last_?page|page_?count)", re.IGNORECASE)


def _log_page(response: Response, value: Any, page: replies.Page) -> replies.Page:
    """A page of the message log, with what its envelope says of rows that it does not show.

    Of the log it matters more than of other lists: whom it does not show may be texted again. No page describes any of this but
    `count`, `total` and `next_token`; a server that says it in other words is heard all the same.
    """
    totals = [total for name in ("X-Total-Count", "X-Total") if (total := replies.total(response.headers.get(name))) is not None]
    cut = "it says that there is more in a way that nobody knows of" if _is_partial(response) else ""
    if not isinstance(value, dict):
        return replies.Page(page.rows, page.next_token, max(totals, default=None), cut)
    lists = [value[name] for name in ROWS if isinstance(value.get(name), list)]
    rows = [row for one in lists for row in one] if len(lists) > 1 else page.rows
    others = {name: one for name, one in value.items() if name not in ROWS}
    for name, one in [
        *others.items(),
        *((name, one) for inner in others.values() if isinstance(inner, dict) for name, one in inner.items()),
    ]:
        if isinstance(one, list) and any(isinstance(row, dict) for row in one):
            cut = cut or "it has rows in a place that nobody knows of"
        elif _MORE.match(name) and one not in (None, False, "", 0, "false", "0", [], {}):
            cut = cut or "it says that there is more in a way that nobody knows of"
        elif _PAGES.fullmatch(name) and page.next_token is None and (replies.total(one) or 0) > 1:
            cut = cut or "it speaks of more pages and does not say how to ask for them"
        elif _TOTAL.fullmatch(name) and one not in (None, ""):
            total = replies.total(one)
            if total is None:
                cut = cut or "its total cannot be read"
            else:
                totals.append(total)
    if rows and _is_error(value):
        cut = cut or "it holds an error beside its rows"
    if not totals and value.get("count") is not None:
        count = replies.total(value["count"])
        if count is None or (count > len(rows) and count not in _PAGE_SIZES):
            cut = cut or "it counts other rows than it shows"
    return replies.Page(rows, page.next_token, max(totals, default=None), cut)


def _is_partial(response: Response) -> bool:
    """Whether the answer's head says that its body is not all there is."""
    return response.status == 206 or re.search(r"rel\s*=\s*\"?next", response.headers.get("Link", ""), re.IGNORECASE) is not None


def _is_error(value: dict[str, Any]) -> bool:
    status = replies.number(value.get("status"))
    return bool(value.get("error")) or 400 <= status < 600 or value.get("ok") is False or value.get("success") is False


def _check_empty(response: Response, endpoint: str, redact: tuple[str, ...], *, is_first: bool) -> None:
    """UnreadableReply for an answer without rows that is something else than an empty list.

    A list may leave its rows out where it has none (TCR API page). The message log may not: whom it does not show may be texted
    again, so it has to have an empty list, or say that it counts none.
    """
    value = replies.decode(response.body)
    if not isinstance(value, dict):
        return
    raise_hidden(response, value, endpoint, redact)
    status = replies.number(value.get("status"))
    is_error = _is_error(value)
    if endpoint == requests.LOG and is_first:
        # `count` is the items of a page, or those asked for a page, as the pages have it; `total` comes before it.
        counted = value["total"] if value.get("total") is not None else value.get("count")
        is_none = replies.total(counted) == 0
        if any(isinstance(value.get(name), list) for name in ROWS):
            is_fine = is_none or 200 <= status < 300 or value.get("ok") is True or value.get("success") is True
            is_error = is_error or (bool(value.get("message")) and not is_fine)
        else:
            is_error = is_error or not is_none
    if is_error:
        words = next((value[name] for name in ("error", "message") if isinstance(value.get(name), str)), "")
        said = f": {replies.safe(words, redact=redact)}" if words else ""
        raise UnreadableReply(f"neither rows nor an empty list{said}", status=response.status, endpoint=endpoint)


def opened(response: Response) -> dict[str, Any]:
    """An answer whose shape nobody has described: an object as it is, anything else under `data`, text under `text`.

    Raises nothing: the call has succeeded, and an unexpected answer is no reason to say that it has not.
    """
    try:
        value = replies.decode(response.body) if response.body.strip() else {}
    except replies.BROKEN:
        return {"text": response.body.decode("utf-8", "replace")}
    return value if isinstance(value, dict) else {"data": value}


def text(response: Response, endpoint: str) -> str:
    """An answer as text; UnreadableReply if it is none."""
    try:
        return response.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableReply("bytes that are not text", status=response.status, endpoint=endpoint) from None


def refuse_hidden(response: Response, endpoint: str, redact: tuple[str, ...] = ()) -> None:
    """`raise_hidden` for an answer that may be no object, or no JSON at all."""
    try:
        value = replies.decode(response.body)
    except replies.BROKEN:
        return
    if isinstance(value, dict):
        raise_hidden(response, value, endpoint, redact)


def raise_hidden(response: Response, value: dict[str, Any], endpoint: str, redact: tuple[str, ...] = ()) -> None:
    """Raise for an error object that came under a status of success: the overview page allows the two to differ.

    What is in `redact` is quoted by no error.
    """
    if status := failures.hidden_status(value.get("status"), value.get("message")):
        raise failures.error_of(Response(status, response.headers, response.body), endpoint, redact)


def _csv_rows(response: Response, endpoint: str) -> list[Any]:
    """CSV, whose columns are named like the object's fields."""
    content = text(response, endpoint)
    if content.lstrip()[:1] not in {"<", "{", "[", ""}:
        try:
            reader = csv.DictReader(io.StringIO(content, newline=""), restkey="")
            if {"action", "project", "name"} & set(reader.fieldnames or ()):
                return [{name: value for name, value in row.items() if name and value} for row in reader]
        except csv.Error:
            pass
    raise UnreadableReply("neither JSON nor CSV of projects", status=response.status, endpoint=endpoint)


def _kind(value: object) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__


DIALECT = replies.Dialect(failures.error_of, page_query, page)
"""RumbleUp as a caller must know it."""
