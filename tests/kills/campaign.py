"""One campaign under blows: a list, a ledger, a provider, and a process that is struck again and again until the list is done.

Lives here: what is drawn from the seed, the blows, what is checked after each and at the end. The moments are drawn from the
seed too, some from the start of the process on, some from its first text on; where it stands at such a moment is up to the
machine, so the same seed is the same plan and not the same run.
"""

import contextlib
import json
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.commands import leaked
from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider
from tests.acceptance.shell import GUARD, Done, Forked, Shell
from tests.acceptance.stage import Stage
from tests.fault_proxy import FaultProxy, proxying, seeded
from tests.late_steps import late_states

BLOWS = {
    "kill": 74,
    "kill while stopped": 6,
    "stop and continue": 6,
    "interrupt": 6,
    "interrupt twice": 3,
    "terminate": 5,
}
"""What is done to a process, and how often in a hundred."""

LANDED = (
    "before the ledger",
    "while the list is read",
    "before its first text",
    "with texts in flight",
    "after its last text",
    "while unknowns are settled",
)
"""Where a process stood when it was killed. In flight: an intent without a result stands in the ledger."""
IN_FLIGHT = LANDED[3]

ECHO = 0.6
"""Seconds after which a second signal is not the first one again."""

_FAULTS = {
    "429": 0.02,
    "440": 0.02,
    "500-after": 0.01,
    "502-before": 0.005,
    "close-after": 0.01,
    "close-before": 0.005,
    "reset-after": 0.01,
    "half-body": 0.01,
    "empty": 0.005,
    "keepalive-close": 0.02,
    "slow": 0.02,
}
QUEUED, INTENT, SENT, REFUSED, SKIPPED, NOT_SENT, UNKNOWN = range(7)
"""How the ledger's file numbers its states."""

TAMPERINGS = (
    "another account",
    "another server",
    "a copy",
    "moved",
    "its log tidied away",
    "its lock tidied away",
    "its steps tidied away",
)
"""What befalls a ledger between two processes."""

SETTLE = 2.0
"""Seconds from an intent until its absence from the log counts: whatever a dead process has sent has arrived by then."""

_WHILE_TEXTING = 0.6
"""Part of the blows whose moment counts from the first text of the process: how long that takes is up to the machine."""
_EARLY = 3
"""Kills of a campaign before its list is in."""
_SLOWEST = 10_000.0
"""Bytes a second of a throttled connection. The whole log comes over one, and is given the two minutes of any answer: slower than
this, a process that is waited for would not have failed, but not have ended either."""
_LATE = 1.0
"""Seconds after which a request of a dead process has come through the proxy."""
_ROUNDS = 60
"""Processes after which a campaign that is not done will never be."""


class Drawn(NamedTuple):
    """What kind of campaign this is."""

    kind: str
    rows: int
    phones: int
    concurrency: int
    latency: float
    rate: float | None


KINDS = ("plain", "long list", "faulty provider", "faulty network")


def draw(chance: random.Random, kind: str) -> Drawn:
    """The plan of a campaign of this kind."""
    concurrency = chance.choice((4, 8, 16, 32))
    phones = chance.randrange(600, 1400) if kind != "faulty network" else chance.randrange(200, 500)
    rows = chance.randrange(10_000, 25_000) if kind == "long list" else phones + chance.randrange(50)
    rate = chance.choice((None, None, None, 400.0))
    return Drawn(kind, rows, phones, concurrency, chance.choice((0.005, 0.02, 0.04)), rate)


@dataclass
class Tally:
    """What has been done so far."""

    kills: int = 0
    """Processes that SIGKILL ended."""
    blows: Counter[str] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    """Of the kills."""
    noted: int = 0
    """Kills after which steps were noted beside the ledger."""
    during: Counter[str] = field(default_factory=Counter)
    """The command that was killed."""
    campaigns: Counter[str] = field(default_factory=Counter)
    processes: int = 0
    texts: int = 0
    unknown: int = 0
    """Contacts that were unknown once the list was done, before they were settled."""
    tampered: Counter[str] = field(default_factory=Counter)
    """What befell ledgers between two processes, where it could have done harm."""
    settled: Counter[str] = field(default_factory=Counter)
    """What became of them."""
    at_once: int = 0
    """Processes that ended by a second signal."""
    missed: int = 0
    """Blows that came after the end."""

    def add(self, other: "Tally") -> None:
        """Take in what another has counted."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(mine, Counter):
                mine.update(value)
            else:
                setattr(self, name, mine + value)

    @property
    def share_in_flight(self) -> float:
        """Part of the kills that met texts in flight."""
        return self.landed[IN_FLIGHT] / self.kills if self.kills else 0.0


class Violation(AssertionError):
    """A promise was broken; the message says in which folder to look."""


class Books(NamedTuple):
    """What the ledger's file says between two processes, and what is noted beside it; read without any code of ours."""

    place: str
    states: Counter[int]
    is_noted: bool = False
    """Steps are noted beside it."""

    @property
    def open(self) -> int:
        """Intents without a result."""
        return self.states[INTENT]

    @property
    def doubtful(self) -> int:
        """Contacts that are unknown, or will be."""
        return self.states[INTENT] + self.states[UNKNOWN]

    @property
    def done(self) -> int:
        """Contacts that were sent or refused, or may have been."""
        return sum(self.states[state] for state in (SENT, REFUSED, NOT_SENT, UNKNOWN))


