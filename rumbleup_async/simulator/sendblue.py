"""The Sendblue API: its four message endpoints over the same world, truth and faults. Pure; imports only this folder.

Sources: the Messages API page; its reference for parameters; the limits page, whose numbers are knobs of `Settings`. No page
describes an error body or says with which status a refusal comes: those chosen here are knobs or plain guesses.
"""

import datetime as dt
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from . import bodies
from .bodies import Params
from .deliveries import Deliveries
from .faults import Faults, Kind
from .replies import HTML, Reply, Wire
from .requests import Requests
from .state import World, digits
from .webhooks import Webhooks

__all__ = ["SENDBLUE_ROUTES", "Sendblue", "handle_of"]

SENDBLUE_ROUTES = (
    ("POST", "/api/send-message", "One message to one recipient."),
    ("GET", "/api/status", "How a message stands, by its handle."),
    ("GET", "/api/v2/messages", "Messages, filtered and in pages by offset."),
    ("GET", "/api/v2/messages/{id}", "One message."),
)
"""Method, path, meaning."""

_PATHS = ("/api/send-message", "/api/status", "/api/v2/messages")
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Please stand by</h1></body></html>"
_STYLES = frozenset(
    "celebration shooting_star fireworks lasers love confetti balloons spotlight echo invisible gentle loud slam".split()  # noqa: SIM905
)
_HOUR, _DAY = 3600.0, 86_400.0

_encode = msgspec.json.Encoder().encode


def handle_of(logid: str) -> str:
    """The message handle that stands for a log id of the truth."""
    return str(uuid.UUID(logid.removeprefix("rl_")))


class _Sent(msgspec.Struct):
    """What is known of a message beyond the truth."""

    line: str
    style: str
    media_url: str
    code: str = ""


