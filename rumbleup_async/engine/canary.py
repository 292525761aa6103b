"""The canary of a run at work: so many texts go first, by lot, then nothing leaves while they are watched, then the rest may go.

Lives here: what stage it is in, and the moves between stages. Each is durable before anything follows from it, so a process that
dies is followed by one that goes on in the same stage. The rules themselves are pure, see `rules.canary`.

    going     ─► `number` texts have come to an end ─► watching ─► the wait is over, and looked at ─► passed
       │                                                   │                                            │
       └───────────────── a rule is broken ────────────────┴────────────────────────────────────────────┴─► failed
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from rumbleup_async.engine.ports import Trial
from rumbleup_async.messaging import State
from rumbleup_async.rules.canary import OPT_OUTS, Asked, Standing, Tally, broken
from rumbleup_async.stops import Cause, Stop

_SOON = 1.0
"""Seconds after which it is asked again whether the last look has been taken."""


class Canary:
    """`asked`: what was asked for; None where there is no canary any more. `standing`: how it stood, None if it never began.
    `counts`: contacts by state, now. `keep` makes a standing durable. `opted_out` is asked which of these phones have opted out,
    `forbids` what else there is against the rest, once the canary has done well.
    """

    def __init__(
        self,
        asked: Asked,
        standing: Standing | None,
        trial: Trial,
        *,
        seed: str,
        counts: Callable[[], Mapping[State, int]],
        keep: Callable[[Standing], Awaitable[None]],
        opted_out: Callable[[Sequence[str]], Awaitable[Sequence[str]]],
        forbids: Callable[[], Stop | None] = lambda: None,
    ) -> None:
        self.asked = asked
        self.standing = standing or Standing(0.0)
        self.wanted = asyncio.Event()
        """The wait is over, and whoever looks from outside is to look once more."""
        self.is_watched = False
        """Somebody looks from outside, and the wait ends only with a look of theirs."""
        self.spent: Callable[[Stop], None] = _nobody_hears
        """Is told why the run ends, if the canary ends it."""
        self.held: Callable[[], int] = int
        """How many refusals are queued, and not believed yet."""
        self._rules = asked.judges
        self._trial = trial
        self._seed = seed
        self._counts = counts
        self._keep = keep
        self._opted_out = opted_out
        self._forbids = forbids
        self._heard: Mapping[str, int] = {}
        self._looked = 0.0
        self._is_stopping = False
        self._lock = asyncio.Lock()

    # ---- how it stands ----

    @property
    def is_over(self) -> bool:
        """The rest may go."""
        return self.standing.is_over

    @property
    def tally(self) -> Tally:
        """What has become of the texts since it began."""
        tally = self.standing.before.minus(self._counts(), self._heard)
        return msgspec.structs.replace(tally, refused=tally.refused + self.held(), interrupted=self.standing.interrupted)

    @property
    def room(self) -> int:
        """How many texts may still be opened before it is judged."""
        counts, before = self._counts(), self.standing.before
        left = sum(counts[state] for state in (State.SENT, State.REFUSED, State.UNKNOWN, State.INTENT))
        return max(0, self.asked.number + before.ended - left - self.held())

    @property
    def draws_again(self) -> bool:
        """Whether lots are to be drawn once more: some of those who were drawn are not texted."""
        return self.standing.stage == "going" and self._trial.is_drawing and not self._trial.waiting and bool(self.room)

    @property
    def failed(self) -> Stop | None:
        """Why the rest does not go; None if it may."""
        return Stop(Cause.CANARY_FAILED, self.standing.words) if self.standing.stage == "failed" else None

    # ---- what the source of texts calls ----

    def interrupted(self, number: int) -> None:
        """A process of ours has died, and so many texts are unknown for it."""
        self.standing = msgspec.structs.replace(self.standing, interrupted=self.standing.interrupted + number)

    async def begin(self, now: float, *, is_typed: bool) -> Stop | None:
        """The run is about to send. `is_typed`: what was asked for was said anew, so one that has failed is judged by that. Why
        the run does not go on, if it does not."""
        self._heard = await self._trial.begin()
        if self.standing.began:
            # A process may have died since, and the log may have settled what it left in doubt: that excuses no other text.
            unknown = max(0, self._counts()[State.UNKNOWN] - self.standing.before.unknown)
            interrupted = min(self.standing.interrupted, unknown)
            self.standing = msgspec.structs.replace(self.standing, interrupted=interrupted)
            await self._keep(self.standing)
        standing = self.standing
        if not standing.began:
            counts = self._counts()
            before = Tally(counts[State.SENT], counts[State.REFUSED], counts[State.UNKNOWN])
            await self._move(Standing(now, before=before))
        elif standing.stage == "failed" and is_typed:
            words = broken(self._rules, self.tally)
            # One that is allowed to go on is watched once more, from its last text on.
            await self._move(msgspec.structs.replace(standing, stage="failed" if words else "going", words=words))
        elif standing.stage == "watching" and standing.until > now + self.asked.wait:
            # The clock was set back, or a shorter wait was asked for.
            await self._move(msgspec.structs.replace(standing, until=now + self.asked.wait))
        return self.failed

    async def open(self, want: int, now: float, shut: Mapping[int, float]) -> int:
        """How many of so many texts that are wanted may be opened now. Whoever is to go first has been drawn."""
        if self.is_over:
            return want
        room = self.room if self.standing.stage == "going" else 0
        if room and want and not self._trial.waiting:
            await self._trial.draw(room, self._seed, now, shut)
        return min(want, room)

    async def advance(self, now: float) -> float | None:
        """A step was made: see how the canary did. When it is to be looked at again, if the run waits for that."""
        if self.is_over:
            await self._judge()
            return None
        if self.standing.stage == "going" and not self.room and not self._counts()[State.INTENT]:
            await self._ask_book()
            if not await self._judge():
                # Where nobody is left there is nothing to wait for.
                wait = self.asked.wait if self._counts()[State.QUEUED] else 0.0
                await self._move(msgspec.structs.replace(self.standing, stage="watching", until=now + wait))
        if self.standing.stage != "watching":
            return None
        if now < self.standing.until:
            return self.standing.until
        if self.is_watched and self._looked < self.standing.until and self._counts()[State.QUEUED]:
            self.wanted.set()
            return now + _SOON
        await self._ask_book()
        if not await self._judge():
            if self._counts()[State.QUEUED] and (stop := self._forbids()) is not None:
                self._stop(stop)  # it stays as it is, and a resume judges it once more
                return None
            await self._move(msgspec.structs.replace(self.standing, stage="passed"))
            if self.asked.asks and self._counts()[State.QUEUED]:
                self._stop(Stop(Cause.CANARY))
            else:
                await self._trial.draw(0, self._seed, now, {})  # from now on anybody goes
        return None

    # ---- what whoever watches calls ----

    async def hear(self, what: str, phones: Sequence[tuple[str, str]]) -> None:
        """This was heard of these phones; see `engine.ports.Trial.hear`. Stops the run where that breaks a rule."""
        if phones:
            self._heard = await self._trial.hear(what, phones)
            if self.standing.stage != "going":
                await self._judge()

    def looked(self, began: float) -> None:
        """Whoever looks from outside has looked, and began to at this Unix second."""
        self.wanted.clear()
        self._looked = max(self._looked, began)

    async def _ask_book(self) -> None:
        """Ask the book of people, which others may have told, of all who went first."""
        found = await self._opted_out(await self._trial.texted())
        if found:
            self._heard = await self._trial.hear(OPT_OUTS, [(phone, "") for phone in found])

    async def _judge(self) -> bool:
        """Whether it has failed. Then nothing more is opened."""
        if self.standing.stage == "failed":
            return True
        words = broken(self._rules, self.tally)
        if words:
            await self._move(msgspec.structs.replace(self.standing, stage="failed", words=words))
            self._stop(Stop(Cause.CANARY_FAILED, words))
        return bool(words)

    async def _move(self, standing: Standing) -> None:
        async with self._lock:
            # What was heard meanwhile may have ended it.
            if self.standing.stage != "failed" or standing.stage in ("failed", "going"):
                await self._keep(standing)
                self.standing = standing

    def _stop(self, why: Stop) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self.spent(why)


def _nobody_hears(_: Stop) -> None: ...
