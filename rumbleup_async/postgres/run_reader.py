"""How a run in a database goes, looked at from outside, even while machines send it.

Lives here: reading only, of what does not name a contact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import states
from rumbleup_async.ledger.auditing import Entry
from rumbleup_async.ledger.files import Part, read_stop
from rumbleup_async.ledger.keeping import KEY
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.ledger.stepping import together
from rumbleup_async.messaging import Identity, Plan, Second, State
from rumbleup_async.money import Money
from rumbleup_async.pauses import Pause
from rumbleup_async.postgres import owning, pausing, reads, server, spending, values, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.fencing import IN_CHARGE
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.postgres.trial import HEARD

if TYPE_CHECKING:
    from rumbleup_async.postgres.server import Connection

_PART: Final = f"""SELECT state, code, detail, count(*), sum(greatest(segments, 1))::bigint, shown, coalesce(max(time), 0)
    FROM (SELECT state, segments, time, CASE state WHEN 0 THEN place ELSE 0 END AS shown, code, {reads.KIND} AS detail
        FROM {SCHEMA}.contact WHERE run = %s AND row > %s AND row <= %s) AS c GROUP BY state, code, detail, shown"""
_SECONDS: Final = f"""SELECT at, sent, refused, unknown, throttled, held, latencies, rate FROM {SCHEMA}.second
    WHERE run = %s AND at > %s ORDER BY at"""


class RunReader:
    """A look into a run that may be sent at this moment. Writes nothing. LedgerError for one that is not there.

    `is_told`, `noted`: as of `ledger.run_reader.RunReader`.
    """

    is_log_lost = False

    def __init__(self, address: Address, shared: Connection | None = None) -> None:
        """`shared`: a connection that others use, too; it stays open. Otherwise one is made."""
        self.path = address
        self._is_shared = shared is not None
        if shared is None:
            versions.prepare(address, makes=False)
            shared = server.connect_here(address)
        self._db = shared
        try:
            self._run = self._find_run()
            self.plan = self._plan()
            self.complete = self.fingerprint is not None
            note = self._fact("stop")
            self.is_told, self.noted = note is not None, read_stop(note or "")
        except BaseException:
            self.close()
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
        if not self._is_shared:
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
        """Whether any process sends it now, or has it open and is about to."""
        return bool(self.senders) or bool(self._of_run(IN_CHARGE)[0][0])

    def spent(self, _: Callable[[], float]) -> float:
        """Seconds in which something was sent; where several machines send, each second counts once."""
        found: int = self._of_run(f"SELECT count(DISTINCT at) FROM {SCHEMA}.second WHERE run = %s")[0][0]
        noted = float(self._fact("elapsed") or 0.0)
        return noted if noted and not self.running else max(noted, float(found))

    @property
    def heard(self) -> dict[str, int]:
        """As `ledger.Reader`."""
        return dict(self._of_run(HEARD))

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
    def paid(self) -> Money:
        """What answers have named as prices; nothing is known of what is reserved besides."""
        with server.telling(self.path):
            found = self._db.execute(spending.PAID, {"run": self._run}).fetchone()
        assert found is not None  # noqa: S101 - it always answers
        return Money(*found)

    def counts(self) -> dict[State, int]:
        """Contacts by state."""
        return values.counts_of(self._of_run(f"SELECT {SCHEMA}.counts_of(%s)")[0][0])

    def totals(self, *, recent: bool = True) -> dict[State, int]:  # noqa: ARG002 - they always are
        """The same: the database always knows."""
        return self.counts()

    def state_counts(self, *_: int) -> dict[State, int]:
        """The same."""
        return self.counts()

    @property
    def last_row(self) -> int:
        """The last row that is in it; -1 without any."""
        found: int = self._of_run(f"SELECT coalesce(max(row), -1) FROM {SCHEMA}.contact WHERE run = %s")[0][0]
        return found

    @property
    def version(self) -> object:
        """Another value than before if any contact has changed since."""
        return tuple(self.counts().values())

    def parts(self, rows: int) -> Iterator[list[Part]]:
        """How many contacts are in each state for each reason, with their segments: of so many rows after the other, so that no
        look takes long."""
        for after in range(-1, self.last_row, rows):
            yield [
                Part(states.BY_NUMBER[state], reason_of(code, detail), *counted)
                for state, code, detail, *counted in self._of_run(_PART, after, after + rows)
            ]
