"""Metrics and traces of runs for OpenTelemetry: an observer that tells its API.

Lives here: the names of instruments, spans and attributes. It needs the extra `observe`, and goes through the API package alone:
without an SDK in the process nothing is kept and nothing is sent anywhere.

    async with client.fast_mode(..., observer=Telemetry()) as run:

A text costs one addition; all else comes once a second. No phone, no text and no name is in any of it.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rumbleup_async.events import (
    STEP_LATENCIES,
    Continued,
    Delivered,
    Event,
    Held,
    Kind,
    LedgerFailed,
    LookedUp,
    Paused,
    RoundBegan,
    RunBegan,
    RunEnded,
    SecondPassed,
    SendingBegan,
    Stopped,
    Waiting,
    WorkerLost,
)
from rumbleup_async.messaging import LATENCIES, Result

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
    from opentelemetry.trace import Span, TracerProvider

SCOPE: Final = "rumbleup_async"
_WRONG: Final = frozenset({Kind.UNKNOWN, Kind.BARRED})
_BILLION: Final = 1_000_000_000


class Telemetry:
    """Tells OpenTelemetry what happens in the runs that it observes; any number of them. Fits `EventObserver`.

    A run is a span, `send` of its project's provider, with what was rare as its events. `each`: the delivery of every so many-th
    text is a span as well; 0: of none. Then the run tells of every text, which costs more. `meter_provider`, `tracer_provider`:
    instead of those that the process has set. Raises ImportError without the API package.
    """

    def __init__(
        self,
        *,
        each: int = 0,
        meter_provider: MeterProvider | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        from opentelemetry import metrics, trace

        self.is_detailed = each > 0
        """Whether each text is to be told as an event; what became of it comes with the results all the same."""
        self._each = each
        self._seen = 0
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        self._spans: dict[str, Span] = {}
        self._now: Span | None = None
        """The run that has begun last: events do not say whose they are."""
        self._in_flight = 0
        self._limit = math.nan
        self._instruments = _Instruments(metrics.get_meter(SCOPE, meter_provider=meter_provider), self)

    # ---- what a run calls ----

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for."""
        for (state, code), number in Counter((str(result.state), str(result.code)) for result in results).items():
            self._instruments.texts.add(number, {"state": state, "reason": code})

    def held(self, seconds: float, reason: str) -> None:
        """Nothing leaves for so long; told by its event."""

    def events(self, events: Sequence[Event]) -> None:
        """These have happened."""
        for event in events:
            match event:
                case Delivered():
                    self._delivered(event)
                case SecondPassed():
                    self._passed(event)
                case RunBegan():
                    self._begin(event)
                case RunEnded():
                    self._end(event)
                case _:
                    self._note(event)

    # ---- what the instruments ask ----

    def in_flight(self, _: CallbackOptions) -> Iterator[Observation]:
        """Texts whose answer is not in the ledger yet."""
        from opentelemetry.metrics import Observation

        yield Observation(self._in_flight)

    def limit(self, _: CallbackOptions) -> Iterator[Observation]:
        """Texts a second that may leave; nothing where there is no limit."""
        from opentelemetry.metrics import Observation

        if not math.isnan(self._limit):
            yield Observation(self._limit)

    # ---- what becomes of it ----

    def _begin(self, event: RunBegan) -> None:
        from opentelemetry.trace import SpanKind

        about: dict[str, str | int | bool] = {
            "messaging.system": event.provider,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "rumbleup.run": event.run,
            "rumbleup.queued": event.queued,
            "rumbleup.is_concurrent": event.is_concurrent,
        }
        self._now = self._spans[event.run] = self._tracer.start_span(
            f"send {event.provider}", kind=SpanKind.PRODUCER, attributes=about
        )
        self._instruments.under_way.add(1)

    def _end(self, event: RunEnded) -> None:
        from opentelemetry.trace import StatusCode

        cause = event.error or ("done" if event.cause is None else str(event.cause))
        self._instruments.under_way.add(-1)
        self._instruments.runs.add(1, {"cause": "error" if event.error else cause})
        self._in_flight, self._limit = 0, math.nan
        span = self._spans.pop(event.run, None)
        if span is None:
            return
        for name in ("sent", "refused", "skipped", "not_sent", "unknown", "resumable"):
            span.set_attribute(f"rumbleup.{name}", getattr(event, name))
        if event.error:
            span.set_attribute("error.type", event.error)
        if event.error or event.cause is not None:
            span.set_attribute("rumbleup.cause", cause)
            span.set_status(StatusCode.ERROR, cause)
        span.end()
        self._now = next(reversed(self._spans.values()), None)

    def _passed(self, event: SecondPassed) -> None:
        second, own = event.second, self._instruments
        self._in_flight = event.in_flight
        self._limit = math.nan if second.rate is None else second.rate
        for seconds, number in spread(LATENCIES, second.latencies, event.answer_seconds):
            for _ in range(number):
                own.answers.record(seconds)
        for seconds, number in spread(STEP_LATENCIES, event.step_latencies, event.step_seconds):
            for _ in range(number):
                own.steps.record(seconds)
        if second.throttled:
            own.throttled.add(second.throttled)
        if second.held:
            own.held.add(second.held)

    def _delivered(self, event: Delivered) -> None:
        self._seen += 1
        if self._seen % self._each:
            return
        from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

        until = time.time_ns()
        context = None if self._now is None else set_span_in_context(self._now)
        about: dict[str, str | int] = {
            "rumbleup.row": event.row,
            "rumbleup.outcome": str(event.kind),
            "rumbleup.attempt": event.attempt,
        }
        if event.code:
            about["rumbleup.reason"] = str(event.code)
        began = until - int(event.seconds * _BILLION)
        span = self._tracer.start_span("deliver", context, SpanKind.CLIENT, about, start_time=began)
        if event.kind in _WRONG:
            span.set_status(StatusCode.ERROR, str(event.kind))
        span.end(until)

    def _note(self, event: Event) -> None:
        """What is rare stands in the span of the run."""
        more: dict[str, str | int | float] = {}
        match event:
            case Held(seconds=seconds, code=code):
                self._instruments.holds.add(1, {"reason": str(code)})
                name, more = "held", {"seconds": seconds, "reason": str(code)}
            case WorkerLost(worker=worker, in_flight=number):
                self._instruments.lost.add(1)
                name, more = "worker lost", {"worker": worker, "in_flight": number}
            case Stopped(cause=cause, code=code):
                name, more = "stopped", {"cause": str(cause), "reason": str(code)}
            case LookedUp(found=found, absent=absent, unknown=unknown):
                name, more = "looked up", {"found": found, "absent": absent, "unknown": unknown}
            case SendingBegan(queued=queued, processes=processes):
                name, more = "sending began", {"queued": queued, "processes": processes}
            case RoundBegan(texts=texts):
                name, more = "round began", {"texts": texts}
            case Waiting(until=until):
                name, more = "waiting", {"until": until}
            case LedgerFailed(error=error):
                name, more = "ledger failed", {"error.type": error}
            case Paused():
                name = "paused"
            case Continued():
                name = "continued"
            case _:
                return
        if self._now is not None:
            self._now.add_event(name, more)