def read_books(path: Path, before: "Books | None") -> Books:
    """Count the states in a ledger, and tell where the process that has just ended stood."""
    states: Counter[int] = Counter()
    # Until it has a write-ahead log it has none of ours in it; killed then, only who may write can read it.
    if not path.exists() or path.with_name(f"{path.name}-journal").exists():
        return Books(LANDED[0], states)
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "contact" not in tables:
            return Books(LANDED[0], states)
        is_noted = bool(db.execute("SELECT 1 FROM run WHERE key = 'steps'").fetchone())
        by_row = dict(db.execute("SELECT row, state FROM contact").fetchall())
        states.update((by_row | late_states(path, db)).values())
        whole = db.execute("SELECT 1 FROM run WHERE key = 'list'").fetchone()
    books = Books("", states, is_noted)
    if whole is None:
        return books._replace(place=LANDED[1])
    if books.open:
        return books._replace(place=IN_FLIGHT)
    return books._replace(place=LANDED[4] if before is not None and books.done > before.done else LANDED[2])


def _is_needed(log: Path, ledger: Path) -> bool:
    """Whether the log has steps of a process that was sending: entries that it opened, or results.

    A process may also be killed after it has opened the ledger and before its first entry. Then the open entries are those
    of an earlier process and are in the main file, and nobody would miss the log.
    """
    if not log.stat().st_size:
        return False
    with_log, without_log = _states(ledger, "mode=ro"), _states(ledger, "mode=ro&immutable=1")
    return without_log is None or any(
        state not in ((QUEUED,) if without_log.get(row) == QUEUED else (INTENT, UNKNOWN))
        for row, state in (with_log or {}).items()
        if without_log.get(row) in (QUEUED, INTENT)
    )


def _states(ledger: Path, how: str) -> dict[int, int] | None:
    """Row -> state; None if there are no contacts."""
    with contextlib.closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?{how}", uri=True)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'contact'").fetchone():
            return None
        return dict(db.execute("SELECT row, state FROM contact").fetchall())


def _rename(folder: Path, before: str, after: str) -> None:
    for file in list(folder.glob(f"{before}*")):
        file.rename(folder / file.name.replace(before, after))


