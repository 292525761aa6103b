"""How long a run will still take, and what it is that it waits for: the provider, the rate that was asked for, or its own window.

Lives here: what is said of it. It decides nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rumbleup_async.engine.ports import Remote
from rumbleup_async.engine.seconds import Flow
from rumbleup_async.messaging import State

if TYPE_CHECKING:
    from rumbleup_async.runs.execution import Execution
    from rumbleup_async.runs.setup import Setup

_BINDS = 1.1
"""A limit that is nearer than this above what the window can carry is as good as the one that binds."""
_SLOW = 0.05
"""Seconds. Where answers come quicker than that, it is the processor that binds and not the window."""
_MOST = 10_000


_FULL = 0.9
"""The window counts as full from this share on: between an answer and the next text there is a moment."""


class Throughput:
    """How one run stands towards its provider at this moment."""

    def __init__(self, setup: Setup, execution: Execution) -> None:
        self._setup = setup
        self._execution = execution

    @property
    def flow(self) -> Flow:
        """What the provider lets through, and what it has said about it."""
        return self._execution.flow

    @property
    def is_ledger_away(self) -> bool:
        """Whether the ledger is on another machine that cannot be reached at this moment: nothing is opened until it can."""
        ledger = self._setup.ledger
        return isinstance(ledger, Remote) and ledger.away > 0

    @property
    def seconds_left(self) -> float | None:
        """How long what is queued will still take: at the rate that the provider lets through and that was asked for, or at what
        was measured where neither is known. None where nothing can be said."""
        measured = self._execution.summary.texts_per_second
        return seconds_left(self._setup.ledger.counts[State.QUEUED], rate_ahead(self.asked, self.flow.allowed, measured))

    @property
    def window_note(self) -> str:
        """In one line, that more in flight would bring more texts a second, if that is so at this moment; else ""."""
        engine, options = self._execution.engine, self._setup.options
        in_flight = 0 if engine is None else engine.crew.in_flight
        if self._setup.pace.hold.remaining > 0 or in_flight < _FULL * options.concurrency * options.processes:
            return ""
        flow = self.flow
        known = [rate for rate in (self.asked, flow.allowed) if rate]
        return window_note(in_flight, options.concurrency, options.processes, flow.latency, min(known, default=None))

    @property
    def asked(self) -> float | None:
        """Texts a second that were asked for at most; None without such a rate."""
        rate = self._setup.care.options.get("rate")
        return rate if isinstance(rate, (int, float)) else None


def rate_ahead(asked: float | None, allowed: float | None, measured: float) -> float:
    """Texts a second that are to be expected: what the provider lets through, at most what was asked for; where neither is known
    what was measured."""
    known = [rate for rate in (asked, allowed) if rate]
    return min(known) if allowed else min([measured, *known])


def seconds_left(queued: int, rate: float) -> float | None:
    """How long the queue lasts; None where nothing can be said."""
    return queued / rate if rate > 0 and queued else None


def per_second(rate: float) -> str:
    """A rate as it is shown: `98/s`, `1.5/s`."""
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def span(seconds: float) -> str:
    """A length of time as people say it: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def window_note(in_flight: int, concurrency: int, processes: int, latency: float, limit: float | None) -> str:
    """In one line, that more could be in flight, with the number that would do; "" where something else binds.

    `in_flight`: texts under way in all processes, as many as may be. `latency`: seconds that an answer takes. `limit`: texts a
    second that the provider lets through or that were asked for, None for neither.
    """
    if latency < _SLOW or in_flight < 1:
        return ""
    now = in_flight / latency
    if limit is not None and limit < _BINDS * now:
        return ""
    wanted = 4 * concurrency if limit is None else min(4 * concurrency, math.ceil(_BINDS * limit * latency / processes))
    more = min(_MOST, 1 << (wanted - 1).bit_length())
    if more <= concurrency:
        return ""
    would = min(more * processes / latency, limit or math.inf)
    have = f"{in_flight:,} in flight at {latency * 1000:,.0f} ms is {now:,.0f}/s"
    return f"{have}; --concurrency {more} would allow {would:,.0f}/s"
