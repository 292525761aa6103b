"""What the provider lets through, learned from what it takes and what it answers "not now".

Lives here: a pure piece. Answers in, a rate and the end of a hold out. It has no clock and no loop: every moment is handed in, in
seconds on any one clock. May import `batches` and `cycles` only.

- An answer tells about the moment at which its text left. What left before a change says nothing of the change.
- A 429 **without a time** costs little: its text waits for itself, and the others go on. Answers are judged in small batches.
  Where more is refused than is usual, the rate becomes what got through, for a limiter that is full lets through just its limit.
  Where that does not help, the 429s are not ours to cure: their share is usual from then on, and the rate goes back.
- A 429 **with a time** holds everything until then, and that is the whole punishment. All that left before the first such answer
  was seen is one event. Such events are dear, so the rate comes up to the limit from below, the more slowly the dearer they are.
  Where they come at rates that were borne before, they are not ours to cure either: the wait is kept, and the rate goes back.
- A provider that takes nothing is left alone, for pauses that grow, with one text or two at the end of each.
- Without trouble the rate grows: slowly at the limit that was learned, and by leaps once that has been passed without a word.

Why it is this controller and no other: `docs/decisions`."""

from __future__ import annotations

import math

from rumbleup_async.engine.batches import BATCH, Barren, Batch, Latency, Row, Test, is_passed, pause
from rumbleup_async.engine.cycles import Climb, Cycle, Waits

_FEW = 4
"""Answers from which a little can be said; four times as many where it matters."""

_USUAL_MOST = 0.2
"""A larger share is never called usual."""
_TEST = 0.95
"""How much of what got through is sent while it is seen whether that helps."""
_SAME = 0.1
"""A limit that is found again within this share is the same."""
_CUTS, _MOST_CUTS = 3, 48
"""Cuts in a row to the same limit after which it is asked whether they help; twice as many each time that they did."""

_STEP, _NEAR_STEP, _FAR_STEP, _LEAP = 0.005, 0.02, 0.08, 0.25
_NEAR = 1.05
"""Above the limit the rate grows by small steps to so much of it, for as long as it may be living on a burst."""
_BURSTS, _SOME, _RISEN = 1.5, 1.5, 0.05
"""It has risen where more was taken beyond it than so many bursts, and than some texts and so many seconds of it."""
_BACK = 4.0
"""By how much the rate rises at most once it is known that slowing down has not helped."""
_SEARCH = 0.5
"""Where nothing is known, the rate grows by half with each batch."""
_GONE = 1.5
"""A limit is gone where so many times as much gets through."""
_ALONE, _LOWEST, _LONG_AGO = 2.0, 0.05, 5.0
"""Texts a second while the provider takes nothing; and at least. Seconds without a text after which a new count begins."""


