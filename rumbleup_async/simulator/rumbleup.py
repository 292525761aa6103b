"""The RumbleUp API: routes, credentials, parameters, and where a fault steps in. Pure; imports only this folder.

A request comes in as method, target, three headers' worth and a body; a `Reply` goes out. A further resource is a file like
`messages` and its rows in `self._routes`.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from .faults import Faults, Kind
from .log import Log
from .messages import Messages
from .replies import HTML, Reply, Wire, error, ok
from .state import PROXY, World, digits
from .times import Stamp

__all__ = ["Requests", "RumbleUp"]

Params = dict[str, Any]

_MOVED = "/api/message/send/moved"
_LOG_KINDS = frozenset({"log-repeat-page", "log-repeat-token"})
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Please stand by</h1></body></html>"

_decode = msgspec.json.Decoder().decode


class Requests:
    """How often each endpoint was called and what it answered. An endpoint is named like `message/send`."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.answered: Counter[tuple[str, int]] = Counter()
        """(endpoint, status); the status is 0 where none reached the caller."""
        self.faults: Counter[str] = Counter()
        """Faults that struck, by kind."""

    def count(self, endpoint: str | None = None, status: int | None = None) -> int:
        """Requests received, or, with a status, requests answered with it."""
        if status is None:
            return self.received.total() if endpoint is None else self.received[endpoint]
        return sum(n for (name, code), n in self.answered.items() if code == status and endpoint in (None, name))

    def as_dict(self) -> dict[str, dict[str, int]]:
        """`{"message/send": {"received": 3, "200": 2, "none": 1}}`."""
        table = {endpoint: {"received": n} for endpoint, n in sorted(self.received.items())}
        for (endpoint, status), n in sorted(self.answered.items()):
            table[endpoint][str(status) if status else "none"] = n
        return table


