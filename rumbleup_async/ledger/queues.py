"""In what order queued contacts are opened: by place, by list, and by the time until which single ones were put off.

Lives here: no I/O; what a ledger has at hand of its queue, be it in memory or read ahead from a file.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

_MANY_EMPTY = 100
"""Places of which nobody is left that are passed over with each step at most."""


class Placed(Protocol):
    """Somebody in a queue."""

    @property
    def row(self) -> int: ...

    @property
    def place(self) -> int: ...


P = TypeVar("P", bound=Placed)


class Queues(Generic[P]):
    """The queue of each place, in the order in which its contacts come, and who was put off until when.

    `fill(place, want)` appends more contacts to the queue of a place, if there are more. A ledger in memory has them all there.
    """

    def __init__(self, fill: Callable[[int, int], None]) -> None:
        self._fill = fill
        self._queues: dict[int, deque[P]] = {}
        self._due: list[tuple[float, int]] = []
        self._empty: set[int] = set()
        """Places of which nobody is left to come. A long list has thousands of places, so these are not asked for again."""
        self._order: list[int] = []
        """Places with opening times, as long as they are `_ordered`: those that are shut soonest come first."""
        self._others: list[int] = []
        """Places without opening times."""
        self._ordered: tuple[Mapping[int, float], int] | None = None
        """The opening times by which they are in order, and how many places there were."""
        self.lots: deque[P] = deque()
        """Whoever was drawn to go before all others."""
        self.is_drawn = False
        """Only who was drawn goes, until lots are drawn again and there are none."""
        self.until: dict[int, float] = {}
        """When a contact that was put off is due (Unix seconds), by row. It stays for an opened contact: its time is past."""

    def of(self, place: int) -> deque[P]:
        """Who comes next at this place. Somebody may be added by the caller."""
        if place in self._empty:
            self._empty.discard(place)
            self._ordered = None
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = deque()
        return queue

    def clear(self, until: Mapping[int, float]) -> None:
        """Begin anew, with these contacts put off."""
        self._queues.clear()
        self.lots.clear()
        self.is_drawn = False
        self._empty.clear()
        self._ordered = None
        self.until = dict(until)
        self._due = sorted((due, row) for row, due in until.items())

    def put_first(self, contacts: Sequence[P]) -> None:
        """These contacts come before all others of their places."""
        for contact in reversed(contacts):
            self.of(contact.place).appendleft(contact)

    def put_off(self, until: Mapping[int, float]) -> None:
        """These rows, which are in no queue, wait until then."""
        self.until.update(until)
        for row, due in until.items():
            heapq.heappush(self._due, (due, row))

    def wake(self, now: float) -> list[int]:
        """The rows that are due by now."""
        rows: list[int] = []
        while self._due and self._due[0][0] <= now:
            due, row = heapq.heappop(self._due)
            if self.until.get(row) == due:
                rows.append(row)
        return rows

    def next_due(self) -> float | None:
        """When the next contact that was put off is due; None if nobody was."""
        while self._due and self.until.get(self._due[0][1]) != self._due[0][0]:
            heapq.heappop(self._due)  # put off anew meanwhile
        return self._due[0][0] if self._due else None

    def take(self, want: int, now: float, shut: Mapping[int, float], places: Collection[int]) -> list[P]:
        """The next contacts, at most `want`. `places`: the places that contacts have, 0 left out.

        The place that is shut soonest comes first. Place 0 and places without opening times come last, in the order of the list.
        """
        if self.is_drawn:
            return self._take_lots(want, now, shut)
        if not places:
            return self._take_from((0,), want)
        taken: list[P] = []
        passed = 0
        for place in self._by_end(shut, places):
            if len(taken) >= want:
                break
            if place in self._empty:
                passed += 1
            elif now < shut[place]:
                taken += self._take_from((place,), want - len(taken))
        if passed > _MANY_EMPTY:
            self._ordered = None  # put in order anew without them
        return taken if len(taken) >= want else taken + self._take_from([0, *self._others], want - len(taken))

    def put_lots(self, contacts: Sequence[P]) -> None:
        """These contacts go next, in this order, and nobody else does. Everybody does again, where there are none."""
        self.put_first(list(self.lots))
        self.lots.clear()
        self.is_drawn = bool(contacts)
        rows = {contact.row for contact in contacts}
        for place, queue in self._queues.items():
            if any(one.row in rows for one in queue):
                self._queues[place] = deque(one for one in queue if one.row not in rows)
        self.lots.extend(contacts)

    def _take_lots(self, want: int, now: float, shut: Mapping[int, float]) -> list[P]:
        """Of those who were drawn the next whose places are open; whoever is shut by now goes back to the others."""
        taken: list[P] = []
        while self.lots and len(taken) < want:
            one = self.lots.popleft()
            if now < shut.get(one.place, math.inf):
                taken.append(one)
            else:
                self.put_first([one])
        return taken

    def _by_end(self, shut: Mapping[int, float], places: Collection[int]) -> list[int]:
        """The places with opening times, those that are shut soonest first."""
        if self._ordered is None or self._ordered[0] is not shut or self._ordered[1] != len(places):
            self._order = sorted((one for one in places if one in shut and one not in self._empty), key=shut.__getitem__)
            self._others = [place for place in places if place not in shut]
            self._ordered = shut, len(places)
        return self._order

    def shut_places(self, now: float, shut: Mapping[int, float], places: Collection[int]) -> frozenset[int]:
        """The places that have queued contacts and are shut now."""
        closed = (place for place in places if now >= shut.get(place, math.inf))
        return frozenset(place for place in closed if self._filled(place, 1))

    def _filled(self, place: int, want: int) -> deque[P]:
        """The queue of a place with so many at hand, if there are so many."""
        if place not in self._empty:
            self._fill(place, want)
            if queue := self.of(place):
                return queue
            self._empty.add(place)
        return self._queues.get(place) or deque()

    def _take_from(self, places: Sequence[int], want: int) -> list[P]:
        """The next contacts of these places together, in the order of the list."""
        queues = [queue for place in places if (queue := self._filled(place, want))] if want > 0 else []
        if len(queues) == 1:
            return [queues[0].popleft() for _ in range(min(want, len(queues[0])))]
        taken: list[P] = []
        heads = [(queue[0].row, number) for number, queue in enumerate(queues)]
        heapq.heapify(heads)
        while heads and len(taken) < want:
            number = heads[0][1]
            taken.append(queues[number].popleft())
            if queues[number]:
                heapq.heapreplace(heads, (queues[number][0].row, number))
            else:
                heapq.heappop(heads)
        return taken
