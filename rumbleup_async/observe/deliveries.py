"""Metrics of what became of texts after they were sent, for Prometheus: a collector over the receipts of ledgers.

Lives here: the names of these metrics. It needs the extra `observe`, and only where somebody asks for the numbers.

    prometheus_client.REGISTRY.register(Deliveries([Path("voters-125.ledger")]))

The numbers are those that `rumbleup follow` has read; nobody is asked for them here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rumbleup_async import receipts
from rumbleup_async.errors import LedgerError

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from rumbleup_async.postgres.address import Address

MOST_CODES: Final = 20
"""Codes of carriers that are told apart; the rarer ones are together under `other`."""


class Deliveries:
    """Tells of the receipts of these ledgers. Fits the collectors of `prometheus_client`. A ledger that cannot be read is left
    out for that time."""

    def __init__(self, ledgers: Sequence[Path | Address]) -> None:
        self._ledgers = tuple(ledgers)

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand, for a registry of `prometheus_client`."""
        from prometheus_client.metrics_core import GaugeMetricFamily

        words = "Texts with a receipt, by what it says."
        deliveries = GaugeMetricFamily("rumbleup_deliveries", words, labels=("ledger", "outcome"))
        why = GaugeMetricFamily("rumbleup_undelivered", "Texts that were not delivered, by code.", labels=("ledger", "code"))
        replies = GaugeMetricFamily("rumbleup_replies", "People who wrote back.", labels=("ledger",))
        opted_out = GaugeMetricFamily("rumbleup_opted_out", "People who opted out since.", labels=("ledger",))
        asked = "Unix seconds of the last look at the receipts."
        read = GaugeMetricFamily("rumbleup_receipts_read_timestamp_seconds", asked, labels=("ledger",))
        for ledger, counts in self._counts():
            deliveries.add_metric([ledger, "delivered"], counts.delivered)
            deliveries.add_metric([ledger, "undelivered"], counts.undelivered)
            for one in counts.why[:MOST_CODES]:
                why.add_metric([ledger, one.code], one.number)
            if rest := sum(one.number for one in counts.why[MOST_CODES:]):
                why.add_metric([ledger, "other"], rest)
            replies.add_metric([ledger], counts.replied)
            opted_out.add_metric([ledger], counts.opted_out)
            read.add_metric([ledger], counts.asked)
        yield from (deliveries, why, replies, opted_out, read)

    def _counts(self) -> Iterator[tuple[str, receipts.Counts]]:
        for place in self._ledgers:
            try:
                counts = receipts.counts(place)
            except (LedgerError, OSError):
                continue
            if counts.asked:
                yield place.name if isinstance(place, Path) else place.run, counts
