"""Metrics of what came after the send."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.observe.deliveries import Deliveries
from rumbleup_async.receipts.opening import open_store
from rumbleup_async.receipts.told import Fact, Told, What
from tests.exports.made import PLAN, make, told


async def test_receipts_are_told_as_they_are_kept(tmp_path: Path) -> None:
    """By ledger; one that nobody follows, and one that is not there, have no numbers, which are not 0."""
    for name in ("a", "b"):
        await make(SqliteLedger(tmp_path / f"{name}.ledger"), [str(row) for row in range(40)])
    registry = CollectorRegistry()
    registry.register(Deliveries([tmp_path / f"{name}.ledger" for name in ("a", "b", "c")]))
    assert registry.get_sample_value("rumbleup_replies", {"ledger": "a.ledger"}) is None
    store = open_store(tmp_path / "a.ledger", PLAN.run, makes=True)
    assert store is not None
    store.take(told())
    store.take([Fact(row, Told("", What.UNDELIVERED, f"rl_{row:032x}", f"code {row}")) for row in range(10, 32)])
    store.looked()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"rumbleup_{name}", {"ledger": "a.ledger", **labels})

    assert (value("deliveries", outcome="delivered"), value("deliveries", outcome="undelivered")) == (1, 23)
    assert (value("replies"), value("opted_out")) == (2, 1)
    assert (value("undelivered", code="code 10"), value("undelivered", code="other")) == (1, 3)
    assert (value("receipts_read_timestamp_seconds") or 0) > 1.7e9
    assert registry.get_sample_value("rumbleup_replies", {"ledger": "b.ledger"}) is None
    store.close()
