"""The fast exchange: a bounded pool of connections of our own, each of which carries one request at a time.

Lives here: who gets which connection, and the one sweep that keeps all deadlines. Knows no provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import ssl as ssl_module
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from rumbleup_async.errors import NotSentError
from rumbleup_async.reasons import Reason
from rumbleup_async.session import reasons
from rumbleup_async.session.connection import Connection
from rumbleup_async.session.dialing import Dialer, WrongProtocol
from rumbleup_async.session.exchange import Exchange, Request, Response, rejects_side_effects_by_get
from rumbleup_async.session.heads import Heads
from rumbleup_async.session.limits import Timeouts, check_base_url
from rumbleup_async.session.probe import LivenessProbe
from rumbleup_async.session.silence import Pauses

_SWEEP = 0.5
"""Seconds between two sweeps, at most. A deadline is kept to that much."""


class _Turn(msgspec.Struct, frozen=True):
    """A caller who waits for a connection; None is leave to open one. `due`: the tick at which the wait is given up."""

    turn: asyncio.Future[Connection | None]
    due: int
    endpoint: str

    def refuse(self, why: Reason) -> None:
        if not self.turn.done():
            self.turn.set_exception(NotSentError(why, endpoint=self.endpoint))


class PoolExchange:
    """An `Exchange` over a pool of connections. `connections` bounds the pool; who finds none free waits in line.

    The pool knows exactly whether bytes of a request were handed to the socket, and costs a small part of what
    aiohttp costs. Requests with parts or a sink go to `others`, which is closed with the pool. A pool belongs to
    the event loop in which it is first used.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        others: Exchange,
        connections: int = 100,
        timeouts: Timeouts | None = None,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        url = urlsplit(check_base_url(base_url))
        host = url.netloc.lower().removesuffix(":443" if url.scheme == "https" else ":80")
        self._heads = Heads(url.path, host, headers)
        self._others = others
        self._timeouts = timeouts = timeouts or Timeouts()
        port = url.port or (443 if url.scheme == "https" else 80)
        self._dialer = Dialer(url.hostname or "", port, (ssl or True) if url.scheme == "https" else None, timeouts)
        self._most = connections
        self._open = 0
        """Connections that are open or being opened."""
        self._connections: set[Connection] = set()
        self._probe = LivenessProbe()
        self._idle: dict[Connection, None] = {}
        """Oldest first. The youngest is used first, so that those the run does not need grow old and close."""
        self._line: deque[_Turn] = deque()
        self.tick = 0
        self.pauses = Pauses()
        self._every = min(_SWEEP, *(seconds / 4 for seconds in (timeouts.connect, timeouts.read, timeouts.answer, timeouts.idle)))
        self._sweeping: asyncio.TimerHandle | None = None
        self._patience = self._ticks(timeouts.read)
        self._whole = self._ticks(timeouts.read + max(timeouts.answer, timeouts.read))
        self._closed = False
        self._all_gone: asyncio.Event | None = None

    def __call__(self, request: Request) -> Coroutine[Any, Any, Response]:
        rejects_side_effects_by_get(request)
        if request.parts or request.sink is not None:
            return self._others(request)
        return self._carry(request)

    async def _carry(self, request: Request) -> Response:
        endpoint = request.path
        data = self._heads.data(request)
        connection = self._ready() or await self._connection(endpoint)
        patience, whole = self._patience, self._whole
        if request.timeout is not None:
            patience = self._ticks(request.timeout)
            whole = self._ticks(request.timeout + max(self._timeouts.answer, request.timeout))
        answer = connection.send(data, request, patience, whole)
        try:
            return await answer
        except asyncio.CancelledError:
            connection.abandon(answer)
            raise

    def _ticks(self, seconds: float) -> int:
        return math.ceil(seconds / self._every)

    # ---- who gets a connection ----

    def _ready(self) -> Connection | None:
        """An idle connection that is fit for use, if there is one."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if self._fit(connection):
                return connection
        return None

    def _fit(self, connection: Connection) -> bool:
        """Whether an idle connection can carry a request; if not, it is closed."""
        if connection.fit(self._timeouts.idle) and not self._probe.has_ended(connection):
            return True
        connection.close()
        return False

    async def _connection(self, endpoint: str) -> Connection:
        """A new connection, or one that was waited for; NotSentError if that takes too long or fails."""
        give_up = time.monotonic() + self._timeouts.connect
        while not self._closed:
            if self._open < self._most:
                self._open += 1
                return await self._dial(endpoint, give_up)
            connection = await self._wait_in_line(endpoint, give_up)
            if connection is None:
                return await self._dial(endpoint, give_up)
            if self._fit(connection):
                return connection
        raise NotSentError(reasons.SESSION_CLOSED, endpoint=endpoint)

    async def _wait_in_line(self, endpoint: str, give_up: float) -> Connection | None:
        """A connection that became free; None is leave to open one."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Connection | None] = loop.create_future()
        self._line.append(_Turn(turn, self.tick + self._ticks(max(0.0, give_up - time.monotonic())), endpoint))
        self._sweep_later(loop)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on(turn.result())
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a connection, or leave to open one (None), to the caller who waits longest."""
        if connection is not None and not connection.is_open:
            return  # the end of its connection gives leave
        while self._line:
            turn = self._line.popleft().turn
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is not None:
            self._idle[connection] = None
        else:
            self._open -= 1

    async def _dial(self, endpoint: str, give_up: float) -> Connection:
        """Open a connection. If that fails, the leave to open one passes to the next caller."""
        loop = asyncio.get_running_loop()
        connection = Connection(self, loop)
        crowded = False
        try:
            async with asyncio.timeout(give_up - time.monotonic()):
                await self._dialer.dial(lambda: connection)
        except WrongProtocol:
            why = reasons.NO_HTTP
        except Exception as error:  # noqa: BLE001 - whatever it was, the request is still here
            why = reasons.of_connecting(error)
            # A name cannot be looked up without a file either, which is then told as a name that is not found.
            if reasons.is_short_of_files(error) or (isinstance(error, socket.gaierror) and not _can_open_a_file()):
                crowded = bool(self._connections)
                why = reasons.NO_FILES
        except BaseException:
            connection.close()
            self._pass_on(None)
            raise
        else:
            if connection.fit(self._timeouts.idle) and not self._closed:
                self._connections.add(connection)
                self._probe.add(connection)
                self._sweep_later(loop)
                return connection
            why = reasons.SESSION_CLOSED if self._closed else reasons.RESET
        connection.close()
        self._pass_on(None)
        raise NotSentError(why, endpoint=endpoint, crowded=crowded)

    # ---- what a connection tells the pool ----

    def free(self, connection: Connection) -> None:
        """The connection can carry another request."""
        if self._line:
            self._pass_on(connection)
        else:
            self._idle[connection] = None

    def unfit(self, connection: Connection) -> None:
        """The connection closes and carries nothing more."""
        self._idle.pop(connection, None)
        self._probe.remove(connection)

    def gone(self, connection: Connection) -> None:
        """The connection has ended, so another may be opened."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._pass_on(None)
        if self._all_gone is not None and not self._connections:
            self._all_gone.set()

    # ---- deadlines ----

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._sweeping is None:
            self._sweeping = loop.call_later(self._every, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.tick = tick = self.tick + 1
        oldest = time.monotonic() - self._timeouts.idle
        for connection in tuple(self._connections):
            if not connection.is_busy:
                if connection.since < oldest:
                    connection.close()
            elif tick > connection.due or tick > connection.end:
                connection.overdue()
        while self._line and (self._line[0].due < tick or self._line[0].turn.done()):
            self._line.popleft().refuse(reasons.NO_CONNECTION)
        self._sweeping = None
        if self._connections or self._line:
            self._sweep_later(loop)

    async def aclose(self) -> None:
        """Close the connections. A caller who waits for one learns that nothing left; a text under way is unknown."""
        self._closed = True
        while self._line:
            self._line.popleft().refuse(reasons.SESSION_CLOSED)
        if self._connections:
            self._all_gone = asyncio.Event()
            for connection in tuple(self._connections):
                connection.hang_up()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._all_gone.wait()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._probe.close()
        await self._others.aclose()


def _can_open_a_file() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return not reasons.is_short_of_files(error)
    return True
