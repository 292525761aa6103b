"""How the contacts of a list get into a ledger on SQLite: a whole list at once, or some rows while the run is under way.

Lives here: what is done in the ledger's thread. The statements stand in `loading` and `taking_in`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.ledger import carrying, loading, schema, taking_in
from rumbleup_async.ledger.files import instead, value_of
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.ledger.thread import beside_journal
from rumbleup_async.messaging import Planned, Result, Skipped, State
from rumbleup_async.reasons import Reason


class Intake:
    """Takes contacts into the file of a run."""

    def __init__(self, run: RunFile) -> None:
        self._run = run

    def load(self, batches: Iterable[Sequence[Planned | Skipped]], left_out: Mapping[str, Reason]) -> None:
        file = self._run.file
        db = file.db
        if self._run.was_used():
            path = self._run.path
            raise LedgerMismatch(f"{path} was begun with another list, and texts of it may have left; {instead(path)}")
        with file.transaction():
            # A load that was cut off left rows without the index; nothing of them was ever sent.
            db.execute("DROP INDEX IF EXISTS one_text_a_phone")
            db.execute("DELETE FROM contact")
            db.execute(schema.BY_PLACE)
            schema.forget(db)
            carrying.forget(db)
            db.execute("DELETE FROM run WHERE key = 'list'")
            file.write("loading", "1")
        self._run.fingerprint = None
        self._run.is_loading = True
        self._run.begin_queue(0)
        self._run.counts.update(dict.fromkeys(State, 0))
        # Nothing of the list is used before the last commit, which flushes all there was before it: until then no step waits
        # for the disk.
        db.execute("PRAGMA synchronous = NORMAL")
        coming, by_place, is_ordered = loading.Coming(), Counter[int](), True
        try:
            for batch in batches:
                places = [row.place for row in batch if isinstance(row, Planned)]
                by_place.update(places)
                with file.transaction():
                    if is_ordered and any(places):
                        db.execute("DROP INDEX by_place")
                        is_ordered = False
                    taking_in.insert(db, batch, self._run.same_text, coming=coming)
                self._run.count_in(batch, State.QUEUED)
        finally:
            db.execute("PRAGMA synchronous = FULL")
        with file.transaction():
            db.execute(schema.ONE_TEXT_A_PHONE)
            skipped = loading.sort_out(db)
            skipped += loading.leave_out(db, left_out)
            db.execute("DELETE FROM run WHERE key = 'loading'")
        self._run.is_loading = False
        self._run.moved(State.QUEUED, State.SKIPPED, len(skipped))
        self._run.by_place = by_place - Counter(skipped)
        self._run.last_row = db.execute("SELECT coalesce(max(row), 0) FROM contact").fetchone()[0]

    @beside_journal
    def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        db = self._run.file.db
        if self._run.is_loading:
            raise LedgerError(f"{self._run.path}: its list was not read to its end; give the same list again")
        if value_of(db, "lost") is not None:
            raise LedgerError(f"{self._run.path} has lost its log, and with it who was texted since; nobody can be added to it")
        new = self._new_rows(rows)
        if not new:
            return []
        results = [Result(row.row, row.phone, State.SKIPPED, row.why) for row in new if isinstance(row, Skipped)]
        with self._run.file.transaction():
            added = taking_in.insert(db, new, self._run.same_text, or_pass=True)
            # Only where somebody was passed over does it have to be found out who that was.
            duplicates = taking_in.duplicates(db, new) if added < len(new) else []
            taking_in.insert(db, duplicates, self._run.same_text)
        results += [Result(row.row, row.phone, State.SKIPPED, row.why) for row in duplicates]
        self._run.by_place = None
        self._run.first_queued = min(self._run.first_queued, new[0].row)
        self._run.queue.came_in({row.place for row in new if isinstance(row, Planned)})
        self._run.counts[State.SKIPPED] += len(results)
        self._run.counts[State.QUEUED] += len(new) - len(results)
        self._run.last_row = max(self._run.last_row, new[-1].row)
        return sorted(results, key=lambda result: result.row)

    def _new_rows(self, rows: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
        """The rows the ledger does not have yet; LedgerMismatch if it has one that differs."""
        if not rows or rows[0].row > self._run.last_row:
            return list(rows)
        new, other = taking_in.new_rows(self._run.file.db, rows, self._run.same_text, is_chosen=self._run.is_chosen)
        if other is not None:
            path = self._run.path
            raise LedgerMismatch(f"{path}: row {other} of the list is not the contact it was; {instead(path)}")
        return new

    def complete(self, fingerprint: str) -> None:
        with self._run.file.transaction():
            self._run.file.write("list", fingerprint)
        self._run.fingerprint = fingerprint
