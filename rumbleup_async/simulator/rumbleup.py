"""The RumbleUp API: routes, credentials, parameters, and where a fault steps in. Pure; imports only this folder.

A request comes in as method, target, two headers' worth and a body; a `Reply` goes out. A further resource is a file like
`projects`, its rows in `routes.ROUTES` and its line in `_handlers`.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import unquote

import msgspec

from . import bodies
from .accounts import Accounts
from .bodies import Params
from .contacts import Contacts
from .deliveries import Deliveries
from .faults import Faults, Kind
from .history import History
from .log import Log
from .message_object import MessageObjects
from .messages import Messages
from .project_object import ProjectObjects
from .projects import Projects
from .proxies import Proxies
from .quirks import Quirks
from .received import Received
from .replies import HTML, Refusal, Reply, Wire, error, ok
from .reports import Reports
from .requests import Requests
from .routes import ROUTES
from .sendblue import Sendblue
from .state import World, digits
from .stats import Stats
from .tcr import Registry
from .times import Stamp
from .webhooks import Webhooks

__all__ = ["Requests", "RumbleUp"]

_MOVED = "/api/message/send/moved"
_LOG_KINDS = frozenset({"log-repeat-page", "log-repeat-token"})
_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Please stand by</h1></body></html>"

_decode = msgspec.json.Decoder().decode

Work = Callable[[Params], Reply]
WorkById = Callable[[str, Params], Reply]


class RumbleUp:
    """Answers requests about a world, under faults."""

    def __init__(self, world: World, faults: Faults, seed: int, quirks: Iterable[str] = ()) -> None:
        stamp = Stamp()
        self.quirks = Quirks(stamp, quirks)
        self.world = world
        self.faults = faults
        self.stamp = stamp
        self.requests = Requests()
        self.deliveries = Deliveries(world, seed)
        self.received = Received(world, seed)
        self.objects = MessageObjects(world, self.deliveries, stamp)
        self.messages = Messages(world, faults, stamp)
        self.log = Log(world, History(world, self.received, self.objects))
        self.contacts = Contacts(world, self.received, stamp)
        self.reports = Reports(world, self.objects, stamp)
        self.webhooks = Webhooks(world, seed)
        self.webhooks.follow(self.deliveries, self.received, self.contacts, self.reports, self.objects)
        self.webhooks.bend = lambda type_, data: self.quirks.value(f"webhook/{type_}", data) if self.quirks.on else data
        self.sendblue = Sendblue(world, faults, self.deliveries, self.webhooks, self.requests)
        self._key: str | None = None
        self._accepted: frozenset[str] = frozenset()
        works, works_by_id = self._handlers()
        self._routes: dict[str, tuple[str, tuple[str, ...], Work]] = {
            _MOVED: ("message/send", ("POST",), works["message/send"]),
        }
        self._routes_by_id: dict[str, tuple[str, tuple[str, ...], WorkById]] = {}
        for route in ROUTES:
            if route.by_id:
                self._routes_by_id[route.path.removesuffix("{id}")] = (route.endpoint, route.methods, works_by_id[route.endpoint])
            else:
                self._routes[route.path] = (route.endpoint, route.methods, works[route.endpoint])

    def _handlers(self) -> tuple[dict[str, Work], dict[str, WorkById]]:
        """Endpoint -> who works on it; in the second dict those whose path ends with an id."""
        world, stamp = self.world, self.stamp
        project_objects = ProjectObjects(world, self.deliveries, self.received, stamp)
        projects = Projects(world, project_objects, self.quirks.media_part)
        stats = Stats(world, project_objects)
        registry = Registry(world, stamp)
        accounts = Accounts(world, stamp)
        proxies = Proxies(world, self.objects, stamp)
        contacts, reports = self.contacts, self.reports
        resources: dict[str, Work] = {
            "account/get": accounts.get,
            "account/select": accounts.select,
            "account/create/subaccount": accounts.create,
            "contact/select": contacts.select,
            "contact/sync": contacts.sync,
            "contact/import": contacts.import_list,
            "contact/download": contacts.download,
            "proxy/select": proxies.select,
            "proxy/send": proxies.send,
            "report/create": reports.create,
            "report/list": reports.select,
            "tcr/campaign/select": registry.campaigns,
            "tcr/brand/select": registry.brands,
        }
        resources_by_id: dict[str, WorkById] = {
            "group/get": contacts.group,
            "report/get": reports.get,
            "report/download": reports.download,
            "report/delete": reports.delete,
        }
        for name in ("project", "action"):
            resources |= {f"{name}/create": projects.create, f"{name}/stats": stats.stats}
            for call in ("get", "update", "test", "submit", "send", "stop"):
                resources_by_id[f"{name}/{call}"] = getattr(projects, call)
        messages: dict[str, Work] = {
            "message/send": self._send,
            "message/next": self._next,
            "message/log/select": self._select,
        }
        return (
            messages | {name: partial(self._resource, _resource(name), work) for name, work in resources.items()},
            {name: partial(self._resource_by_id, _resource(name), work) for name, work in resources_by_id.items()},
        )

    def answer(self, method: str, target: str, authorization: str | None, content_type: str | None, body: bytes) -> Reply:
        """What one request gets. `target` is the request line's, query and all."""
        path, _, query = target.partition("?")
        endpoint, methods, work = self._routes.get(path) or self._route_by_id(path)
        requests = self.requests
        requests.received[endpoint] += 1
        quirks = self.quirks if self.quirks.on else None
        if work is None:
            reply = error(404, "Not found")
        elif method not in methods or (quirks is not None and quirks.forbids(endpoint, method)):
            reply = error(405, "Method not allowed")
        elif not self._lets_in(authorization):
            reply = error(401, "Invalid credentials")
        else:
            params = bodies.read(query, content_type, body)
            if quirks is not None and params is not None:
                quirks.ask(endpoint, params)
            reply = error(400, "Request body is not readable", "FIELD") if params is None else work(params)
        if quirks is not None:
            reply = quirks.bend(endpoint, reply)
        requests.answered[endpoint, reply.seen_status] += 1
        return reply

    def pass_time(self) -> None:
        """Let everything come that is due: receipts, replies, reports."""
        if self.webhooks.hooks or self.sendblue.waits:
            self.deliveries.catch_up()
            self.reports.catch_up()
        self.received.catch_up()

    def done(self, reply: Reply) -> None:
        """The reply is written, or its caller is gone."""
        if reply.holds_next:
            self.messages.next_in_progress -= 1

    def _route_by_id(self, path: str) -> tuple[str, tuple[str, ...], Work | None]:
        start, slash, identity = path.rpartition("/")
        found = self._routes_by_id.get(start + slash)
        if found is None or not identity:
            return "unknown", (), None
        endpoint, methods, work = found
        return endpoint, methods, partial(work, unquote(identity))

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
        scheme, credentials = scheme.capitalize(), credentials.strip()
        return f"{scheme} {credentials}" in self._accepted or (self.world.settings.any_key and _is_key(scheme, credentials))

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

    def _resource(self, name: str, work: Work, params: Params) -> Reply:
        """A call of the control plane, under the faults of its resource."""
        self.received.catch_up()
        kind = self.faults.choose(name, _phone(params)) if self.faults.active else None
        return self._disturbed(kind, lambda: _answered(work, params))

    def _resource_by_id(self, name: str, work: WorkById, identity: str, params: Params) -> Reply:
        return self._resource(name, partial(work, identity), params)

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


def _resource(endpoint: str) -> str:
    """The name under which the faults know it."""
    name = endpoint.partition("/")[0]
    return {"action": "project", "group": "contact"}.get(name, name)


def _answered(work: Work, params: Params) -> Reply:
    try:
        return work(params)
    except Refusal as refusal:
        return refusal.reply


def _phone(params: Params) -> str:
    phone = params.get("phone", "")
    return digits(phone) or str(phone)


def _is_key(scheme: str, credentials: str) -> bool:
    """Whether this may be somebody's key: a pair, and a legacy one in Basic only."""
    if scheme == "Basic":
        try:
            credentials = b64decode(credentials, validate=True).decode()
        except ValueError:
            return False
    elif scheme != "Bearer" or credentials.startswith("c_"):
        return False
    user, colon, secret = credentials.partition(":")
    return bool(user and colon and secret)