class _Instruments:
    """What is counted and measured. Names as OpenTelemetry has them: an exporter for Prometheus makes `rumbleup_texts_total` of
    `rumbleup.texts`."""

    def __init__(self, meter: Meter, telemetry: Telemetry) -> None:
        self.texts = meter.create_counter("rumbleup.texts", "{text}", "Contacts accounted for, by state and code of the reason.")
        self.runs = meter.create_counter("rumbleup.runs", "{run}", "Runs that have ended, by the cause; done: worked through.")
        self.holds = meter.create_counter("rumbleup.holds", "{hold}", "Times at which nothing could leave, by the reason's code.")
        self.held = meter.create_counter("rumbleup.hold", "s", "Seconds in which nothing could leave.")
        self.throttled = meter.create_counter("rumbleup.throttled", "{answer}", 'Answers "not now".')
        self.lost = meter.create_counter("rumbleup.worker_processes.lost", "{process}", "Worker processes that have died.")
        self.under_way = meter.create_up_down_counter("rumbleup.runs.under_way", "{run}", "Runs that are sending.")
        self.answers = meter.create_histogram(
            "rumbleup.answer",
            "s",
            "Time until the answers that were timed: those of every sixteenth text, or all.",
            explicit_bucket_boundaries_advisory=LATENCIES,
        )
        self.steps = meter.create_histogram(
            "rumbleup.ledger.step", "s", "Durable steps of the ledger.", explicit_bucket_boundaries_advisory=STEP_LATENCIES
        )
        words = "Texts whose answer is not in the ledger yet."
        meter.create_observable_gauge("rumbleup.texts.in_flight", [telemetry.in_flight], "{text}", words)
        words = "Texts a second that may leave, learned or asked for."
        meter.create_observable_gauge("rumbleup.rate_limit", [telemetry.limit], "{text}/s", words)


def spread(bounds: Sequence[float], buckets: Sequence[int], together: float) -> list[tuple[float, int]]:
    """Of durations that were counted between these bounds, and of which only the sum is known besides, values that give the same
    counts and, as far as the bounds allow, the same sum: seconds, each so many times."""
    ranges = [*pairwise((0.0, *bounds)), (bounds[-1], 2 * bounds[-1])]
    counted = [(low, high, number) for (low, high), number in zip(ranges, buckets, strict=False) if number]
    width = sum((high - low) * number for low, high, number in counted)
    if not width:
        return []
    part = (together - sum(low * number for low, _, number in counted)) / width
    part = min(1.0, max(0.01, part))
    return [(low + part * (high - low), number) for low, high, number in counted]
