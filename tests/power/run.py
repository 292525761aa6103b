"""A run with ledger and book whose power is cut at each of its writes, and what the next process makes of what is left.

Lives here: the run of the real engine against a scripted provider, drawn from a seed; and what must hold after each cut.
"""

import asyncio
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Consent, SqliteLedger
from rumbleup_async.messaging import State, Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.people import Again, Book, Scope
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.run import Run
from tests import virtual_time
from tests.engine.scripted import Provider, make_run, phones, rows_of
from tests.ledger import noted
from tests.power.disk import Change, Disk, Image
from tests.power.heard import Hearing, hearing

SCOPE: Final = Scope("test project 125")
LEDGER, BOOK = "run.ledger", "people.book"
KEPT: Final = frozenset({State.SENT, State.REFUSED, State.UNKNOWN})
"""What a result that was told stays."""


class Left(NamedTuple):
    """This person's text is about to leave; from now on it may have."""

    phone: str


class Stayed(NamedTuple):
    """It certainly has not left."""

    phone: str


class Told(NamedTuple):
    """The contact counts as done."""

    phone: str
    state: State


class Wrong(AssertionError):
    """A promise was broken."""


class Heard(Provider):
    """A provider of which is noted, between the writes, whose text may have left."""

    def __init__(self, hearing: Hearing, script: Callable[[Text, int], Outcome | Awaitable[Outcome]]) -> None:
        super().__init__(script, latency=0.0)
        self._hearing = hearing

    async def deliver(self, text: Text, permit: Permit) -> Outcome:
        self._hearing.heard.append(Left(text.phone))
        outcome = await super().deliver(text, permit)
        if isinstance(outcome, NotSent | Throttled | Refused):
            self._hearing.heard.append(Stayed(text.phone))
        return outcome


class Drawn(NamedTuple):
    """What kind of run this is. `limit`: after so many a second process goes on."""

    people: list[str]
    concurrency: int
    journal: bool
    limit: int | None
    logid: int
    """How long the provider's are: a step may take many sectors."""

    @classmethod
    def of(cls, chance: random.Random, size: int) -> "Drawn":
        people = phones(chance.randrange(size // 2, size + 1))
        limit = chance.choice((None, len(people) // 2))
        return cls(people, chance.choice((1, 2, 4, 8)), chance.random() < 0.4, limit, chance.choice((1, 400)))


def script(chance: random.Random, logid: int) -> Callable[[Text, int], Awaitable[Outcome]]:
    """Most are accepted, after some time."""

    async def answer(text: Text, attempt: int) -> Outcome:
        await asyncio.sleep(chance.uniform(0.01, 1.0))
        drawn = chance.random() if attempt < 3 else 1.0
        if drawn < 0.05:
            return Throttled(because("429"), 429)
        if drawn < 0.1:
            return NotSent(because("connection refused"))
        if drawn < 0.15:
            return Unknown(because("timed out"))
        if drawn < 0.2:
            return Refused(because("landline"), about_recipient=True)
        return Accepted(f"rl_{text.row}_{attempt:0{logid}d}")

    return answer


def a_run(folder: Path, provider: Provider, drawn: Drawn, limit: int | None = None) -> Run:
    """A process of it."""
    ledger = SqliteLedger(folder / LEDGER, journal=drawn.journal, consent=Consent(original=True))
    return make_run(
        provider,
        ledger=ledger,
        limit=limit,
        concurrency=drawn.concurrency,
        book=lambda plan: RunBook(Book(folder / BOOK), SCOPE, plan.run, Again()),
    )


def record(folder: Path, seed: int, size: int) -> tuple[Drawn, list[Any]]:
    """All that a run writes, and what it does in between."""
    chance = random.Random(seed)
    drawn = Drawn.of(chance, size)
    folder.mkdir()

    async def main(heard: Hearing) -> None:
        for limit in (drawn.limit, None) if drawn.limit else (None,):
            async with a_run(folder, Heard(heard, script(chance, drawn.logid)), drawn, limit) as run:
                async for result in run.send(drawn.people):
                    heard.heard.append(Told(result.phone, result.state))

    with hearing(folder) as heard:
        virtual_time.run(main(heard))
    disk = Disk()
    for one in heard.heard:
        if isinstance(one, Change):
            disk.apply(one)
    here = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    assert disk.whole() == here, "something was written that nobody has heard"
    return drawn, heard.heard


# ---- what must hold ----


class Before(NamedTuple):
    """What had happened until the power went."""

    left: frozenset[str]
    """Whose text may have left."""
    told: dict[str, State]

    def then(self, one: Left | Stayed | Told) -> "Before":
        """Once this has happened, too."""
        match one:
            case Left(phone):
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
    _write(folder, image)
    virtual_time.run(_look(folder, before))
    if goes_on:
        _write(folder, image)
        virtual_time.run(_go_on(folder, before, drawn))


def _write(folder: Path, image: Image) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in image.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)


async def _look(folder: Path, before: Before) -> None:
    """Whoever may have been texted is in ledger and book, and whoever is done is as it was told."""
    found = await _states(folder / LEDGER)
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


async def _states(path: Path) -> dict[str, State]:
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


def play(folder: Path, seed: int, size: int, *, resumed: float = 0.1, part: float = 1.0, at_once: bool = True) -> Tally:
    """A run, and its cuts: `part` of the moments, those before its first text only if `at_once`; and `resumed` of the disks that
    are left there gone on with to the end. Wrong."""
    with noting():
        drawn, heard = record(folder / "here", seed, size)
        chance = random.Random(-seed - 1)
        disk, before, known = Disk(), Before(frozenset(), {}), set[int]()
        tally = Tally(1, 1 + bool(drawn.limit), sum(isinstance(one, Left) for one in heard))
        for number, one in enumerate(heard):
            if isinstance(one, Change):
                disk.apply(one)
            else:
                before = before.then(one)
            if chance.random() >= part or not (at_once or before.left):
                continue
            tally.cuts += 1
            for kind, image in disk.images(chance):
                mark = hash((tuple(sorted(image.items())), before.left, tuple(before.told.items())))
                if mark in known:
                    continue
                known.add(mark)
                goes_on = chance.random() < resumed
                try:
                    check(folder / "cut", image, before, drawn, goes_on=goes_on)
                except Exception as error:
                    where = f"seed {seed}, size {size}, cut behind {number} of {len(heard)} ({type(one).__name__}), {kind}"
                    raise Wrong(f"{where}: {error}") from error
                tally.kinds[kind] += 1
                tally.with_texts += bool(before.left)
                tally.resumed += goes_on
    return tally


@contextmanager
def noting() -> Iterator[None]:
    """Steps are noted beside a ledger from the first on, and carried over often."""
    with pytest.MonkeyPatch.context() as patch:
        noted.at_once(patch, many=5, blocks=7)
        yield


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder for it: what a disk may lose is worked out here, so a real one would only take its time."""
    with tempfile.TemporaryDirectory(prefix="power-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)
