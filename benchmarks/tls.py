"""The same over https, as a real API is: a certificate of this run's own, verified by everybody."""

from __future__ import annotations

from benchmarks.results import Group, Measured
from benchmarks.running import Sender, capacity, folder, interleaved, loop
from benchmarks.serving import can_do_tls, serving
from benchmarks.throughput import HEADLINE, NAIVE, TUNED


def senders(*, quick: bool) -> list[Sender]:
    """Ours on both loops and with both kinds of TLS, against aiohttp."""

    def texts(number: int) -> int:
        return 120 if quick else number

    return [
        Sender(NAIVE, "naive", texts(12_000)),
        Sender(HEADLINE, "ours", texts(30_000), ("--loop", loop())),
        Sender(f"{HEADLINE}, asyncio's loop", "ours", texts(30_000)),
        Sender(f"{HEADLINE}, TLS of {loop()}", "ours", texts(20_000), ("--loop", loop(), "--plain-tls")),
        Sender(f"{HEADLINE}, TLS of asyncio's loop", "ours", texts(20_000), ("--plain-tls",)),
        Sender(f"{HEADLINE}, over aiohttp", "ours", texts(15_000), ("--loop", loop(), "--transport", "aiohttp")),
        Sender(TUNED, "tuned", texts(12_000)),
        Sender(f"{TUNED}, uvloop", "tuned", texts(12_000), ("--loop", "uvloop")),
    ]


def main(*, quick: bool = False) -> Measured:
    """The comparison; without openssl there is no certificate, and the rows say so."""
    rounds = 1 if quick else 3
    if not can_do_tls():
        return Measured(notes=["not measured: openssl is not installed, and with it the certificate is made"])
    with folder() as work, serving(work, tls=True) as served:
        drawn, by = capacity(served, work, concurrency=64, quick=quick)
        rows = interleaved(senders(quick=quick), served, work, rounds)
    group = Group("Texts a second over https", NAIVE, rows, served.name, drawn, by, compare=[(HEADLINE, TUNED)])
    return Measured(rounds=rounds, notes=["https, TLS 1.3, 64 in flight"], groups=[group])