class RumbleUp:
    """Answers requests about a world, under faults."""

    def __init__(self, world: World, faults: Faults) -> None:
        stamp = Stamp()
        self.world = world
        self.faults = faults
        self.requests = Requests()
        self.messages = Messages(world, faults, stamp)
        self.log = Log(world, stamp)
        self._key: str | None = None
        self._accepted: frozenset[str] = frozenset()
        self._routes: dict[str, tuple[str, Callable[[Params], Reply]]] = {
            "/api/message/send": ("message/send", self._send),
            _MOVED: ("message/send", self._send),
            "/api/message/next": ("message/next", self._next),
            "/api/message/log/select": ("message/log/select", self._select),
            "/api/account/get": ("account/get", self._account),
        }

    def answer(self, method: str, target: str, authorization: str | None, content_type: str | None, body: bytes) -> Reply:
        """What one request gets. `target` is the request line's, query and all."""
        path, _, query = target.partition("?")
        route = self._routes.get(path)
        endpoint, work = route or ("unknown", self._account)
        requests = self.requests
        requests.received[endpoint] += 1
        if route is None:
            reply = error(404, "Not found")
        elif method not in ("POST", "GET") or (method == "GET" and endpoint == "message/send"):
            reply = error(405, "Method not allowed")
        elif not self._lets_in(authorization):
            reply = error(401, "Invalid credentials")
        else:
            params = _params(query, content_type, body)
            reply = error(400, "Request body is not readable", "FIELD") if params is None else work(params)
        requests.answered[endpoint, reply.seen_status] += 1
        return reply

    def done(self, reply: Reply) -> None:
        """The reply is written, or its caller is gone."""
        if reply.holds_next:
            self.messages.next_in_progress -= 1

    def _lets_in(self, authorization: str | None) -> bool:
        key = self.world.settings.api_key
        if key != self._key:
            basic = b64encode(key.encode()).decode()
            legacy = key.startswith("c_")
            self._accepted = frozenset({f"Basic {basic}"} if legacy else {f"Basic {basic}", f"Bearer {key}"})
            self._key = key
        if authorization in self._accepted:
            return True
        scheme, _, credentials = (authorization or "").partition(" ")
        return f"{scheme.capitalize()} {credentials.strip()}" in self._accepted

    def _send(self, params: Params) -> Reply:
        if not self.faults.active:
            return self.messages.send(params)
        kind = self.faults.choose("send", _phone(params))
        return self._disturbed(kind, lambda: self.messages.send(params))

    def _next(self, params: Params) -> Reply:
        self.messages.next_in_progress += 1
        kind = self.faults.choose("next", str(params.get("action"))) if self.faults.active else None
        if kind is not None and not kind.left:
            reply = self._disturbed(kind, lambda: error(500, "never asked"))
        else:
            reply, phone = self.messages.next(params)
            if phone and self.faults.active:
                kind = self.faults.planned("next", phone) or kind
            if phone or (kind is not None and kind.name != "duplicate-phone"):
                true_reply = reply
                reply = self._disturbed(kind, lambda: true_reply)
        return msgspec.structs.replace(reply, holds_next=True)

    def _select(self, params: Params) -> Reply:
        kind = None
        if self.faults.active:
            asked = " ".join(f"{name}={value}" for name, value in sorted(params.items()))
            kind = self.faults.choose("log", asked)
        if kind is not None and kind.name in _LOG_KINDS and params.get("_start"):
            self.requests.faults[kind.name] += 1
            return self.log.select(params, kind.name)
        return self._disturbed(None if kind is not None and kind.name in _LOG_KINDS else kind, lambda: self.log.select(params))

    def _account(self, params: Params) -> Reply:
        kind = self.faults.choose("account", "") if self.faults.active else None
        cid = self.world.cid
        if params.get("cid") not in (None, "", cid):
            return error(404, "No such account")
        account = {"cid": cid, "name": "Simulated account", "proxy": [PROXY], "balance": 1000.0, "status": "Active"}
        return self._disturbed(kind, lambda: ok(account))

    def _disturbed(self, kind: Kind | None, work: Callable[[], Reply]) -> Reply:
        """The work's reply as a fault leaves it. A fault that strikes before the work keeps it from being done."""
        if kind is None:
            return work()
        self.requests.faults[kind.name] += 1
        true_reply = work() if kind.left else ok({})
        if kind.answer == "true":
            reply = true_reply
        elif kind.answer == "html":
            reply = Reply(kind.status, _PAGE % kind.status, HTML)
        elif kind.answer == "empty":
            reply = Reply(kind.status, b"")
        elif kind.answer == "refusal":
            reply = self.messages.refused(kind.refusal, kind.sentence)
        elif kind.answer == "redirect":
            reply = error(kind.status, "Moved", headers=b"Location: %s\r\n" % _MOVED.encode())
        elif kind.answer == "special":
            reply = self._special(kind, true_reply)
        else:
            reply = error(kind.status, kind.message)
        return reply if kind.wire is Wire.WHOLE else msgspec.structs.replace(reply, wire=kind.wire)

    def _special(self, kind: Kind, true_reply: Reply) -> Reply:
        if kind.name == "429-retry-after":
            retry_after = self.world.settings.retry_after
            return self.messages.throttled(retry_after=1 if retry_after is None else retry_after)
        if kind.name == "duplicate-phone":
            contact = _decode(true_reply.body)
            other = "2025550100" if contact["phone"] != "2025550100" else "2025550101"
            # JSON objects of ours never repeat a key, so the second one is glued on.
            return msgspec.structs.replace(true_reply, body=true_reply.body[:-1] + b',"phone":"%s"}' % other.encode())
        return error(kind.status, kind.message, line=400)


def _phone(params: Params) -> str:
    phone = params.get("phone", "")
    return digits(phone) or str(phone)


def _params(query: str, content_type: str | None, body: bytes) -> Params | None:
    """Query and body as one; the body wins. None: a body that is neither a JSON object nor a form."""
    params: Params = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    if not body:
        return params
    if content_type is not None and content_type.startswith("application/x-www-form-urlencoded") and body[:1] != b"{":
        params.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return params
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(fields, dict):
        return None
    if not params:
        return fields
    params.update(fields)
    return params
