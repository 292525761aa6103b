"""Metrics of a real run, as a registry of Prometheus has them."""

import json
import math
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rumbleup_async import MemoryLedger, RumbleUp, events
from rumbleup_async.events import STEP_LATENCIES
from rumbleup_async.messaging import LATENCIES, Second
from rumbleup_async.observe.metrics import Metrics
from rumbleup_async.reasons import Code
from rumbleup_async.simulator import Simulator
from rumbleup_async.stops import Cause


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(faults={"landline": 0.2})


async def test_a_run_is_counted_as_its_summary_says(rumbleup: RumbleUp) -> None:
    """By state and reason; and at its end nothing is under way any more."""
    metrics, registry = Metrics(), CollectorRegistry()
    registry.register(metrics)
    people = [{"phone": f"202555{row:04d}"} for row in range(100, 200)]
    async with rumbleup.fast_mode(action=125, text="Hi. STOP to opt out", ledger=MemoryLedger(), observer=metrics) as run:
        summary = await run.send(people)
    assert summary.refused > 0
    assert value(registry, "rumbleup_texts_total", state="sent", reason="") == summary.sent
    assert value(registry, "rumbleup_texts_total", state="refused", reason="refused_person") == summary.refused
    assert value(registry, "rumbleup_runs_total", cause="done") == 1
    assert value(registry, "rumbleup_runs_under_way") == 0
    assert value(registry, "rumbleup_texts_in_flight") == 0


def test_seconds_add_up() -> None:
    """What comes once a second: answers by how long they took, holds, throttling, the limit, the ledger."""
    metrics, registry = Metrics(), CollectorRegistry()
    registry.register(metrics)
    slow = [0] * (len(LATENCIES) + 1)
    slow[3], slow[-1] = 5, 1
    second = Second(1, sent=6, throttled=2, held=0.5, latencies=tuple(slow), rate=98.0)
    metrics.events([events.RunBegan("qrtxntzqqb", "rumbleup", 9), events.Held(1.0, Code.THROTTLED)])
    steps = (2, *[0] * (len(STEP_LATENCIES) - 1), 1)
    metrics.events([events.SecondPassed(second, 7, 3, 0.25, 2.5, steps), events.SecondPassed(second, 8, 3, 0.25, 2.5, steps)])
    assert value(registry, "rumbleup_answer_seconds_bucket", le="0.05") == 0
    assert value(registry, "rumbleup_answer_seconds_bucket", le="0.1") == 10
    assert value(registry, "rumbleup_answer_seconds_count") == 12
    assert value(registry, "rumbleup_answer_seconds_sum") == 5.0
    assert value(registry, "rumbleup_throttled_total") == 4
    assert value(registry, "rumbleup_holds_total", reason="throttled") == 1
    assert value(registry, "rumbleup_hold_seconds_total") == 1.0
    assert value(registry, "rumbleup_ledger_step_seconds_bucket", le="0.001") == 4
    assert value(registry, "rumbleup_ledger_step_seconds_count") == 6
    assert value(registry, "rumbleup_ledger_step_seconds_sum") == 0.5
    assert value(registry, "rumbleup_texts_in_flight") == 8
    assert value(registry, "rumbleup_rate_limit") == 98.0
    metrics.events([events.RunEnded("qrtxntzqqb", 6, 0, 0, 0, 0, 0, 1.0, Cause.DAILY_CAP)])
    assert math.isnan(value(registry, "rumbleup_rate_limit") or 0.0)
    assert value(registry, "rumbleup_runs_total", cause="daily_cap") == 1


def test_what_is_served_can_be_read_back() -> None:
    """In the form that Prometheus reads, each metric with its words."""
    registry = CollectorRegistry()
    registry.register(Metrics())
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    assert len(families) == 11
    assert all(family.documentation.endswith(".") and family.name.startswith("rumbleup_") for family in families)


def test_the_dashboard_and_the_alerts_know_these_metrics() -> None:
    """A metric that was renamed would leave a panel empty, and an alert silent."""
    registry = CollectorRegistry()
    registry.register(Metrics())
    known = {family.name for family in text_string_to_metric_families(generate_latest(registry).decode())}
    folder = Path(__file__).parents[2] / "examples/grafana"
    asked = set()
    for file in ("dashboard.json", "alerts.yml"):
        asked |= set(re.findall(r"rumbleup_[a-z_]+", (folder / file).read_text(encoding="utf-8")))
    assert json.loads((folder / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    assert {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked - {"rumbleup_async"}} <= known
