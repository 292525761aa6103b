"""One run on several machines under blows: senders are killed, stopped and woken, the database crashes and comes back.

    python -m tests.kills.machines --seeds 10

What is drawn stands in the seed; where a process stood when it was struck is up to the machine. All senders reach the database
through a proxy that cuts connections. A blow comes when so many texts have left since the last one, so that each run meets all of
its blows. At the end a resume settles what is in doubt, and the independent checker holds list, database, report and provider
against each other.
"""

import argparse
import contextlib
import random
import shutil
import signal
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psycopg

from benchmarks import machine, tables
from tests import database
from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, providing
from tests.acceptance.shell import Forked, Shell
from tests.acceptance.stage import Stage
from tests.database import Database
from tests.fault_proxy import Fault, FaultProxy, proxying, seeded
from tests.prove import record

LEASE = 2
_MACHINES = 3
_STALL = 3.0 * LEASE
"""Seconds for which a process is stopped that is to lose its lease."""
_BRIEFLY = 0.3
_PATIENCE = 90.0
"""Seconds in which somebody must have sent something."""
_CUT = ("drop", "reset", "half-close", "delay", "refuse")
_MOST = 60_000
"""Bytes within which the proxy cuts a connection that it cuts at all."""

KILL, ZOMBIE, STALL, MOMENT = "kill", "zombie", "stopped beyond its lease", "a moment's stop"
INTERRUPT, CRASH, CUT = "interrupt", "crash of the database", "connections ended"
BLOWS: Mapping[str, int] = MappingProxyType({KILL: 20, ZOMBIE: 5, STALL: 2, MOMENT: 3, INTERRUPT: 2, CRASH: 5, CUT: 2})
"""What a run meets. A zombie is stopped beyond its lease, and its connections end meanwhile: it is fenced when it wakes."""


class Storm:
    """One campaign. `server`: a database of its own, which may be ended; `proxy`: how the senders reach it."""

    def __init__(
        self, seed: int, stage: Stage, server: Database, proxy: FaultProxy, provider: Provider, blows: Mapping[str, int]
    ) -> None:
        self._chance = random.Random(seed)
        self._stage = stage
        self._server = server
        self._proxy = proxy
        self._provider = provider
        self._concurrency = self._chance.choice((4, 8))
        self._order = [what for what, number in blows.items() for _ in range(number)]
        self._chance.shuffle(self._order)
        self._rows = (len(self._order) + 3) * 40
        self._senders: list[Forked] = []
        self._asleep: list[tuple[float, Forked]] = []
        self._said = ""
        """What the last one that ended had to say."""
        self.blows: Counter[str] = Counter()

    def go(self) -> Counter[str]:
        """Send the list, strike, settle, and check. What was done, by kind."""
        provider, stage, rows = self._provider, self._stage, self._rows
        provider.set(latency=self._chance.choice((0.05, 0.1)))
        stage.use_database(f"postgresql://postgres@127.0.0.1:{self._proxy.port}/postgres?run=storm&lease={LEASE}")
        first = stage.begin(*stage.sending(stage.list(rows), "--concurrency", self._concurrency))
        self._senders.append(first)
        provider.wait_for(10)
        self._proxy.choose = seeded(self._chance.random(), share=0.3, kinds=_CUT, most=_MOST)
        for number, what in enumerate(self._order, 1):
            self._go_on_until(number * 40)
            self._strike(what)
        self._wake(all_of_them=True)
        for sender in self._senders:
            self._ended(sender)
        self._proxy.choose = lambda _: Fault()
        for _ in range(3):
            ended = stage.resume("--settle-seconds", 0)
            assert ended.code in {0, 1}, ended.err
            if not ended.json["unknown"]:
                break
            time.sleep(1.0)
        assert not ended.json["unknown"], ended.json
        planned = {phone(number): text_for("Ada") for number in range(rows)}
        stage.check(rows, summary=ended.json, planned=planned)
        assert ended.json["reasons"].get("not_sent", {}).keys() <= {"absent"}, ended.json
        self.blows["connections cut by the proxy"] = sum(self._proxy.struck[kind] for kind in _CUT if kind != "delay")
        self.blows["owners fenced"] = self._fenced()
        return self.blows

    def _go_on_until(self, texts: int) -> None:
        """Have as many machines as there are to be, until so many texts have left."""
        end = time.monotonic() + _PATIENCE
        while self._provider.left < texts:
            assert time.monotonic() < end, f"nothing goes on; so far {dict(self.blows)}; {self._said}"
            self._join()
            time.sleep(0.05)
        self._join()

    def _join(self) -> None:
        """Somebody must be sending for others to join."""
        self._wake()
        for sender in [one for one in self._senders if one.ended_within(0) is not None]:
            self._senders.remove(sender)
            self._ended(sender)
        awake = self._awake()
        if not awake:
            self._senders.append(self._stage.begin("resume", self._stage.ledger, "--yes", "--json", "--no-reconcile"))
        elif len(awake) < _MACHINES:
            self._senders.append(self._stage.begin("join", self._stage.ledger, "--json", "--concurrency", self._concurrency))

    def _awake(self) -> list[Forked]:
        asleep = {id(sender) for _, sender in self._asleep}
        return [sender for sender in self._senders if id(sender) not in asleep]

    def _ended(self, sender: Forked) -> None:
        done = sender.wait()
        assert done.code in {0, 1, 2, 3, 130, -signal.SIGINT, -signal.SIGKILL}, done
        self._said = f"{done.code}: {done.err}"
        self.blows["came back fenced"] += "another process has taken over" in done.err

    def _strike(self, what: str) -> None:
        self.blows[what] += 1
        if what == CRASH:
            self._server.stop("immediate")
            time.sleep(self._chance.uniform(0.0, 1.0))
            self._server.start()
        elif what == CUT:
            self._end_connections()
        else:
            while not (alive := [one for one in self._awake() if one.ended_within(0) is None]):
                self._join()
            struck = self._chance.choice(alive)
            if what == KILL:
                struck.signal(signal.SIGKILL)
            elif what == INTERRUPT:
                struck.signal(signal.SIGINT)
            else:
                struck.signal(signal.SIGSTOP)
                self._asleep.append((time.monotonic() + (_BRIEFLY if what == MOMENT else _STALL), struck))
                if what == ZOMBIE:
                    self._end_connections()

    def _end_connections(self) -> None:
        with psycopg.connect(self._own()) as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rumbleup'")

    def _fenced(self) -> int:
        with psycopg.connect(self._own()) as db:
            found = db.execute("SELECT count(*) FROM rumbleup.owner WHERE fenced").fetchone()
        return 0 if found is None else int(found[0])

    def _own(self) -> str:
        return self._server.address(port=str(_port_of(self._server)))

    def _wake(self, *, all_of_them: bool = False) -> None:
        if all_of_them and self._asleep:
            time.sleep(max(0.0, max(until for until, _ in self._asleep) - time.monotonic()))
        now = time.monotonic()
        for until, sender in self._asleep:
            if until <= now:
                sender.signal(signal.SIGCONT)
        self._asleep = [(until, sender) for until, sender in self._asleep if until > now]


