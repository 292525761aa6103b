"""The power goes at each write of a run, and the next process makes of it what it finds: what must hold then.

Lives here: what had happened before a cut, the look at what is left, the way on from there, and the cuts of that.
"""

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Consent, SqliteLedger, held_file
from rumbleup_async.messaging import State
from rumbleup_async.people import Book
from tests import virtual_time
from tests.engine.scripted import Provider, rows_of
from tests.ledger import noted
from tests.power.disk import Change, Disk, Image
from tests.power.run import BOOK, LEDGER, SCOPE, Drawn, Happened, Left, Stayed, Told, a_run, put, record

KEPT: Final = frozenset({State.SENT, State.REFUSED, State.UNKNOWN})
"""What a result that was told stays."""


class Wrong(AssertionError):
    """A promise was broken."""


class Before(NamedTuple):
    """What had happened until the power went."""

    left: frozenset[str]
    """Whose text may have left."""
    told: dict[str, State]

    def then(self, one: Happened) -> "Before":
        """Once this has happened, too."""
        match one:
            case Left(phone):
                if phone in self.left:
                    raise Wrong(f"TEXTED TWICE: {phone}")
                return self._replace(left=self.left | {phone})
            case Stayed(phone):
                return self._replace(left=self.left - {phone})
            case Told(phone, state):
                return self._replace(told=self.told | {phone: state}) if state in KEPT else self


