"""What was asked and what was answered, counted. Pure; imports the standard library only."""

from collections import Counter

__all__ = ["Requests"]


class Requests:
    """How often each endpoint was called and what it answered. An endpoint is named like `message/send`."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.answered: Counter[tuple[str, int]] = Counter()
        """(endpoint, status); the status is 0 where none reached the caller."""
        self.faults: Counter[str] = Counter()
        """Faults that struck, by kind."""

    def count(self, endpoint: str | None = None, status: int | None = None) -> int:
        """Requests received, or, with a status, requests answered with it."""
        if status is None:
            return self.received.total() if endpoint is None else self.received[endpoint]
        return sum(n for (name, code), n in self.answered.items() if code == status and endpoint in (None, name))

    def as_dict(self) -> dict[str, dict[str, int]]:
        """`{"message/send": {"received": 3, "200": 2, "none": 1}}`."""
        table = {endpoint: {"received": n} for endpoint, n in sorted(self.received.items())}
        for (endpoint, status), n in sorted(self.answered.items()):
            table[endpoint][str(status) if status else "none"] = n
        return table
