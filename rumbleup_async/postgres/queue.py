"""Up to where a process has read the queue of its run, and what it asks for next.

Lives here: no I/O. Who comes next is decided in the database (`next_rows` in `functions`), by what is said here.

A contact that was given back lies behind the cursor, and comes again only once the queue is begun anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

_PLACES = 16
"""Places with opening times that one step comes to at most."""


class Asked(msgspec.Struct, frozen=True):
    """What a step asks for. As the arguments of `next_rows`."""

    shut: list[int]
    places: list[int]
    cursors: list[int]
    others: list[int] | None
    cursor: int
    rest: bool
    generation: int = 0

    def only_first(self, now: float, shut: Mapping[int, float]) -> Asked:
        """The same where nobody goes but rows that are named; those at places that are shut do not."""
        closed = [place for place, end in shut.items() if end <= now]
        return Asked(closed, [], [], [], self.cursor, rest=False, generation=self.generation)

    def after(self, cursors: Sequence[int] | None, cursor: int) -> Asked:
        """What is asked for once so far has been read."""
        left = [(place, upto) for place, upto in zip(self.places, cursors or (), strict=False) if upto >= 0]
        places, uptos = [place for place, _ in left], [upto for _, upto in left]
        return msgspec.structs.replace(self, places=places, cursors=uptos, cursor=cursor)


Read = tuple[Asked, Sequence[int] | None, int]
"""What was asked for, and up to where it was read by that: each of the places, and the rest."""


class Cursors:
    """How far each place has been read. Place 0, and places without opening times, are read together in the order of the list."""

    def __init__(self) -> None:
        self.places: set[int] = set()
        """Places that contacts have, 0 left out."""
        self.is_read = False
        """It is known which places there are."""
        self._of_place: dict[int, int] = {}
        self._empty: set[int] = set()
        self._rest = 0
        self._others: list[int] | None = None
        self._order: tuple[Mapping[int, float], int, list[int], list[int]] | None = None
        self._generation = 0

    def reset(self) -> None:
        """Begin anew at the first row."""
        self._generation += 1
        self.is_read = False
        self._of_place.clear()
        self._empty.clear()
        self._rest = 0
        self._order = None

    def came_in(self, places: Collection[int]) -> None:
        """Contacts of these places were added at the end."""
        self.places.update(place for place in places if place)
        self._empty.difference_update(places)

    def ask(self, now: float, shut: Mapping[int, float]) -> Asked:
        """What is asked for at this moment."""
        if not shut or not self.places:
            self._turn_to(None)
            return Asked([], [], [], None, self._rest, rest=True, generation=self._generation)
        timed, others = self._in_order(shut)
        self._turn_to(others)
        closed = [place for place in timed if shut[place] <= now]
        open_now = [place for place in timed if shut[place] > now and place not in self._empty]
        places = open_now[:_PLACES]
        cursors = [self._of_place.get(place, 0) for place in places]
        is_last = len(open_now) <= _PLACES
        return Asked(closed, places, cursors, others, self._rest, is_last, self._generation)

    def read(self, asked: Asked, cursors: Sequence[int] | None, cursor: int) -> None:
        """So far it was read by what was asked for; -1 for a place of which nobody is left."""
        if asked.generation != self._generation:
            return  # it was begun anew meanwhile
        for place, upto in zip(asked.places, cursors or (), strict=False):
            if upto < 0:
                self._empty.add(place)
            else:
                self._of_place[place] = upto
        self._rest = cursor

    def _in_order(self, shut: Mapping[int, float]) -> tuple[list[int], list[int]]:
        """The places with opening times, those that are shut soonest first; and the others, 0 among them."""
        if self._order is None or self._order[0] is not shut or self._order[1] != len(self.places):
            timed = sorted((place for place in self.places if place in shut), key=shut.__getitem__)
            others = [0, *sorted(place for place in self.places if place not in shut)]
            self._order = shut, len(self.places), timed, others
        return self._order[2], self._order[3]

    def _turn_to(self, others: list[int] | None) -> None:
        if others != self._others:
            self._others = others
            self._rest = 0  # other places are read together from now on
