"""The contradictions of the documentation as switches, and `Quirks`, which applies those that are on. Pure.

Where the pages contradict each other, the simulator follows the object lists by default, and a quirk makes it follow
the other page. So a client can be tested with both.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from rumbleup_async.simulator.world import times
from rumbleup_async.simulator.world.replies import HTML, JSON, Reply
from rumbleup_async.simulator.world.request_parsing import Params

from .response_mutations import MUTATIONS, repeat_phone

__all__ = ["EMPTY_PAGE", "QUIRKS", "Quirks"]

EMPTY_PAGE = "end"
"""The token of the empty page that the quirk `empty-last-page` adds after the last page."""

_TIMES = {f"time-{letter.lower()}": letter for letter in times.FORMATS}

QUIRKS: dict[str, str] = {
    # all replies
    "cid-digits": "The account id is digits only, without `c_`.",
    "eleven-digits": "Phones and proxies have eleven digits, beginning with 1.",
    "extra-fields": "Every object has fields that no page names.",
    "null-fields": "Empty texts and lists are null.",
    "numeric-ids": "Ids of projects and groups are numbers, not strings.",
    "string-booleans": 'Booleans are the strings "true" and "false".',
    "string-counts": "Numbers are strings: counts, counters, percents, prices.",
    "tcr-names": "A campaign's id is `tcr_cid`, not `campaignId`.",
    "campaignId-no": "The literal `No` stands wherever there is no campaign, also in messages and numbers.",
    "flags-string": "`flags` is one string with commas.",
    # pages
    "count-lies": "`count` and `total` differ from the number of rows.",
    "data-null": "`data` of an empty page is null.",
    "data-object": "`data` of a TCR page is one object, not a list; a page holds one row.",
    "data-under-logs": "The rows of the log are under `logs`.",
    "data-under-messages": "The rows of the log are under `messages`.",
    "empty-last-page": "The last rows come with a token, which leads to an empty page.",
    "next-token-empty": "The last page has an empty `next_token`.",
    "next-token-null": "The last page has `next_token` null.",
    "next-token-number": "`next_token` is a number.",
    "no-total": "Pages have no `total`.",
    "reads-get-only": "Endpoints that only read take only GET.",
    # messages
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
    "price-string": "The price is a string.",
    "status-queued": "A message without a receipt has a status that no page lists.",
    "webhook-sender": "MESSAGE_RECEIVED has `sender` (the contact) and `status` received.",
    # projects
    "campaignId-empty": "`campaignId` of a project without campaign is empty, not the literal `No`.",
    "contact-filter-object": "`contact_filter` is an object, not JSON in a string.",
    "csv-when-json-asked": "Stats are CSV whatever was asked for.",
    "deprecated-fields": "Project objects also have the deprecated fields.",
    "duplicate-percent-key": "A project has the key `err_target_percent` twice; the second is that of the replies.",
    "lower-case-status": "A project's status is in lower case.",
    "name-under-project": "A project's name is only under `project`.",
    "phone-list": "A project's numbers are a list under `phone`; `proxy` is null.",
    "proxy-list": "A project's `proxy` is a list.",
    "stats-under-data": "The projects of stats are under `data`.",
    "strict-stats-filter": "Stats under /api/project ignore the filter `action`, those under /api/action `project`.",
    "strict-media-part": "Media is taken only from the part of each sample: `file` in create, `media` in update.",
    "submit-report": "Submit answers with a report: `report` and `rpid`, no `project`.",
    # campaigns
    "no-ok": "Campaigns have no `ok`.",
    "proxy-string": "`proxy` of a campaign is one string with commas.",
    "status-lags": "The status of a campaign is PENDING though `ok` says that it is ready.",
    "staztus": "The status of a campaign is called `staztus`.",
    # errors
    "html-error": "Errors are HTML pages.",
    "no-code": "Errors have no `code`.",
    "retry-after-in-body": "A 429 names its pause as `retryAfter`, in milliseconds, in the body.",
    "status-in-body-only": "Errors come under 200; their status is in the body only.",
    "status-string": "The status in an error's body is a string.",
    # times
    **{name: f"Every time is written as: {times.FORMATS[letter]}." for name, letter in _TIMES.items()},
}
"""Name -> what the quirk changes."""

# These change where the rows are, so they come after all that change the rows.
_LAST = (
    "next-token-empty",
    "next-token-null",
    "stats-under-data",
    "data-null",
    "data-object",
    "data-under-logs",
    "data-under-messages",
)
_MEDIA_PARTS = {"create": "file", "update": "media"}
_PAGE = b"<!DOCTYPE html><html><body><h1>%d</h1><p>Something went wrong</p></body></html>"
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Quirks:
    """The quirks that are on. `reads` are the endpoints that only read."""

    def __init__(self, stamp: times.Stamp, reads: frozenset[str], names: Iterable[str] = ()) -> None:
        self._stamp = stamp
        self._reads = reads
        self._tokens: list[str] = []
        self.set(names)

    def set(self, names: Iterable[str]) -> None:
        """Turn these quirks on and all others off. ValueError for an unknown name."""
        wanted = frozenset([names] if isinstance(names, str) else names)
        if unknown := wanted - QUIRKS.keys():
            raise ValueError(f"unknown quirk {min(unknown)!r}; known: {', '.join(sorted(QUIRKS))}")
        self.on = wanted
        self._mutations = [name for name in MUTATIONS if name in wanted and name not in _LAST] + [
            name for name in _LAST if name in wanted
        ]
        self._stamp.forced = next((_TIMES[name] for name in sorted(wanted) if name in _TIMES), None)

    def forbids(self, endpoint: str, method: str) -> bool:
        """Whether a quirk forbids this method on an endpoint that takes both GET and POST."""
        if "reads-get-only" in self.on and method == "POST" and endpoint in self._reads:
            return True
        return endpoint == "message/next" and f"next-{'get' if method == 'POST' else 'post'}-only" in self.on

    def media_part(self, call: str) -> str | None:
        """The only multipart name under which `create` or `update` takes media; None for any name."""
        return _MEDIA_PARTS[call] if "strict-media-part" in self.on else None

    def change_request(self, endpoint: str, params: Params) -> None:
        """Change a request's parameters before its work."""
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

    def change_reply(self, endpoint: str, reply: Reply) -> Reply:
        """The reply as the caller gets it."""
        if reply.content_type is not JSON or not reply.body:
            return reply
        try:
            value = _decode(reply.body)
        except msgspec.DecodeError:  # a fault has made it unreadable
            return reply
        if reply.status >= 400:
            return self._change_error(reply, value)
        body = self._repeated_keys(endpoint, _encode(self.change_value(endpoint, value)))
        return msgspec.structs.replace(reply, body=body)

    def change_value(self, endpoint: str, value: Any) -> Any:
        """The decoded JSON of a reply or event, changed by all quirks that are on."""
        if isinstance(value, dict) and "data" in value:
            value = self._change_page(value)
        for name in self._mutations:
            prefixes, mutate = MUTATIONS[name]
            if endpoint.startswith(prefixes):
                value = mutate(value)
        return value

    def _change_page(self, page: dict[str, Any]) -> dict[str, Any]:
        if "empty-last-page" in self.on and page["data"] and "next_token" not in page:
            page = page | {"next_token": EMPTY_PAGE}
        if "next-token-number" in self.on and "next_token" in page:
            self._tokens.append(page["next_token"])
            page = page | {"next_token": len(self._tokens)}
        return page

    def _repeated_keys(self, endpoint: str, body: bytes) -> bytes:
        if endpoint == "message/next" and {"duplicate-phone", "repeated-phone"} & self.on:
            return repeat_phone(body, same="repeated-phone" in self.on)
        if "duplicate-percent-key" in self.on and endpoint.startswith(("project/", "action/")):
            return body.replace(b'"replies_target_percent"', b'"err_target_percent"')
        return body

    def _change_error(self, reply: Reply, value: Any) -> Reply:
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
