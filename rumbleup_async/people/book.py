"""The book of people: one file for all runs of an organisation, on SQLite.

Lives here: the face of the book. The statements stand in `texted` and `opted_out`, the care for the file in `file`.

A look says at once whom a list should leave out. It cannot keep two runs that begin together from texting the same person: only
a claim can, which is on the disk before the text leaves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rumbleup_async.days import Day
from rumbleup_async.people import counted, opted_out, texted
from rumbleup_async.people.entries import Again, Found, OptOut, Pull, Scope, Tally, Texted
from rumbleup_async.people.opening import OpenBook

_CHUNK = 1000
"""Phones that one statement is asked about."""
_PAGE = 5000
_MANY = 200
"""Phones from which on a look is one of a whole list."""


class Book(OpenBook):
    """Who was texted by which run, and who has opted out.

        async with Book("people.book") as book:
            async with rumbleup.fast_mode(..., book=book) as run: ...

    `path`: the file, made where there is none, mode 0600. `key`: a secret of at least 16 characters; the file then holds no
    phones, only what the key makes of them (HMAC). Without it the file holds their ten digits. `patience`: seconds that another
    process may keep the file to itself. `makes_folder`: its folder is made, too, for the owner alone.

    Several runs and processes may use one file at a time. Every call but `open` and `aclose` has a form for threads,
    `*_now`, which waits for the disk.

    Raises BookError for a file that cannot be used, BookLocked for one that another process keeps.
    """

    are_claims_counted = False
    """What one machine gives back of a run does not take away what another has claimed for it meanwhile."""
    # The statements of SQLite. A book elsewhere has others, of the same names.
    _texted = texted
    _opted_out = opted_out
    _counted = counted

    # ---- what runs ask ----

    async def claim(
        self,
        scope: Scope,
        run: str,
        phones: Sequence[str],
        *,
        again: Again | None = None,
        now: float | None = None,
        segments: Sequence[int] = (),
        day: Day | None = None,
    ) -> dict[str, Found]:
        """Claim these phones for a run, durably. What the book has against some of them, by phone: these are not claimed.

        `scope`: where the run texts; `run`: its id. What this run has claimed before it claims again. `now`: Unix seconds.
        `segments`: of each text; they count for the `day`, whose `used` is brought up to date. Whose text does not fit into what
        may leave on that day is not claimed. Different phones, if there are segments.
        """
        return await self._in_thread(self.claim_now, scope, run, phones, again, now, segments, day)

    def claim_now(
        self,
        scope: Scope,
        run: str,
        phones: Sequence[str],
        again: Again | None = None,
        now: float | None = None,
        segments: Sequence[int] = (),
        day: Day | None = None,
    ) -> dict[str, Found]:
        """As `claim`."""
        marks = self._marks.of(phones)
        moment = time.time() if now is None else now
        with self._file.writing() as db:
            numbers = self._texted.scope_id(db, scope), self._texted.world_id(db, scope.world), self._texted.run_id(db, run)
            found = self._texted.claim(db, marks, numbers, moment, again or Again(), segments=segments, day=day)
        return _by_phone(phones, marks, found)

    async def release(self, scope: Scope, run: str, phones: Sequence[str]) -> int:
        """These were certainly not texted by this run: others may text them. How many claims that takes away."""
        return await self._in_thread(self.release_now, scope, run, phones)

    def release_now(self, scope: Scope, run: str, phones: Sequence[str]) -> int:
        """As `release`."""
        marks = self._marks.of(phones)
        with self._file.writing() as db:
            return self._texted.release(db, marks, self._texted.numbers_of(db, scope, run))

    def used_now(self, scope: Scope, begins: int) -> int:
        """Segments of all runs in the same world that count for the day that begins at this Unix second."""
        with self._file.reading() as db:
            return self._counted.used(db, self._texted.numbers_of(db, scope, "")[1], begins)

    async def look(
        self, scope: Scope, run: str, phones: Sequence[str], *, again: Again | None = None, now: float | None = None
    ) -> dict[str, Found]:
        """What the book has against texting these, by phone. Nobody is claimed."""
        return await self._in_thread(self.look_now, scope, run, phones, again, now)

    def look_now(
        self, scope: Scope, run: str, phones: Sequence[str], again: Again | None = None, now: float | None = None
    ) -> dict[str, Found]:
        """As `look`."""
        moment = time.time() if now is None else now
        found: dict[str, Found] = {}
        with self._file.reading(much=len(phones) >= _MANY) as db:
            numbers = self._texted.numbers_of(db, scope, run)
            for start in range(0, len(phones), _CHUNK):
                some = phones[start : start + _CHUNK]
                marks = self._marks.of(some)
                if against := self._texted.look(db, marks, numbers, moment, again or Again()):
                    found |= _by_phone(some, marks, against)
        return found

    # ---- opt-outs ----

    async def add_opt_outs(self, opt_outs: Sequence[OptOut], pull: Pull | None = None) -> int:
        """Keep these, and how far their source has been read, in one durable step. How many phones are new."""
        return await self._in_thread(self.add_opt_outs_now, opt_outs, pull)

    def add_opt_outs_now(self, opt_outs: Sequence[OptOut], pull: Pull | None = None) -> int:
        """As `add_opt_outs`."""
        marks = self._marks.of([one.phone for one in opt_outs])
        with self._file.writing() as db:
            worlds = {world: self._texted.world_id(db, world) for world in dict.fromkeys(one.world for one in opt_outs)}
            rows = [
                (mark, worlds[one.world], one.since, one.source, one.word, int(one.is_sure))
                for mark, one in zip(marks, opt_outs, strict=True)
            ]
            new = self._opted_out.add(db, rows) if rows else 0
            if pull is not None:
                self._opted_out.note_pull(db, pull)
        return new

    async def pull_of(self, source: str) -> Pull:
        """How far this source of opt-outs has been read."""
        return await self._in_thread(self.pull_of_now, source)

    def pull_of_now(self, source: str) -> Pull:
        """As `pull_of`."""
        with self._file.reading() as db:
            return self._opted_out.pull_of(db, source)

    def pulls_now(self) -> list[Pull]:
        """How far each source of opt-outs has been read."""
        with self._file.reading() as db:
            return self._opted_out.pulls(db)

    def opt_outs_now(self) -> Iterator[OptOut]:
        """All opt-outs, in the order of their phones. BookError where the book keeps no phones."""
        last = (-1, -1)
        while True:
            with self._file.reading() as db:
                rows = self._opted_out.after(db, last, _PAGE)
            for mark, _, world, since, source, word, sure in rows:
                yield OptOut(self._marks.phone(mark), since, source, word, bool(sure), world)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0], rows[-1][1]

    def lift_now(self, phone: str) -> bool:
        """This person has opted in again. Whether an opt-out of theirs was there."""
        (mark,) = self._marks.of([phone])
        with self._file.writing() as db:
            return self._opted_out.lift(db, mark) > 0

    # ---- what people ask ----

    def of_phone_now(self, phone: str) -> tuple[list[Texted], list[OptOut]]:
        """What is kept of one phone: when it was texted, the newest first, and its opt-outs."""
        (mark,) = self._marks.of([phone])
        with self._file.reading() as db:
            rows, outs = self._texted.of_phone(db, mark), self._opted_out.of_phone(db, mark)
        return (
            [Texted(phone, Scope(name, world), run, moment) for name, world, run, moment in rows],
            [OptOut(phone, since, source, word, bool(sure), world) for world, since, source, word, sure in outs],
        )

    def texted_now(self) -> Iterator[Texted]:
        """Everybody who was texted, in the order of their phones. BookError where the book keeps no phones."""
        last = (-1, -1, -1)
        while True:
            with self._file.reading() as db:
                rows = self._texted.after(db, last, _PAGE)
            for mark, _, _, name, world, run, moment in rows:
                yield Texted(self._marks.phone(mark), Scope(name, world), run, moment)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0], rows[-1][1], rows[-1][2]

    def note_now(self, rows: Sequence[Texted]) -> int:
        """Keep that these were texted, by runs that did not use the book. How many are new."""
        marks = self._marks.of([one.phone for one in rows])
        with self._file.writing() as db:
            scopes = {scope: self._texted.scope_id(db, scope) for scope in dict.fromkeys(one.scope for one in rows)}
            runs = {run: self._texted.run_id(db, run) for run in dict.fromkeys(one.run for one in rows)}
            values = [(mark, scopes[one.scope], runs[one.run], one.time) for mark, one in zip(marks, rows, strict=True)]
            return self._texted.note(db, values)

    def forget_now(self, phone: str) -> int:
        """Keep no longer when this phone was texted. Its opt-out stays: that is what it is for. How many entries that were."""
        (mark,) = self._marks.of([phone])
        with self._file.writing() as db:
            return self._texted.forget(db, mark)

    def purge_now(self, before: float) -> int:
        """Forget whoever was texted before this Unix second. Opt-outs stay. How many entries that were."""
        with self._file.writing() as db:
            return self._texted.purge(db, int(before))

    def sizes_now(self, scope: Scope, leave_out: str) -> list[int]:
        """How many contacts each of the last ten runs in the same world had, but for this run. Goes through all of it.

        A run that is under way, or was killed, counts with the number that it was to text, where that was noted.
        """
        with self._file.reading() as db:
            return self._texted.sizes(db, self._texted.numbers_of(db, scope, leave_out))

    def knows_now(self, run: str) -> bool:
        """Whether this run has claimed anybody, or noted its size."""
        with self._file.reading() as db:
            return self._texted.numbers_of(db, Scope(""), run)[2] != texted.NO_RUN

    def size_of_now(self, run: str) -> int:
        """How many contacts this run was to text; 0 if that was not noted."""
        with self._file.reading() as db:
            return self._texted.size_of(db, run)

    def note_size_now(self, run: str, number: int) -> None:
        """Note that this run is to text so many contacts. The largest number stays."""
        with self._file.writing() as db:
            self._texted.note_size(db, run, number)

    def tally_now(self) -> Tally:
        """What the book holds, in numbers. Goes through all of it."""
        with self._file.reading() as db:
            return self._texted.tally(db)


def _by_phone(phones: Sequence[str], marks: Sequence[int], found: dict[int, Found]) -> dict[str, Found]:
    return {phone: found[mark] for phone, mark in zip(phones, marks, strict=True) if mark in found} if found else {}
