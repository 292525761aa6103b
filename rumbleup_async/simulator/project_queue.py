"""A project and its queue: who is handed out next by `message/next`, under which locks. Pure; imports `directory` only.

A contact is waiting, locked, or closed (texted, or refused for good). A lock that ends puts its contact at the end of the
queue; a closed contact never comes back.
"""

import heapq
from collections import deque
from collections.abc import Callable
from enum import Enum

from .directory import CAMPAIGN, GROUP, PROXY, Card

__all__ = ["Drawn", "Project"]


class Drawn(Enum):
    """Why `message/next` has nobody to hand out."""

    NONE_LEFT = 404
    ALL_LOCKED = 441


class Project:
    """A project (action) with the queue of contacts that `message/next` hands out."""

    def __init__(self, action: str, *, live: bool = True, group: str = GROUP, proxy: str = PROXY) -> None:
        self.action = action
        self.live = live
        self.group = group
        self.proxy = proxy
        self.campaign: str | None = CAMPAIGN
        self.brand: str | None = None  # whose daily cap counts
        self.card = Card()
        self.skipped = 0  # sends refused for a tag of the contact, and contacts passed over for one
        self.members: set[str] = set()
        self.closed: set[str] = set()  # texted, or refused for good
        self.handed_out: set[str] = set()
        self.locks: dict[str, float] = {}  # phone -> when the lock ends
        self._waiting: deque[str] = deque()
        self._ends: list[tuple[float, str]] = []  # the same locks as a heap; entries may be outdated

    def add(self, phone: str) -> None:
        """Put a contact into the queue, once."""
        if phone not in self.members:
            self.members.add(phone)
            self._waiting.append(phone)

    def empty(self) -> None:
        """Take everybody out of the queue, for it will be another one."""
        self.members.clear()
        self._waiting.clear()
        self.locks.clear()
        self._ends.clear()

    def draw(self, now: float, lock_seconds: float, passes_over: Callable[[str], bool]) -> str | Drawn:
        """Lock the next contact. Contacts whose lock ended queue up again at the end."""
        self.release_ended(now)
        waiting = self._waiting
        while waiting:
            phone = waiting.popleft()
            if phone in self.closed:
                continue
            if passes_over(phone):
                self.closed.add(phone)
                self.skipped += 1
                continue
            self.locks[phone] = end = now + lock_seconds
            heapq.heappush(self._ends, (end, phone))
            self.handed_out.add(phone)
            return phone
        return Drawn.ALL_LOCKED if self.locks else Drawn.NONE_LEFT

    @property
    def has_someone(self) -> bool:
        """Whether anybody waits or is locked."""
        return bool(self.locks) or any(phone not in self.closed for phone in self._waiting)

    def close(self, phone: str) -> None:
        """The contact is done with: it ends its lock and is not handed out again."""
        if phone in self.members:
            self.closed.add(phone)
            self.locks.pop(phone, None)

    def release_ended(self, now: float) -> None:
        """Take back the contacts whose lock has ended."""
        ends = self._ends
        while ends and ends[0][0] <= now:
            end, phone = heapq.heappop(ends)
            if self.locks.get(phone) == end:
                del self.locks[phone]
                self._waiting.append(phone)
