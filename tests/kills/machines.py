"""One run on several machines under blows: senders are killed, stopped and woken, the database crashes and comes back.

    python -m tests.kills.machines --seeds 10

What is drawn stands in the seed; where a process stood when it was struck is up to the machine. At the end a resume settles
what is in doubt, and the independent checker holds list, database, report and provider against each other.
"""

import argparse
import contextlib
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import database
from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, providing
from tests.acceptance.shell import Forked, Shell
from tests.acceptance.stage import Stage
from tests.database import Database

LEASE = 3
_MACHINES = 3
_STALL = 2 * LEASE
"""Seconds for which a process is stopped that is to lose its lease."""


class Storm:
    """One campaign. `server`: a database of its own, which may be ended."""

    def __init__(self, seed: int, stage: Stage, server: Database, provider: Provider, *, rows: int) -> None:
        self._chance = random.Random(seed)
        self._stage = stage
        self._server = server
        self._provider = provider
        self._rows = rows
        self._concurrency = self._chance.choice((4, 8, 16))
        self._senders: list[Forked] = []
        self._asleep: list[tuple[float, Forked]] = []
        self.blows: Counter[str] = Counter()

    def go(self, blows: int) -> Counter[str]:
        """Send the list, strike so often, settle, and check. What was done, by kind."""
        provider, stage = self._provider, self._stage
        provider.set(latency=self._chance.choice((0.01, 0.02, 0.04)))
        stage.use_database(self._server.address("storm", lease=str(LEASE)))
        source = stage.list(self._rows)
        first = stage.begin(*stage.sending(source, "--concurrency", self._concurrency))
        self._senders.append(first)
        provider.wait_for(10)
        for _ in range(blows):
            self._join()
            time.sleep(self._chance.uniform(0.1, 0.6))
            if provider.left >= self._rows * 0.95:
                break
            self._strike()
        self._wake(all_of_them=True)
        for sender in self._senders:
            done = sender.wait()
            assert done.code in {0, 1, 2, 3, 130, -signal.SIGINT, -signal.SIGKILL}, done
        for _ in range(3):
            ended = stage.resume("--settle-seconds", 0)
            assert ended.code in {0, 1}, ended.err
            if not ended.json["unknown"]:
                break
            time.sleep(1.0)
        planned = {phone(number): text_for("Ada") for number in range(self._rows)}
        crashes = self.blows["kill"] + self.blows["stall"] + self.blows["crash of the database"]
        stage.check(self._rows, summary=ended.json, planned=planned, concurrency=self._concurrency, crashes=crashes)
        assert ended.json["reasons"].get("not_sent", {}).keys() <= {"absent"}, ended.json
        return self.blows

    def _join(self) -> None:
        """Have as many machines as there are to be; somebody must be sending for others to join."""
        self._wake()
        self._senders = [sender for sender in self._senders if sender.ended_within(0) is None]
        asleep = {id(sender) for _, sender in self._asleep}
        awake = [sender for sender in self._senders if id(sender) not in asleep]
        if not awake:
            self._senders.append(self._stage.begin("resume", self._stage.ledger, "--yes", "--json", "--no-reconcile"))
        elif len(awake) < _MACHINES:
            self._senders.append(self._stage.begin("join", self._stage.ledger, "--json"))

    def _strike(self) -> None:
        asleep = {id(sender) for _, sender in self._asleep}
        awake = [sender for sender in self._senders if id(sender) not in asleep]
        what = self._chance.choices(
            ("kill", "stall", "a moment's stop", "interrupt", "crash of the database", "connections cut"), (8, 3, 3, 2, 2, 2)
        )[0]
        if what == "crash of the database":
            self._server.stop("immediate")
            time.sleep(self._chance.uniform(0.0, 1.0))
            self._server.start()
        elif what == "connections cut":
            import psycopg

            with psycopg.connect(self._server.address()) as db:
                db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rumbleup'")
        else:
            struck = self._chance.choice(awake)
            if what == "kill":
                struck.signal(signal.SIGKILL)
            elif what == "interrupt":
                struck.signal(signal.SIGINT)
            else:
                struck.signal(signal.SIGSTOP)
                self._asleep.append((time.monotonic() + (_STALL if what == "stall" else 0.3), struck))
        self.blows[what] += 1

    def _wake(self, *, all_of_them: bool = False) -> None:
        if all_of_them and self._asleep:
            time.sleep(max(0.0, max(until for until, _ in self._asleep) - time.monotonic()))
        now = time.monotonic()
        for until, sender in self._asleep:
            if until <= now:
                sender.signal(signal.SIGCONT)
        self._asleep = [(until, sender) for until, sender in self._asleep if until > now]


def storm(seed: int, folder: Path, provider: Provider, shell: Shell, *, rows: int, blows: int) -> Counter[str]:
    """One campaign over a database of its own. What was done, by kind."""
    server = database.make("-storm")
    stage = Stage(folder, provider, shell)
    try:
        return Storm(seed, stage, server, provider, rows=rows).go(blows)
    finally:
        stage.close()
        with contextlib.suppress(RuntimeError):
            server.stop()
        shutil.rmtree(server.folder)


def main() -> None:
    """So many campaigns, and what was done in all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills.machines", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--blows", type=int, default=20)
    chosen = parser.parse_args()
    total: Counter[str] = Counter()
    shell = Shell()
    with tempfile.TemporaryDirectory() as name, providing(Path(name)) as provider:
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            folder = Path(name) / str(seed)
            folder.mkdir()
            provider.reset()
            total += storm(seed, folder, provider, shell, rows=chosen.rows, blows=chosen.blows)
            print(f"seed {seed}: nobody twice, nobody lost; so far {dict(total)}", flush=True)
    shell.close()


if __name__ == "__main__":
    main()
