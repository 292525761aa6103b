"""Refusals that do not name their recipient, held back until it is sure that they are about the text.

Lives here: which of them are held, and which have become sure.

Such a refusal may stand in a row of failures whose cause is the project or the account. So its entry is queued again first, on
the disk, and becomes `refused` only once a text was accepted that was opened after the refusal had been written down, or the
list has come to its end. If the run stops before that, or its process dies, it is still queued: nobody is written off for what
was wrong with the project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from rumbleup_async.engine.entries import Entry
from rumbleup_async.messaging import Closed, Result, State


class Held:
    """Counts refusals as they are written down; one is sure if a text was accepted that was opened after that."""

    def __init__(self) -> None:
        self.number = 0
        """Refusals written down so far. Whoever opens an entry notes it there."""
        self._sure = 0
        self._held: dict[int, tuple[Result, int]] = {}

    def __contains__(self, row: object) -> bool:
        return row in self._held

    def __len__(self) -> int:
        return len(self._held)

    def sift(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> tuple[Sequence[Closed], list[Result]]:
        """The closes as they go to the ledger, with refusals that may be about something else queued, and these refusals.

        `keep` takes these once they are on the disk.
        """
        if not any(close.is_general for close in done):
            return done, []
        sifted, new = [], []
        for close in done:
            if close.is_general:
                phone = entries[close.row].text.phone
                new.append(Result(close.row, phone, State.REFUSED, close.why, "", close.attempts, close.time))
                close = msgspec.structs.replace(close, state=State.QUEUED, time=0, is_general=False)  # noqa: PLW2901
            sifted.append(close)
        return sifted, new

    def keep(self, new: Sequence[Result]) -> None:
        """These refusals are on the disk, as queued."""
        for result in new:
            self.number += 1
            self._held[result.row] = result, self.number

    def accepted(self, number: int) -> None:
        """A text was accepted that was opened when so many refusals had been written down."""
        self._sure = max(self._sure, number)

    def sure(self, *, is_end: bool = False) -> list[Result]:
        """Those that are sure by now; all of them at the end of the list."""
        return [result for result, number in self._held.values() if is_end or number <= self._sure] if self._held else []

    def given_up(self) -> list[Result]:
        """What the run hands out for those that are still not sure at its end: they are queued."""
        return [msgspec.structs.replace(result, state=State.NOT_SENT, time=0) for result, _ in self._held.values()]

    def drop(self, rows: Sequence[int]) -> None:
        """They are refused on the disk, or open again."""
        for row in rows:
            self._held.pop(row, None)
