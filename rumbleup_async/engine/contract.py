"""What workers and books say to each other: one call, and a few words the other way.

Lives here: the two protocols and the value between them. Whoever fits `Books` can stand behind workers: the bookkeeper of this
process, or a channel to the one of another. Whoever fits `Worker` can be dealt texts: the workers of this process, or a process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec

from rumbleup_async.engine.seconds import Tally
from rumbleup_async.events import Event
from rumbleup_async.messaging import Closed, Text
from rumbleup_async.reasons import Code
from rumbleup_async.stops import Stop


class Dealt(msgspec.Struct, frozen=True, gc=False):
    """The answer of the books to one call.

    `texts`: their intents are on the disk. `more`: ask again as soon as there is room; else wait until `wake()`. `proven`: the
    provider has accepted a text of this run, so key, address and project are known to work. `until`: nothing may leave after
    that, for the lease of whoever keeps the books ends, on the clock of `lease.boot_time`.
    """

    texts: list[Text]
    more: bool = True
    proven: bool = False
    until: float = math.inf


class Worker(Protocol):
    """What the books know of whoever sends: how much is under way there, and how to reach it."""

    @property
    def in_flight(self) -> int:
        """Texts being delivered at this moment."""

    @property
    def window(self) -> int:
        """Texts that may be in flight at this moment."""

    @property
    def is_hopeless(self) -> bool:
        """Whether the worker asks for no more texts, because the last round helps nobody."""

    def take_tally(self) -> Tally:
        """What the worker has seen since the last such question."""

    def wake(self) -> None:
        """There may be texts again: ask."""

    def begin_last_round(self) -> None:
        """What is dealt from now on was put aside before."""

    def pause(self) -> None:
        """Let nothing leave until `go_on()`. What has not left comes back by `step`, due at once."""

    def go_on(self) -> None:
        """The pause is over: ask."""

    def stop(self) -> None:
        """Let nothing more leave. What has not left comes back by `step`, and so does what is in flight once it is answered."""

    def abandon(self) -> None:
        """Do not even wait for what is in flight."""

    def end(self) -> None:
        """Nothing comes any more."""


class Books(Protocol):
    """Where a worker's texts come from, and where it tells what became of them."""

    async def step(self, worker: Worker, done: Sequence[Closed], want: int) -> Dealt:
        """Close these entries, and open up to `want` more, durably. An answer is only given once it is on the disk.

        After a failure of the ledger nothing more is dealt. What was handed over is not lost: the books try once more at the end.
        """

    def stop(self, why: Stop) -> None:
        """The cause concerns every text of the run: nothing more shall leave."""

    def held(self, seconds: float, reason: str, code: Code = Code.NONE) -> None:
        """The provider has told this worker to wait. `reason`: why, in words; `code`: what the text met that told it."""

    def note(self, event: Event) -> None:
        """This has happened: observers hear of it with the next step."""
