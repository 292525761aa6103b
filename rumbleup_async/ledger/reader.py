"""A look into a ledger from outside, even while a run is writing it.

Lives here: reading only, of its contacts; how the run goes is in `run_reader`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import msgspec

from rumbleup_async.ledger import carrying, keeping, marks, sampling, spending, states, stepping, tally
from rumbleup_async.ledger.files import (
    count_reasons,
    reading,
    select_rows,
    why_queued,
)
from rumbleup_async.ledger.keeping_reasons import KIND, reason_of
from rumbleup_async.ledger.run_reader import RunReader
from rumbleup_async.ledger.sampling import Sample
from rumbleup_async.messaging import Result, State
from rumbleup_async.money import Spending
from rumbleup_async.reasons import Reason
from rumbleup_async.retry import left_over
from rumbleup_async.stops import Cause, Stop

_LOST = State.UNKNOWN, marks.DOUBT
"""What is queued in a ledger that has lost its write-ahead log."""


class Reader(RunReader):
    """A look into a ledger that may be in use by a run at this moment, and into its contacts. Writes nothing. LedgerError for one
    that is damaged."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        try:
            with reading(self.path):
                self.stop = self._why_stopped()
        except BaseException:
            self.close()
            raise

    def _why_stopped(self) -> Stop | None:
        """The note of the process that sent last; a process that left no note and work undone has died."""
        if self.is_told or self.running:
            return self.noted or self._left_over()
        begun = self._db.execute(
            "SELECT 1 FROM contact WHERE state = 1 OR (state = 0 AND attempts > 0) OR state > 1 AND state != 4 LIMIT 1"
        )
        undone = self._db.execute("SELECT 1 FROM contact WHERE state IN (0, 1) LIMIT 1")
        return Stop(Cause.DIED, "the process ended without a word") if begun.fetchone() and undone.fetchone() else None

    def _left_over(self) -> Stop | None:
        """The same as a run says of texts that it could not send, for a ledger of before such was noted."""
        reasons = [] if self.running else why_queued(self._db)
        return left_over(reasons) if reasons else None

    @property
    def stopped(self) -> str | None:
        """Why the run ended before its list did, in words; None if it did not."""
        return None if self.stop is None else str(self.stop)

    @property
    def elapsed(self) -> float:
        """Seconds spent sending, by all processes; of a run under way until now, of one that died until its last text."""
        with reading(self.path):
            return self.spent(lambda: (self._db.execute("SELECT max(time) FROM contact").fetchone()[0] or 0) / 1000)

    @property
    def suppressed(self) -> int:
        """How many phones the run suppresses."""
        with reading(self.path):
            return keeping.count(self._db)

    def queued_phones(self, limit: int) -> list[str]:
        """Phones that are queued: all of them, or about so many evenly chosen ones."""
        with reading(self.path):
            number = self._db.execute("SELECT count(*) FROM contact WHERE state = 0").fetchone()[0]
            step = max(1, number // limit)
            found = self._db.execute("SELECT phone FROM contact WHERE state = 0 AND row % ? = 0 LIMIT ?", (step, limit))
            return [phone for (phone,) in found]

    def texted(self, phones: list[str]) -> int:
        """How many of these have been texted by it, or may have been."""
        wanted = "0, 1, 2, 3, 6" if self.is_log_lost else "1, 2, 3, 6"
        with reading(self.path):
            found = self._db.execute(
                f"""SELECT count(*) FROM json_each(?) AS asked JOIN contact ON phone = asked.value
                WHERE screened IS NULL AND state IN ({wanted})""",  # noqa: S608
                (msgspec.json.encode(phones).decode(),),
            )
            return int(found.fetchone()[0])

    @property
    def spending(self) -> Spending | None:
        """How the money of the run stands; None without a budget. Goes through all contacts."""
        options = self.options
        if not {"budget", "price"} <= options.keys():
            return None
        with reading(self.path):
            return spending.known(self._db).spending(options["budget"], options["price"])

    def counts(self) -> dict[State, int]:
        """Contacts by state; of a run under way as they were less than a second ago, if it has kept that."""
        counts = dict.fromkeys(State, 0)
        with reading(self.path):
            if self.running and (totals := stepping.recent_totals(self._db, time.time())):
                return totals
            left = None if self.running or self.is_log_lost else tally.read(self._db)
            if left is not None:
                return left.counts
            for state, number in self._db.execute("SELECT state, count(*) FROM contact GROUP BY state"):
                counts[states.BY_NUMBER[state]] = number
        if self.is_log_lost:
            counts[State.UNKNOWN] += counts[State.QUEUED]
            counts[State.QUEUED] = 0
        return counts

    def reasons(self) -> list[tuple[State, Reason, int]]:
        """How many contacts are in each state for each reason; "duplicate of row N" counts as "duplicate"."""
        with reading(self.path):
            found = count_reasons(self._db)
        if not self.is_log_lost:
            return found
        return [(*_LOST, number) if state is State.QUEUED else (state, why, number) for state, why, number in found]

    def segments(self) -> list[tuple[int, int]]:
        """How many queued texts take how many SMS parts: (parts, texts), ascending."""
        with reading(self.path):
            return self._db.execute(
                "SELECT segments, count(*) FROM contact WHERE state = 0 GROUP BY segments ORDER BY segments"
            ).fetchall()

    def kinds(self) -> list[tuple[str | None, int, int | None]]:
        """Who gets which text, of those who are queued: the condition, how many, and the first row. No condition
        stands for the plain text. Empty where there is one text for all."""
        with reading(self.path):
            return carrying.numbers(self._db, self.plan)

    def samples(self, number: int, limit: int | None = None) -> list[Sample]:
        """Of the texts that are queued, the next `limit` of them: the first, the longest, and `number` others.

        The others are drawn by chance, but the same ones each time from the same list and text.
        """
        with reading(self.path):
            return sampling.samples(self._db, self.plan, number, limit)

    def plan_samples(self, limit: int | None = None) -> list[Sample]:
        """Of the texts that are queued, the next `limit` of them: the first, the longest and the shortest."""
        with reading(self.path):
            return sampling.plan_samples(self._db, self.plan, limit)

    def queued(self, limit: int | None = None) -> Iterator[tuple[int, str, str]]:
        """Row, phone and finished text of those who are queued, the next `limit` of them."""
        with reading(self.path):
            yield from sampling.queued(self._db, self.plan, limit)

    def rows(self, condition: str = "") -> Iterator[Result]:
        """Every contact, in the order of rows."""
        after = -1
        while rows := self._some_rows(after, condition):
            yield from rows
            after = rows[-1].row

    def _some_rows(self, after: int, condition: str = "") -> list[Result]:
        # Not around the loop above: what its caller does with a row is no matter of the ledger's.
        with reading(self.path):
            rows = select_rows(self._db, after, 1000, condition)
        return [self.as_of(row) for row in rows] if self.is_log_lost else rows

    def as_of(self, row: Result) -> Result:
        """A contact as it counts in this ledger: queued in one that has lost its log, it may have been texted."""
        is_lost = self.is_log_lost and row.state is State.QUEUED
        return msgspec.structs.replace(row, state=State.UNKNOWN, why=marks.DOUBT) if is_lost else row

    def kept_names(self) -> list[str]:
        """What the columns of the list are called that went into the ledger with its contacts."""
        with reading(self.path):
            return carrying.names(self._db)

    def kept(self, first: int, last: int) -> dict[int, dict[str, str]]:
        """The cells of these columns for the rows from `first` to `last`."""
        with reading(self.path):
            return carrying.cells(self._db, first, last)

    def skipped(self) -> Iterator[Result]:
        """The rows that are not to be texted, in their order."""
        return self.rows("AND state = 4")

    def first_rows(self, number: int) -> dict[Reason, list[int]]:
        """The first rows of each reason for which rows are skipped; "duplicate of row N" counts as "duplicate"."""
        found: dict[Reason, list[int]] = {}
        with reading(self.path):
            for code, detail, row in self._db.execute(
                f"""SELECT code, detail, row FROM (
                    SELECT code, detail, row, row_number() OVER (PARTITION BY code, detail ORDER BY row) AS place FROM (
                        SELECT row, {KIND} FROM contact WHERE state = 4))
                WHERE place <= ? ORDER BY row""",  # noqa: S608 - of constants
                (number,),
            ):
                found.setdefault(reason_of(code, detail), []).append(row)
        return found
