"""The fast exchange: a bounded pool of lanes, which carry one request at a time over connections kept open.

Lives here: who gets which lane, and the one sweep that looks after all deadlines. Knows no provider.
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
"""Seconds between two looks for lanes that take too long, at most: a deadline is kept to that much."""


class _Turn(msgspec.Struct, frozen=True):
    """Somebody who waits for a lane; None is leave to open one. `due`: the tick after which it took too long."""

    turn: asyncio.Future[Connection | None]
    due: int
    endpoint: str

    def refuse(self, why: Reason) -> None:
        if not self.turn.done():
            self.turn.set_exception(NotSentError(why, endpoint=self.endpoint))


class LaneExchange:
    """An `Exchange` over lanes of its own. `connections` bounds them; who finds none free waits in line.

    It knows exactly whether bytes of a request were handed to the socket, and costs a small part of what aiohttp costs.
    Requests with parts or a sink go to `others`, which is closed with it. Belongs to the event loop it is first used in.
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
        self._connections = connections
        self._open = 0
        """Connections that are open or being opened."""
        self._lanes: set[Connection] = set()
        self._watch = LivenessProbe()
        self._idle: dict[Connection, None] = {}
        """In the order in which they became idle; the last is used first, so that those not needed grow old."""
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
        lane = self._ready() or await self._lane(endpoint)
        patience, whole = self._patience, self._whole
        if request.timeout is not None:
            patience = self._ticks(request.timeout)
            whole = self._ticks(request.timeout + max(self._timeouts.answer, request.timeout))
        answer = lane.send(data, request, patience, whole)
        try:
            return await answer
        except asyncio.CancelledError:
            lane.abandon(answer)
            raise

    def _ticks(self, seconds: float) -> int:
        return math.ceil(seconds / self._every)

    # ---- who gets a lane ----

    def _ready(self) -> Connection | None:
        """An idle lane that is fit for use, if there is one."""
        while self._idle:
            lane, _ = self._idle.popitem()
            if self._fit(lane):
                return lane
        return None

    def _fit(self, lane: Connection) -> bool:
        """Whether an idle lane can carry a request; if not, it is closed."""
        if lane.fit(self._timeouts.idle) and not self._watch.has_ended(lane):
            return True
        lane.close()
        return False

    async def _lane(self, endpoint: str) -> Connection:
        """A lane, new or after waiting for one; NotSentError if that takes too long or fails."""
        give_up = time.monotonic() + self._timeouts.connect
        while not self._closed:
            if self._open < self._connections:
                self._open += 1
                return await self._dial(endpoint, give_up)
            lane = await self._wait_in_line(endpoint, give_up)
            if lane is None:
                return await self._dial(endpoint, give_up)
            if self._fit(lane):
                return lane
        raise NotSentError(reasons.SESSION_CLOSED, endpoint=endpoint)

    async def _wait_in_line(self, endpoint: str, give_up: float) -> Connection | None:
        """A lane that became free, or None: leave to open one."""
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

    def _pass_on(self, lane: Connection | None) -> None:
        """A lane, or the leave to open one (None), goes to the first who waits."""
        if lane is not None and not lane.is_open:
            return  # the end of its connection gives leave
        while self._line:
            turn = self._line.popleft().turn
            if not turn.done():
                turn.set_result(lane)
                return
        if lane is not None:
            self._idle[lane] = None
        else:
            self._open -= 1

    async def _dial(self, endpoint: str, give_up: float) -> Connection:
        """A new lane, on the leave to open one, which is passed on if there is none."""
        loop = asyncio.get_running_loop()
        lane = Connection(self, loop)
        crowded = False
        try:
            async with asyncio.timeout(give_up - time.monotonic()):
                await self._dialer.dial(lambda: lane)
        except WrongProtocol:
            why = reasons.NO_HTTP
        except Exception as error:  # noqa: BLE001 - whatever it was, the request is still here
            why = reasons.of_connecting(error)
            # A name cannot be looked up without a file either, which is then told as a name that is not found.
            if reasons.is_short_of_files(error) or (isinstance(error, socket.gaierror) and not _can_open_a_file()):
                crowded = bool(self._lanes)
                why = reasons.NO_FILES
        except BaseException:
            lane.close()
            self._pass_on(None)
            raise
        else:
            if lane.fit(self._timeouts.idle) and not self._closed:
                self._lanes.add(lane)
                self._watch.add(lane)
                self._sweep_later(loop)
                return lane
            why = reasons.SESSION_CLOSED if self._closed else reasons.RESET
        lane.close()
        self._pass_on(None)
        raise NotSentError(why, endpoint=endpoint, crowded=crowded)

    # ---- what lanes tell ----

    def free(self, lane: Connection) -> None:
        """Called by a lane: it can carry another request."""
        if self._line:
            self._pass_on(lane)
        else:
            self._idle[lane] = None

    def unfit(self, lane: Connection) -> None:
        """Called by a lane that closes."""
        self._idle.pop(lane, None)
        self._watch.remove(lane)

    def gone(self, lane: Connection) -> None:
        """Called by a lane: its connection has ended, so that another may be opened."""
        if lane in self._lanes:
            self._lanes.remove(lane)
            self._pass_on(None)
        if self._all_gone is not None and not self._lanes:
            self._all_gone.set()

    # ---- deadlines ----

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._sweeping is None:
            self._sweeping = loop.call_later(self._every, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.tick = tick = self.tick + 1
        oldest = time.monotonic() - self._timeouts.idle
        for lane in tuple(self._lanes):
            if not lane.is_busy:
                if lane.since < oldest:
                    lane.close()
            elif tick > lane.due or tick > lane.end:
                lane.overdue()
        while self._line and (self._line[0].due < tick or self._line[0].turn.done()):
            self._line.popleft().refuse(reasons.NO_CONNECTION)
        self._sweeping = None
        if self._lanes or self._line:
            self._sweep_later(loop)

    async def aclose(self) -> None:
        """Close the lanes; who waits for one learns that nothing left, who waits for an answer that it is not known."""
        self._closed = True
        while self._line:
            self._line.popleft().refuse(reasons.SESSION_CLOSED)
        if self._lanes:
            self._all_gone = asyncio.Event()
            for lane in tuple(self._lanes):
                lane.hang_up()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._all_gone.wait()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._watch.close()
        await self._others.aclose()


def _can_open_a_file() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return not reasons.is_short_of_files(error)
    return True