def _port_of(server: Database) -> int:
    return int(server.options.rpartition("=")[2])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def storm(seed: int, folder: Path, provider: Provider, shell: Shell, blows: Mapping[str, int] = BLOWS) -> Counter[str]:
    """One campaign over a database of its own. What was done, by kind."""
    server = database.make("-storm", options=f"-c listen_addresses=127.0.0.1 -c port={_free_port()}")
    stage = Stage(folder, provider, shell)
    try:
        with proxying(_port_of(server)) as proxy:
            return Storm(seed, stage, server, proxy, provider, blows).go()
    finally:
        stage.close()
        with contextlib.suppress(RuntimeError):
            server.stop()
        shutil.rmtree(server.folder)


def main() -> None:
    """So many campaigns, and what was done in all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills.machines", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int)
    parser.add_argument("--record", action="store_true", help="add what was done to tests/prove/record.json")
    chosen = parser.parse_args()
    first = chosen.first if chosen.first is not None else record.next_seed("storms") if chosen.record else 1
    print(tables.machine(machine.described()))
    total: Counter[str] = Counter()
    shell, begun = Shell(), time.monotonic()
    with tempfile.TemporaryDirectory() as name, providing(Path(name)) as provider:
        for seed in range(first, first + chosen.seeds):
            folder = Path(name) / str(seed)
            folder.mkdir()
            provider.reset()
            code, before = record.state(), time.monotonic()
            done = storm(seed, folder, provider, shell)
            total += done
            if chosen.record and record.state() == code:
                record.add(_entry(seed, code, done, texts=len(provider.truth()), seconds=time.monotonic() - before))
            passed = time.monotonic() - begun
            print(f"seed {seed}, {passed:.0f} s: 0 twice, 0 lost, 0 unknown left; so far {dict(total)}", flush=True)
    shell.close()


def _entry(seed: int, code: str, done: Counter[str], *, texts: int, seconds: float) -> record.Entry:
    return record.Entry(
        of="storms",
        code=code,
        commit=record.commit(),
        versions=record.versions(),
        seeds=(seed, seed),
        worlds=1,
        processes=0,
        texts=texts,
        seconds=round(seconds, 1),
        met=dict(done),
    )


if __name__ == "__main__":
    main()
