"""How the entries of a ledger on SQLite are opened and closed: owners, their steps and claims, and what look-ups decide.

Lives here: what is done in the ledger's thread. The statements stand in `stepping`, `claiming` and `settling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rumbleup_async.errors import LedgerError, LedgerFenced
from rumbleup_async.ledger import claiming, schema, settling, spending, stepping
from rumbleup_async.ledger.claiming import Claimed, known_of
from rumbleup_async.ledger.closing import Closing, storable
from rumbleup_async.ledger.files import value_of
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.ledger.thread import beside_journal
from rumbleup_async.ledger.turning import ASKED_AT_MOST, Turned
from rumbleup_async.lookups import Resolution, UnknownText
from rumbleup_async.messaging import Owner, Planned, Result, Second, Skipped, State, Step, Text
from rumbleup_async.reasons import Reason


class Entries:
    """Opens and closes the entries of a run."""

    def __init__(self, run: RunFile) -> None:
        self._run = run
        self._looks = Looks()

    def enlist(self, name: str) -> Owner:
        with self._run.file.transaction() as db:
            db.execute(schema.BY_PLACE)
            found = db.execute("INSERT INTO owner (name) VALUES (?)", (storable(name),)).lastrowid
        assert found is not None  # noqa: S101 - SQLite has just given it
        owner = self._run.owners[found] = Owner(found, name)
        return owner

    def expire(self, owner: int) -> list[Result]:
        if owner not in self._run.owners:
            return []
        self._run.journal.forget(owner)
        with self._run.file.transaction() as db:
            results = stepping.expire(db, owner, is_any_open=self._run.counts[State.INTENT] > 0)
            if results:
                self._run.file.write("recovered", str(self._run.file.now()))
        del self._run.owners[owner]
        self._run.moved(State.INTENT, State.UNKNOWN, len(results))
        return results

    def _believe(self, owner: int, closing: Closing) -> list[Result]:
        """Take the proof that a fenced owner brings."""
        self._run.file.check_not_lost()
        if not closing.states[State.SENT]:
            return []
        self._run.journal.fold()
        with self._run.file.transaction() as db:
            proven = stepping.believe(db, owner, closing.closed)
        for before, _ in proven:
            self._run.moved(before, State.SENT)
        if any(before is State.QUEUED for before, _ in proven):
            self._run.begin_queue()
        return [result for _, result in proven]

    @beside_journal
    def next_to_ask(
        self, turned: Turned, owner: int, closing: Closing, want: int, now: float, shut: Mapping[int, float]
    ) -> list[Text]:
        """The next texts of which the rules are to be asked; nobody, where the step will not come to them."""
        if owner not in self._run.owners:
            return []
        self._run.file.check_not_lost()
        closing.check()
        texts = self._take(want, now, shut)
        turned.texts += texts
        self._run.queue.asked.update(text.row for text in texts)
        return texts

    @beside_journal
    def step(
        self,
        owner: int,
        closing: Closing,
        want: int,
        now: float,
        shut: Mapping[int, float],
        second: Second | None,
        turned: Turned | None = None,
    ) -> Step:
        taken: list[Text] = [] if turned is None else turned.texts
        try:
            if owner not in self._run.owners:
                self._run.queue.give_back(taken)
                return Step(results=self._believe(owner, closing), is_fenced=True)
            self._run.file.check_not_lost()
            closing.check()
            if turned is None:
                taken = self._take(want, now, shut)
                turned = Turned(taken)
            self._write_step(owner, closing, turned, int(now * 1000), second)
        except BaseException:
            self._run.queue.give_back(taken)
            raise
        is_more = turned.number >= ASKED_AT_MOST
        if len(turned.go) >= want or is_more:
            return Step(turned.go, turned.nevers, is_more=is_more)
        return Step(turned.go, turned.nevers, due=self._run.queue.next_due(), shut=self._run.queue.shut_places(now, shut))

    def _write_step(self, owner: int, closing: Closing, turned: Turned, now: int, second: Second | None) -> None:
        opened = turned.go
        until = {**closing.due, **{row: due for row, due, _ in turned.waits}}
        prices = closing.prices if self._run.keeps_prices else {}
        is_more = bool(until or turned.nevers or prices or second is not None)
        if not (is_more or closing.number or opened):
            return
        journal = self._run.journal
        if is_more or not journal.note(owner, closing, opened, now):
            if closing.number or opened:
                self._run.file.count_step()
            if is_more or journal.is_behind:
                with self._run.file.transaction() as db:
                    journal.fold_within(db)
                    stepping.write(db, owner, closing, opened, now)
                    stepping.turn_away(db, turned, until)
                    if prices:
                        spending.note(db, owner, prices)
                    if second is not None:
                        stepping.note_second(db, owner, second, self._counts_after(closing, turned))
                journal.folded()
            else:
                stepping.write(self._run.file.db, owner, closing, opened, now)
            journal.written(owner, closing, opened)
        self._run.file.check_place()
        journal.check_place()
        self._run.by_place = None
        self._run.counts.update(self._counts_after(closing, turned))
        self._run.queue.put_off(until)
        self._run.queue.asked.difference_update(text.row for text in turned.texts)

    def _counts_after(self, closing: Closing, turned: Turned) -> dict[State, int]:
        """How many contacts are in each state once this step is on the disk."""
        counts = self._run.counts.copy()
        counts[State.QUEUED] -= len(turned.go) + len(turned.nevers)
        counts[State.INTENT] += len(turned.go) - closing.number
        for state, number in closing.states.items():
            counts[state] += number
        for one in turned.nevers:
            counts[one.state] += 1
        return counts

    def _closed(self, closing: Closing) -> None:
        """Take note of what is closed on the disk."""
        for state, number in closing.states.items():
            self._run.moved(State.INTENT, state, number)

    def _take(self, want: int, now: float, shut: Mapping[int, float]) -> list[Text]:
        """Who is next, but for those whose look into the log has grown old."""
        if want > 0 and self._run.is_loading:
            # Without the rest of the list and the index over its phones somebody could be texted twice.
            raise LedgerError(f"{self._run.path}: its list was not read to its end; send the same list again")
        taken = self._run.queue.take(want, now, shut)
        while stale := [text.row for text in taken if self._looks.is_stale(text.row)]:
            try:
                with self._run.file.transaction() as db:
                    settling.put_back(db, stale)
            except BaseException:
                self._run.queue.give_back(taken)
                raise
            self._run.moved(State.QUEUED, State.NOT_SENT, len(stale))
            taken = [text for text in taken if text.row not in stale]
            taken += self._run.queue.take(want - len(taken), now, shut)
        return taken

    def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        self._run.file.check_not_lost()
        with self._run.file.transaction() as db:
            done = sum(
                db.execute(
                    "UPDATE contact SET state = 3, attempts = ?, code = ?, detail = ?, time = ? WHERE row = ? AND state = 0",
                    (result.attempts, result.why.code or None, storable(result.why.detail), result.time, result.row),
                ).rowcount
                for result in refused
            )
            if done != len(refused):
                raise LedgerError(f"{self._run.path}: a contact to be refused was not queued")
        self._run.file.check_place()
        self._run.moved(State.QUEUED, State.REFUSED, done)
        return refused

    def again(self) -> bool:
        self._run.begin_queue()
        return self._run.counts[State.QUEUED] > 0

    def claim(
        self, owner: int, closing: Closing, drawn: Sequence[Planned | Skipped], now: float, waits: Mapping[int, Reason]
    ) -> list[Text | Result]:
        if owner not in self._run.owners:
            self._believe(owner, closing)
            raise LedgerFenced(f"{self._run.path}: another process has taken over this run")
        self._run.file.check_not_lost()
        closing.check()
        self._run.file.count_step()
        with self._run.file.transaction() as db:
            if closing.number:
                stepping.write(db, owner, closing, (), 0)
                if self._run.keeps_prices and closing.prices:
                    spending.note(db, owner, closing.prices)
            # Only now: what is given back in this very step may be opened again.
            moment = int(now * 1000)
            # A number that is there already would be a mistake: the other way refuses it, where this one would take its place.
            is_behind = min((row.row for row in drawn), default=0) > self._run.last_row
            texts = claiming.open_new(db, drawn, self._run.same_text, owner, moment) if is_behind and not waits else None
            claimed = None
            if texts is None:
                claimed = Claimed(known_of(db, drawn), drawn, self._looks.is_stale, waits)
                claimed.write(db, self._run.same_text, owner, moment)
        self._run.file.check_place()
        self._closed(closing)
        self._run.last_row = max(self._run.last_row, *(row.row for row in drawn))
        if claimed is None:
            self._run.count_in(drawn, State.INTENT)
            return list(texts or ())
        self._run.count_in(claimed.new, State.INTENT)
        self._run.count_in(claimed.waiting, State.QUEUED)
        self._run.first_queued = min([self._run.first_queued, *(row.row for row in claimed.waiting)])
        self._run.moved(State.QUEUED, State.INTENT, len(claimed.again))
        return claimed.answers

    def places(self, why: Mapping[int, Reason]) -> dict[int, int]:
        if why:
            with self._run.file.transaction() as db:
                stepping.wait_at(db, why)
        if self._run.by_place is not None:
            return dict(self._run.by_place)
        return dict(self._run.file.db.execute("SELECT place, count(*) FROM contact WHERE state = 0 GROUP BY place").fetchall())

    # ---- what the provider's log decides ----

    def doubts(self, after: int, limit: int, absent: bool) -> list[UnknownText]:
        db = self._run.file.db
        recovered = int(value_of(db, "recovered") or 0)
        return settling.select_doubts(db, self._run.same_text or "", recovered, after, limit, absent=absent)

    def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        with self._run.file.transaction() as db:
            return settling.first_looks(db, doubts, now)

    def settle(self, settled: Sequence[Resolution]) -> None:
        with self._run.file.transaction() as db:
            moves = settling.settle(db, settled)
            if any(after is State.QUEUED for _, after in moves):
                self._run.file.write("tried", "1")  # nothing else would tell from now on that a text may have left
        for (before, after), number in moves.items():
            self._run.moved(before, after, number)
        if again := [one.row for one in settled if one.state is State.QUEUED]:
            self._looks.note(again)
            # The queue is read anew: what came back to it lies behind.
            self._run.begin_queue(min(again))
