"""Metrics of runs for Prometheus: an observer that counts, and a collector that tells.

Lives here: the names of the metrics. It needs the extra `observe`, and only where somebody asks for the numbers.

    metrics = Metrics()
    prometheus_client.REGISTRY.register(metrics)
    async with client.fast_mode(..., observer=metrics) as run:

A text costs one addition; how long answers took comes once a second.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from rumbleup_async.events import STEP_LATENCIES, Event, Held, RunBegan, RunEnded, SecondPassed, WorkerLost
from rumbleup_async.messaging import LATENCIES, Result

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class Metrics:
    """Counts what happens in the runs that it observes; any number of them. Fits `EventObserver`, and the collectors of
    `prometheus_client`.

    Counters go up for as long as the process lives, as Prometheus wants them: a resume counts what it does itself.
    """

    is_detailed = False
    """Each text need not be told as an event: what became of it comes with the results."""

    def __init__(self) -> None:
        self._texts: Counter[tuple[str, str]] = Counter()
        self._runs: Counter[str] = Counter()
        self._latencies = [0] * (len(LATENCIES) + 1)
        self._throttled = 0
        self._held = 0.0
        self._holds: Counter[str] = Counter()
        self._steps = [0] * (len(STEP_LATENCIES) + 1)
        self._step_seconds = self._answer_seconds = 0.0
        self._in_flight = 0
        self._limit = math.nan
        self._running = 0
        self._lost = 0

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for."""
        self._texts.update((str(result.state), str(result.code)) for result in results)

    def held(self, seconds: float, reason: str) -> None:
        """Nothing leaves for so long; counted by its event."""

    def events(self, events: Sequence[Event]) -> None:
        """These have happened."""
        for event in events:
            match event:
                case SecondPassed(second=second):
                    self._latencies = [sum(pair) for pair in zip(self._latencies, second.latencies, strict=True)]
                    self._throttled += second.throttled
                    self._held += second.held
                    if event.step_latencies:
                        self._steps = [sum(pair) for pair in zip(self._steps, event.step_latencies, strict=True)]
                    self._step_seconds += event.step_seconds
                    self._answer_seconds += event.answer_seconds
                    self._in_flight = event.in_flight
                    self._limit = math.nan if second.rate is None else second.rate
                case Held(code=code):
                    self._holds[str(code)] += 1
                case RunBegan():
                    self._running += 1
                case RunEnded():
                    self._running -= 1
                    self._in_flight = 0
                    self._limit = math.nan
                    self._runs[_end(event)] += 1
                case WorkerLost():
                    self._lost += 1
                case _:
                    pass

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand, for a registry of `prometheus_client`."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        def counter(name: str, words: str, number: float) -> Metric:
            found = CounterMetricFamily(name, words)
            found.add_metric([], number)
            return found

        def counters(
            name: str, words: str, labels: tuple[str, ...], numbers: Mapping[tuple[str, str], int] | Mapping[tuple[str], int]
        ) -> Metric:
            found = CounterMetricFamily(name, words, labels=labels)
            for values, number in sorted(numbers.items()):
                found.add_metric(values, number)
            return found

        def gauge(name: str, words: str, number: float) -> Metric:
            found = GaugeMetricFamily(name, words)
            found.add_metric([], number)
            return found

        texts = "Contacts accounted for, by state and code of the reason."
        yield counters("rumbleup_texts", texts, ("state", "reason"), dict(self._texts))
        runs = "Runs that have ended, by the cause; done: worked through."
        yield counters("rumbleup_runs", runs, ("cause",), _by_one(self._runs))
        holds = "Times at which nothing could leave, by the code of the reason."
        yield counters("rumbleup_holds", holds, ("reason",), _by_one(self._holds))
        yield counter("rumbleup_hold_seconds", "Seconds in which nothing could leave.", self._held)
        yield counter("rumbleup_throttled", 'Answers "not now".', self._throttled)
        yield counter("rumbleup_worker_processes_lost", "Worker processes that have died.", self._lost)
        yield gauge("rumbleup_runs_under_way", "Runs that are sending.", self._running)
        yield gauge("rumbleup_texts_in_flight", "Texts whose answer is not in the ledger yet.", self._in_flight)
        yield gauge(
            "rumbleup_rate_limit", "Texts a second that may leave, learned or asked for; NaN without a limit.", self._limit
        )
        timed = "Seconds until the answers that were timed: those of every sixteenth text, or all."
        for name, words, bounds, counted, together in (
            ("rumbleup_answer_seconds", timed, LATENCIES, self._latencies, self._answer_seconds),
            ("rumbleup_ledger_step_seconds", "Durable steps of the ledger.", STEP_LATENCIES, self._steps, self._step_seconds),
        ):
            found = HistogramMetricFamily(name, words)
            found.add_metric([], list(zip([*map(str, bounds), "+Inf"], accumulate(counted), strict=True)), sum_value=together)
            yield found


def _end(ended: RunEnded) -> str:
    if ended.error:
        return "error"
    return "done" if ended.cause is None else str(ended.cause)


def _by_one(numbers: Mapping[str, int]) -> dict[tuple[str], int]:
    return {(name,): number for name, number in numbers.items()}
