"""An `Exchange` that answers from a function: for our tests and for yours.

Lives here: no I/O.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from rumbleup_async.session.exchange import Request, Response


class ScriptedExchange:
    """Answers each request with what `script(request)` returns or raises; the script may be a coroutine function.

    `requests` holds what was asked, in order.

        exchange = ScriptedExchange(lambda request: Response(200, {}, b'{"logid": "rl_1"}'))
        async with RumbleUp(api_key="KEY:SECRET", exchange=exchange) as rumbleup: ...
    """

    def __init__(self, script: Callable[[Request], Response | Awaitable[Response]]) -> None:
        self._script = script
        self.requests: list[Request] = []
        self.closed = False

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self._script(request)
        if inspect.isawaitable(answer):
            return await answer
        return answer

    async def aclose(self) -> None:
        self.closed = True
