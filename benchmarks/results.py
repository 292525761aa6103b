"""What a part measured, as it is kept: raw figures of every run, so that tables can be made again and of several parts at once.

Lives here: values, files, medians. Prints nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

FOLDER = Path(__file__).with_name("results")
"""Where results are kept; one file a part. docs/performance.md is made of them."""

HALF = 0.5
"""Seconds of one count of texts at a limiter."""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sender, once. `seconds`: from its first step to its last. `cpu_seconds`: of its process tree. `steady`: texts a second
    between a quarter and nineteen twentieths of the texts. `server_busy`: share of one core that the server took meanwhile."""

    texts: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    steady: float | None = None
    server_busy: float | None = None


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sender in all rounds. `missing`: why it was not measured."""

    name: str
    runs: list[Run] = []
    missing: str = ""

    def rates(self, *, steady: bool) -> list[float]:
        """Texts a second, round by round."""
        return [run.steady if steady and run.steady is not None else run.texts / run.seconds for run in self.runs]


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rows that were measured side by side on one server. `capacity`: answers a second that were drawn from it in the same run,
    by `drawn_by`."""

    name: str
    baseline: str
    rows: list[Row]
    server: str = ""
    capacity: float | None = None
    drawn_by: str = ""
    steady: bool = False
    compare: list[tuple[str, str]] = []
    """Pairs of rows whose ratio is a figure of its own."""

    def row(self, name: str) -> Row | None:
        """The row of this name, if it was measured."""
        return next((row for row in self.rows if row.name == name and row.runs), None)

    def ratios(self, name: str, to: str) -> list[float]:
        """One row's rate by another's, round by round; empty if one of them is missing."""
        ours, other = self.row(name), self.row(to)
        if ours is None or other is None:
            return []
        return [mine / its for mine, its in zip(ours.rates(steady=self.steady), other.rates(steady=self.steady), strict=False)]


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something else than texts a second, round by round."""

    name: str
    unit: str
    values: list[float]
    missing: str = ""
    column: str = ""
    """Beside which other figures of the same name it stands in a table."""


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a limiting server saw of one sender: counts by half seconds since the first request, each kind in one string, for a
    line a count would fill the file. `in_hold`: texts that came before the end of a `Retry-After` that was told before they left.
    `said`: why the sender ended by itself, "" if it was interrupted."""

    accepted: str
    throttled: str
    lost: str = ""
    in_hold: int = 0
    said: str = ""

    def counts(self) -> list[int]:
        """Texts accepted, by half seconds."""
        return [int(count) for count in self.accepted.split()]

    def rate(self, start: float, end: float) -> float:
        """Texts accepted a second between these two moments."""
        return sum(self.counts()[round(start / HALF) : round(end / HALF)]) / (end - start) if end > start else 0.0

    def share(self) -> float:
        """Share of all requests that were answered 429."""
        accepted, throttled, lost = (sum(map(int, counts.split())) for counts in (self.accepted, self.throttled, self.lost))
        return throttled / (accepted + throttled + lost) if throttled else 0.0


class Limited(msgspec.Struct, frozen=True):
    """One limiter, and what it saw of each sender. `seconds`: that a run lasted."""

    key: str
    title: str
    seconds: float
    seen: dict[str, Seen]


class Machine(msgspec.Struct, frozen=True):
    """What it was measured on. `load`: runnable processes before it began. `stolen`: share of the time that the machine's host
    kept for others while it ran, None where the system does not say."""

    system: str
    processor: str
    cores: int
    versions: dict[str, str]
    load: float
    stolen: float | None = None


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of the suite."""

    name: str
    machine: Machine
    quick: bool
    rounds: int = 1
    notes: list[str] = []
    groups: list[Group] = []
    figures: list[Figure] = []
    limits: list[Limited] = []
    lines: list[str] = []
    """What is no figure, in Markdown."""


class Measured(msgspec.Struct, frozen=True):
    """What a part brings home; the command adds the machine."""

    rounds: int = 1
    notes: list[str] = []
    groups: list[Group] = []
    figures: list[Figure] = []
    limits: list[Limited] = []
    lines: list[str] = []


def write(part: Part, folder: Path) -> Path:
    """Keep a part; the last one of its name stands."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{part.name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(part))), indent=1) + b"\n")
    return path


def read(folder: Path, names: Sequence[str]) -> list[Part]:
    """The parts that are kept, in the order of `names`."""
    paths = [folder / f"{name}.json" for name in names]
    return [msgspec.json.decode(path.read_bytes(), type=Part) for path in paths if path.exists()]


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def _rounded(value: object) -> object:
    """Five digits are more than any of these figures has."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
