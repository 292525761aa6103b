"""One connection that carries one request at a time, and knows whether bytes of it were handed to the socket.

Lives here: what is written, who waits for the answer, and when the wait is given up. Anything out
of the ordinary closes the connection; otherwise the next text could get the answer to another.
Knows no provider, and is opened by the pool.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable
from typing import Protocol, cast

from rumbleup_async.errors import MaybeSentError
from rumbleup_async.reasons import Reason
from rumbleup_async.session import reasons
from rumbleup_async.session.exchange import Fit, Request, Response, fit_of
from rumbleup_async.session.reading import Reading
from rumbleup_async.session.silence import Pauses, when_silent

_SHORT_REST = 0.05
"""Seconds of idleness that no server counts, whatever it says of its patience."""
_LONG_REQUEST = 64 * 1024
"""Bytes; a longer request may take the server some time to read."""


class Pool(Protocol):
    """Where a connection tells what becomes of it."""

    tick: int
    """Counts the sweeps. Deadlines are counted in sweeps, so that no message needs a timer of its own."""
    pauses: Pauses

    def free(self, connection: Connection) -> None:
        """The answer is complete and the connection can carry another request."""

    def unfit(self, connection: Connection) -> None:
        """The connection carries nothing any more."""

    def gone(self, connection: Connection) -> None:
        """The connection has ended."""


class Connection(asyncio.Protocol):
    """One connection. `due` and `end`: the ticks after which the next bytes, and the whole answer, are overdue."""

    __slots__ = (
        "_listening", "_loop", "_patience", "_pool", "_reading", "_request", "_sent",
        "_transport", "_unwritten", "_waiter", "_whole", "due", "end", "is_open", "since",
    )  # fmt: skip

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._reading = Reading()
        self._transport = cast("asyncio.Transport", None)
        self._waiter: asyncio.Future[Response] | None = None
        self._request: Request | None = None
        self._listening: asyncio.Future[bool] | None = None
        """Set while the connection listens whether another answer follows one that says no."""
        self._sent = 0.0
        self._patience = self._whole = self.due = self.end = 0
        self.is_open = False
        self.since = 0.0
        """When it became idle, on the monotonic clock."""
        self._unwritten = 0

    # ---- what the pool does with it ----

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way, or its end is not certain."""
        return self._waiter is not None or self._listening is not None

    def fit(self, idle: float) -> bool:
        """Whether an idle connection can be used, as far as the loop knows:
        open, and idle for at most `idle` seconds."""
        if not self.is_open or self._transport.is_closing():
            return False
        rested = time.monotonic() - self.since
        if rested < _SHORT_REST:
            return True
        return rested <= self._reading.idle_limit(idle)

    @property
    def fd(self) -> int:
        """The number of its socket; below 0 once the socket is closed."""
        return int(self._transport.get_extra_info("socket").fileno())

    def send(self, data: bytes, request: Request, patience: int, whole: int) -> asyncio.Future[Response]:
        """Hand a request to the socket: from here on it may have been sent. The
        future has the answer or MaybeSentError.

        `patience` and `whole`: ticks to wait for the next bytes, and for the whole answer.
        """
        self._reading.begin()
        self._waiter = waiter = self._loop.create_future()
        self._request = request
        self._sent = time.monotonic()
        self._patience, self._whole = patience, whole
        self.due = self._pool.tick + patience
        self.end = self._pool.tick + whole
        self._unwritten = len(data) if len(data) > _LONG_REQUEST else 0
        try:
            self._transport.write(data)
        except Exception as error:  # noqa: BLE001 - whatever it was, some of it may be on its way
            self._fail(reasons.of_system(error))
        return waiter

    def abandon(self, waiter: asyncio.Future[Response]) -> None:
        """The caller no longer waits for this answer. If the answer is still to come, nobody else may get it."""
        if self._waiter is waiter:
            self._waiter = None
            self.close()

    def overdue(self) -> None:
        """Called by the sweep once `due` or `end` has passed."""
        tick = self._pool.tick
        unwritten = self._transport.get_write_buffer_size()
        if unwritten < self._unwritten:
            # The server has taken some of it since the last look: a long request has its time.
            self._unwritten = unwritten
            self.due, self.end = tick + self._patience, tick + self._whole
        elif unwritten:
            self._fail(reasons.NOT_TAKEN)
        elif tick > self.end:
            self._fail(reasons.NOT_WHOLE)
        else:
            self._fail(reasons.broke_off(reasons.NO_ANSWER) if self._reading.has_head else reasons.NO_ANSWER)

    def hang_up(self) -> None:
        """Close the connection, even under a request."""
        self._fail(reasons.SESSION_CLOSED)

    def close(self) -> None:
        """End the connection at once. What still comes in is not read."""
        if self.is_open:
            self.is_open = False
            self._pool.unfit(self)
            self._transport.abort()
        self._heard(False)

    def _fail(self, why: Reason) -> None:
        waiter, self._waiter = self._waiter, None
        self.close()
        if waiter is not None and not waiter.done():
            waiter.set_exception(MaybeSentError(why, endpoint=self._request.path if self._request is not None else ""))

    # ---- what the transport says ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self.since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.close()  # nobody asked
            return
        self.due = self._pool.tick + self._patience
        answer = self._reading.feed(data)
        if answer is not None:
            self._finish(answer)
        elif self._reading.fault:
            self._fail(reasons.broke_off(self._reading.fault))

    def eof_received(self) -> None:
        self._hush()
        self._ended(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._hush()
        self._ended(error)
        self._pool.gone(self)

    def _ended(self, error: Exception | None) -> None:
        """The server sends nothing more."""
        reading = self._reading
        if self._waiter is None:
            self.close()
        elif reading.has_head and not reading.framed and error is None:
            answer = reading.end()
            if answer is None:
                self._fail(reasons.broke_off(reading.fault))
            else:
                self._finish(answer)
        elif reading.has_head:
            self._fail(reasons.broke_off(reasons.CUT_SHORT if error is None else reasons.RESET))
        else:
            self._fail(reasons.HUNG_UP if error is None else reasons.RESET)

    def _finish(self, response: Response) -> None:
        """Hand the answer over."""
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():  # cancelled at this moment
            self.close()
            return
        request, reading = cast("Request", self._request), self._reading
        self.since = now = time.monotonic()
        self._pool.pauses.took(now - self._sent)
        reading.keep = reading.keep and not self._transport.get_write_buffer_size()
        fit = fit_of(request, response)
        if reading.surplus and fit is not Fit.PROVEN:
            self.close()
            waiter.set_exception(MaybeSentError(reasons.SEVERAL, endpoint=request.path))
            return
        if fit is Fit.DENIED:
            response = self._listen(response)
        elif reading.keep and fit is not Fit.UNFIT:
            self._pool.free(self)
        else:
            self.close()
        waiter.set_result(response)

    # ---- behind an answer that says no ----

    def _listen(self, response: Response) -> Response:
        """Carry nothing until no other answer can come."""
        self._listening = heard = self._loop.create_future()
        self.due = self.end = sys.maxsize
        when_silent(self._loop, self._pool.pauses.pause, lambda: self._heard(True, heard))

        def alone() -> Awaitable[bool]:
            return heard

        return Response(response.status, response.headers, response.body, alone)

    def _hush(self) -> None:
        """Nothing more can come."""
        if self._listening is not None:
            self._reading.keep = False
            self._heard(True)

    def _heard(self, alone: bool, which: asyncio.Future[bool] | None = None) -> None:
        """End the listening. `alone`: nothing came. `which`: the wait that is over; None for the present one."""
        heard = self._listening
        if heard is None or which not in {None, heard}:
            return
        self._listening = None
        if not heard.done():
            heard.set_result(alone)
        if not self.is_open:
            return
        if self._reading.keep and alone:
            self.since = time.monotonic()
            self._pool.free(self)
        else:
            self.close()