class Sendblue:
    """Answers requests about a world, under faults."""

    def __init__(self, world: World, faults: Faults, deliveries: Deliveries, webhooks: Webhooks, requests: Requests) -> None:
        self.world = world
        self.faults = faults
        self.deliveries = deliveries
        self.webhooks = webhooks
        self.requests = requests
        self.blocked: set[str] = set()
        """Lines from which nothing may be sent."""
        self._sent: dict[int, _Sent] = {}
        self._uses: dict[str, deque[float]] = {}
        self._new: dict[str, deque[float]] = {}
        self._callbacks: dict[int, str] = {}
        others = deliveries.on_receipt
        if others is not None:
            deliveries.on_receipt = lambda position: self._receipt(position) if position in self._sent else others(position)

    @staticmethod
    def serves(target: str) -> bool:
        """Whether a request is for this API."""
        return target.startswith(_PATHS)

    @property
    def waits(self) -> bool:
        """Whether somebody waits for a callback."""
        return bool(self._callbacks)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What one request gets."""
        path, _, query = target.partition("?")
        endpoint, wanted, work = self._route(path)
        self.requests.received[endpoint] += 1
        given = headers.get("sb-api-key-id", ""), headers.get("sb-api-secret-key", "")
        is_let_in = ":".join(given) == self.world.settings.api_key or (self.world.settings.any_key and all(given))
        if work is None:
            reply = _error(404, "Not found")
        elif method != wanted:
            reply = _error(405, "Method not allowed")
        elif not is_let_in:
            reply = _error(401, "Invalid credentials")
        else:
            params = bodies.read(query, headers.get("Content-Type"), body)
            reply = _error(400, "Request body is not readable", 4000) if params is None else work(params)
        self.requests.answered[endpoint, reply.seen_status] += 1
        return reply

    def _route(self, path: str) -> tuple[str, str, Callable[[Params], Reply] | None]:
        if path == "/api/send-message":
            return "sendblue/send", "POST", self._send_disturbed
        if path == "/api/status":
            return (
                "sendblue/status",
                "GET",
                lambda params: self._read_disturbed(lambda: self._one(params.get("handle"), bare=True)),
            )
        if path == "/api/v2/messages":
            return "sendblue/list", "GET", lambda params: self._read_disturbed(lambda: self._list(params))
        if path.startswith("/api/v2/messages/"):
            handle = unquote(path.removeprefix("/api/v2/messages/"))
            return "sendblue/get", "GET", lambda _: self._read_disturbed(lambda: self._one(handle, bare=False))
        return "unknown", "", None

    # ---- sending ----

    def _send_disturbed(self, params: Params) -> Reply:
        kind = self.faults.choose("send", _key(params.get("number"))) if self.faults.active else None
        return self._disturbed(kind, lambda: self._send(params))

    def _read_disturbed(self, work: Callable[[], Reply]) -> Reply:
        kind = self.faults.choose("log", "sendblue") if self.faults.active else None
        return self._disturbed(kind, work)

    def _send(self, params: Params) -> Reply:
        world = self.world
        now = world.clock()
        number, line = str(params.get("number") or ""), str(params.get("from_number") or "")
        content, media = params.get("content") or "", params.get("media_url") or ""
        if not _is_e164(number):
            return _error(400, "number must be in E.164 format", 4000)
        if not _is_e164(line):
            return _error(400, "from_number is required", 4000)
        if line in self.blocked or (world.settings.lines and line not in world.settings.lines):
            return _error(400, "from_number is not one of your lines or is blocked", 4000)
        if not isinstance(content, str) or not (content or media) or len(content) > 18_996:
            return _error(400, "content must be text of at most 18996 characters", 4000)
        if params.get("send_style") and params["send_style"] not in _STYLES:
            return _error(400, "send_style is not known", 4000)
        tag = world.blocked_by(number[-10:]) if world.tags else None
        if tag is not None:
            return _error(400, "The recipient has opted out", 4002)
        refused = self._over_limit(line, number, now)
        if refused is not None:
            return refused
        position = world.take_direct(phone=number, text=content, proxy=line, campaign=None, now=now)
        self._sent[position] = _Sent(line, str(params.get("send_style") or ""), str(media))
        callback = params.get("status_callback")
        if callback and _is_loopback(str(callback)):
            self._callbacks[position] = str(callback)
        return Reply(200, _encode(self._bare(position)))

    def _over_limit(self, line: str, number: str, now: float) -> Reply | None:
        settings = self.world.settings
        uses, new = self._uses.setdefault(line, deque()), self._new.setdefault(line, deque())
        if settings.line_rate is not None:
            while uses and uses[0] <= now - max(1.0, 1 / settings.line_rate):
                uses.popleft()
            if len(uses) >= max(1, int(settings.line_rate)):
                after = settings.retry_after
                return _error(429, "Rate limit exceeded", 5509, b"" if after is None else f"Retry-After: {after:g}\r\n".encode())
        is_new = not self.world.texts.of_phone(number)
        if is_new:
            hour = sum(1 for at in new if at > now - _HOUR)
            day = sum(1 for at in new if at > now - _DAY)
            if (settings.line_new_hour is not None and hour >= settings.line_new_hour) or (
                settings.line_new_day is not None and day >= settings.line_new_day
            ):
                return _error(429, "New contact limit reached", 4001)
            new.append(now)
        uses.append(now)
        return None

    # ---- reading ----

    def _status(self, position: int) -> tuple[str, str]:
        """The status of a message now, and its error code."""
        if self.world.texts.times[position] > self.world.clock() - self.world.settings.receipt_delay:
            return "QUEUED", ""
        outcome = self.deliveries.outcome(position)
        if outcome is None:
            return "SENT", ""
        return ("DELIVERED", "") if outcome.status == "delivered" else ("ERROR", "10001")

    def _bare(self, position: int) -> dict[str, Any]:
        """The object of send and status: `account_email`, `date_created`."""
        row = self._row(position)
        row["account_email"] = row.pop("accountEmail")
        row["date_created"] = row.pop("date_sent")
        for name in ("to_number", "sendblue_number", "service", "group_id", "participants", "message_type"):
            row.pop(name)
        return row

    def _row(self, position: int) -> dict[str, Any]:
        """The object of list, get and callbacks: `accountEmail`, `date_sent`."""
        texts = self.world.texts
        sent = self._sent[position]
        status, code = self._status(position)
        at = _time(texts.times[position])
        return {
            "accountEmail": "owner@example.com",
            "content": texts.text(position) or "",
            "is_outbound": True,
            "status": status,
            "error_code": int(code) if code else None,
            "error_message": "Message failed to send" if code else None,
            "message_handle": handle_of(texts.logid(position)),
            "date_sent": at,
            "date_updated": at,
            "from_number": sent.line,
            "number": texts.phones[position],
            "to_number": texts.phones[position],
            "sendblue_number": sent.line,
            "media_url": sent.media_url,
            "send_style": sent.style,
            "message_type": "message",
            "group_id": "",
            "participants": [],
            "service": "iMessage",
        }

    def _one(self, handle: object, *, bare: bool) -> Reply:
        try:
            position = self.world.texts.position(f"rl_{uuid.UUID(str(handle)).hex}")
        except ValueError:
            position = None
        if position is None or position not in self._sent:
            return _error(404, "Message not found")
        value = self._bare(position) if bare else {"status": "OK", "data": self._row(position)}
        return Reply(200, _encode(value))

    def _list(self, params: Params) -> Reply:
        texts, lag = self.world.texts, self.world.settings.log_lag
        seen = self.world.clock() - lag
        wanted = {
            name: str(params[name])
            for name in ("number", "from_number", "to_number", "sendblue_number", "status")
            if name in params
        }
        earliest, latest = _seconds(params.get("created_at_gte")), _seconds(params.get("created_at_lte"))
        if params.get("is_outbound") == "false":
            places: list[int] = []
        else:
            held = texts.of_phone(wanted["number"]) if "number" in wanted else range(len(texts))
            places = [place for place in held if place in self._sent and texts.times[place] <= seen]
        rows = [
            row
            for place in places
            if (earliest is None or texts.times[place] >= earliest) and (latest is None or texts.times[place] <= latest)
            for row in (self._row(place),)
            if all(str(row[name]) == value for name, value in wanted.items())
        ]
        if params.get("order_direction") == "desc":
            rows.reverse()
        limit, offset = int(params.get("limit", 50)), int(params.get("offset", 0))
        page = rows[offset : offset + limit]
        paging = {"hasMore": offset + len(page) < len(rows), "limit": limit, "offset": offset, "total": len(rows)}
        return Reply(200, _encode({"status": "OK", "data": page, "pagination": paging}))

    # ---- callbacks ----

    def _receipt(self, position: int) -> None:
        url = self._callbacks.pop(position, None)
        if url is not None:
            self.webhooks.call_back(url, self.world.settings.signing_secret, self._row(position))

    # ---- faults ----

    def _disturbed(self, kind: Kind | None, work: Callable[[], Reply]) -> Reply:
        if kind is None:
            return work()
        self.requests.faults[kind.name] += 1
        true_reply = work() if kind.left else Reply(200, b"{}")
        if kind.answer == "true":
            reply = true_reply
        elif kind.answer == "html":
            reply = Reply(kind.status, _PAGE % kind.status, HTML)
        elif kind.answer == "empty":
            reply = Reply(kind.status, b"")
        elif kind.answer == "refusal":
            reply = _error(400, kind.sentence, 4002 if kind.refusal in {"dnd", "landline"} else 4001)
        elif kind.answer == "redirect":
            reply = _error(kind.status, "Moved", headers=b"Location: /api/send-message\r\n")
        elif kind.answer == "special" and kind.status == 429:
            after = self.world.settings.retry_after
            reply = _error(429, "Too many requests", 5509, f"Retry-After: {1 if after is None else after:g}\r\n".encode())
        else:
            reply = _error(kind.status, kind.message)
        return reply if kind.wire is Wire.WHOLE else msgspec.structs.replace(reply, wire=kind.wire)


def _key(number: object) -> str:
    """A phone as faults are set for it."""
    return digits(number) or str(number)


def _error(status: int, message: str, code: int | None = None, headers: bytes = b"") -> Reply:
    return Reply(status, _encode({"status": "ERROR", "error_code": code, "error_message": message}), headers=headers)


def _is_e164(value: str) -> bool:
    return value.startswith("+") and value[1:].isascii() and value[1:].isdigit() and 8 <= len(value) <= 16


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _time(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(value: object) -> float | None:
    try:
        return None if value is None else dt.datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return None
