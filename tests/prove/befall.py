"""What befalls the books of a world between two processes: strangers open them, or somebody with another text for other people;
their files are copied, moved, tidied away.

Each time the next process must be told so, or must be allowed on; then things are put right again, and the world goes on as if
nothing had been. What happens here is drawn from a randomness of its own, so that it changes nothing else.
"""

import random
from typing import TYPE_CHECKING

import msgspec

from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import identity_of
from rumbleup_async.runs.run import Run, Settings
from tests.prove.faults import LEDGER
from tests.prove.loop import Loop
from tests.prove.storage import Files

if TYPE_CHECKING:
    from tests.prove.world import World

ACCOUNT, SERVER, COPIED, MOVED, TIDIED, ANOTHER = LEDGER
MINE = identity_of("rumbleup", "https://app.example/api", "KEY")
STRANGERS = {
    ACCOUNT: identity_of("rumbleup", "https://app.example/api", "ANOTHER"),
    SERVER: identity_of("rumbleup", "http://127.0.0.1:8025/api", "KEY"),
}


class Befalls:
    """Of one world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._random = random.Random(world.seed ^ 0xBEFA11)
        self._number = 0
        self.is_off = False

    def now(self) -> None:
        """Between two processes."""
        world = self._world
        storage = world.storage
        if self.is_off or not world.provider.truth:
            return  # as long as nobody was texted, nothing is at stake
        if self._random.random() < 0.25:
            kind = self._random.choice((ACCOUNT, SERVER))
            storage.identity = STRANGERS[kind]
            self._refused(kind)
            storage.identity = MINE
        if self._random.random() < 0.25:
            self._refused(ANOTHER, msgspec.structs.replace(world._settings(), text="Another text. STOP to opt out"))
        if not isinstance(storage, Files):
            return
        if self._random.random() < 0.8:
            with storage.copied():
                self._refused(COPIED)
        if self._random.random() < 0.8:
            with storage.moved():
                self._let_on(MOVED)
            self._enters()  # or it would seem to stand where it is no more
        if storage.needs_its_log():
            with storage.without_log():
                self._refused(TIDIED)

    def _refused(self, kind: str, settings: Settings | None = None) -> None:
        if self._enters(settings) is None:
            self._world.provider.wrongs.append(f"somebody went on with the books: {kind}")
        self._met(kind)

    def _let_on(self, kind: str) -> None:
        if (why := self._enters()) is not None:
            self._world.provider.wrongs.append(f"nobody could go on with the books: {kind}: {why}")
        self._met(kind)

    def _met(self, kind: str) -> None:
        self._world.met[kind] += 1
        self._world.note(kind)

    def _enters(self, settings: Settings | None = None) -> str | None:
        """Whether a process could go on; None if so, else why not."""
        world = self._world
        self._number += 1
        loop = world.loop = Loop(world.now, -1 - (world.seed * 1000 + self._number))
        world.steps.append(0)
        world.commits.append(0)
        world.provider.begin(loop)
        world.is_armed, world.ending, world.is_disk_broken = False, None, ""
        try:
            loop.run(self._enter(settings)).result()
        except LedgerError as error:
            return str(error)
        finally:
            world.now = loop.now
            world.provider.process_died()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
        return None

    async def _enter(self, settings: Settings | None) -> None:
        world = self._world
        options = Options(concurrency=1)
        async with Run(settings, options, gateway=world._gateway, ledger=world.storage.ledger(world), pace=Pace(None)):
            pass