class Learning:
    """`rate`: texts a second that may leave; None as long as no limit is known. `until`: nothing may leave before.

    Each text that left is reported once at most, by `accepted` or `throttled`, with the moment at which it left. Other outcomes
    say nothing of the limit.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.rate: float | None = None
        self.until = 0.0
        self.limit: float | None = None
        """Texts a second that the provider was last seen to let through; None where it has not shown a limit."""
        self.usual = 0.0
        """The share of 429s that does not depend on the rate."""
        self.pauses = 0
        """Pauses in a row that have not helped: the provider has taken nothing since the first."""
        self._is_braking = False  # nothing leaves for a moment, so that it can be seen what got through
        self._barren = Barren()
        self._latency = Latency()
        self._batch = Batch(now, None, 4 * _FEW)
        self._cycle = Cycle(now)
        self._waits = Waits()
        self._test: Test | None = None
        self._climb: Climb | None = None
        self._step = _STEP
        """By what share the rate grows next."""
        self._speed = 0.0  # how fast it grew last, in texts a second each second
        self._clean = 0.0
        """The rate of the batch before, if nothing was refused in it."""
        self._row: Row | None = None
        self._cuts = _CUTS
        """Cuts in a row to the same limit after which it is asked whether they help."""
        self._surplus = 0.0
        """Texts taken beyond the limit since it was last seen: out of a burst, or because the limit has risen."""
        self._burst = 0.0
        """After what surplus it was seen again."""

    # ---- what happens ----

    def accepted(self, left: float, now: float) -> None:
        """The text that left at this moment was taken."""
        cycle = self._cycle
        if cycle.seen:
            if cycle.holds(left):
                cycle.take(left)
                self._estimate(cycle)
                return
            cycle = self._next_cycle()
        cycle.take(left)
        batch = self._batch
        self._barren.number = 0
        if left < batch.begun:
            return
        self._latency.see(now - left)
        if self.pauses:
            self._open_again(now)
            return
        if left <= batch.due:
            batch.taken += 1
            if left > batch.last:
                batch.last = left
        if now >= batch.due + 1.5 * self._latency.seconds or is_passed(self._test, batch):
            self._judge(now)

    def throttled(self, left: float, now: float, after: float | None = None, in_flight: int = 0) -> None:
        """The text that left at this moment was answered "not now", and perhaps to wait `after` seconds from `now`.

        `in_flight`: how many others are not answered yet. A "not now" may come much quicker than an answer that takes the text.
        """
        if after:
            cycle = self._cycle if not self._cycle.seen or self._cycle.holds(left) else self._next_cycle()
            cycle.refuse(left, now, after, self.rate or 0.0, self._speed, self._latency.blur)
            self.until = max(self.until, cycle.until)
            self._estimate(cycle)
            return
        batch = self._batch
        if left < batch.begun:
            return
        barren = self._barren
        barren.add(left)
        if self.pauses or not self._latency.seconds or barren.is_long(now, self._latency.seconds):
            self._leave_alone(now)
            return
        if self.rate is None and not batch.refused and self._test is None:
            # From here on the limiter is full; what it took before was its burst.
            batch = self._begin(left, seconds=batch.due - batch.begun)
        if left <= batch.due:
            batch.refused += 1
            if left > batch.last:
                batch.last = left
            if batch.is_flooded(left, now, in_flight):
                # Surely too much. Nothing leaves until it is known what of this got through.
                batch.due = now
                batch.need = 0
                self.until = max(self.until, now + 1.5 * self._latency.seconds)
                self._is_braking = True
        if now >= batch.due + 1.5 * self._latency.seconds:
            self._judge(now)

    def resumed(self, now: float) -> None:
        """Texts may leave, for the first time or again after a while in which none left, for whatever cause."""
        cycle = self._cycle
        if not (cycle.seen or self.pauses) and (not cycle.taken or now - cycle.marks[-1][0] > _LONG_AGO):
            self._cycle = Cycle(now)  # else all texts before would be divided by the time in which none left, too
        if self._is_braking and now >= self.until:
            self._cut(now)
        else:
            self._begin(now, self._batch.need)

    def _begin(self, now: float, need: float = 0.0, seconds: float = 0.0) -> Batch:
        self._is_braking = False
        least = 2 * _FEW if self._step >= _SEARCH else 4 * _FEW
        need = max(least, need, 5.0 / self.usual if self.usual else 0.0)
        self._batch = Batch(now, self.rate, need, self._batch.slowness)
        self._batch.due = max(self._batch.due, now + seconds)
        return self._batch

    # ---- 429s without a time ----

    def _judge(self, now: float) -> None:
        batch = self._batch
        if batch.number < 0.8 * batch.need and not is_passed(self._test, batch):
            # Few texts come along. The next batch is to be longer.
            self._begin(now, batch.need, 2.0 * (batch.due - batch.begun))
            return
        share = batch.share
        if not batch.is_bearable(self.usual):
            if self._test is not None and self._test.share / 3.0 <= share <= _USUAL_MOST:
                self._take_as_usual(self._test, share, now)
            else:
                self._cut(now)
            return
        if self._test is not None:  # it has helped
            self._test = None
            self._cuts = min(_MOST_CUTS, 2 * self._cuts)
            self.usual = 0.0
            self.rate, self._step = self.limit, _STEP
        else:
            self._clean = 0.0 if batch.refused else self.rate or 0.0
            if self._row is not None and self._row.is_over(batch):
                self._row = None
            if share < self.usual / 3.0:
                self.usual = share
            self._grow(now)
        self._begin(now)

    def _take_as_usual(self, test: Test, share: float, now: float) -> None:
        """Slowing down has not helped."""
        self.usual = (share + test.share) / 2.0
        self.rate = min(test.rate or math.inf, _BACK * (self.rate or _ALONE))
        self.limit = self._test = self._row = None
        self._step = _LEAP
        self._begin(now)

    def _cut(self, now: float) -> None:
        """The rate becomes what got through."""
        batch = self._batch
        got = max(batch.taken, 0.5) / batch.length
        is_same = self.limit is not None and abs(got / self.limit - 1.0) < _SAME + 1.0 / math.sqrt(batch.number)
        row = self._row = self._row or Row(self.rate)
        row.add(batch)
        is_test = self._test is None and batch.share <= _USUAL_MOST and not (is_same and row.cuts < self._cuts)
        if is_same:
            assert self.limit is not None  # noqa: S101 - so it is the same as something
            self._burst = max(self._surplus, 0.7 * self._burst)
            got = self.limit + (got - self.limit) * (min(0.5, batch.number / 64.0) if row.cuts == 0 else 0.75)
        else:
            self._cuts = _CUTS
        row.cuts = row.cuts + 1 if is_same else 0
        share = min(row.share, 2.0 * batch.share)
        self._test = Test(share, row.rate) if is_test else None
        self.limit = got if batch.taken >= _FEW else None
        # One step back is enough where all was well before the last one. Some limiters let half through of a little too much,
        # and others more than their limit at first.
        rate = got * _TEST if is_test else got
        self.rate = max(_LOWEST, min(rate, self._clean or rate), _TEST * self._clean)
        if self.limit is not None and self._clean:
            self.limit = min(self.limit, max(self._clean, self.rate))
        self._surplus = self._clean = 0.0
        self._step, self._climb = _STEP if self.limit else _SEARCH, None
        self._begin(now, self._test.texts(got) if self._test else 0.0)

    def _leave_alone(self, now: float) -> None:
        self.until = max(self.until, now + pause(self.pauses))
        if not self.pauses:
            # Where all was refused from one moment on, the rates since then were no discovery: a window is over.
            self._barren.back = self._row.rate if self._row is not None and self.limit is None else self.rate
        self.pauses += 1
        self.rate = _ALONE if self.rate is None else min(self.rate, _ALONE)
        self._test = None
        self._begin(self.until)

    def _open_again(self, now: float) -> None:
        """It takes texts again: at the former rate at most, and at twice what it took; freely if only its first were refused."""
        back, taken = self._barren.back or math.inf, self._cycle.taken
        rate = min(back, max(_ALONE, 2.0 * taken / max(now - self._cycle.begun, 1e-3)))
        self.rate = None if taken == self.pauses == 1 and back == math.inf else rate
        self._cycle, self._step, self._row, self.pauses = Cycle(now), _FAR_STEP, None, 0
        self._begin(now)

    # ---- 429s with a time ----

    def _next_cycle(self) -> Cycle:
        if self._waits.over(self._cycle):
            self.rate = self.limit = self._climb = None
        self._cycle = Cycle(self._cycle.until)
        return self._cycle

    def _estimate(self, cycle: Cycle) -> None:
        """The rate to go on with after the hold, of all that is known of the event by now."""
        if self._waits.are_chance and not cycle.is_heavy:
            self.rate = self.limit = self._climb = None
        else:
            low, high = cycle.estimate(self._waits.burst)
            self.rate = low = max(_LOWEST, low)
            self.limit = high or low
            self._test, self._surplus, self._clean = None, 0.0, 0.0
            self._climb, self._step = (cycle.climb(low, high), _STEP) if high > low else (None, _SEARCH)
        self._begin(cycle.until)

    # ---- better times ----

    def _grow(self, now: float) -> None:
        """Nothing has gone wrong in this batch."""
        rate, limit, batch = self.rate, self.limit, self._batch
        if rate is None:
            return
        if batch.number < 0.8 * rate * batch.length:
            # Something else binds. If that is far above the limit that was learned, there is none any more.
            if limit is None or batch.number > _GONE * limit * batch.length:
                self.rate = self.limit = None
            return
        batch.compare(rate)
        climb = self._climb
        if climb is not None and now < climb.end:
            self._speed, self.rate = climb.speed, climb.rate(now)
            return
        self._climb = None
        if limit is not None and self._step < _SEARCH:
            self._surplus += batch.number - limit * batch.length
            if rate >= limit and self._surplus < max(_BURSTS * self._burst, _SOME + _RISEN * limit):
                self.rate = max(rate, min(rate * (1.0 + self._step), _NEAR * limit * batch.slowness))
                self._step = min(_NEAR_STEP, 2.0 * self._step)
                return
            self._step = max(self._step, _FAR_STEP)
        self.rate = rate * (1.0 + self._step)
        self._speed = rate * self._step / BATCH
        if self._step < _LEAP:
            self._step = min(_LEAP, 2.0 * self._step)
