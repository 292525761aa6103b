"""Whether a server has closed connections that carry nothing at the moment,
although the event loop has not seen it yet.

Lives here: one look at all of them.

Some servers close right behind an answer, and a text that is written after that is unknown. A look at each connection
before each text would release the GIL each time, and the ledger's thread, which waits for it, would take it. One look
is good for all texts of the next millisecond.
"""

from __future__ import annotations

import contextlib
import select
import time

from rumbleup_async.session.connection import Connection

_GOOD_FOR = 0.001
"""Seconds that a look is good for; the way to the server, on which no look helps, is longer."""


class LivenessProbe:
    """Closes the idle connections of a pool that the server has closed."""

    def __init__(self) -> None:
        # Only the ends of connections: news of every answer that waits to be read would take longer than reading it.
        self._ends = select.epoll() if hasattr(select, "epoll") else None
        self._sockets: dict[Connection, int] = {}
        self._by_fd: dict[int, Connection] = {}
        self._looked = 0.0

    def add(self, connection: Connection) -> None:
        """Look at this connection, too, from now on."""
        fd = connection.fd
        if self._ends is not None:
            try:
                self._ends.register(fd, select.EPOLLRDHUP)
            except OSError:  # the system allows no more; the loop will tell of this one, a little later
                return
        self._sockets[connection] = fd
        self._by_fd[fd] = connection

    def remove(self, connection: Connection) -> None:
        """Look at this connection no longer."""
        fd = self._sockets.pop(connection, -1)
        if self._by_fd.get(fd) is connection:  # else the number belongs to a newer socket by now
            del self._by_fd[fd]
            if self._ends is not None:
                with contextlib.suppress(OSError):
                    self._ends.unregister(fd)

    def has_ended(self, connection: Connection) -> bool:
        """Whether the server has closed this idle connection. Whatever idle one is found closed is closed here, too."""
        if self._ends is None:
            if _is_readable(connection.fd):
                connection.close()
            return not connection.is_open
        now = time.monotonic()
        if connection.since >= self._looked or now - self._looked > _GOOD_FOR:
            self._looked = now
            for fd, _ in self._ends.poll(0):
                ended = self._by_fd.get(fd)
                if ended is not None and not ended.is_busy:
                    ended.close()
        return not connection.is_open

    def close(self) -> None:
        """Look at nothing any more."""
        if self._ends is not None:
            self._ends.close()


def _is_readable(fd: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([fd], [], [], 0)[0])
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))