@dataclass
class Tally:
    """What was tried. `with_texts`: disks of a moment at which a text may have left; `kinds`: what was there of what was not
    synced."""

    runs: int = 0
    processes: int = 0
    texts: int = 0
    cuts: int = 0
    with_texts: int = 0
    resumed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def disks(self) -> int:
        """How many were looked at."""
        return self.kinds.total()

    def add(self, other: "Tally") -> None:
        """Take in what another has counted."""
        for name in ("runs", "processes", "texts", "cuts", "with_texts", "resumed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kinds.update(other.kinds)


def check(folder: Path, image: Image, before: Before, drawn: Drawn, *, goes_on: bool) -> None:
    """The next process opens what is left, and goes on with it. Wrong."""
    put(folder, image)
    virtual_time.run(_look(folder, before))
    if goes_on:
        put(folder, image)
        virtual_time.run(_go_on(folder, before, drawn))


async def _look(folder: Path, before: Before) -> None:
    """Whoever may have been texted is in ledger and book, and whoever is done is as it was told."""
    found = await states_of(folder / LEDGER)
    for phone in before.left:
        if found.get(phone, State.QUEUED) is State.QUEUED:
            raise Wrong(f"{phone} may have been texted, and the ledger says {found.get(phone)}")
    for phone, state in before.told.items():
        if found.get(phone) is not state:
            raise Wrong(f"{phone} was told as {state}, and the ledger says {found.get(phone)}")
    async with Book(folder / BOOK) as book:
        against = await book.look(SCOPE, "another run", sorted(before.left))
    if missing := before.left - against.keys():
        raise Wrong(f"the book would let another run text {missing}")


async def states_of(path: Path) -> dict[str, State]:
    """Of everybody, once the dead are expired. A ledger that nobody was texted by need not hold a run yet."""
    ledger = SqliteLedger(path, consent=Consent(original=True))
    try:
        await ledger.open(None)
    except LedgerError as error:
        ledger._thread.shutdown()
        if any(words in str(error) for words in _NOT_BEGUN):
            return {}
        raise
    for owner in await ledger.owners():
        await ledger.expire(owner.id)
    found = {row.phone: row.state for row in (await rows_of(ledger)).values()}
    await ledger.aclose()
    return found


_NOT_BEGUN: Final = ("no such ledger", "holds no run", "was not read to its end")


async def _go_on(folder: Path, before: Before, drawn: Drawn) -> None:
    """The run is gone on with to its end: nobody has a second text, and everybody is accounted for."""
    provider = Provider(latency=0.0)
    async with a_run(folder, provider, drawn) as run:
        await run.send(drawn.people)
        found = {row.phone: row.state for row in (await rows_of(run._ledger)).values()}
    texts = Counter(provider.left) + Counter(before.left)
    if twice := [phone for phone, times in texts.items() if times > 1]:
        raise Wrong(f"TEXTED TWICE: {twice}")
    for phone in drawn.people:
        state = found.get(phone)
        if state not in KEPT:
            raise Wrong(f"{phone} is not accounted for: {state}")
        if phone in provider.left and state is not State.SENT:
            raise Wrong(f"{phone} has the text, and is {state}")


class Found(NamedTuple):
    """A disk after a cut, and what had happened before."""

    image: Image
    before: Before


@dataclass
class Cuts:
    """The cuts of one run. `part`: of the moments; those before its first text only if `at_once`. `resumed`: part of the disks
    that are left there, which are gone on with to the end."""

    folder: Path
    drawn: Drawn
    chance: random.Random
    part: float
    resumed: float
    at_once: bool
    tally: Tally = field(default_factory=Tally)
    known: set[int] = field(default_factory=set)

    def all_of(self, heard: Sequence[Any], base: Found, what: str) -> Found | None:
        """One of the disks at which the run was under way, if there was one. `base`: what was there at its beginning. Wrong."""
        disk, before, drawn, seen = Disk(base.image), base.before, None, 0
        for number, one in enumerate(heard):
            if isinstance(one, Change):
                disk.apply(one)
            else:
                before = before.then(one)
                self.tally.texts += isinstance(one, Left)
            if self.chance.random() >= self.part or not (self.at_once or before.left):
                continue
            self.tally.cuts += 1
            for kind, image in disk.images(self.chance):
                found = Found(image, before)
                try:
                    self._try(kind, found)
                except Exception as error:
                    where = f"{what}, cut behind {number} of {len(heard)} ({type(one).__name__}), {kind}"
                    raise Wrong(f"{where}: {error}") from error
                if before.left and len(before.told) < len(self.drawn.people):
                    seen += 1
                    drawn = found if self.chance.random() < 1 / seen else drawn
        return drawn

    def _try(self, kind: str, found: Found) -> None:
        mark = hash((tuple(sorted(found.image.items())), found.before.left, tuple(found.before.told.items())))
        if mark in self.known:
            return
        self.known.add(mark)
        goes_on = self.chance.random() < self.resumed
        check(self.folder / "cut", found.image, found.before, self.drawn, goes_on=goes_on)
        self.tally.kinds[kind] += 1
        self.tally.with_texts += bool(found.before.left)
        self.tally.resumed += goes_on


def play(folder: Path, seed: int, size: int, *, resumed: float = 0.1, part: float = 1.0, at_once: bool = True) -> Tally:
    """A run and its cuts; then what is gone on with behind one of them, and the cuts of that. Wrong."""
    chance = random.Random(seed)
    drawn = Drawn.of(chance, size)
    cuts = Cuts(folder, drawn, random.Random(-seed - 1), part, resumed, at_once)
    what = f"seed {seed}, size {size}"
    with noting():
        limits = (drawn.limit, None) if drawn.limit else (None,)
        nothing = Found({}, Before(frozenset(), {}))
        found = cuts.all_of(record(folder / "here", drawn, chance, {}, limits), nothing, what)
        cuts.tally.runs, cuts.tally.processes = 1, len(limits)
        if found is not None:
            cuts.tally.processes += 1
            heard = record(folder / "after", drawn, chance, found.image, (None,))
            cuts.all_of(heard, found, f"{what}, gone on with behind a cut")
    return cuts.tally


@contextmanager
def noting() -> Iterator[None]:
    """Steps are noted beside a ledger from the first on, and carried over often; and so is its log."""
    with pytest.MonkeyPatch.context() as patch:
        noted.at_once(patch, many=5, blocks=7)
        patch.setattr(held_file, "_FIRST_STEPS", 3)
        yield


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder for it: what a disk may lose is worked out here, so a real one would only take its time."""
    with tempfile.TemporaryDirectory(prefix="power-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)
