"""The RumbleUp API: finds a request's endpoint, checks its key, and answers it under faults and quirks. Pure.

A request comes in as method, target, two headers and a body; a `Reply` goes out.
"""

from collections.abc import Iterable
from functools import partial
from urllib.parse import unquote

import msgspec

from rumbleup_async.simulator.trouble.faults import Faults, Kind
from rumbleup_async.simulator.trouble.quirks import Quirks
from rumbleup_async.simulator.trouble.spoiling import spoil
from rumbleup_async.simulator.world import request_parsing
from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Refusal, Reply, error
from rumbleup_async.simulator.world.request_counts import Requests
from rumbleup_async.simulator.world.request_parsing import Params
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.webhook_queue import Webhooks
from rumbleup_async.simulator.world.world import World

from .credentials import Credentials
from .endpoints import ByIdHandler, Handler, Resources
from .error_replies import MOVED, ErrorReplies
from .events import Events
from .history import History
from .log import Log
from .message_object import MessageObjects
from .messages import Messages
from .routes import READS, ROUTES

__all__ = ["RumbleUp"]

_PAGE_KINDS = frozenset({"log-repeat-page", "log-repeat-token"})


class RumbleUp:
    """Answers requests about a world."""

    def __init__(
        self,
        world: World,
        *,
        faults: Faults,
        quirks: Iterable[str],
        deliveries: Deliveries,
        inbound: Inbound,
        webhooks: Webhooks,
        requests: Requests,
    ) -> None:
        stamp = Stamp()
        self.quirks = Quirks(stamp, READS, quirks)
        self._faults = faults
        self._inbound = inbound
        self._requests = requests
        self._credentials = Credentials(world.settings)
        self._messages = Messages(world, faults, stamp)
        self._errors = ErrorReplies(world.settings)
        objects = MessageObjects(world, deliveries, stamp)
        self._log = Log(world, History(world, inbound, objects))
        resources = Resources(world, deliveries, inbound, objects, self.quirks.media_part, stamp)
        self._reports = resources.reports
        Events(world, webhooks, objects, resources.contacts, resources.reports).observe(deliveries, inbound)
        webhooks.mutate = lambda type_, data: self.quirks.change_value(f"webhook/{type_}", data) if self.quirks.on else data
        self._routes, self._routes_by_id = self._find_routes(resources)

    def answer(self, method: str, target: str, authorization: str | None, content_type: str | None, body: bytes) -> Reply:
        """Answer one request. `target` is the target of the request line, with the query."""
        path, _, query = target.partition("?")
        endpoint, methods, handler = self._routes.get(path) or self._route_by_id(path)
        self._requests.received[endpoint] += 1
        quirks = self.quirks if self.quirks.on else None
        if handler is None:
            reply = error(404, "Not found")
        elif method not in methods or (quirks is not None and quirks.forbids(endpoint, method)):
            reply = error(405, "Method not allowed")
        elif not self._credentials.accept(authorization):
            reply = error(401, "Invalid credentials")
        else:
            params = request_parsing.read(query, content_type, body)
            if quirks is not None and params is not None:
                quirks.change_request(endpoint, params)
            reply = error(400, "Request body is not readable", "FIELD") if params is None else handler(params)
        if quirks is not None:
            reply = quirks.change_reply(endpoint, reply)
        self._requests.answered[endpoint, reply.seen_status] += 1
        return reply

    def done(self, reply: Reply) -> None:
        """Tell that a reply is written, or that its caller is gone."""
        if reply.holds_next:
            self._messages.next_in_progress -= 1

    def finish_reports(self) -> None:
        """Finish the reports that are due."""
        self._reports.catch_up()

    def _find_routes(
        self, resources: Resources
    ) -> tuple[dict[str, tuple[str, tuple[str, ...], Handler]], dict[str, tuple[str, tuple[str, ...], ByIdHandler]]]:
        """Path -> endpoint, methods, handler; the second dict has the paths that end with an id, without the id."""
        handlers: dict[str, Handler] = {
            "message/send": self._send,
            "message/next": self._next,
            "message/log/select": self._select,
        }
        for endpoint, plain in resources.plain.items():
            handlers[endpoint] = partial(self._resource, _fault_endpoint(endpoint), plain)
        plain_routes: dict[str, tuple[str, tuple[str, ...], Handler]] = {MOVED: ("message/send", ("POST",), self._send)}
        routes_by_id: dict[str, tuple[str, tuple[str, ...], ByIdHandler]] = {}
        for route in ROUTES:
            endpoint = route.endpoint
            if route.by_id:
                by_id = partial(self._resource_by_id, _fault_endpoint(endpoint), resources.by_id[endpoint])
                routes_by_id[route.path.removesuffix("{id}")] = (endpoint, route.methods, by_id)
            else:
                plain_routes[route.path] = (endpoint, route.methods, handlers[endpoint])
        return plain_routes, routes_by_id

    def _route_by_id(self, path: str) -> tuple[str, tuple[str, ...], Handler | None]:
        start, slash, identity = path.rpartition("/")
        found = self._routes_by_id.get(start + slash)
        if found is None or not identity:
            return "unknown", (), None
        endpoint, methods, handler = found
        return endpoint, methods, partial(handler, unquote(identity))

    def _send(self, params: Params) -> Reply:
        if not self._faults.active:
            return self._messages.send(params)
        kind = self._faults.choose("send", _phone(params))
        self._count(kind)
        return spoil(kind, partial(self._messages.send, params), self._errors)

    def _next(self, params: Params) -> Reply:
        """Hand out a contact. A fault that is set for the contact's phone is known only after the work."""
        self._messages.next_in_progress += 1
        kind = self._faults.choose("next", str(params.get("action"))) if self._faults.active else None
        if kind is not None and not kind.left:
            self._count(kind)
            reply = spoil(kind, partial(error, 500, "not used"), self._errors)
        else:
            reply, phone = self._messages.next(params)
            if phone and self._faults.active:
                kind = self._faults.planned("next", phone) or kind
            if phone or (kind is not None and kind.answer != "duplicate-phone"):
                self._count(kind)
                true_reply = reply
                reply = spoil(kind, lambda: true_reply, self._errors)
        return msgspec.structs.replace(reply, holds_next=True)

    def _select(self, params: Params) -> Reply:
        kind = None
        if self._faults.active:
            asked = " ".join(f"{name}={value}" for name, value in sorted(params.items()))
            kind = self._faults.choose("log", asked)
        if kind is not None and kind.name in _PAGE_KINDS:
            if not params.get("_start"):
                return self._log.select(params)
            self._count(kind)
            return self._log.select(params, kind.name)
        self._count(kind)
        return spoil(kind, partial(self._log.select, params), self._errors)

    def _resource(self, fault_endpoint: str, handler: Handler, params: Params) -> Reply:
        """Answer a call of the control plane, under the faults of its resource."""
        self._inbound.catch_up()
        kind = self._faults.choose(fault_endpoint, _phone(params)) if self._faults.active else None
        self._count(kind)
        return spoil(kind, partial(_answered, handler, params), self._errors)

    def _resource_by_id(self, fault_endpoint: str, handler: ByIdHandler, identity: str, params: Params) -> Reply:
        return self._resource(fault_endpoint, partial(handler, identity), params)

    def _count(self, kind: Kind | None) -> None:
        if kind is not None:
            self._requests.faults[kind.name] += 1


def _fault_endpoint(endpoint: str) -> str:
    """The name of the endpoint's resource in `fault_kinds.ENDPOINTS`."""
    name = endpoint.partition("/")[0]
    return {"action": "project", "group": "contact"}.get(name, name)


def _answered(handler: Handler, params: Params) -> Reply:
    try:
        return handler(params)
    except Refusal as refusal:
        return refusal.reply


def _phone(params: Params) -> str:
    phone = params.get("phone", "")
    return digits(phone) or str(phone)
