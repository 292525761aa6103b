"""Events that may come again with the same content, such as a contact's change and its change back: which are repeats.

Lives here: the rule, and a memory for sinks that have none.

- An event that equals the latest event about the same thing is a repeat.
- An event that equals an older one is new, because something else was the case meanwhile. So an opt-out that is sent a
  second time is not lost behind the change between the two.
- But if it was sent no later than the latest event, and is no opt-out, it is the older event, delivered late. If it counted
  as new, it would seem to undo the opt-out that came after it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from rumbleup_async.webhooks.ports import Record


class Latest(NamedTuple):
    """The latest event about a thing: its key, and when the provider sent it (Unix milliseconds)."""

    key: str
    sent: int | None


def is_repeat(coming: Record, latest: Latest | None, *, known: bool) -> bool:
    """Whether an event was taken before.

    `latest` is the latest event about the same thing. `known` says whether an equal event was taken at any time.
    """
    if latest is not None and latest.key == coming.key:
        return True
    if not known or coming.weighty:
        return False
    return latest is None or (coming.sent is not None and latest.sent is not None and coming.sent <= latest.sent)


def is_latest(coming: Record, latest: Latest | None) -> bool:
    """Whether an event is later than the latest one so far, or may be."""
    return latest is None or coming.sent is None or latest.sent is None or coming.sent >= latest.sent


class Changes:
    """Remembers the latest event about each of the last `size` things, and the last `size` keys."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._latest: OrderedDict[str, Latest] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()

    def is_repeat(self, coming: Record) -> bool:
        """Whether an event is a repeat of one that was noted."""
        return is_repeat(coming, self._latest.get(coming.about), known=coming.key in self._known)

    def note(self, taken: Record) -> tuple[Record, Latest | None, bool]:
        """Remember an event that is being kept. Returns what `forget` needs."""
        latest, known = self._latest.get(taken.about), taken.key in self._known
        if taken.about and is_latest(taken, latest):
            self._latest[taken.about] = Latest(taken.key, taken.sent)
            self._latest.move_to_end(taken.about)
        self._known[taken.key] = None
        self._known.move_to_end(taken.key)
        while len(self._latest) > self._size:
            self._latest.popitem(last=False)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return taken, latest, known

    def forget(self, noted: tuple[Record, Latest | None, bool]) -> None:
        """Forget an event that could not be kept. Several events are forgotten in the reverse order of `note`."""
        taken, latest, known = noted
        if latest is None:
            self._latest.pop(taken.about, None)
        else:
            self._latest[taken.about] = latest
        if not known:
            self._known.pop(taken.key, None)
