"""A run of the real engine with ledger and book, against a scripted provider: all that it writes, and what it does in between."""

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rumbleup_async.engine.ports import Permit
from rumbleup_async.ledger import Consent, SqliteLedger
from rumbleup_async.messaging import State, Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.people import Again, Book, Scope
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.run import Run
from tests import virtual_time
from tests.engine.scripted import Provider, make_run, phones
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


Happened = Left | Stayed | Told


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


def record(folder: Path, drawn: Drawn, chance: random.Random, base: Image, limits: Sequence[int | None]) -> list[Any]:
    """What such a run writes and what happens. `base`: what is there already; `limits`: of its processes, in turn."""

    async def work(heard: Hearing) -> None:
        for limit in limits:
            async with a_run(folder, Heard(heard, script(chance, drawn.logid)), drawn, limit) as run:
                async for result in run.send(drawn.people):
                    heard.heard.append(Told(result.phone, result.state))

    return hear(folder, base, work)


def hear(folder: Path, base: Image, work: Callable[[Hearing], Coroutine[Any, Any, object]]) -> list[Any]:
    """Changes of the disk, and what happened between them."""
    put(folder, base)
    with hearing(folder, base) as heard:
        virtual_time.run(work(heard))
    disk = Disk(base)
    for one in heard.heard:
        if isinstance(one, Change):
            disk.apply(one)
    here = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    assert disk.whole() == here, "something was written that nobody has heard"
    return heard.heard


def put(folder: Path, image: Image) -> None:
    """Make these the files of a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in image.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
