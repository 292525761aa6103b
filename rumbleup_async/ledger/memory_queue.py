"""Who is opened next in a ledger in memory, and of whom the rules are asked.

Lives here: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rumbleup_async.admission import Admit
from rumbleup_async.ledger.contacts import Contacts, Entry
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.ledger.queues import Queues
from rumbleup_async.ledger.turning import ASKED_AT_MOST, Turned
from rumbleup_async.messaging import Planned, State, Text
from rumbleup_async.reasons import Code
from rumbleup_async.stops import Cause, Stop


def _nobody_more(_place: int, _want: int) -> None:
    """All contacts are at hand."""


class MemoryQueue:
    """The queued contacts among all, in the order in which they are to be opened."""

    def __init__(self, contacts: Contacts, looks: Looks) -> None:
        self._contacts = contacts
        self._looks = looks
        self._queues: Queues[Planned] = Queues(_nobody_more)
        self._places: set[int] = set()
        """Places that contacts have, 0 left out."""
        self._asked: dict[int, Planned] = {}
        """Those of whom the rules are being asked."""

    def begin(self) -> None:
        """Begin anew: everybody who is queued, in the order of the list, and whoever was put off at their time."""
        entries = self._contacts.entries
        waits = {row: due for row, due in self._queues.until.items() if entries[row].state is State.QUEUED}
        self._queues.clear(waits)
        for row, entry in self._contacts.after(-1):
            if row not in waits and row not in self._asked:
                self.append(entry)

    def append(self, entry: Entry) -> None:
        """This contact comes last, if it is queued."""
        planned = entry.planned
        if entry.state is State.QUEUED and isinstance(planned, Planned):
            self._queues.of(planned.place).append(planned)
            if planned.place:
                self._places.add(planned.place)

    def put_off(self, row: int, until: float) -> None:
        """This contact waits until then (Unix seconds)."""
        self._queues.put_off({row: until})

    def ended(self, stop: Stop | None) -> None:
        """A run has ended so. Whoever goes on after the cap of its brand says that it is reset, or raised."""
        if stop is not None and stop.cause in (Cause.DAILY_CAP, Cause.LEFT_OVER):
            entries, until = self._contacts.entries, self._queues.until
            self._queues.put_off({row: 0.0 for row in until if entries[row].why.code is Code.DAILY_CAP})

    def next_due(self) -> float | None:
        """When the next contact that was put off is due; None if nobody was."""
        return self._queues.next_due()

    def shut_places(self, now: float, shut: Mapping[int, float]) -> frozenset[int]:
        """The places that have queued contacts and are shut now."""
        return self._queues.shut_places(now, shut, self._places)

    @property
    def lots(self) -> int:
        """How many were drawn to go first, and are still here."""
        return len(self._queues.lots)

    @property
    def is_drawn(self) -> bool:
        """Whether only those go who were drawn."""
        return self._queues.is_drawn

    def put_lots(self, rows: Sequence[int]) -> None:
        """These queued contacts go before all others, in this order."""
        self._queues.put_lots([self._planned(row) for row in rows])

    def is_put_off(self, row: int) -> bool:
        """Whether this contact waits for a time of its own."""
        return row in self._queues.until

    def take(self, want: int, now: float, shut: Mapping[int, float]) -> list[Text]:
        """The next texts. Whoever was opened by other ways, or whose look into the log has grown old, is passed over."""
        if want <= 0:
            return []
        entries = self._contacts.entries
        awake = [entries[row].planned for row in self._queues.wake(now)]
        self._queues.put_first([one for one in awake if isinstance(one, Planned) and one.row not in self._asked])
        taken: list[Text] = []
        while len(taken) < want and (some := self._queues.take(want - len(taken), now, shut, self._places)):
            for planned in some:
                entry = entries[planned.row]
                if entry.state is State.QUEUED and self._looks.is_stale(planned.row):
                    self._contacts.make_absent(entry)
                elif entry.state is State.QUEUED:
                    taken.append(text_of(planned, entry))
        return taken

    async def ask(self, want: int, now: float, shut: Mapping[int, float], admit: Admit) -> Turned:
        """The next texts that the rules let through, and those that they turn away."""
        turned = Turned([])
        try:
            while (missing := want - len(turned.go)) > 0 and turned.number < ASKED_AT_MOST:
                if not (texts := self.take(missing, now, shut)):
                    break
                turned.texts += texts
                self._asked.update((text.row, self._planned(text.row)) for text in texts)
                turned.sort(texts, await admit(texts))
        except BaseException:
            self._queues.put_first([self._asked[text.row] for text in turned.texts])
            raise
        finally:
            for text in turned.texts:
                del self._asked[text.row]
        return turned

    def _planned(self, row: int) -> Planned:
        planned = self._contacts.entries[row].planned
        assert isinstance(planned, Planned)  # noqa: S101 - nobody else is queued
        return planned

    def turn_away(self, turned: Turned) -> None:
        """Put off whoever is to wait, and close whoever is not to be texted."""
        for row, until, why in turned.waits:
            self._contacts.entries[row].why = why
            self.put_off(row, until)
        for one in turned.nevers:
            entry = self._contacts.entries[one.row]
            if one.state is not State.QUEUED:
                self._contacts.move(entry, one.state)
            entry.why = one.why


def text_of(planned: Planned, entry: Entry) -> Text:
    """The text of a contact."""
    return Text(
        planned.row, planned.phone, planned.text, planned.name, entry.attempts, entry.why, planned.segments, planned.place
    )
