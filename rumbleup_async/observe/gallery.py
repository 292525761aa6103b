"""The ledgers that a page shows, and looking into them again and again.

Lives here: finding them, and what is kept between two looks. It writes nothing, and holds no ledger for longer than a part of its
rows takes to be counted.

To be used by one thread: a connection of SQLite belongs to the one that made it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Reader
from rumbleup_async.ledger.files import Part, is_held
from rumbleup_async.messaging import Second, State
from rumbleup_async.observe import looks
from rumbleup_async.observe.looks import Details, Held, Look, Money, Point
from rumbleup_async.reasons import Reason

_AT_ONCE = 20_000
"""Rows that are counted in one go; about a hundredth of a second."""
_REST = 20
"""The counting of all rows may take one part in so many of the time."""
_BEFORE_REST = 5.0
"""Seconds between two countings of a small ledger."""

_MAGIC = b"SQLite format 3\x00"
_APPLICATION = b"RUAS"


class Watched:
    """One ledger: what was last seen of it."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.id = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=6).hexdigest()
        self._clock = clock
        self._reader: Reader | None = None
        self._seen: object = None
        """How the file was when it was opened; of one that is sent from, and of another file, nothing that is kept holds."""
        self._look: Look | None = None
        self._seconds: list[Second] = []
        self._asked: float | None = None
        self._was_running = False
        self._counting: Iterator[list[Part]] | None = None
        self._numbers: Counter[tuple[State, Reason]] = Counter()
        self._segments: Counter[State] = Counter()
        self._began = self._next = 0.0
        self._details = Details()

    def look(self, *, counts_all: bool = True) -> Look:
        """How the run stands now. A ledger that cannot be read is told with its problem. `counts_all`: go on with what takes a
        look at every contact."""
        try:
            return self._looked(counts_all=counts_all)
        except (LedgerError, OSError) as error:
            self.close()
            return Look(id=self.id, name=self.path.name, at=self._clock(), problem=looks.masked(str(error)))

    def points(self, step: int, after: int = -1) -> list[Point]:
        """The picture over time as of the last look, those that begin behind `after`; so many seconds a point."""
        return [point for point in looks.points(self._seconds, self._asked, step) if point.at > after]

    @property
    def step(self) -> int:
        """How many seconds a point stands for, so that the picture has not too many."""
        return looks.step_for(self._seconds, self._seconds[-1].at) if self._seconds else 1

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._seen = self._look = self._counting = None

    def _looked(self, *, counts_all: bool) -> Look:
        seen, is_running = self._state_of_file(), is_held(self.path)
        is_as_before = seen == self._seen and not is_running and not self._was_running
        is_counted = self._counting is None and self._details.at > 0
        if is_as_before and self._look is not None and (is_counted or not counts_all):
            return self._look
        reader = self._reader
        if reader is None or self._is_another(seen) or not (is_running or is_as_before) or not reader.complete:
            # What ended a run, and what it is a run of, is read when a ledger is opened.
            reader = self._open()
        self._seen, self._was_running = seen, is_running
        if counts_all:
            self._count(reader, self._clock(), is_running=is_running)
        self._look = self._read(reader, is_running=is_running)
        return self._look

    def _state_of_file(self) -> tuple[object, ...]:
        found = self.path.stat()
        log = self.path.with_name(self.path.name + "-wal")
        with contextlib.suppress(OSError):
            beside = log.stat()
            return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, beside.st_mtime_ns, beside.st_size
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def _is_another(self, seen: tuple[object, ...]) -> bool:
        return not isinstance(self._seen, tuple) or self._seen[:2] != seen[:2]

    def _open(self) -> Reader:
        if self._reader is not None:
            self._reader.close()
        self._reader = reader = Reader(self.path)
        self._counting = None
        self._seconds.clear()
        asked = reader.options.get("rate")
        self._asked = float(asked) if isinstance(asked, (int, float)) else None
        return reader

    def _read(self, reader: Reader, *, is_running: bool) -> Look:
        now = self._clock()
        counts = reader.counts()
        if not is_running:  # as reports have it: nobody is sending what was in flight when a process died
            counts[State.UNKNOWN] += counts[State.INTENT]
            counts[State.INTENT] = 0
        self._take_in(reader)
        limit = looks.limit_of(self._seconds[-1], self._asked) if self._seconds else None
        speed = looks.speed(self._seconds, now) if is_running else 0.0
        ahead = min(known) if (known := [rate for rate in (limit, self._asked) if rate]) and limit else speed
        queued = counts[State.QUEUED]
        late = [second for second in self._seconds[-2 * looks.OF_ANSWERS :] if second.at > now - looks.OF_ANSWERS]
        pause = reader.pause
        return Look(
            id=self.id,
            name=self.path.name,
            at=round(now, 3),
            run=reader.plan.run,
            project=reader.plan.action,
            is_running=is_running,
            is_read_in=reader.complete,
            counts={str(state): number for state, number in counts.items()},
            total=sum(counts.values()),
            elapsed=round(reader.elapsed, 1),
            speed=round(speed, 1),
            allowed=None if limit is None else round(limit, 1),
            asked=self._asked,
            seconds_left=round(queued / ahead, 1) if is_running and pause is None and queued and ahead > 0 else None,
            half=looks.within(late, 0.5),
            most=looks.within(late, 0.95),
            throttled=sum(second.throttled for second in self._seconds),
            held=round(sum(second.held for second in self._seconds), 1),
            paused=None if pause is None else Held(pause.who, pause.since.isoformat(), pause.why),
            problem="" if is_running or reader.stopped is None else looks.masked(reader.stopped),
            cause="" if is_running or reader.stop is None else str(reader.stop.cause),
            details=self._details,
        )

    def _take_in(self, reader: Reader) -> None:
        """The seconds that were noted since the last look; the last one may have been noted by some processes only."""
        after = self._seconds[-1].at - 2 if self._seconds else 0
        found = reader.seconds(after)
        while self._seconds and self._seconds[-1].at > after:
            self._seconds.pop()
        self._seconds += found

    def _count(self, reader: Reader, now: float, *, is_running: bool) -> None:
        """Go on counting the contacts by reason for a moment, and begin anew where the last count has become old."""
        if self._counting is None:
            if is_running and now < self._next:
                return
            self._counting, self._began = reader.parts(_AT_ONCE), time.monotonic()
            self._numbers, self._segments = Counter(), Counter()
        part = next(self._counting, None)
        for state, why, number, segments in part or ():
            self._numbers[state, why] += number
            self._segments[state] += segments
        if part is None:
            self._counting = None
            self._details = self._finished(reader, now)
            self._next = now + max(_BEFORE_REST, _REST * (time.monotonic() - self._began))

    def _finished(self, reader: Reader, now: float) -> Details:
        segments = {str(state): number for state, number in self._segments.items() if number}
        return Details(round(now, 1), looks.reasons(self._numbers), segments, self._money(reader))

    def _money(self, reader: Reader) -> Money | None:
        options = reader.options
        if not {"budget", "price"} <= options.keys():
            return None
        reserved = sum(self._segments[state] for state in (State.INTENT, State.SENT, State.UNKNOWN))
        known = msgspec.structs.replace(reader.paid, reserved=reserved)
        spending = known.spending(options["budget"], options["price"]).as_dict()
        return Money(spending["budget"], spending["paid"] + spending["reserved"])


