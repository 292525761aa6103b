"""Whether a server has closed connections that carry nothing at the moment, although the event loop has not seen it yet.

Lives here: one look at all of them.

Some servers close right behind an answer, and a text written after that is in doubt. To look at each connection before each text
would give the GIL away each time, and whoever waits for it, as the ledger's thread does, takes it. One look is good for all
texts of the next millisecond.
"""

from __future__ import annotations

import contextlib
import select
import time

from rumbleup_async.session.connection import Connection

_GOOD_FOR = 0.001
"""Seconds that a look is good for; the way to the server, on which no look helps, is longer."""


class LivenessProbe:
    """Closes idle lanes that the server has closed. Belongs to the lanes of one exchange."""

    def __init__(self) -> None:
        # Of the end of a connection only: to be told of every answer that waits to be read would take longer than to read it.
        self._ends = select.epoll() if hasattr(select, "epoll") else None
        self._sockets: dict[Connection, int] = {}
        self._lanes: dict[int, Connection] = {}
        self._looked = 0.0

    def add(self, lane: Connection) -> None:
        """LivenessProbe a lane from now on."""
        fd = lane.fd
        if self._ends is not None:
            try:
                self._ends.register(fd, select.EPOLLRDHUP)
            except OSError:  # as many are watched as the system allows: of this one the loop will tell, a little later
                return
        self._sockets[lane] = fd
        self._lanes[fd] = lane

    def remove(self, lane: Connection) -> None:
        """Not any more."""
        fd = self._sockets.pop(lane, -1)
        if self._lanes.get(fd) is lane:  # not another's by now, whose socket got the number of one that is closed already
            del self._lanes[fd]
            if self._ends is not None:
                with contextlib.suppress(OSError):
                    self._ends.unregister(fd)

    def has_ended(self, lane: Connection) -> bool:
        """Whether the server has closed this idle lane. It is closed here then, as is every idle lane of which that is seen."""
        if self._ends is None:
            if _is_readable(lane.fd):
                lane.close()
            return not lane.is_open
        now = time.monotonic()
        if lane.since >= self._looked or now - self._looked > _GOOD_FOR:
            self._looked = now
            for fd, _ in self._ends.poll(0):
                ended = self._lanes.get(fd)
                if ended is not None and not ended.is_busy:
                    ended.close()
        return not lane.is_open

    def close(self) -> None:
        """LivenessProbe nothing any more."""
        if self._ends is not None:
            self._ends.close()


def _is_readable(fd: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([fd], [], [], 0)[0])
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))
