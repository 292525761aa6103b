"""What all worker processes together learn of the provider's limit: one of them alone sees only a part of it.

Lives here: both ends. What the texts of a process were answered goes to the supervisor, who learns from all of it; what was
learned comes back, to each its share. The clock is the event loop's, which processes of one machine have in common.

Whoever is told "not now" says so at once; texts that were taken are told with the next step of the books.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rumbleup_async.engine.learning import Learning
from rumbleup_async.engine.ports import Hold
from rumbleup_async.fleet.channel import Channel, NotNow, Share


class SharedLimit:
    """The supervisor's end. `changed`: the rate, the limit, or the end of a pause is another. `shut`: the provider takes nothing;
    called with the number of the pause that is to be made."""

    def __init__(self, hold: Hold, changed: Callable[[], None], shut: Callable[[int], None]) -> None:
        self._learning = Learning()
        self._hold = hold
        self._changed, self._shut = changed, shut
        self._told: tuple[float | None, float, float | None] = (None, 0.0, None)
        self._was_held = True
        self._timer: asyncio.TimerHandle | None = None

    @property
    def rate(self) -> float | None:
        """Texts a second that all processes together may send; None as long as no limit is known."""
        return self._learning.rate

    def share(self, asked: float | None, processes: int) -> Share:
        """What one of so many processes is to go by. `asked`: its share of the rate that was asked for."""
        learning = self._learning
        rate, limit = (None if whole is None else whole / max(1, processes) for whole in (learning.rate, learning.limit))
        return Share(asked, rate, learning.until, limit)

    def taken(self, left: Sequence[float]) -> None:
        """The texts that left at these moments were taken by the provider."""
        now = asyncio.get_running_loop().time()
        for moment in left:
            self._learning.accepted(moment, now)
        self.follow()

    def refused(self, word: NotNow, in_flight: int) -> None:
        """A text was answered "not now". `in_flight`: how many others are, in all processes."""
        self.taken(word.taken)
        learning, now = self._learning, asyncio.get_running_loop().time()
        pauses = learning.pauses
        learning.throttled(word.left, now, word.after, in_flight)
        self.follow()
        if learning.pauses > pauses:
            self._shut(learning.pauses)

    def follow(self) -> None:
        """See to it that what is counted after a hold begins with its end, and tell what has changed."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        rest = max(self._hold.remaining, self._learning.until - now)
        if rest <= 0 and self._was_held:
            self._was_held = False
            self._learning.resumed(now)
            rest = self._learning.until - now
        if rest > 0:
            self._was_held = True
            if self._timer is None:
                self._timer = loop.call_later(rest, self._look_again)
        learning = self._learning
        state = learning.rate, learning.until, learning.limit
        if state != self._told:
            self._told = state
            self._changed()

    def _look_again(self) -> None:
        self._timer = None
        self.follow()

    def close(self) -> None:
        """Nothing comes any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class RemoteLimit:
    """A worker process's end. Fits `engine.pace.Learner`; it learns nothing itself."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._taken: list[float] = []
        self.rate: float | None = None
        self.limit: float | None = None
        self.until = 0.0
        self.pauses = 0
        """The supervisor makes them, by a hold for all."""

    def heed(self, share: Share) -> None:
        """Go by this from now on."""
        self.rate, self.until, self.limit = share.learned, share.until, share.limit

    def told(self) -> list[float]:
        """When the texts left that were taken since the last such question."""
        taken, self._taken = self._taken, []
        return taken

    def accepted(self, left: float, now: float) -> None:  # noqa: ARG002 - the supervisor's clock counts
        """As `Learning.accepted`."""
        self._taken.append(left)

    def throttled(self, left: float, now: float, after: float | None = None, in_flight: int = 0) -> None:  # noqa: ARG002
        """As `Learning.throttled`."""
        self._channel.say(NotNow(left, after, in_flight, self.told()))

    def resumed(self, now: float) -> None:
        """Nothing: the supervisor knows when a hold is over."""