class Gallery:
    """All ledgers of some files and folders, in the order in which they are named; those of a folder with the newest first."""

    def __init__(self, paths: Iterable[Path], clock: Callable[[], float] = time.time) -> None:
        self._paths = tuple(paths)
        self._clock = clock
        self._known: dict[Path, Watched] = {}

    def ledgers(self) -> Sequence[Watched]:
        """Those that are there now."""
        found = list(dict.fromkeys(self._found()))
        for path in self._known.keys() - set(found):
            self._known.pop(path).close()
        for path in found:
            if path not in self._known:
                self._known[path] = Watched(path, self._clock)
        return [self._known[path] for path in found]

    def _found(self) -> Iterator[Path]:
        for path in self._paths:
            if not path.is_dir():
                yield path
                continue
            within = [inner for inner in path.iterdir() if is_ledger(inner)]
            yield from sorted(within, key=_age)

    def close(self) -> None:
        """Let go of all files."""
        for watched in self._known.values():
            watched.close()
        self._known.clear()


def _age(path: Path) -> tuple[float, str]:
    try:
        return -path.stat().st_mtime, path.name
    except OSError:
        return 0.0, path.name


def is_ledger(path: Path) -> bool:
    """Whether a file is a ledger of ours, by its first bytes."""
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    return head.startswith(_MAGIC) and head[68:72] == _APPLICATION
