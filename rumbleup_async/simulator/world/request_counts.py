"""Counts of requests, answers and faults, by endpoint. Pure."""

from collections import Counter

__all__ = ["Requests"]


class Requests:
    """How often each endpoint was called, and what it answered. An endpoint has a name like `message/send`."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.answered: Counter[tuple[str, int]] = Counter()
        """(endpoint, status) -> count. The status is 0 where no status reached the caller."""
        self.faults: Counter[str] = Counter()
        """Kind of a fault -> how many requests it has hit."""

    def count(self, endpoint: str | None = None, status: int | None = None) -> int:
        """How many requests were received; with a status, how many were answered with this status."""
        if status is None:
            return self.received.total() if endpoint is None else self.received[endpoint]
        return sum(n for (name, code), n in self.answered.items() if code == status and endpoint in (None, name))

    def as_dict(self) -> dict[str, dict[str, int]]:
        """`{"message/send": {"received": 3, "200": 2, "none": 1}}`."""
        table = {endpoint: {"received": n} for endpoint, n in sorted(self.received.items())}
        for (endpoint, status), n in sorted(self.answered.items()):
            table[endpoint][str(status) if status else "none"] = n
        return table
