"""What the long runs have come to, added up: `record.json` beside this file, and the tables that are made of it.

Lives here: data in a small file, no worlds. An entry holds all that was played of one kind, over one state of the code that the
promise rests on: a hash over those files, the commit at which it was first played, and the versions. What is played later over
the same state is added to it, with seeds of its own; another state has its own entries, and the former are shown as older.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).with_name("record.json")
FIRST_SEED: Final = 20_000_000
"""Where seeds of recorded runs begin: far from those that the suite plays."""

ROOMS = ("engine", "fleet", "ledger", "people", "postgres", "provider", "rules", "rumbleup", "runs", "screening", "session")
FILES = ("admission", "days", "lookups", "messaging", "money", "outcomes", "pauses", "reasons", "retry", "shielding", "stops")
"""What of the package the promise rests on."""
_WORDS = {
    "plain": "one run",
    "campaign": "all that a campaign has, at once (`--campaign`)",
    "owners": "several bookkeepers over one ledger (`--owners`)",
    "machines": "several machines over PostgreSQL (`--machines`)",
    "hours": "people who have hours (`--hours`)",
    "people": "several runs with one book (`--people`)",
    "canary": "a canary (`--canary`)",
    "money": "a budget, and pauses (`--money`)",
    "power": "power cuts, with ledger and book (`tests.power`)",
    "kills": "real processes, killed (`tests.kills`)",
    "storms": "real machines over PostgreSQL, killed (`tests.kills.machines`)",
}
REAL: Final = {"kills": "kills", "storms": "kill"}
"""What is no simulation, and what its kills are called."""


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`of`: what was played. `code`: the state of the code, "" where nobody has kept it. `seeds`: the first and the last."""

    of: str
    code: str = ""
    commit: str
    versions: str
    seeds: tuple[int, int]
    worlds: int
    processes: int
    texts: int
    unknown: int = 0
    """Left at the end, where nothing is known as sent."""
    seconds: float = 0
    wrongs: list[str] = []
    """Promises that were broken."""
    met: dict[str, int] = {}
    """How often each kind of fault was met."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What is added up: the same thing over the same state, with the same versions."""
        return self.of, self.code, self.versions

    def add(self, more: "Entry") -> None:
        """Take in what was played later."""
        self.seeds = (min(self.seeds[0], more.seeds[0]), max(self.seeds[1], more.seeds[1]))
        for name in ("worlds", "processes", "texts", "unknown", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.wrongs = [*self.wrongs, *more.wrongs][:20]
        self.met = dict(sorted((Counter(self.met) + Counter(more.met)).items()))


def read(path: Path = FILE) -> list[Entry]:
    """All entries, the oldest first."""
    return msgspec.json.decode(path.read_bytes(), type=list[Entry]) if path.exists() else []


def add(entry: Entry, path: Path = FILE) -> None:
    """Into the file, at once or not at all; several processes may do so."""
    with _alone(path):
        entries = read(path)
        for known in entries:
            if known.key == entry.key:
                known.add(entry)
                break
        else:
            entries.append(entry)
        lines = ",\n".join(msgspec.json.encode(one).decode() for one in entries)
        new = path.with_suffix(".new")
        new.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        new.replace(path)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def next_seed(of: str, path: Path = FILE) -> int:
    """The first seed that was not played yet, in no state of the code."""
    return max((entry.seeds[1] + 1 for entry in read(path) if entry.of == of), default=FIRST_SEED)


# ---- the state of the code ----


def state(root: Path = ROOT) -> str:
    """A hash over the code that the promise rests on, as it is in the files now."""
    package = root / "rumbleup_async"
    found = [package / f"{name}.py" for name in FILES]
    found += [path for room in ROOMS for path in (package / room).rglob("*.py")]
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(found):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def commit() -> str:
    """The commit of the checkout."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"


def versions() -> str:
    """Of what it was played with."""
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


# ---- what is shown ----


def newest(entries: Sequence[Entry]) -> str:
    """The state of the code that was played last."""
    return next((entry.code for entry in reversed(entries) if entry.code), "")


def table(entries: Sequence[Entry], now: str | None = None) -> str:
    """All that was recorded, by what was played. `now`: the state of the code that is not older; None: the newest recorded."""
    now = newest(entries) if now is None else now
    lines = ["", "| played | of the code | worlds | processes | texts | seeds | rarest kind | broken |"]
    lines.append("| --- | --- | ---: | ---: | ---: | --- | --- | ---: |")
    for of, words in _WORDS.items():
        for is_older in (False, True):
            found = [entry for entry in entries if entry.of == of and is_of(entry, now) != is_older]
            if not found:
                continue
            total = sum_of(found)
            commits = sorted({entry.commit for entry in found})
            at = f"older: {len(commits)} states, {commits[0]} among them" if len(commits) > 1 else f"older: {commits[0]}"
            rarest = min((f"{number:,}: {kind}" for kind, number in total.met.items()), key=_number, default="")
            where = at if is_older else f"`{now}` since {found[0].commit}"
            lines.append(
                f"| {words} | {where} | {total.worlds:,} | {total.processes:,} | {total.texts:,} "
                f"| {total.seeds[0]:,} to {total.seeds[1]:,} | {rarest} | {len(total.wrongs)} |"
            )
    return "\n".join([*lines, "", ""])


def _number(counted: str) -> int:
    return int(counted.partition(":")[0].replace(",", ""))


def sum_of(entries: Sequence[Entry]) -> Entry:
    """Of entries that are about the same."""
    total = msgspec.structs.replace(entries[0], met=dict(entries[0].met), wrongs=list(entries[0].wrongs))
    for entry in entries[1:]:
        total.add(entry)
    return total


def met(entries: Sequence[Entry]) -> str:
    """How often each kind was met in simulated worlds: over the newest state, and over all."""
    now, ever = Counter[str](), Counter[str]()
    for entry in entries:
        if entry.of not in REAL:
            ever.update(entry.met)
            now.update(entry.met if is_of(entry, newest(entries)) else {})
    rows = [f"| {number:,} | {now[kind]:,} | {kind} |" for kind, number in sorted(ever.items(), key=lambda one: (one[1], one[0]))]
    return "\n".join(["", "| met | of them over the newest state | kind |", "| ---: | ---: | --- |", *rows, "", ""])


def blows(entries: Sequence[Entry]) -> str:
    """What was done to real processes and databases."""
    lines = [""]
    for of in REAL:
        if found := [entry for entry in entries if entry.of == of]:
            counted = sum_of(found).met
            lines.append(f"- {_WORDS[of]}: " + ", ".join(f"{kind} {number:,}" for kind, number in counted.items()))
    return "\n".join([*lines, "", ""])


def line(entries: Sequence[Entry]) -> str:
    """All of it in one line, for the front page."""
    worlds = [entry for entry in entries if entry.of not in REAL]
    texts, seeds = sum(entry.texts for entry in worlds), sum(entry.worlds for entry in worlds)
    now = sum(entry.texts for entry in worlds if is_of(entry, newest(entries)))
    broken = sum(len(entry.wrongs) for entry in entries)
    link = "[docs/reliability.md](docs/reliability.md#the-long-runs)"
    return (
        f"\n> **Proved so far**: {texts:,} simulated texts in {seeds:,} worlds ({now:,} of them over the newest state recorded), "
        f"{killed(entries):,} real\n> kills, {broken} promises broken: {link}.\n\n"
    )


def is_of(entry: Entry, code: str) -> bool:
    """Whether it was played over this state of the code, as far as anybody knows."""
    return bool(code) and entry.code == code


def killed(entries: Sequence[Entry]) -> int:
    """Real processes that SIGKILL ended."""
    return sum(entry.met.get(REAL[entry.of], 0) for entry in entries if entry.of in REAL)


def shown(path: Path = FILE) -> str:
    """What `python -m tests.prove --shown` prints: the code as it is now is not older."""
    entries = read(path)
    return f"the code is in state {state()}, {commit()}\n{table(entries, state())}{blows(entries)}{met(entries)}"
