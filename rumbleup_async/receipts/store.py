"""Where receipts are kept: what a file and a database have in common.

Lives here: taking in what was told, in one transaction with how far it was read, so that whoever is interrupted goes on there and
what is read twice counts once.
"""

from __future__ import annotations

import abc
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import msgspec

from rumbleup_async.receipts.told import Counts, Fact, Receipt, counted, counts_of, merged

ASKED = "asked"
"""The note of when the last look ended, in Unix seconds."""


class Store(abc.ABC):
    """The receipts of one run."""

    def take(self, facts: Iterable[Fact], notes: Mapping[str, str] | None = None) -> int:
        """Keep what was told, and how far it was read. How many contacts it has changed."""
        facts = list(facts)
        with self._writing():
            known = self._of_rows(sorted({fact.row for fact in facts}))
            now = dict(known)
            for fact in facts:
                now[fact.row] = merged(now.get(fact.row), fact)
            changed = [receipt for row, receipt in now.items() if receipt != known.get(row)]
            self._put(changed, known)
            self._note(notes or {})
        return len(changed)

    def settle(self, logids: Mapping[int, str]) -> int:
        """The ledger has come to know these rows' logids: a receipt of that text counts now, one of another text is dropped. How
        many count."""
        with self._writing():
            known = self._of_rows(sorted(logids))
            changed = []
            for row, receipt in known.items():
                if receipt.is_open and receipt.logid == logids[row]:
                    changed.append(msgspec.structs.replace(receipt, is_open=False))
                elif receipt.is_open:
                    kept = Receipt(row, replied=receipt.replied, opted_out=receipt.opted_out)
                    changed.append(kept)
            self._put(changed, known)
        return sum(1 for receipt in changed if receipt.delivery)

    def looked(self) -> None:
        """Note that a look came to its end now."""
        with self._writing():
            self._note({ASKED: repr(time.time())})

    def _put(self, changed: Sequence[Receipt], known: Mapping[int, Receipt]) -> None:
        more: Counter[str] = Counter()
        for receipt in changed:
            more.update(counted(receipt))
            if receipt.row in known:
                more.subtract(Counter(counted(known[receipt.row])))
        if changed:
            self._write(changed, {name: number for name, number in more.items() if number})

    def counts(self) -> Counts:
        """How many contacts each thing is known of. Does not go through them."""
        return counts_of(self._totals(), self._words(), float(self.note(ASKED) or 0.0))

    @abc.abstractmethod
    def note(self, key: str) -> str | None:
        """What was noted under this name."""

    @abc.abstractmethod
    def between(self, first: int, last: int) -> dict[int, Receipt]:
        """What is known of the rows from `first` to `last`."""

    @abc.abstractmethod
    def open_rows(self) -> Iterator[list[Receipt]]:
        """Receipts of texts whose logid the ledger did not know, many at a time."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of it."""

    @abc.abstractmethod
    def _writing(self) -> AbstractContextManager[object]:
        """A transaction."""

    @abc.abstractmethod
    def _of_rows(self, rows: Sequence[int]) -> dict[int, Receipt]: ...

    @abc.abstractmethod
    def _write(self, changed: Sequence[Receipt], more: Mapping[str, int]) -> None: ...

    @abc.abstractmethod
    def _note(self, notes: Mapping[str, str]) -> None: ...

    @abc.abstractmethod
    def _totals(self) -> list[tuple[str, int]]: ...

    @abc.abstractmethod
    def _words(self) -> dict[str, str]: ...
