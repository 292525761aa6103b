"""The steps of a run that are noted beside its ledger first, and carried over into it many at a time.

Lives here: which steps go there, and when they are carried over. The file is in `steps_file`, the statements in `folding`; why
there is such a file, and what it costs, in docs/decisions/journal.md.

A step of many texts costs SQLite a statement of half a millisecond; noted in a file it is one write. So large steps that do
nothing but open entries and close them for good are noted there, and some thousand texts later one statement carries them over.
Everything else (small steps, texts that are queued again, prices, rules that turn somebody away, a second that has passed) goes
into the ledger as ever, behind what was noted before it, in one transaction. All other work on the ledger finds everything
carried over: see `LedgerThread`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import folding, steps_file
from rumbleup_async.ledger.closing import Closing
from rumbleup_async.ledger.held_file import HeldFile
from rumbleup_async.ledger.steps_file import Place, StepsFile
from rumbleup_async.messaging import State, Text

LARGE = 32
"""Entries that a step opens and closes together to be noted beside the ledger: a slow run writes all into the ledger at once."""
WARM = 16
"""Large steps before the file is made: a short run needs none."""
MANY = 4096
"""Closed entries that are carried over together."""


class Journal:
    """The notes of a writer. `is_wanted`: it may make some. Used by the ledger's thread alone."""

    def __init__(self, file: HeldFile, *, is_wanted: bool) -> None:
        self._file = file
        self._is_wanted = is_wanted
        self._steps: StepsFile | None = None
        self._is_over = False
        """Nothing more is noted; with the next commit the ledger has no such file any more."""
        self._large = 0
        """Large steps so far."""
        self._open: dict[int, set[int]] = {}
        """Rows that steps have opened and not closed, by owner."""
        self._fresh: dict[int, dict[int, int]] = {}
        """Those of them that are not open in the ledger yet, and since when, by owner."""
        self._closes: dict[int, list[str]] = {}
        """Entries that are closed here and not in the ledger yet: JSON without brackets, by owner."""
        self._closed: set[int] = set()
        """Their rows."""
        self._is_plain = True
        """There is nothing to say of any of them but that it was sent."""

    @property
    def is_behind(self) -> bool:
        """Whether the ledger lacks something that is noted here, or is to say that it has it all."""
        return self._steps is not None and (self._is_over or self._steps.number > self._steps.place.folded)

    def note(self, owner: int, closing: Closing, opened: Sequence[Text], now: int) -> bool:
        """Note a step; it is durable when this returns. False where it is to go into the ledger: nothing of it is noted then."""
        if not self._is_wanted or closing.number + len(opened) < LARGE or State.QUEUED in closing.states:
            return False
        self._large += 1
        if self._large <= WARM:
            return False
        rows = [text.row for text in opened]
        mine, closed = self._open.get(owner, set()), set(closing.row_numbers)
        if not closed <= mine:
            return False  # opened otherwise, or never: the ledger knows
        if not self._closed.isdisjoint(rows) or any(not one.isdisjoint(rows) for one in self._open.values()):
            raise LedgerError("an entry would be opened twice")
        if len(self._closed) >= MANY:
            self._make_room(is_closing_only=not opened)
        if not self._append(folding.body(owner, now, closing, rows)):
            return False
        self._heard(owner, closed, rows)
        fresh = self._fresh.setdefault(owner, {})
        for row in closed:
            fresh.pop(row, None)
        fresh.update(dict.fromkeys(rows, now))
        if closing.number:
            self._closes.setdefault(owner, []).append(closing.json[1:-1])
            self._closed |= closed
            self._is_plain = self._is_plain and closing.is_plain
        return True

    def written(self, owner: int, closing: Closing, opened: Sequence[Text]) -> None:
        """This step is in the ledger."""
        if self._is_wanted:
            self._heard(owner, set(closing.row_numbers), [text.row for text in opened])

    def _heard(self, owner: int, closed: set[int], opened: Sequence[int]) -> None:
        mine = self._open.setdefault(owner, set())
        mine -= closed
        mine.update(opened)

    def forget(self, owner: int) -> None:
        """Nothing is open for this owner any more."""
        self._open.pop(owner, None)

    def _make_room(self, *, is_closing_only: bool) -> None:
        try:
            self.fold()
        except sqlite3.Error:
            if not is_closing_only:
                raise  # on a full disk what is in flight can still be noted: the blocks are there

    def _append(self, body: bytes) -> bool:
        """False where the file cannot be used (any more); then all that is in it is in the ledger."""
        try:
            if self._steps is None:
                self._begin()
            assert self._steps is not None  # noqa: S101 - it has just been made
            if not self._steps.has_room(body):
                self._begin_lap(self._steps)
            if not self._steps.has_room(body):
                return False  # larger than the file
            self._steps.append(body)
        except OSError:
            # Whether it is on the disk nobody knows. Nothing of it counts, once the ledger says that it has no such file.
            self.end()
            return False
        return True

    def _begin(self) -> None:
        self._file.count_step()  # the main file must know that it is not all there is
        try:
            steps = StepsFile(self._file.path)
        except OSError:
            self._is_wanted = False
            raise
        try:
            with self._file.transaction() as db:
                folding.write_place(db, steps.place)
        except BaseException:
            steps.close()
            raise
        self._steps = steps

    def _begin_lap(self, steps: StepsFile) -> None:
        """Carry all over for good, and write from the start of the file again."""
        old = steps.place
        new = Place(old.ident, old.lap + 1, steps.number, steps.number)
        self._file.count_step()
        with self._file.transaction() as db:
            self.fold_within(db)
            folding.write_place(db, new)
        self._folded(new)
        steps.begin_lap(new)

    # ---- carrying over ----

    def fold(self) -> None:
        """Carry over what is noted. The file holds it until a later commit is durable, so this one need not be."""
        if not self.is_behind:
            return
        if self._is_over:
            self.end()  # the file goes with it, so this commit has to hold
            return
        self._file.count_step()
        self._file.db.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._file.transaction() as db:
                self.fold_within(db)
        finally:
            self._file.db.execute("PRAGMA synchronous = FULL")
        self.folded()

    def fold_within(self, db: sqlite3.Connection) -> None:
        """Within a transaction: carry over what is noted, if anything is. After the commit `folded` is to be called."""
        if self._steps is None or not self.is_behind:
            return
        done = sum(
            folding.close(db, owner, f"[{','.join(closes)}]", is_plain=self._is_plain) for owner, closes in self._closes.items()
        )
        if done != len(self._closed):
            raise LedgerError("another program has changed the ledger")
        for owner, fresh in self._fresh.items():
            if fresh and folding.open_(db, owner, list(fresh.items())) != len(fresh):
                raise LedgerError("another program has changed the ledger")
        folding.write_place(db, None if self._is_over else self._steps.place._replace(folded=self._steps.number))

    def folded(self) -> None:
        """What was carried over is committed."""
        if self._steps is None:
            return
        self._folded(self._steps.place._replace(folded=self._steps.number))
        if self._is_over:
            is_ours = self._steps.is_in_place
            self._let_go()
            if is_ours:
                steps_file.remove(self._file.path)

    def _folded(self, place: Place) -> None:
        assert self._steps is not None  # noqa: S101 - asked by whoever calls
        self._steps.place = place
        self._closes.clear()
        self._fresh.clear()
        self._closed.clear()
        self._is_plain = True

    def check_place(self) -> None:
        """A file that was taken away under the run is no loss: all that is in it goes into the ledger, and no other is made."""
        if self._steps is not None and not self._steps.is_in_place:
            self.end()

    def end(self) -> None:
        """Carry all over for good, and take the file away. No other is made."""
        self._is_wanted = False
        if self._steps is None:
            return
        self._is_over = True
        self._file.check_not_lost()
        self._file.count_step()
        with self._file.transaction() as db:
            self.fold_within(db)
        self.folded()

    def _let_go(self) -> None:
        if self._steps is not None:
            self._steps.close()
            self._steps = None

    def close(self) -> None:
        """Let go, whatever the disk says; what could not be carried over the next process finds."""
        with contextlib.suppress(sqlite3.Error, OSError, LedgerError):
            self.end()
        self._let_go()
