"""Texts a second: fast mode with its promise on, against what anybody would write first, what an expert would write, and others'
libraries, all on one server over loopback. What counts are the ratios."""

from __future__ import annotations

from benchmarks import cores, peers_env
from benchmarks.official_sdk import SDK, SDK_AIOHTTP
from benchmarks.results import Group, Measured
from benchmarks.running import Sender, capacity, folder, interleaved, loop, say
from benchmarks.serving import serving

NAIVE = "naive aiohttp loop"
TUNED = "tuned aiohttp workers"
HEADLINE = "ours, ledger on disk"
_MEMORY = "ours, ledger in memory"
_ONE, _TWO = "ours, list in the ledger, 1 process", "ours, list in the ledger, 2 processes"
_WIDE, _WIDE_MEMORY = "ours, ledger on disk, 256 in flight", "ours, ledger in memory, 256 in flight"
_FLOOR = "wrk (C, no promise, no books)"
ROUNDS = 5


def senders(*, quick: bool) -> list[Sender]:
    """Everybody. Ours runs on uvloop as its command does; the others on what their documents show."""
    fast = ("--loop", loop())

    def texts(number: int) -> int:
        return 120 if quick else number

    return [
        Sender(NAIVE, "naive", texts(15_000)),
        Sender(HEADLINE, "ours", texts(60_000), (*fast, "--transport", "auto")),
        Sender(_MEMORY, "ours", texts(60_000), (*fast, "--ledger", "memory")),
        Sender(_WIDE, "ours", texts(60_000), (*fast, "--transport", "auto"), concurrency=256),
        Sender(_WIDE_MEMORY, "ours", texts(60_000), (*fast, "--ledger", "memory"), concurrency=256),
        Sender("ours, ledger on disk, from a CSV", "ours", texts(60_000), (*fast, "--source", "csv")),
        Sender("ours, ledger on disk, asyncio's loop", "ours", texts(40_000)),
        Sender("ours, ledger on disk, over aiohttp", "ours", texts(20_000), (*fast, "--transport", "aiohttp")),
        Sender(_ONE, "ours", texts(60_000), (*fast, "--source", "loaded", "--steady")),
        Sender(_TWO, "ours", texts(60_000), (*fast, "--source", "loaded", "--steady", "--processes", "2")),
        Sender(TUNED, "tuned", texts(15_000)),
        Sender(f"{TUNED}, uvloop", "tuned", texts(20_000), ("--loop", "uvloop")),
        Sender("pyreqwest (Rust), uvloop", "pyreqwest_peer", texts(30_000), ("--loop", "uvloop"), peer=True),
        Sender("requests, 64 threads", "requests_peer", texts(2_000), peer=True),
        Sender("httpx", "httpx_peer", texts(500), peer=True),
        Sender(SDK, "sendblue_peer", texts(500), peer=True),
        Sender(SDK_AIOHTTP, "sendblue_peer", texts(2_000), ("--aiohttp",), peer=True),
        Sender(_FLOOR, "wrk", 0, ("--seconds", "1" if quick else "2")),
    ]


def main(*, quick: bool = False) -> Measured:
    """The comparison."""
    trouble = None if quick else peers_env.prepare()
    if trouble:
        say(trouble)
    rounds = 1 if quick else ROUNDS
    with folder() as work, serving(work) as served:
        drawn, by = capacity(served, work, concurrency=64, quick=quick)
        rows = interleaved(senders(quick=quick), served, work, rounds)
    second = cores.worth(rounds=3 * rounds, quick=quick)
    compare = [(HEADLINE, other) for other in (_MEMORY, _FLOOR, SDK, SDK_AIOHTTP)] + [(_WIDE, _WIDE_MEMORY), (_TWO, _ONE)]
    whole = [row for row in rows if row.name not in {_ONE, _TWO}]
    spread = [row for row in rows if row.name in {_ONE, _TWO}]
    return Measured(
        rounds=rounds,
        notes=["http, 64 in flight where nothing else is said"],
        groups=[
            Group("Texts a second, start and end included", NAIVE, whole, served.name, drawn, by, compare=compare[:-1]),
            Group("The same without start and end, by processes", _ONE, spread, served.name, drawn, by, True, compare[-1:]),
        ],
        figures=[second],
    )
