"""What several senders of one run in a database reach, and what a long list costs there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psycopg

from benchmarks import lists
from benchmarks.results import Figure
from benchmarks.running import SenderFailed, say
from benchmarks.serving import Served, serving
from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.reader import Reader
from tests.database import Database

LATENCY: Final = 0.1
IN_FLIGHT: Final = 200
SENDERS: Final = (1, 2)
_SENT: Final = "SELECT at, sum(sent), count(*) FROM rumbleup.second WHERE sent > 0 GROUP BY at ORDER BY at"
_NINE_TENTHS: Final = """DO $$ BEGIN
    FOR n IN 0 .. {rows} / 1000 - 1 LOOP
        UPDATE rumbleup.contact SET state = 2, logid = 'rl_00000000000000000000000000000001', time = 1796109158000
            WHERE run = (SELECT max(id) FROM rumbleup.run) AND row BETWEEN n * 1000 + 1 AND n * 1000 + 1000 AND state = 0;
        COMMIT;
    END LOOP;
END $$"""
_LONGEST: Final = 300


def cpu(postmaster: int) -> float:
    """CPU seconds of a database server so far: of its first process, of those that it has started, and of those that ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue  # it has just ended
        number = int(stat.parent.name)
        if number == postmaster:
            ticks += sum(map(int, words[11:15]))  # its own, and those of children that it has waited for
        elif int(words[1]) == postmaster:
            ticks += sum(map(int, words[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def empty(server: Database) -> None:
    """Take all runs away."""
    with psycopg.connect(server.address(), autocommit=True) as db:
        db.execute("TRUNCATE rumbleup.run CASCADE")
        db.execute("TRUNCATE rumbleup.contact, rumbleup.kept, rumbleup.kind")


def long_lists(server: Database, postmaster: int, work: Path, lengths: Sequence[int], rounds: int) -> list[Figure]:
    """Lists of these lengths come in by COPY, and are gone on with: at once, and with nine tenths sent."""
    figures = []
    for rows in lengths:
        path = work / f"{rows}.csv"
        lists.write_list(path, rows)
        measured: dict[tuple[str, str], list[float]] = {}
        for number in range(rounds if rows <= max(1_000_000, lengths[0]) else 1):
            address = server.address("long")
            before = cpu(postmaster)
            for name, found in lists.measure("load", path, address, rows).items():
                measured.setdefault((name, found[1]), []).append(found[0])
            measured.setdefault(("processor of the database", "µs a row"), []).append(1e6 * (cpu(postmaster) - before) / rows)
            ((_, (seconds, unit)),) = lists.measure("reopen", path, address, rows).items()
            measured.setdefault(("resuming", unit), []).append(seconds)
            with psycopg.connect(server.address(), autocommit=True) as db:
                db.execute(_NINE_TENTHS.format(rows=rows * 9 // 10).encode())
            ((_, (seconds, unit)),) = lists.measure("reopen", path, address, rows).items()
            measured.setdefault(("resuming, nine tenths sent", unit), []).append(seconds)
            empty(server)
            say(f"a list of {rows:,} rows in a database, round {number + 1}")
        path.unlink()
        figures += [Figure(name, unit, values, "", f"{rows:,} rows") for (name, unit), values in measured.items()]
    return figures


def several(server: Database, work: Path, texts: int, rounds: int) -> list[Figure]:
    """Texts a second of one sender and of two, at 100 ms an answer: pairs of rounds, and how many times as many two send.
    `texts`: of each sender."""
    rates: dict[int, list[float]] = {number: [] for number in SENDERS}
    missing = ""
    path = work / "several.csv"
    with serving(work, latency=LATENCY) as served:
        for number in range(rounds):
            for senders in SENDERS:
                lists.write_list(path, texts * senders)
                try:
                    rates[senders].append(_rate(server, served, path, texts * senders, senders))
                except SenderFailed as error:
                    missing = f"failed: {error}"
                empty(server)
                say(f"{senders} senders, {LATENCY * 1000:g} ms an answer, round {number + 1} of {rounds}")
    ratios = [two / one for one, two in zip(*rates.values(), strict=False)]
    names = {1: "one sender", 2: "two senders"}
    figures = [Figure(names[senders], "texts/s", found, missing, "") for senders, found in rates.items()]
    return [*figures, Figure("two against one", "times", ratios, missing, "")]


def _rate(server: Database, served: Served, path: Path, texts: int, senders: int) -> float:
    """Texts a second while all of them send."""
    address = server.address("several")
    lists.measure("load", path, address, texts)
    environment = {**os.environ, "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": served.url}
    options = ["--concurrency", str(IN_FLIGHT), "--quiet"]
    with ExitStack() as stack:
        begun = [stack.enter_context(_begun("resume", address, "--yes", *options, environment=environment))]
        while begun[0].poll() is None and not _is_sent(address):
            time.sleep(0.05)
        begun += [stack.enter_context(_begun("join", address, *options, environment=environment)) for _ in range(senders - 1)]
        for process in begun:
            _await(process)
    with psycopg.connect(server.address()) as db:
        found = db.execute(_SENT).fetchall()
    together = [int(at) for at, _, machines in found if machines == senders]
    first, last = (together[0] + 1, together[-1] - 1) if together else (1, 0)
    if last < first:
        raise SenderFailed("they never sent at the same time for long; give each of them more texts")
    # A sender on a busy machine notes what it sent a second late: all of it counts, over all seconds in between.
    return sum(int(sent) for at, sent, _ in found if first <= at <= last) / (last - first + 1)


@contextmanager
def _begun(*arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "rumbleup_async", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _await(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=_LONGEST)
    if process.returncode:
        raise SenderFailed((said.strip().splitlines() or ["it printed nothing"])[-1][:200])


def _is_sent(address: str) -> bool:
    try:
        reader = Reader(parse(address))
    except LedgerError:
        return False
    try:
        return bool(reader.senders)
    finally:
        reader.close()
