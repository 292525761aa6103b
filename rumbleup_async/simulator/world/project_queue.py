"""A project and its queue: whom `message/next` hands out, in which order and under which locks. Pure.

A contact waits, is locked, or is closed, which means texted or refused for good. When a lock ends, its contact goes to
the end of the queue. A closed contact never comes back.
"""

import heapq
from collections import deque
from collections.abc import Callable
from enum import Enum

from .account_data import CAMPAIGN, GROUP, PROXY, Card

__all__ = ["NobodyReason", "Project"]


class NobodyReason(Enum):
    """Why `message/next` has nobody to hand out."""

    NONE_LEFT = 404
    ALL_LOCKED = 441


class Project:
    """A project (action) and the queue of its contacts."""

    def __init__(self, action: str, *, live: bool = True, group: str = GROUP, proxy: str = PROXY) -> None:
        self.action = action
        self.live = live
        self.group = group
        self.proxy = proxy
        self.campaign: str | None = CAMPAIGN
        self.brand: str | None = None
        """Texts of this project count against this brand's daily cap."""
        self.card = Card()
        self.skipped = 0
        """Sends refused for a tag of the contact, and contacts that `message/next` passed over for a tag."""
        self.members: set[str] = set()
        self.closed: set[str] = set()
        self.handed_out: set[str] = set()
        self.locks: dict[str, float] = {}
        """Phone -> when its lock ends (Unix seconds)."""
        self._waiting: deque[str] = deque()
        self._lock_ends: list[tuple[float, str]] = []  # a heap; an entry may be outdated, `locks` decides

    def add(self, phone: str) -> None:
        """Put a contact at the end of the queue, unless it was added before."""
        if phone not in self.members:
            self.members.add(phone)
            self._waiting.append(phone)

    def empty(self) -> None:
        """Remove all contacts, because the project gets another group."""
        self.members.clear()
        self._waiting.clear()
        self.locks.clear()
        self._lock_ends.clear()

    def lock_next(self, now: float, lock_seconds: float, passes_over: Callable[[str], bool]) -> str | NobodyReason:
        """Lock the next contact and return its phone. `passes_over` says who is closed instead, for its tags."""
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
            heapq.heappush(self._lock_ends, (end, phone))
            self.handed_out.add(phone)
            return phone
        return NobodyReason.ALL_LOCKED if self.locks else NobodyReason.NONE_LEFT

    @property
    def has_someone(self) -> bool:
        """Whether any contact waits or is locked."""
        return bool(self.locks) or any(phone not in self.closed for phone in self._waiting)

    def close(self, phone: str) -> None:
        """End the contact's lock and never hand it out again."""
        if phone in self.members:
            self.closed.add(phone)
            self.locks.pop(phone, None)

    def release_ended(self, now: float) -> None:
        """Put contacts whose lock has ended back into the queue."""
        ends = self._lock_ends
        while ends and ends[0][0] <= now:
            end, phone = heapq.heappop(ends)
            if self.locks.get(phone) == end:
                del self.locks[phone]
                self._waiting.append(phone)