class Campaign:
    """One list under blows. `run()` returns what was done, or raises Violation."""

    def __init__(
        self,
        folder: Path,
        provider: Provider,
        shell: Shell,
        *,
        seed: int,
        number: int,
        most_kills: int,
        journal: bool = False,
    ) -> None:
        folder.mkdir(parents=True)
        self.tally = Tally()
        self._seed = f"{seed}/{number}"
        self._chance = random.Random(self._seed)
        self._drawn = draw(self._chance, KINDS[number % len(KINDS)])
        self._stage = Stage(folder, provider, shell)
        self._most_kills = most_kills
        self._journal = ["--journal"] if journal else []
        self._env = self._stage.environment()
        self._proxy: FaultProxy | None = None
        self._events: list[dict[str, Any]] = []
        self._books = Books(LANDED[0], Counter())
        self._crashes = 0
        self._horizon = 1.0
        self._last_sending = 0.0
        self._is_settling = False

    def run(self) -> Tally:
        """To the end of the list."""
        drawn, stage = self._drawn, self._stage
        provider = stage.provider
        provider.reset()
        provider.set(latency=drawn.latency, slow_seconds=0.1)
        if drawn.kind == "faulty provider":
            provider.faults(_FAULTS)
        self._note("campaign", seed=self._seed, **drawn._asdict())
        with contextlib.ExitStack() as stack:
            if drawn.kind == "faulty network":
                faults = seeded(self._seed, share=0.6, most=20_000, slowest=_SLOWEST)
                self._proxy = stack.enter_context(proxying(provider.port, faults))
                self._env = stage.environment(RUMBLEUP_BASE_URL=f"http://127.0.0.1:{self._proxy.port}/api")
            try:
                self._until_done()
            except Exception as problem:
                self._leave_behind(problem)
                raise Violation(f"{type(problem).__name__}: {problem}\nsee {stage.folder}") from problem
        self.tally.campaigns[drawn.kind] += 1
        self.tally.texts += provider.left
        return self.tally

    # ---- the rounds ----

    def _until_done(self) -> None:
        drawn, stage = self._drawn, self._stage
        source = stage.file(
            "voters.csv", "phone,first_name\n" + "".join(f"{phone(n % drawn.phones)},Ada\n" for n in range(drawn.rows))
        )
        begun = time.monotonic()
        stage.run("status", "nowhere.ledger")
        self._horizon = 0.5 + 6 * (time.monotonic() - begun)  # a loaded machine starts processes later
        for _ in range(_ROUNDS):
            words = self._next_command(source)
            done = self._struck(words) if self.tally.kills < self._most_kills else self._unharmed(words)
            self._after(words, done)
            is_over = done.code in (0, 1) and not self._books.states[QUEUED]
            if is_over:
                self._check(done)  # before a look into the log settles what its summary calls unknown
            if self._chance.random() < 0.35:
                self._tamper(self._chance.choice(TAMPERINGS))
            if is_over:
                self.tally.unknown += self._books.states[UNKNOWN]
                self._until_settled()
                return
            if self._chance.random() < 0.05:
                self._check(None)
        raise AssertionError(f"not done after {_ROUNDS} processes")

    def _until_settled(self) -> None:
        """No contact stays unknown once the log can be read; and whoever is absent from it may be texted after all."""
        stage = self._stage
        stage.provider.faults({})
        self._env = stage.environment()
        looking = ["reconcile", stage.ledger, "--json", "--settle-seconds", SETTLE]
        again = ["resume", stage.ledger, "--yes", "--json", "--settle-seconds", SETTLE, "--resend-absent"]
        if self._proxy is not None:
            looking, again = [*looking, "--same-server"], [*again, "--same-server"]
        for number in range(_ROUNDS):
            time.sleep(max(0.0, self._last_sending + SETTLE - time.monotonic()))
            before = self._books.states
            self._is_settling = True
            done = self._struck(looking) if number < 2 else self._unharmed(looking)
            self._is_settling = False
            self._after(looking, done)
            states = self._books.states
            self.tally.settled["found in the log"] += states[SENT] - before[SENT]
            self.tally.settled["absent from it"] += states[NOT_SENT] - before[NOT_SENT]
            if done.code == 1 and "too recent" in done.out:
                # What a dead process left open may have left until this one found it: the delay counts from there.
                time.sleep(SETTLE)
            elif done.code in (0, 1):
                # Where nothing is known as sent, nothing is absent.
                assert done.code == 0 or not before[SENT], f"the log could be read, and yet: {done}"
                assert not self._books.doubtful or not before[SENT], self._books
                self._check(None, doubtful=self._books.doubtful)
                if not states[NOT_SENT] or self._chance.random() < 0.5:
                    return
                self._after(again, self._struck(again))
                self.tally.settled["absent ones sent again"] += states[NOT_SENT] - self._books.states[NOT_SENT]
        raise AssertionError(f"not settled after {_ROUNDS} processes")

    def _tamper(self, kind: str) -> None:
        """Do to the ledger what people do, and see that nothing leaves by it; then put it right again."""
        if not self._books.done and not self._books.open:
            return
        if self._proxy is not None:
            time.sleep(max(0.0, self._last_sending + _LATE - time.monotonic()))
        port = self._stage.provider.port
        left = self._stage.provider.left
        if kind == "another account":
            self._must_be_refused(self._resume(), "--same-account", RUMBLEUP_API_KEY="c_other:hunter2hunter2")
        elif kind == "another server":
            elsewhere = f"http://127.0.0.1:{port + 1 if port < 65_000 else 1025}/api"
            self._must_be_refused(self._resume(), "--same-server", RUMBLEUP_BASE_URL=elsewhere)
        elif kind == "a copy":
            self._copy()
        elif kind == "moved":
            self._move()
        elif kind == "its log tidied away":
            if not self._tidy_log_away():
                return
        elif kind == "its steps tidied away":
            if not self._books.is_noted:
                return
            self._tidy_steps_away()
        else:
            self._stage.ledger.with_name("run.ledger-lock").unlink(missing_ok=True)
        assert self._stage.provider.left == left, f"texts left: {kind}"
        self.tally.tampered[kind] += 1
        self._note("tampered", kind=kind)

    def _resume(self, ledger: Path | None = None) -> list[object]:
        return ["resume", ledger or self._stage.ledger, "--yes", "--no-reconcile"]

    def _copy(self) -> None:
        ledger, aside = self._stage.ledger, self._stage.folder / "copy"
        aside.mkdir()
        for file in ledger.parent.glob("run.ledger*"):
            shutil.copy(file, aside / file.name)
        self._must_be_refused(self._resume(aside / ledger.name), "is a copy of")
        shutil.rmtree(aside)

    def _move(self) -> None:
        folder = self._stage.folder
        _rename(folder, "run.ledger", "moved.ledger")
        done = self._unharmed(["reconcile", folder / "moved.ledger", "--quiet", "--settle-seconds", 10_000])
        _rename(folder, "moved.ledger", "run.ledger")
        assert done.code in (0, 1), done
        assert "warning" not in done.err, done
        self._books = read_books(self._stage.ledger, self._books)

    def _tidy_log_away(self) -> bool:
        ledger, aside = self._stage.ledger, self._stage.folder / "aside"
        log = ledger.with_name("run.ledger-wal")
        if self._books.place != IN_FLIGHT or not log.exists() or not _is_needed(log, ledger):
            return False
        aside.mkdir()
        for file in ledger.parent.glob("run.ledger-[sw]*"):
            file.rename(aside / file.name)
        self._must_be_refused(self._resume(), "put run.ledger-wal back")
        for file in ledger.parent.glob("run.ledger-[sw]*"):
            file.unlink()
        for file in aside.iterdir():
            file.rename(ledger.parent / file.name)
        aside.rmdir()
        return True

    def _tidy_steps_away(self) -> None:
        steps = self._stage.ledger.with_name("run.ledger-steps")
        aside = steps.rename(steps.with_name("aside-steps"))
        self._must_be_refused(self._resume(), "put run.ledger-steps back")
        aside.rename(steps)

    def _must_be_refused(self, words: list[object], why: str, **environment: str) -> None:
        self.tally.processes += 1
        before = self._stage.provider.requests
        done = self._stage.begin(*words, env={**self._env, **environment}).wait()
        assert done.code == 2, done
        assert why.lower() in done.err.lower(), done
        assert self._stage.provider.requests == before, f"a send was asked for: {done}"

    def _next_command(self, source: Path) -> list[object]:
        drawn, stage = self._drawn, self._stage
        options: list[object] = ["--concurrency", drawn.concurrency, "--unknown-limit", "none", *self._journal]
        if drawn.rate is not None:
            options += ["--rate", drawn.rate]
        if self._proxy is not None:
            options += ["--timeout", "1"]
        if (self._books.place in LANDED[:2] and self._chance.random() < 0.9) or self._chance.random() < 0.1:
            return stage.sending(source, *options)
        return ["resume", stage.ledger, "--yes", "--json", "--settle-seconds", SETTLE, *options]

    def _unharmed(self, words: list[object]) -> Done:
        return self._begin(words).wait()

    def _begin(self, words: list[object]) -> Forked:
        self.tally.processes += 1
        return self._stage.begin(*words, env=self._env)

    def _struck(self, words: list[object]) -> Done:
        blow = self._chance.choices([*BLOWS], [*BLOWS.values()])[0]
        moment, pause = self._moment(), self._chance.uniform(0.01, 0.3)
        is_while_texting = self._chance.random() < _WHILE_TEXTING and self._may_text(words)
        later = self._chance.uniform(0, 0.25) * self._horizon
        if blow == "interrupt twice":
            self._stage.provider.set(latency=ECHO + 0.4)  # or nothing would be in flight at the second one
        requests = self._stage.provider.requests
        process = self._begin(words)
        if is_while_texting:
            done, moment = self._texts(process, requests) or process.ended_within(later), later
        else:
            done = process.ended_within(moment)
        if done is not None:
            self.tally.missed += 1
            self._note("missed", blow=blow)
        else:
            self._strike(process, blow, pause)
            done = process.wait()
            self.tally.blows[blow] += 1
            self._note(blow, at=moment, code=done.code, of="texting" if is_while_texting else "life")
        if blow == "interrupt twice":
            self._stage.provider.set(latency=self._drawn.latency)
        return done

    def _may_text(self, words: list[object]) -> bool:
        """Whether this command may come to its first text. The list has to come in first; now and then it is struck before."""
        is_early = self._books.place in LANDED[:2] and self._kills_before_list() < _EARLY
        return words[0] != "reconcile" and not is_early

    def _texts(self, process: Forked, requests: int) -> Done | None:
        """Wait for its first text; its end if it comes to that without one."""
        end = time.monotonic() + GUARD
        while (done := process.ended_within(0.005)) is None:
            if self._stage.provider.requests > requests or time.monotonic() > end:
                return None
        return done

    def _kills_before_list(self) -> int:
        return sum(self.tally.landed[place] for place in LANDED[:2])

    def _moment(self) -> float:
        """Seconds from the start of a process to the blow, uniform over what matters now."""
        if self._is_settling:
            return self._chance.uniform(0.1, 0.4) * self._horizon
        if self._books.place not in LANDED[:2]:
            return self._chance.uniform(0, self._horizon)
        # The list comes in within the first part of a process's life; after some tries it has to.
        early = self._kills_before_list() < _EARLY
        return self._horizon * (self._chance.uniform(0, 0.5) if early else self._chance.uniform(0.6, 1.2))

    def _strike(self, process: Forked, blow: str, pause: float) -> None:
        if blow == "kill":
            process.signal(signal.SIGKILL)
        elif blow == "interrupt":
            process.signal(signal.SIGINT)
        elif blow == "terminate":
            process.signal(signal.SIGTERM)
        elif blow == "interrupt twice":
            process.signal(signal.SIGINT)
            if process.ended_within(ECHO) is None:
                process.signal(signal.SIGINT)
                self.tally.at_once += 1
                self._crashes += 1  # it may leave as much in doubt as a kill
        else:
            process.signal(signal.SIGSTOP)
            time.sleep(pause)
            if blow == "kill while stopped":
                process.signal(signal.SIGKILL)
                return
            process.signal(signal.SIGCONT)
            if process.ended_within(pause) is None:
                process.signal(signal.SIGKILL)

    # ---- what is checked ----

    def _after(self, words: list[object], done: Done) -> None:
        before = self._books
        books = read_books(self._stage.ledger, before)
        if words[0] == "reconcile":
            books = books._replace(place=LANDED[5])
        else:
            self._last_sending = time.monotonic()
        self._books = books
        if done.code == -signal.SIGKILL:
            self._crashes += 1
            self.tally.kills += 1
            self.tally.noted += books.is_noted
            self.tally.landed[books.place] += 1
            self.tally.during[str(words[0])] += 1
        self._note("books", command=words[0], code=done.code, place=books.place, states=dict(books.states))
        assert not leaked(done), f"{leaked(done)}: {done.err}"
        signals = (-signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM)  # the last two before the command has handlers
        assert done.code in (0, 1, 2, 3, 130, *signals), done
        if words[0] == "resume" and not before.states:
            assert done.code not in (0, 1, 3), f"a resume without any contact ended as if it had done something: {done}"
        if done.code == 2:
            assert words[0] == "resume", done
            assert books.place in LANDED[:2], done
        assert books.doubtful <= self._allowed(), f"{books.doubtful} in doubt after {self._crashes} crashes"
        assert books.done >= before.done or "--resend-absent" in words, "a contact that was done is not done any more"
        if done.code in (0, 1, 3) or (done.code == 130 and done.out):
            assert not books.open, f"{books.open} entries open after a clean end"
            assert done.json["unknown"] == books.states[UNKNOWN], done

    def _allowed(self) -> int:
        """How many contacts may be in doubt: those of the crashes, and of what provider and network spoiled."""
        allowed = 2 * self._drawn.concurrency * self._crashes
        if self._proxy is not None:
            allowed += self._proxy.accepted  # no connection can spoil more than the text that is under way on it
        if self._drawn.kind == "faulty provider":
            # One that closes unannounced may take a neighbour with it.
            allowed += 2 * sum(self._stage.provider.summary()["faults"].values())
        return allowed

    def _check(self, done: Done | None, doubtful: int | None = None) -> None:
        drawn = self._drawn
        if self._books.place in LANDED[:2]:
            return
        contacts = self._stage.check(
            drawn.rows,
            summary=None if done is None else done.json,
            planned={phone(n): text_for("Ada") for n in range(drawn.phones)},
            doubtful=self._allowed() if doubtful is None else doubtful,
        )
        if done is not None:
            states = Counter(entry.state for entry in contacts.values())
            assert states["refused"] == 0, states

    # ---- what is left for whoever looks into it ----

    def _note(self, what: str, **more: Any) -> None:
        self._events.append({"time": time.time(), "what": what, **more})

    def _leave_behind(self, problem: Exception) -> None:
        folder = self._stage.folder
        self._note("violation", problem=f"{type(problem).__name__}: {problem}")
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in self._events))
        (folder / "truth.jsonl").write_text("".join(json.dumps(text) + "\n" for text in self._stage.provider.truth()))
