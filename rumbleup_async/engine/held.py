"""Refusals that do not name their recipient, held back until it is sure that they are about the text.

Lives here: which of them are held, and which have become sure.

Such a refusal may stand in a row of failures whose cause is the project or the account. So its entry is queued again first, on
the disk, and becomes `refused` only once a text was accepted that left after the refusal had come, or the list has come to its
end. If the run stops before that, or its process dies, it is still queued: nobody is written off for what was wrong with the
project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from rumbleup_async.messaging import Closed, Result, State, Text


class Held:
    """Counts refusals as they come in; one is sure if a text was accepted that left when it had been counted already."""

    def __init__(self) -> None:
        self.number = 0
        """Refusals met so far. Whoever lets a text leave keeps it, for `accepted`."""
        self._sure = 0
        self._met: dict[int, int] = {}
        """The number of each refusal whose entry is not closed yet, by the contact's row."""
        self._held: dict[int, tuple[Result, int]] = {}

    def __contains__(self, row: object) -> bool:
        return row in self._held

    def met(self, row: int) -> None:
        """A refusal that does not name its recipient has come in, and is about to be closed."""
        self.number += 1
        self._met[row] = self.number

    def accepted(self, number: int) -> None:
        """A text was accepted that left when so many refusals had been met."""
        self._sure = max(self._sure, number)

    def sift(self, done: Sequence[Closed], open_now: Mapping[int, Text]) -> tuple[list[Closed], dict[int, tuple[Result, int]]]:
        """The closes as they go to the ledger, with what is not sure queued; and what to keep of those once that is durable."""
        if not self._met:
            return list(done), {}
        sifted, new = [], {}
        for close in done:
            if close.state is State.REFUSED and (met := self._met.get(close.row, 0)) > self._sure:
                phone = open_now[close.row].phone
                new[close.row] = (Result(close.row, phone, State.REFUSED, close.why, "", close.attempts, close.time), met)
                close = msgspec.structs.replace(close, state=State.QUEUED, time=0)  # noqa: PLW2901
            sifted.append(close)
        return sifted, new

    def keep(self, done: Sequence[Closed], new: Mapping[int, tuple[Result, int]]) -> None:
        """These closes are on the disk."""
        if self._met:
            for close in done:
                self._met.pop(close.row, None)
        self._held.update(new)

    def sure(self, *, is_end: bool = False) -> list[Result]:
        """Those that are sure by now; all of them at the end of the list."""
        return [result for result, met in self._held.values() if is_end or met <= self._sure]

    def drop(self, rows: Sequence[int]) -> None:
        """They are refused on the disk, or open again."""
        for row in rows:
            self._held.pop(row, None)
