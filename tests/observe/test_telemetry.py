"""What OpenTelemetry is told of a real run, as its SDK has it; and that nothing happens without one."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rumbleup_async import MemoryLedger, RumbleUp, events
from rumbleup_async.events import STEP_LATENCIES
from rumbleup_async.messaging import LATENCIES, Second
from rumbleup_async.observe.telemetry import Telemetry, spread
from rumbleup_async.reasons import Code
from rumbleup_async.simulator import Simulator
from rumbleup_async.stops import Cause

PEOPLE = [{"phone": f"202555{row:04d}", "name": "Ada"} for row in range(100, 200)]


class Sdk:
    """What an SDK would export."""

    def __init__(self) -> None:
        self.reader, self.exporter = InMemoryMetricReader(), InMemorySpanExporter()
        self.meters, self.tracers = MeterProvider([self.reader]), TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))

    def telemetry(self, each: int = 0) -> Telemetry:
        return Telemetry(each=each, meter_provider=self.meters, tracer_provider=self.tracers)

    def points(self) -> dict[str, list[Any]]:
        """Of each metric its points."""
        data = self.reader.get_metrics_data()
        metrics = [
            metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
        ] if data else []  # fmt: skip
        return {metric.name: list(metric.data.data_points) for metric in metrics}

    def value(self, name: str, **attributes: str) -> float:
        return float(sum(point.value for point in self.points()[name] if dict(point.attributes) == attributes))

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(faults={"landline": 0.2})


async def test_a_run_is_a_span_and_its_texts_are_counted(rumbleup: RumbleUp) -> None:
    """By state and reason as its summary says, and nothing of a person is in any of it."""
    sdk = Sdk()
    async with rumbleup.fast_mode(
        action=125, text="Hi {name}. STOP to opt out", ledger=MemoryLedger(), observer=sdk.telemetry()
    ) as run:
        summary = await run.send(PEOPLE)
    assert summary.refused > 0
    assert sdk.value("rumbleup.texts", state="sent", reason="") == summary.sent
    assert sdk.value("rumbleup.texts", state="refused", reason="refused_person") == summary.refused
    assert sdk.value("rumbleup.runs", cause="done") == 1
    assert sdk.value("rumbleup.runs.under_way") == 0
    (span,) = sdk.spans()
    assert (span.name, span.kind.name, span.status.is_ok) == ("send rumbleup", "PRODUCER", True)
    assert span.attributes is not None
    assert (span.attributes["rumbleup.sent"], span.attributes["messaging.system"]) == (summary.sent, "rumbleup")
    assert [event.name for event in span.events][:1] == ["sending began"]
    told = f"{[one.to_json() for one in sdk.spans()]} {sdk.points()}"
    assert not any(one["phone"] in told for one in PEOPLE)
    assert "Ada" not in told


async def test_every_so_many_th_text_is_a_span_of_the_run_s(rumbleup: RumbleUp) -> None:
    """Only where it was asked for, and below the span of its run."""
    sdk = Sdk()
    async with rumbleup.fast_mode(
        action=125, text="Hi. STOP to opt out", ledger=MemoryLedger(), observer=sdk.telemetry(each=10)
    ) as run:
        await run.send(PEOPLE)
    texts = [span for span in sdk.spans() if span.name == "deliver"]
    (whole,) = [span for span in sdk.spans() if span.name != "deliver"]
    assert len(texts) == 10
    assert whole.context is not None
    assert {span.parent.span_id for span in texts if span.parent} == {whole.context.span_id}
    assert all(span.end_time and span.start_time and span.end_time >= span.start_time for span in texts)


def test_what_comes_once_a_second() -> None:
    """Answers and steps of the ledger by how long they took, holds, throttling, the limit; and how a run ended badly."""
    sdk = Sdk()
    telemetry = sdk.telemetry()
    answers, steps = [0] * (len(LATENCIES) + 1), [0] * (len(STEP_LATENCIES) + 1)
    answers[3], answers[-1], steps[2] = 5, 1, 3
    second = Second(1, sent=6, throttled=2, held=0.5, latencies=tuple(answers), rate=98.0)
    telemetry.events([events.RunBegan("qrtxntzqqb", "rumbleup", 9), events.Held(1.0, Code.THROTTLED)])
    telemetry.events([events.SecondPassed(second, 7, 3, 0.009, 40.4, tuple(steps)), events.WorkerLost(1, 3)])
    (taken,) = sdk.points()["rumbleup.answer"]
    assert tuple(taken.explicit_bounds) == LATENCIES
    assert (taken.bucket_counts[3], taken.bucket_counts[-1], taken.count) == (5, 1, 6)
    assert taken.sum == pytest.approx(40.4)
    (step,) = sdk.points()["rumbleup.ledger.step"]
    assert (step.bucket_counts[2], step.sum) == (3, pytest.approx(0.009))
    assert sdk.value("rumbleup.throttled") == 2
    assert sdk.value("rumbleup.hold") == 0.5
    assert sdk.value("rumbleup.holds", reason="throttled") == 1
    assert sdk.value("rumbleup.texts.in_flight") == 7
    assert sdk.value("rumbleup.rate_limit") == 98.0
    telemetry.events([events.RunEnded("qrtxntzqqb", 6, 0, 0, 0, 0, 0, 1.0, Cause.DAILY_CAP)])
    assert sdk.points().get("rumbleup.rate_limit", []) == []
    (span,) = sdk.spans()
    assert (span.status.is_ok, span.status.description) == (False, "daily_cap")
    assert [event.name for event in span.events] == ["held", "worker lost"]


@given(st.lists(st.integers(0, 50), min_size=len(LATENCIES) + 1, max_size=len(LATENCIES) + 1), st.floats(0, 5000))
def test_durations_are_told_in_the_buckets_in_which_they_were_counted(buckets: list[int], together: float) -> None:
    """The percentiles of a dashboard would be wrong otherwise."""
    told = [0] * len(buckets)
    for seconds, number in spread(LATENCIES, buckets, together):
        told[next((index for index, bound in enumerate(LATENCIES) if seconds <= bound), len(LATENCIES))] += number
    assert told == buckets


def test_without_an_sdk_nothing_is_kept() -> None:
    """The API package alone does nothing, and is loaded only where somebody asks for it."""
    code = """
import sys
import rumbleup_async.observe.telemetry as module
assert not any(name.startswith("opentelemetry") for name in sys.modules)
from rumbleup_async import events
telemetry = module.Telemetry()
telemetry.events([events.RunBegan("q", "rumbleup", 1), events.RunEnded("q", 1, 0, 0, 0, 0, 0, 1.0)])
assert not any(name.startswith("opentelemetry.sdk") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
