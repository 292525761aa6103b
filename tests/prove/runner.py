"""Many worlds at once: over several processes, with one count of what was met, and one hash over everything that happened."""

import functools
import gc
import hashlib
import json
import math
import subprocess
import sys
import threading
import time
import typing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.prove import points
from tests.prove.registry import KINDS, PLAIN
from tests.prove.world import Wrong

if sys.version_info < (3, 12):  # where each `isinstance` with a protocol works out anew what the protocol asks for
    typing._get_protocol_attrs = functools.cache(typing._get_protocol_attrs)  # type: ignore[attr-defined]

_ROOT = Path(__file__).parents[2]
_BREATH = 24
"""Worlds between two collections of garbage: they are full of cycles, and short."""
_TOTALS = ("texts", "processes", "unknown")
_TELL = 60.0
"""Seconds between two words about how far it has come."""


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


def play_seeds(seeds: Sequence[int], size: int, seconds: float = math.inf, *, of: str = PLAIN) -> Iterator[dict[str, object]]:
    """One line a world; after so many seconds no further world is begun. `of`: which kind of worlds, by its name."""
    make = KINDS[of].make
    gc.disable()
    gc.freeze()
    ends = time.monotonic() + seconds
    try:
        for number, seed in enumerate(seeds):
            if time.monotonic() > ends:
                return
            if not number % _BREATH:
                gc.collect()
            try:
                settled = make(seed, size, None).play()
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
        gc.unfreeze()
        gc.enable()


def play_points(part: int, parts: int, every: int, first: int) -> Iterator[dict[str, object]]:
    """One line for each crash point of this part of them all."""
    gc.disable()
    gc.freeze()
    try:
        number = -1
        kinds = ((points.single(every=every), False), (points.double(first=first), False), (points.with_verdicts(), True))
        for found, has_rules in kinds:
            for death in found:
                number += 1
                if number % parts != part:
                    continue
                if not number // parts % _BREATH:
                    gc.collect()
                try:
                    texts = points.play(death, has_rules=has_rules)
                except AssertionError as error:
                    yield {"seed": number, "wrong": f"{death}: {error}"}
                else:
                    yield {"seed": number, "texts": texts, "processes": 2, "met": _kinds(death, has_rules)}
    finally:
        gc.unfreeze()
        gc.enable()


def _kinds(death: Sequence[points.Point], has_rules: bool) -> dict[str, int]:
    last = death[-1]
    word = {"step": "killed at a step", "cancel": "cancelled at a step"}.get(last.what, f"killed {last.what} a commit")
    found = {word + (" with verdicts" if has_rules else " of the recovery" if len(death) > 1 else ""): 1}
    if last.kind == "expire":
        found[f"killed {last.what} the dead are expired"] = 1
    return found


class _Sum:
    """Lines of all processes, added up as they come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = self._told = time.monotonic()
        self._met: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()
        self._wrongs: list[str] = []
        self._hashes: list[tuple[int, str]] = []

    def listen(self, worker: "subprocess.Popen[str]") -> None:
        assert worker.stdout is not None
        lines = 0
        with worker.stdout:
            for line in worker.stdout:
                self._add(json.loads(line))
                lines += 1
        if worker.wait() or not lines:
            self._wrongs.append(f"a process of the proof ended with {worker.returncode}")

    def _add(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._hashes.append((line["seed"], str(line.get("hash"))))
            if "wrong" in line:
                self._wrongs.append(line["wrong"])
                print(line["wrong"], file=sys.stderr, flush=True)
            self._met.update(line.get("met", {}))
            for name in _TOTALS:
                self._totals[name] += line.get(name, 0)
            if time.monotonic() > self._told + _TELL:
                self._told = time.monotonic()
                said = f"{len(self._hashes):,} worlds, {self._totals['texts']:,} texts, {len(self._wrongs)} promises broken"
                print(f"{self._told - self._began:.0f} s: {said}", file=sys.stderr, flush=True)

    def total(self) -> Total:
        digest = hashlib.blake2b(digest_size=8)
        for _, found in sorted(self._hashes):
            digest.update(found.encode())
        texts, processes, unknown = (self._totals[name] for name in _TOTALS)
        seconds = time.monotonic() - self._began
        return Total(len(self._hashes), texts, processes, unknown, self._met, self._wrongs, digest.hexdigest(), seconds)


def spread(arguments: Sequence[Sequence[str]]) -> Total:
    """Run `python -m tests.prove` once with each of these lists of arguments, side by side, and add up their lines."""
    found = _Sum()
    workers = [
        subprocess.Popen([sys.executable, "-m", "tests.prove", *some], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        for some in arguments
    ]
    with ThreadPoolExecutor(len(workers)) as threads:  # each is listened to all the time, or its pipe would fill up
        list(threads.map(found.listen, workers))
    return found.total()
