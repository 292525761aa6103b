"""Every single point at which a process can die: before and after each commit, and at each await, of one run of 200 texts.

At each the run is killed (or cancelled) right there, gone on with by the next process, and checked; and some of the next
processes are killed at each of their commits, too.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.prove import faults
from tests.prove.people import make_list
from tests.prove.provider import Provider
from tests.prove.storage import Noted, Simulated
from tests.prove.world import World

TEXTS = 200


class Point(NamedTuple):
    """Where a process ends: the how-manieth `step` or commit (`before`, `after`) of the process number `life`."""

    life: int
    what: str
    """`step`, `cancel`, `before` or `after`."""
    number: int
    kind: str = ""
    """What the commit holds, where it is one: `expire`, `intent`, `result`, ..."""


class Never:
    """Fits `SuppressionStore`: of whom the door says never, though the list says nothing of them."""

    looks_up = False
    """It has the answer at hand: a ledger of a world waits for nothing."""

    def __init__(self, phones: frozenset[str]) -> None:
        self._phones = phones

    async def is_suppressed(self, phone: str) -> bool:
        return phone in self._phones


class Short(World):
    """A run of a fixed kind, which ends at given points only. `has_rules`: the door is asked at each step, and turns some
    away."""

    def __init__(
        self, points: tuple[Point, ...] = (), *, has_rules: bool = False, seed: int = 5, texts: int = TEXTS, journal: bool = False
    ) -> None:
        super().__init__(seed, texts)
        self.points = points
        self.size = texts
        self.concurrency, self.rate, self.is_concurrent, self.limits = 16, None, False, False
        self.feed = "iterable"
        self.endings = []
        self.storage.close()
        self.storage = Noted() if journal else Simulated(self.wall)
        self.slow_disk = 0.03
        self.people = make_list(self.random, texts, is_handed_out=False)
        self.provider = Provider(seed, 0.05)
        self.provider.most = self.concurrency
        if has_rules:
            self._open_door()
        self.provider.never = self.people.suppressed
        self.provider.is_open = self.storage.is_open
        self.provider.is_sealed = self._is_sealed
        self.provider.share, self.provider.faults = 0.03, faults.REQUEST_FAULTS
        self.met = self.provider.met
        self.befalls.is_off = True
        self.waits: dict[tuple[int, str, int], Point] = {}
        self.kinds: dict[tuple[int, int], str] = {}
        """What each commit held, by process and number."""

    def _open_door(self) -> None:
        """Nobody is screened out as suppressed; instead the door says never, to them and to each fifth of the others."""
        people = self.people
        texts = {row["phone"]: f"Hi {row['first_name']}, vote on Tuesday. STOP to opt out" for row in people.rows}
        known = {phone: texts[phone] for phone in people.suppressed}
        never = people.suppressed | set(list(people.planned)[::5])
        self.people = people._replace(planned={**people.planned, **known}, suppressed=never)
        self.store = Never(never)

    def _draw_clock(self) -> None: ...

    def troubles_of_the_log(self) -> tuple[str, ...]:
        # One in four is settled by the log, too; it is the same way for all of them.
        return ("",) if not self.points or not self.points[-1].number % 4 else ()

    def before_life(self) -> None:
        self.waits = {}
        for point in self.points:
            if point.life != self.lives:
                continue
            if point.what == "step":
                self.loop.alarms[point.number] = self.crash
            elif point.what == "cancel":
                self.loop.alarms[point.number] = self._cancel_here
            else:
                self.waits[point.life, point.what, point.number] = point

    def _cancel_here(self) -> None:
        if self.task is not None and not self.has_ended:
            self.task.cancel()

    def point(self, when: str, kind: str) -> None:
        super().point(when, kind)
        self.kinds[self.lives, self.commits[-1]] = kind.strip()
        if self.waits and (self.lives, when, self.commits[-1]) in self.waits:
            self.crash()


def single(*, every: int = 1, has_rules: bool = False, journal: bool = False, texts: int = TEXTS) -> Iterator[tuple[Point, ...]]:
    """Each point of the run on its own; of the cancellations every so manieth."""
    base = Short(has_rules=has_rules, journal=journal, texts=texts)
    base.play()
    for number in range(1, base.commits[0] + 1):
        yield (Point(1, "before", number, base.kinds[1, number]),)
        yield (Point(1, "after", number, base.kinds[1, number]),)
    for number in range(1, base.steps[0] + 1):
        yield (Point(1, "step", number),)
    for number in range(1, base.steps[0] + 1, every):
        yield (Point(1, "cancel", number),)


def with_verdicts() -> Iterator[tuple[Point, ...]]:
    """Each commit of a run in which the door is asked at each step."""
    for found in single(every=TEXTS, has_rules=True):
        if found[0].what in {"before", "after"}:
            yield found


def noted(texts: int) -> Iterator[tuple[Point, ...]]:
    """Each commit of a run whose steps are noted beside its ledger."""
    for found in single(every=TEXTS, journal=True, texts=texts):
        if found[0].what in {"before", "after"}:
            yield found


def double(*, first: int) -> Iterator[tuple[Point, ...]]:
    """So many points of the run, evenly spread, each with every commit of the process that comes after it. The first commits of
    that process expire the dead one; then it claims."""
    base = Short()
    base.play()
    total = base.steps[0]
    for index in range(first):
        death = Point(1, "step", 1 + (2 * index + 1) * total // (2 * first))
        after = Short((death,))
        after.play()
        for number in range(1, after.commits[1] + 1):
            yield (death, Point(2, "before", number, after.kinds[2, number]))
            yield (death, Point(2, "after", number, after.kinds[2, number]))
        for number in range(1, after.steps[1] + 1, 37):
            yield (death, Point(2, "step", number))


def play(points: tuple[Point, ...], *, has_rules: bool = False, journal: bool = False, texts: int = TEXTS) -> int:
    """Die there, go on, check. Returns how many texts left."""
    world = Short(points, has_rules=has_rules, journal=journal, texts=texts)
    settled = world.play()
    assert settled.processes > len({point.life for point in points if point.what != "cancel"}), f"{points} was never reached"
    return settled.texts
