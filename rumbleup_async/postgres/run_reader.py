"""How a run in a database goes, looked at from outside, even while machines send it.

Lives here: reading only, of what does not name a contact.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.ledger.auditing import Entry
from rumbleup_async.ledger.files import read_stop
from rumbleup_async.ledger.keeping import KEY
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.ledger.stepping import together
from rumbleup_async.messaging import Identity, Plan, Second, State
from rumbleup_async.money import Money, Spending
from rumbleup_async.pauses import Pause
from rumbleup_async.postgres import owning, pausing, reads, server, spending, values, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import Reason
from rumbleup_async.retry import left_over
from rumbleup_async.stops import Cause, Stop

_SECONDS: Final = f"""SELECT at, sent, refused, unknown, throttled, held, latencies, rate FROM {SCHEMA}.second
    WHERE run = %s AND at > %s ORDER BY at"""


class RunReader:
    """A look into a run that may be sent at this moment. Writes nothing. LedgerError for one that is not there."""

    is_log_lost = False

    def __init__(self, address: Address) -> None:
        self.path = address
        versions.prepare(address, makes=False)
        self._db = server.connect_here(address)
        try:
            self._run = self._find_run()
            self.plan = self._plan()
            self.complete = self.fingerprint is not None
            self.stop = self._why_stopped()
        except BaseException:
            self._db.close()
            raise

    def _find_run(self) -> int:
        found = self._all(f"SELECT id FROM {SCHEMA}.run WHERE name = %s", self.path.run)
        if not found:
            raise LedgerError(f"{self.path}: there is no run of this name; see those that are there: rumbleup ledgers")
        return int(found[0][0])

    def _plan(self) -> Plan:
        plan = self._fact("plan")
        if plan is None:
            raise LedgerError(f"{self.path} holds no run yet")
        return msgspec.json.decode(plan, type=Plan)

    def close(self) -> None:
        """Let go of the connection."""
        self._db.close()

    def _all(self, statement: str, *arguments: Any) -> list[Any]:
        with server.telling(self.path):
            return self._db.execute(statement, arguments).fetchall()

    def _of_run(self, statement: str, *more: Any) -> list[Any]:
        return self._all(statement, self._run, *more)

    def _fact(self, key: str) -> str | None:
        found = self._all(f"SELECT value FROM {SCHEMA}.fact WHERE run = %s AND key = %s", self._run, key)
        return found[0][0] if found else None

    # ---- how it goes ----

    @property
    def senders(self) -> list[owning.Living]:
        """The processes that send it now, as far as the database knows."""
        living = [owning.Living(*one) for one in self._of_run(owning.OWNERS)]
        return [one for one in living if not one.is_dead]

    @property
    def running(self) -> bool:
        """Whether any process sends it now."""
        return bool(self.senders)

    def _why_stopped(self) -> Stop | None:
        note = self._fact("stop")
        if note is not None or self.running:
            return read_stop(note or "") or self._left_over()
        counts = self.counts()
        begun = any(counts[state] for state in State if state not in {State.QUEUED, State.SKIPPED})
        undone = counts[State.QUEUED] or counts[State.INTENT]
        return Stop(Cause.DIED, "the process ended without a word") if begun and undone else None

    def _left_over(self) -> Stop | None:
        if self.running:
            return None
        found = [(reason_of(code, detail), number) for code, detail, number in self._of_run(reads.LEFT)]
        return left_over(found) if found else None

    @property
    def stopped(self) -> str | None:
        """Why the run ended before its list did, in words; None if it did not."""
        return None if self.stop is None else str(self.stop)

    @property
    def elapsed(self) -> float:
        """Seconds in which something was sent; where several machines send, each second counts once."""
        found: int = self._of_run(f"SELECT count(DISTINCT at) FROM {SCHEMA}.second WHERE run = %s")[0][0]
        noted = float(self._fact("elapsed") or 0.0)
        return noted if noted and not self.running else max(noted, float(found))

    @property
    def heard(self) -> dict[str, int]:
        """As `ledger.Reader`: a run over PostgreSQL has no canary."""
        return {}

    @property
    def pause(self) -> Pause | None:
        """The pause that holds; None if none does."""
        found = self._of_run(pausing.CURRENT)
        return Pause(*found[0]) if found else None

    def seconds(self, after: int = 0) -> list[Second]:
        """What happened in each second of the run, those after this Unix second; several machines make one."""
        found: dict[int, Second] = {}
        for at, sent, refused, unknown, throttled, held, latencies, rate in self._of_run(_SECONDS, after):
            counted = msgspec.json.decode(latencies, type=tuple[int, ...])
            one = Second(at, sent, refused, unknown, throttled, held, counted, rate)
            found[at] = one if at not in found else together(found[at], one)
        return list(found.values())

    def audit(self) -> list[Entry]:
        """What people did with it, the oldest first."""
        statement = f"SELECT time, who, what, detail FROM {SCHEMA}.audit WHERE run = %s ORDER BY time, id"
        return [Entry(*one) for one in self._of_run(statement)]

    # ---- whose it is, and how careful ----

    @property
    def identity(self) -> Identity | None:
        """Which server and account the run belongs to."""
        stored = self._fact("identity")
        return None if stored is None else msgspec.json.decode(stored, type=Identity)

    @property
    def fingerprint(self) -> str | None:
        """Of the list, once it is in the ledger to its end."""
        return self._fact("list")

    @property
    def options(self) -> dict[str, Any]:
        """The options of pace and of rules that the run was given."""
        found = self._fact(KEY)
        return {} if found is None else dict(msgspec.json.decode(found))

    @property
    def suppressed(self) -> int:
        """How many phones the run suppresses."""
        return int(self._of_run(f"SELECT count(*) FROM {SCHEMA}.suppressed WHERE run = %s")[0][0])

    @property
    def spending(self) -> Spending | None:
        """How the money of the run stands; None without a budget. Goes through all contacts."""
        options = self.options
        if not {"budget", "price"} <= options.keys():
            return None
        with server.telling(self.path):
            found = self._db.execute(spending.KNOWN, {"run": self._run}).fetchone()
        assert found is not None  # noqa: S101 - it always answers
        return Money(*found).spending(options["budget"], options["price"])

    def counts(self) -> dict[State, int]:
        """Contacts by state."""
        return values.counts_of(self._of_run(f"SELECT {SCHEMA}.counts_of(%s)")[0][0])

    def reasons(self) -> list[tuple[State, Reason, int]]:
        """How many contacts are in each state for each reason; "duplicate of row N" counts as "duplicate"."""
        found = self._of_run(reads.REASONS)
        return [(states.BY_NUMBER[state], reason_of(code, detail), number) for state, code, detail, number in found]
