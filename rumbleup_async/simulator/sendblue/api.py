"""The Sendblue API: finds a request's endpoint, checks its key, and answers it under faults. Pure."""

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote

from rumbleup_async.simulator.trouble.faults import Faults
from rumbleup_async.simulator.trouble.spoiling import spoil
from rumbleup_async.simulator.world import request_parsing
from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Reply
from rumbleup_async.simulator.world.request_counts import Requests
from rumbleup_async.simulator.world.request_parsing import Params
from rumbleup_async.simulator.world.webhook_queue import Webhooks
from rumbleup_async.simulator.world.world import World

from .error_replies import ErrorReplies, error
from .lines import Lines
from .messages import Messages

__all__ = ["SENDBLUE_ROUTES", "Sendblue"]

SENDBLUE_ROUTES = (
    ("POST", "/api/send-message", "One message to one recipient."),
    ("GET", "/api/status", "How a message stands, by its handle."),
    ("GET", "/api/v2/messages", "Messages, filtered and in pages by offset."),
    ("GET", "/api/v2/messages/{id}", "One message."),
    ("POST", "/api/v2/contacts/opt-out", "Block a number, or let it through again."),
)
"""Method, path, meaning."""

_PATHS = ("/api/send-message", "/api/status", "/api/v2/messages", "/api/v2/contacts/opt-out")


class Sendblue:
    """Answers requests about a world."""

    def __init__(
        self,
        world: World,
        *,
        faults: Faults,
        deliveries: Deliveries,
        inbound: Inbound,
        webhooks: Webhooks,
        requests: Requests,
    ) -> None:
        self._settings = world.settings
        self._faults = faults
        self._requests = requests
        self._errors = ErrorReplies(world.settings)
        self.lines = Lines(world.settings)
        self.messages = Messages(world, self.lines, deliveries, inbound, webhooks)

    @staticmethod
    def serves(target: str) -> bool:
        """Whether a request with this target is for this API."""
        return target.startswith(_PATHS)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request. `target` is the target of the request line, with the query."""
        path, _, query = target.partition("?")
        endpoint, wanted, handler = self._route(path)
        self._requests.received[endpoint] += 1
        if handler is None:
            reply = error(404, "Not found")
        elif method != wanted:
            reply = error(405, "Method not allowed")
        elif not self._accepts(headers):
            reply = error(401, "Invalid credentials")
        else:
            params = request_parsing.read(query, headers.get("Content-Type"), body)
            reply = error(400, "Request body is not readable", 4000) if params is None else handler(params)
        self._requests.answered[endpoint, reply.seen_status] += 1
        return reply

    def _accepts(self, headers: Mapping[str, str]) -> bool:
        given = headers.get("sb-api-key-id", ""), headers.get("sb-api-secret-key", "")
        return ":".join(given) == self._settings.api_key or (self._settings.any_key and all(given))

    def _route(self, path: str) -> tuple[str, str, Callable[[Params], Reply] | None]:
        messages = self.messages
        if path == "/api/send-message":
            return "sendblue/send", "POST", self._send
        if path == "/api/status":
            return "sendblue/status", "GET", lambda params: self._read(lambda: messages.status(params.get("handle")))
        if path == "/api/v2/messages":
            return "sendblue/list", "GET", lambda params: self._read(lambda: messages.select(params))
        if path == "/api/v2/contacts/opt-out":
            return "sendblue/opt-out", "POST", messages.opt_out
        if path.startswith("/api/v2/messages/"):
            handle = unquote(path.removeprefix("/api/v2/messages/"))
            return "sendblue/get", "GET", lambda _: self._read(lambda: messages.get(handle))
        return "unknown", "", None

    def _send(self, params: Params) -> Reply:
        number = params.get("number")
        return self._spoil("send", digits(number) or str(number), partial(self.messages.send, params))

    def _read(self, work: Callable[[], Reply]) -> Reply:
        return self._spoil("log", "sendblue", work)

    def _spoil(self, endpoint: str, key: str, work: Callable[[], Reply]) -> Reply:
        kind = self._faults.choose(endpoint, key) if self._faults.active else None
        if kind is not None:
            self._requests.faults[kind.name] += 1
        return spoil(kind, work, self._errors)
