"""Claims in the book of people, for whom a source opens: made before the intent is written, taken back once nothing has left.

Lives here: which texts are claimed, and which claims are given back. Where there is no book there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rumbleup_async.admission import Go, Never, Verdict, Wait
from rumbleup_async.engine.entries import Entry
from rumbleup_async.engine.ports import Claims
from rumbleup_async.messaging import Closed, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import Reason

_NOTHING_LEFT = frozenset({State.QUEUED, State.NOT_SENT, State.REFUSED})
"""Where a contact goes whose text has certainly not left. What is sent keeps its claim, and so does what is unknown."""


class Claiming:
    """The claims of one run; without `claims` nobody is asked."""

    def __init__(self, claims: Claims | None) -> None:
        self._claims = claims
        self._let_go: dict[int, str] = {}
        """Phones of entries that are about to be closed without a text, by row."""
        self._taken: set[str] = set()
        """Phones that were claimed for the step that is made now."""
        self._let_in: set[str] = set()
        """Those of contacts that a provider has handed out, and that the book lets go."""

    @property
    def is_asked(self) -> bool:
        """Whether there is a book."""
        return self._claims is not None

    async def claimed(self, texts: Sequence[Text], verdicts: Sequence[Verdict], now: float) -> list[Verdict]:
        """The verdicts on these texts once the book was asked, too. Only whom the rules let go is claimed."""
        if self._claims is None:
            return list(verdicts)
        asked = [text for text, verdict in zip(texts, verdicts, strict=True) if isinstance(verdict, Go)]
        if not asked:
            return list(verdicts)
        self._taken.update(text.phone for text in asked)
        answers = iter(await self._claims.claim(asked, now))
        return [next(answers) if isinstance(verdict, Go) else verdict for verdict in verdicts]

    async def let_in(self, drawn: Sequence[Planned | Skipped], waits: dict[int, Reason], now: float) -> list[Planned | Skipped]:
        """The contacts that a provider has handed out, as they go into the books once the book was asked about those who do not
        wait already. `waits`: why contacts are not texted now, by row; it is added to."""
        asked = [row for row in drawn if isinstance(row, Planned) and row.row not in waits] if self._claims is not None else []
        if self._claims is None or not asked:
            return list(drawn)
        texts = [Text(row.row, row.phone, row.text, row.name, segments=row.segments, place=row.place) for row in asked]
        self._taken.update(text.phone for text in texts)
        said = dict(zip([row.row for row in asked], await self._claims.claim(texts, now), strict=True))
        self._let_in = {row.phone for row in asked if isinstance(said[row.row], Go)}
        let_in: list[Planned | Skipped] = []
        for row in drawn:
            verdict = said.get(row.row)
            if isinstance(verdict, Never) and verdict.state is not State.QUEUED:
                let_in.append(Skipped(row.row, row.phone, verdict.why))
                continue
            if isinstance(verdict, (Never, Wait)):
                waits[row.row] = verdict.why
            let_in.append(row)
        return let_in

    async def not_opened(self, answers: Sequence[Text | Result], *, is_shared: bool = False) -> None:
        """What has become of those whom the book let in, durably: whoever was not opened after all, as there is no room any more,
        is left alone by no other run. `is_shared`: as for `release`."""
        let_in, self._let_in = self._let_in, set()
        if self._claims is None or not let_in:
            return
        phones = {answer.phone for answer in answers if not isinstance(answer, Text)} & let_in
        phones -= {answer.phone for answer in answers if isinstance(answer, Text)}
        if not self._claims.are_counted:
            # One claim stands for all: that of somebody who is there already is not ours to take back.
            is_kept = {answer.phone for answer in answers if isinstance(answer, Result) and answer.state is not State.NOT_SENT}
            phones = set() if is_shared else phones - is_kept
        if phones:
            await self._claims.release(sorted(phones))

    def note(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> None:
        """These are about to be closed."""
        if self._claims is not None:
            self._let_go.update((close.row, entries[close.row].text.phone) for close in done if close.state in _NOTHING_LEFT)

    async def release(self, done: Sequence[Closed], *, is_shared: bool = False) -> None:
        """These are closed, durably. A crash before this leaves a claim that the run itself takes up again.

        `is_shared`: another process may have opened one of these meanwhile, and claimed it for the same run: that text is about
        to leave, so no claim is taken back but by a book that counts them.

        Whoever was handed out once more meanwhile, and claimed in the same step, keeps that claim: that text is about to leave.
        Where claims are counted it is another one than that of before, which is taken back.
        """
        taken, self._taken = self._taken, set()
        if self._claims is None or not self._let_go:
            return
        if are_counted := self._claims.are_counted:
            taken = set()
        phones = [phone for close in done if (phone := self._let_go.pop(close.row, None)) is not None and phone not in taken]
        if phones and (not is_shared or are_counted):
            await self._claims.release(phones)
