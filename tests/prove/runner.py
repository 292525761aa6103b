"""Many worlds at once: over several processes, with one count of what was met, and one hash over everything that happened."""

import gc
import hashlib
import json
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.prove import points
from tests.prove.world import World, Wrong

_ROOT = Path(__file__).parents[2]
_BREATH = 8
"""Worlds between two collections of garbage: they are full of cycles, and short."""


class Total(NamedTuple):
    """What many worlds came to."""

    worlds: int
    texts: int
    processes: int
    unknown: int
    met: Counter[str]
    wrongs: list[str]
    hash: str
    seconds: float


def play_seeds(seeds: Sequence[int], size: int, seconds: float = math.inf) -> Iterator[dict[str, object]]:
    """One line a world; after so many seconds no further world is begun."""
    gc.disable()
    ends = time.monotonic() + seconds
    try:
        for number, seed in enumerate(seeds):
            if time.monotonic() > ends:
                return
            if not number % _BREATH:
                gc.collect()
            try:
                settled = World(seed, size).play()
            except Wrong as error:
                yield {"seed": seed, "wrong": str(error)}
            else:
                yield {
                    "seed": seed,
                    "texts": settled.texts,
                    "processes": settled.processes,
                    "unknown": settled.unknown,
                    "met": dict(sorted(settled.met.items())),
                    "hash": settled.hash,
                }
    finally:
        gc.enable()


def play_points(part: int, parts: int, every: int, first: int) -> Iterator[dict[str, object]]:
    """One line for each crash point of this part of them all."""
    gc.disable()
    try:
        number = -1
        for found in (points.single(every=every), points.double(first=first)):
            for death in found:
                number += 1
                if number % parts != part:
                    continue
                if not number // parts % _BREATH:
                    gc.collect()
                try:
                    texts = points.play(death)
                except AssertionError as error:
                    yield {"seed": number, "wrong": f"{death}: {error}"}
                else:
                    yield {"seed": number, "texts": texts, "processes": 2, "met": {_kind(death): 1}}
    finally:
        gc.enable()


def _kind(death: Sequence[points.Point]) -> str:
    word = {"step": "killed at a step", "cancel": "cancelled at a step"}.get(death[-1].what, f"killed {death[-1].what} a commit")
    return word + (" of the recovery" if len(death) > 1 else "")


def spread(arguments: Sequence[Sequence[str]]) -> Total:
    """Run `python -m tests.prove` once with each of these lists of arguments, side by side, and add up their lines."""
    began = time.monotonic()
    workers = [
        subprocess.Popen([sys.executable, "-m", "tests.prove", *some], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        for some in arguments
    ]
    lines = []
    with ThreadPoolExecutor(len(workers)) as threads:  # each is listened to all the time, or its pipe would fill up
        outs = list(threads.map(lambda worker: worker.communicate()[0], workers))
    for worker, out in zip(workers, outs, strict=True):
        found = [json.loads(line) for line in out.splitlines()]
        if worker.returncode or not found:
            found.append({"seed": -1, "wrong": f"a process of the proof ended with {worker.returncode}"})
        lines += found
    return add_up(lines, time.monotonic() - began)


def add_up(lines: Sequence[dict[str, object]], seconds: float) -> Total:
    """All lines as one."""
    met: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    wrongs = []
    digest = hashlib.blake2b(digest_size=8)
    for line in sorted(lines, key=lambda line: int(str(line["seed"]))):
        if "wrong" in line:
            wrongs.append(str(line["wrong"]))
            continue
        found = line["met"]
        assert isinstance(found, dict)
        met.update(found)
        for name in ("texts", "processes", "unknown"):
            totals[name] += int(str(line.get(name, 0)))
        digest.update(str(line.get("hash")).encode())
    return Total(len(lines), totals["texts"], totals["processes"], totals["unknown"], met, wrongs, digest.hexdigest(), seconds)
