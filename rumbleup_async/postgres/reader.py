"""A look into a run in a database from outside, even while machines send it.

Lives here: reading only, of its contacts. Together with what `run_reader` tells of how it goes it answers what `ledger.Reader`
answers of a file, by the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from rumbleup_async.ledger import sampling, states
from rumbleup_async.ledger.keeping_reasons import reason_of
from rumbleup_async.ledger.sampling import Sample
from rumbleup_async.messaging import Result, State
from rumbleup_async.money import Money, Spending
from rumbleup_async.postgres import reads, server, spending, values
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.run_reader import RunReader
from rumbleup_async.postgres.tables import SCHEMA
from rumbleup_async.reasons import Reason
from rumbleup_async.retry import left_over
from rumbleup_async.stops import Cause, Stop

_QUEUED: Final = f"""SELECT row, phone, coalesce(text, %s) AS text, segments FROM {SCHEMA}.contact
    WHERE run = %s AND state = 0 ORDER BY row LIMIT %s"""
_KINDS: Final = f"""SELECT k.number, count(*), min(k.row) FROM {SCHEMA}.kind k JOIN {SCHEMA}.contact c USING (run, row)
    WHERE k.run = %s AND c.state = 0 GROUP BY k.number ORDER BY k.number"""
_FIRST_ROWS: Final = f"""SELECT code, detail, row FROM (
    SELECT code, detail, row, row_number() OVER (PARTITION BY code, detail ORDER BY row) AS place FROM (
        SELECT row, code, {reads.KIND} AS detail FROM {SCHEMA}.contact WHERE run = %s AND state = 4) AS s) AS t
    WHERE place <= %s ORDER BY row"""


class Reader(RunReader):
    """A look into a run that may be sent at this moment, and into its contacts."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        try:
            self.stop = self._why_stopped()
        except BaseException:
            self.close()
            raise

    def _why_stopped(self) -> Stop | None:
        if self.is_told or self.running:
            return self.noted or self._left_over()
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
        return self.spent(lambda: 0.0)

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

    def reasons(self) -> list[tuple[State, Reason, int]]:
        """How many contacts are in each state for each reason; "duplicate of row N" counts as "duplicate"."""
        found = self._of_run(reads.REASONS)
        return [(states.BY_NUMBER[state], reason_of(code, detail), number) for state, code, detail, number in found]

    def segments(self) -> list[tuple[int, int]]:
        """How many queued texts take how many SMS parts: (parts, texts), ascending."""
        statement = f"SELECT segments, count(*) FROM {SCHEMA}.contact WHERE run = %s AND state = 0 GROUP BY 1 ORDER BY 1"
        return self._of_run(statement)

    def kinds(self) -> list[tuple[str | None, int, int | None]]:
        """Who gets which text, of those who are queued; as `ledger.Reader.kinds`."""
        conditions = [words for words, _ in self.plan.details.get("text_when", ())]
        if not conditions:
            return []
        found = self._kinds()
        counted = [(words, *found.get(number, (0, None))) for number, words in enumerate(conditions, 1)]
        return [*counted, (None, self.counts()[State.QUEUED] - sum(number for _, number, _ in counted), None)]

    def _kinds(self) -> dict[int, tuple[int, int]]:
        return {kind: (number, first) for kind, number, first in self._of_run(_KINDS)}

    def samples(self, number: int, limit: int | None = None) -> list[Sample]:
        """Of the texts that are queued, the next `limit` of them: the first, the longest, and `number` others, the same ones each
        time from the same list and text."""
        given = (values.kept(self.plan.same_text or ""), self._run, sampling.bounded(limit))
        total, first = self._all(f"SELECT count(*), min(row) FROM ({_QUEUED}) AS q", *given)[0]
        if not total:
            return []
        longest = f"SELECT row FROM ({_QUEUED}) AS q ORDER BY segments DESC, length(text) DESC, row LIMIT 1"
        return sampling.choose(
            self._queued(limit),
            total,
            first,
            self._all(longest, *given)[0][0],
            self._kinds(),
            self.fingerprint,
            self.plan,
            number,
        )

    def plan_samples(self, limit: int | None = None) -> list[Sample]:
        """Of the texts that are queued, the next `limit` of them: the first, the longest and the shortest."""
        given = (values.kept(self.plan.same_text or ""), self._run, sampling.bounded(limit))
        chosen: dict[int, Sample] = {}
        for why, order in sampling.OF_PLAN:
            for row, phone, text, segments in self._all(f"SELECT * FROM ({_QUEUED}) AS q ORDER BY {order} LIMIT 1", *given):
                chosen.setdefault(row, Sample(why, row, values.given(phone), values.given(text), segments))
        return [chosen[row] for row in sorted(chosen)]

    def queued(self, limit: int | None = None) -> Iterator[tuple[int, str, str]]:
        """Row, phone and finished text of those who are queued, the next `limit` of them."""
        for row, phone, text, _ in self._queued(limit):
            yield row, phone, text

    def _queued(self, limit: int | None) -> Iterator[tuple[int, str, str, int]]:
        given = (values.kept(self.plan.same_text or ""), self._run, sampling.bounded(limit))
        with server.telling(self.path), self._db.transaction(), self._db.cursor("queued") as cursor:
            for row, phone, text, segments in cursor.execute(_QUEUED, given):
                yield row, values.given(phone), values.given(text), segments

    def queued_phones(self, limit: int) -> list[str]:
        """Phones that are queued: all of them, or about so many evenly chosen ones."""
        step = max(1, self.counts()[State.QUEUED] // limit)
        statement = f"SELECT phone FROM {SCHEMA}.contact WHERE run = %s AND state = 0 AND row %% %s = 0 LIMIT %s"
        return [values.given(phone) for (phone,) in self._of_run(statement, step, limit)]

    def texted(self, phones: list[str]) -> int:
        """How many of these have been texted by it, or may have been."""
        statement = f"""SELECT count(*) FROM {SCHEMA}.contact WHERE run = %s AND phone = ANY(%s::text[]) AND screened IS NULL
            AND state IN (1, 2, 3, 6)"""
        return int(self._of_run(statement, values.words(map(values.kept, phones)))[0][0])

    def sent_by_owners(self) -> list[int]:
        """How many texts each owner has sent, in the order in which they came."""
        statement = f"""SELECT count(c.row) FROM {SCHEMA}.owner o LEFT JOIN {SCHEMA}.contact c
            ON c.run = o.run AND c.owner = o.id AND c.state = 2 WHERE o.run = %s GROUP BY o.id ORDER BY o.id"""
        return [sent for (sent,) in self._of_run(statement)]

    def rows(self) -> Iterator[Result]:
        """Every contact, in the order of rows."""
        return self._pages(skipped_only=False)

    def skipped(self) -> Iterator[Result]:
        """The rows that are not to be texted, in their order."""
        return self._pages(skipped_only=True)

    def _pages(self, *, skipped_only: bool) -> Iterator[Result]:
        after = -1
        while rows := [values.result_of(*one) for one in self._of_run(reads.ROWS, after, skipped_only, 1000)]:
            yield from rows
            after = rows[-1].row

    def first_rows(self, number: int) -> dict[Reason, list[int]]:
        """The first rows of each reason for which rows are skipped; "duplicate of row N" counts as "duplicate"."""
        found: dict[Reason, list[int]] = {}
        for code, detail, row in self._of_run(_FIRST_ROWS, number):
            found.setdefault(reason_of(code, detail), []).append(row)
        return found

    def kept_names(self) -> list[str]:
        """What the columns of the list are called that went into the ledger with its contacts."""
        found: dict[str, None] = {}
        for order in ("ASC", "DESC"):
            row = self._of_run(f"SELECT cells FROM {SCHEMA}.kept WHERE run = %s ORDER BY row {order} LIMIT 1")
            found.update(dict.fromkeys(msgspec.json.decode(values.given(row[0][0]), type=dict[str, str])) if row else {})
        return list(found)

    def kept(self, first: int, last: int) -> dict[int, dict[str, str]]:
        """The cells of these columns for the rows from `first` to `last`."""
        found = self._of_run(f"SELECT row, cells FROM {SCHEMA}.kept WHERE run = %s AND row BETWEEN %s AND %s", first, last)
        return {row: msgspec.json.decode(values.given(cells), type=dict[str, str]) for row, cells in found}
