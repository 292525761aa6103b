"""The contradictions of the documentation as switches: QUIRKS by name, and `Quirks`, which holds those that are on.

What the pages contradict each other about is served here one way by default (the object lists' way) and the other way by a
quirk, so that a client can be shown both over the wire. Pure; imports only this folder.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from . import times
from .bending import BENDS
from .bodies import Params
from .paging import BEHIND
from .replies import HTML, JSON, Reply
from .routes import ROUTES

__all__ = ["QUIRKS", "Quirks"]

_TIMES = {f"time-{letter.lower()}": letter for letter in times.FORMATS}

QUIRKS: dict[str, str] = {
    # of every reply
    "cid-digits": "The account id is bare digits, without `c_`.",
    "eleven-digits": "Phones and proxies have eleven digits, a 1 in front.",
    "extra-fields": "Every object has fields that no page names.",
    "null-fields": "Empty texts and lists are null.",
    "numeric-ids": "Ids of projects and groups are numbers, not texts.",
    "string-booleans": 'Booleans are the texts "true" and "false".',
    "string-counts": "Numbers are texts: counts, counters, percents, prices.",
    "tcr-names": "A campaign's id is `tcr_cid`, not `campaignId`.",
    "campaignId-no": "The literal `No` stands wherever there is no campaign, in messages and numbers, too.",
    "flags-string": "`flags` is one text with commas.",
    # of pages
    "count-lies": "`count` and `total` are not those of the rows.",
    "data-null": "`data` of an empty page is null.",
    "data-object": "`data` of a TCR page is one object, not a list; a page holds one row.",
    "data-under-logs": "The rows of the log are under `logs`.",
    "data-under-messages": "The rows of the log are under `messages`.",
    "empty-last-page": "The last rows come with a token; behind it is an empty page.",
    "next-token-empty": "The last page has an empty `next_token`.",
    "next-token-null": "The last page has `next_token` null.",
    "next-token-number": "`next_token` is a number.",
    "no-total": "Pages have no `total`.",
    "reads-get-only": "What only reads takes only GET.",
    # of messages
    "duplicate-phone": "A contact of message/next has the key `phone` twice, with different values.",
    "repeated-phone": "A contact of message/next has the key `phone` twice, with the same value.",
    "next-get-only": "message/next takes only GET.",
    "next-post-only": "message/next takes only POST.",
    "errcode": "`error_code` is called `errcode`.",
    "group-list": "`group` of a message is a list.",
    "no-cid": "Messages have no cid, action and group.",
    "no-status": "Messages, projects and campaigns have no status; messages no update_time.",
    "other-phone": "The reply of message/send has another phone than the request.",
    "price-positive": "The price is positive.",
    "price-string": "The price is a text.",
    "status-queued": "A message without a receipt has a status that no page lists.",
    "webhook-sender": "MESSAGE_RECEIVED has `sender` (the contact) and `status` received.",
    # of projects
    "campaignId-empty": "`campaignId` of a project without campaign is empty, not the literal `No`.",
    "contact-filter-object": "`contact_filter` is an object, not JSON in a text.",
    "csv-when-json-asked": "Stats are CSV whatever was asked for.",
    "deprecated-fields": "Project objects have the deprecated fields, too.",
    "duplicate-percent-key": "A project has the key `err_target_percent` twice; the second is that of the replies.",
    "lower-case-status": "A project's status is in lower case.",
    "name-under-project": "A project's name is only under `project`.",
    "phone-list": "A project's numbers are a list under `phone`; `proxy` is null.",
    "proxy-list": "A project's `proxy` is a list.",
    "stats-under-data": "The projects of stats are under `data`.",
    "strict-stats-filter": "Stats under /api/project ignore the filter `action`, those under /api/action `project`.",
    "strict-media-part": "Media is taken only from the part of each sample: `file` in create, `media` in update.",
    "submit-report": "Submit answers with a report: `report` and `rpid`, no `project`.",
    # of campaigns
    "no-ok": "Campaigns have no `ok`.",
    "proxy-string": "`proxy` of a campaign is one text with commas.",
    "status-lags": "The status of a campaign is PENDING though `ok` says that it is ready.",
    "staztus": "The status of a campaign is called `staztus`.",
    # of errors
    "html-error": "Errors are HTML pages.",
    "no-code": "Errors have no `code`.",
    "retry-after-in-body": "A 429 names its pause as `retryAfter`, in milliseconds, in the body.",
    "status-in-body-only": "Errors come under 200; their status is in the body only.",
    "status-string": "The status in an error's body is a text.",
    # of times
    **{name: f"Every time is written as: {times.FORMATS[letter]}." for name, letter in _TIMES.items()},
}
"""Name -> what is different then."""

# These change where the rows are, so they come behind all that change the rows.
_LAST = (
    "next-token-empty",
    "next-token-null",
    "stats-under-data",
    "data-null",
    "data-object",
    "data-under-logs",
    "data-under-messages",
)
_READS = frozenset(route.endpoint for route in ROUTES if "GET" in route.methods) - {"message/next", "report/delete"}
_MEDIA_PARTS = {"create": "file", "update": "media"}
_PAGE = b"<!DOCTYPE html><html><body><h1>%d</h1><p>Something went wrong</p></body></html>"
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Quirks:
    """The quirks that are on."""

    def __init__(self, stamp: times.Stamp, names: Iterable[str] = ()) -> None:
        self._stamp = stamp
        self._tokens: list[str] = []
        self.set(names)

    def set(self, names: Iterable[str]) -> None:
        """Turn these on and all others off. ValueError for an unknown name."""
        wanted = frozenset([names] if isinstance(names, str) else names)
        if unknown := wanted - QUIRKS.keys():
            raise ValueError(f"unknown quirk {min(unknown)!r}; known: {', '.join(sorted(QUIRKS))}")
        self.on = wanted
        self._bends = [name for name in BENDS if name in wanted and name not in _LAST] + [
            name for name in _LAST if name in wanted
        ]
        self._stamp.forced = next((_TIMES[name] for name in sorted(wanted) if name in _TIMES), None)

    def forbids(self, endpoint: str, method: str) -> bool:
        """Whether an endpoint that takes GET, too, does not take this method now."""
        if "reads-get-only" in self.on and method == "POST" and endpoint in _READS:
            return True
        return endpoint == "message/next" and f"next-{'get' if method == 'POST' else 'post'}-only" in self.on

    def media_part(self, call: str) -> str | None:
        """The only part that media may be in, if there is one."""
        return _MEDIA_PARTS[call] if "strict-media-part" in self.on else None

    def ask(self, endpoint: str, params: Params) -> None:
        """Change a request before it is worked on."""
        token = str(params.get("_start") or "")
        if token.isascii() and token.isdigit() and len(token) < 9 and 1 <= int(token) <= len(self._tokens):
            params["_start"] = self._tokens[int(token) - 1]
        if "data-object" in self.on and endpoint.startswith("tcr/"):
            params["_count"] = 1
        if endpoint.endswith("/stats"):
            if "csv-when-json-asked" in self.on:
                params["format"] = "csv"
            if "strict-stats-filter" in self.on:
                params.pop("action" if endpoint == "project/stats" else "project", None)

    def bend(self, endpoint: str, reply: Reply) -> Reply:
        """The reply as it leaves."""
        if reply.content_type is not JSON or not reply.body:
            return reply
        try:
            value = _decode(reply.body)
        except msgspec.DecodeError:  # a fault has spoiled it
            return reply
        if reply.status >= 400:
            return self._error(reply, value)
        body = self._doubled(endpoint, _encode(self.value(endpoint, value)))
        return msgspec.structs.replace(reply, body=body)

    def value(self, endpoint: str, value: Any) -> Any:
        """The JSON of a reply or event as it leaves."""
        if isinstance(value, dict) and "data" in value:
            value = self._paged(value)
        for name in self._bends:
            where, bend = BENDS[name]
            if endpoint.startswith(where):
                value = bend(value)
        return value

    def _paged(self, page: dict[str, Any]) -> dict[str, Any]:
        if "empty-last-page" in self.on and page["data"] and "next_token" not in page:
            page = page | {"next_token": BEHIND}
        if "next-token-number" in self.on and "next_token" in page:
            self._tokens.append(page["next_token"])
            page = page | {"next_token": len(self._tokens)}
        return page

    def _doubled(self, endpoint: str, body: bytes) -> bytes:
        # JSON objects of ours never repeat a key, so the second one is glued on.
        if endpoint == "message/next" and {"duplicate-phone", "repeated-phone"} & self.on:
            phone = _decode(body)["phone"]
            other = "2025550100" if phone != "2025550100" else "2025550101"
            return body[:-1] + b',"phone":"%s"}' % (phone if "repeated-phone" in self.on else other).encode()
        if "duplicate-percent-key" in self.on and endpoint.startswith(("project/", "action/")):
            return body.replace(b'"replies_target_percent"', b'"err_target_percent"')
        return body

    def _error(self, reply: Reply, value: Any) -> Reply:
        if "html-error" in self.on:
            return msgspec.structs.replace(reply, body=_PAGE % reply.status, content_type=HTML)
        if "no-code" in self.on:
            value.pop("code", None)
        if "retry-after-in-body" in self.on and value["status"] == 429:
            value["retryAfter"] = 1000
        if "status-string" in self.on:
            value["status"] = str(value["status"])
        status = 200 if "status-in-body-only" in self.on else reply.status
        return msgspec.structs.replace(reply, status=status, body=_encode(value))
