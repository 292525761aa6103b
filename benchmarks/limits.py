"""At the provider's limit: how much of what it lets through is got, by `rumbleup send` and by the loop a user would write.

Each row is a limiting server of its own, which counts. Both senders run against one each at the same time. Rows run side by side
as long as all that runs sends no more texts a second together than two cores bear with ease.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from benchmarks.limiters import BY_KEY, PROVIDERS, Kind, Provider
from benchmarks.limits_table import OURS, PLAIN
from benchmarks.results import Limited, Measured, Seen
from benchmarks.running import folder, loop, say
from benchmarks.senders import job as jobs

SECONDS = 60.0
_QUICK = ("after1-100", "at-once-10")
_AT_ONCE = 2_900.0
"""Texts a second of all runs that go on side by side: about half of two cores, servers and plain loops counted."""
_PATIENCE = 60.0
_WRONG = 2
"""The exit code of a command that was refused before its first text."""


def main(
    *,
    quick: bool = False,
    rows: Sequence[str] = (),
    seconds: float | None = None,
    alone: bool = False,
    options: Sequence[str] = (),
) -> Measured:
    """All rows, or those asked for. `alone`: without the plain loop. `options`: more of them for `rumbleup send`."""
    chosen = [BY_KEY[key] for key in rows or (_QUICK if quick else BY_KEY)]
    lasts = seconds or (3.0 if quick else SECONDS)
    names = (OURS,) if alone else (OURS, PLAIN)
    # The longest first, then those that leave the least room for others.
    waiting = sorted(chosen, key=lambda row: (-(row.lasts or 0.0), -row.most))
    running: dict[Future[Seen], tuple[Provider, str]] = {}
    seen: dict[str, dict[str, Seen]] = {row.key: {} for row in chosen}
    with folder() as work, ThreadPoolExecutor(2 * len(chosen)) as pool:
        while waiting or running:
            load = sum(row.most for row, _ in running.values())
            while fitting := [row for row in waiting if not running or load + len(names) * row.most <= _AT_ONCE]:
                row = fitting[0]
                waiting.remove(row)
                for name in names:
                    running[pool.submit(_run, name, row, work / f"{row.key}-{len(name)}", lasts, options)] = row, name
                load += len(names) * row.most
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                row, name = running.pop(done)
                seen[row.key][name] = done.result()
    limited = [Limited(row.key, row.title, _lasts(row, lasts), seen[row.key]) for row in PROVIDERS if row.key in seen]
    return Measured(notes=[f"runs of {lasts:g} s, 100 ms an answer, event loop: {loop()}"], limits=limited)


def _lasts(row: Provider, seconds: float) -> float:
    return max(seconds, row.lasts or 0.0) if seconds >= SECONDS else seconds


def _run(name: str, row: Provider, work: Path, seconds: float, options: Sequence[str]) -> Seen:
    """One sender against a server of its own."""
    work.mkdir()
    lasts = _lasts(row, seconds)
    command = [sys.executable, "-m", "benchmarks.limiter", row.key, "--seconds", str(lasts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/api"
            texts = int(row.most * lasts * 1.2) + 1_000
            with (work / "said").open("w+") as said, _sender(name, row, url, work, texts, options, said.fileno()) as sender:
                try:
                    truth = json.loads(_line(server, sender, lasts))
                finally:
                    told = _stop(name, sender)
                said.seek(0)
                told = _cause(told, said.read().replace(str(work), "..."))
        finally:
            server.kill()
    found = Seen(
        accepted=truth[Kind.ACCEPTED],
        throttled=truth[Kind.THROTTLED],
        lost=" ".join(
            str(int(one) + int(other)) for one, other in zip(truth[Kind.LOST].split(), truth[Kind.BROKEN].split(), strict=True)
        ),
        in_hold=truth["in_hold"],
        said=told,
    )
    rates = " ".join(f"{found.rate(start, min(start + 10.0, lasts)):.0f}" for start in range(0, int(lasts), 10))
    share = f"{found.share():.1%} of 429, {found.in_hold} in a hold"
    say(f"{row.title}: {name}, by ten seconds {rates} a second; {share} {found.said}".strip())
    return found


def _sender(
    name: str, row: Provider, url: str, work: Path, texts: int, options: Sequence[str], said: int
) -> subprocess.Popen[str]:
    limits = ["--concurrency", str(row.concurrency)]
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    if name == PLAIN:
        command = [
            sys.executable,
            "-m",
            "benchmarks.senders.persistent",
            "--url",
            url,
            "--texts",
            str(texts),
            *limits,
            "--loop",
            loop(),
        ]
    else:
        listed = work / "list.csv"
        job = jobs.Job(url, texts, row.concurrency, None, "", None)  # type: ignore[arg-type]  # only its numbers are wanted
        listed.write_text("phone,first_name\n" + "".join(f"{job.phone(number)},Ada\n" for number in range(texts)), "utf-8")
        command = [sys.executable, "-m", "rumbleup_async", "send", str(listed), "--action", "125", "--text", jobs.TEMPLATE]
        command += ["--yes", "--json", *(() if "--concurrency" in options else limits), *options]
        if row.processes > 1:
            command += ["--processes", str(row.processes)]
        if row.lost and "--unknown-limit" not in options:
            command += ["--unknown-limit", "none"]  # what is measured is the pace, not when a run gives up
        environment |= {"RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": url, "COLUMNS": "120"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment)


def _cause(told: str, said: str) -> str:
    """Why ours ended, if nobody interrupted it."""
    if not told:
        return said.strip()[-200:]
    stopped = json.loads(told).get("stopped") or ""
    return "" if stopped.startswith("interrupted") else str(stopped)


def _line(server: subprocess.Popen[str], sender: subprocess.Popen[str], seconds: float) -> str:
    """What the server saw; an error if the sender ends before its first text."""
    assert server.stdout is not None
    lines = ThreadPoolExecutor(1)
    reading = lines.submit(server.stdout.readline)
    until = time.monotonic() + seconds + _PATIENCE
    while not reading.done():
        if time.monotonic() > until or sender.poll() == _WRONG:
            server.kill()
            raise RuntimeError(f"no text came: the sender's exit code is {sender.poll()}")
        time.sleep(0.05)
    lines.shutdown()
    return reading.result()


def _stop(name: str, sender: subprocess.Popen[str]) -> str:
    """Interrupt ours as a person would, and hear what it says; the plain loop has nothing to say."""
    if name == PLAIN:
        sender.kill()
        return ""
    if sender.poll() is None:
        sender.send_signal(signal.SIGINT)
    try:
        return sender.communicate(timeout=20.0)[0].strip()
    except subprocess.TimeoutExpired:
        sender.kill()
        return ""
