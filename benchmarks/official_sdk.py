"""Texts a second over Sendblue: fast mode with the ledger on disk, against the official SDK, which promises nothing."""

from __future__ import annotations

from benchmarks import peers_env
from benchmarks.results import Group, Measured
from benchmarks.running import Sender, capacity, folder, interleaved, loop, say
from benchmarks.serving import serving

SDK, SDK_AIOHTTP = "Sendblue's SDK (httpx)", "Sendblue's SDK, aiohttp extra"
_OURS = "ours over Sendblue, ledger on disk"


def senders(*, quick: bool) -> list[Sender]:
    """Ours on both loops, and what the SDK offers."""

    def texts(number: int) -> int:
        return 120 if quick else number

    return [
        Sender(_OURS, "ours_sendblue", texts(40_000), ("--loop", loop())),
        Sender(f"{_OURS}, asyncio's loop", "ours_sendblue", texts(30_000)),
        Sender("ours over Sendblue, single sends, asyncio's loop", "ours_sendblue", texts(10_000), ("--single",)),
        Sender(SDK, "sendblue_peer", texts(500), peer=True),
        Sender(SDK_AIOHTTP, "sendblue_peer", texts(2_000), ("--aiohttp",), peer=True),
    ]


def main(*, quick: bool = False) -> Measured:
    """The comparison."""
    if not quick and (trouble := peers_env.prepare()):
        say(trouble)
    rounds = 1 if quick else 3
    with folder() as work, serving(work) as served:
        drawn, by = capacity(served, work, concurrency=64, quick=quick)
        rows = interleaved(senders(quick=quick), served, work, rounds)
    group = Group("Texts a second over Sendblue", SDK, rows, served.name, drawn, by, compare=[(_OURS, SDK), (_OURS, SDK_AIOHTTP)])
    return Measured(rounds=rounds, notes=["http, 64 in flight, Sendblue's API"], groups=[group])
