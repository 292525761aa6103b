"""What became of the texts that left: the carriers' receipts, and the counters of each project. Pure.

Nothing is computed when a text leaves: receipts and counters are brought up to date when somebody asks, so that the
benchmarks do not pay for them. A receipt comes `receipt_delay` seconds after its text, in the order of the texts. The
seed and the text's position decide which receipt it is; some texts never get one.
"""

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from .phones import digits
from .segments import segments
from .settings import Settings
from .world import World

__all__ = ["OUTCOMES", "Deliveries", "Outcome", "Tally"]


class Outcome(msgspec.Struct, frozen=True):
    """What the carrier reports of a text, as the message log shows it."""

    status: str
    error_code: str = ""
    error_text: str = ""
    status_code: str = ""


OUTCOMES: tuple[Outcome | None, ...] = (
    None,
    Outcome("delivered", status_code="0"),
    Outcome("undelivered", "landline", "The destination is a landline", "40001"),
    Outcome("undelivered", "unreachable", "The destination cannot be reached", "30003"),
    Outcome("undelivered", "spam", "Filtered by the carrier as spam", "30007"),
    Outcome("failed", "failed", "The carrier did not take the message", "50000"),
)
"""A text's outcome is stored as an index into this list. The index 0 stands for no receipt."""
_BY_NAME = {"none": 0, "delivered": 1, "landline": 2, "unreachable": 3, "spam": 4, "failed": 5}


class Tally(msgspec.Struct):
    """A project's counters of the texts that left."""

    sent: int = 0
    segments: int = 0
    outcomes: list[int] = msgspec.field(default_factory=lambda: [0] * len(OUTCOMES))
    phones: set[str] = msgspec.field(default_factory=set)
    last_sent: float | None = None


class Deliveries:
    """The receipts and counters of a world's texts."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._counted = 0
        self._outcomes = bytearray()
        self._catching_up = False  # the observer of a receipt may ask for other receipts
        self._planned: dict[str, int] = {}
        self._tallies: dict[str, Tally] = {}
        self.on_receipt: Callable[[int], object] | None = None
        """Called with the position of each text whose receipt has come."""

    def plan(self, phone: str, outcome: str | None) -> None:
        """Choose the outcome of this phone's texts: a key of `_BY_NAME`, or None for what the rates say.

        ValueError for another word.
        """
        if outcome is None:
            self._planned.pop(phone, None)
        elif outcome in _BY_NAME:
            self._planned[phone] = _BY_NAME[outcome]
        else:
            raise ValueError(f"receipt {outcome!r}: one of {', '.join(_BY_NAME)}")

    def outcome(self, position: int) -> Outcome | None:
        """The outcome that is known now of the text at this position; None without a receipt."""
        self.catch_up()
        return OUTCOMES[self._outcomes[position]] if position < len(self._outcomes) else None

    def tally(self, action: str) -> Tally:
        """The counters of a project, brought up to date."""
        self.catch_up()
        texts = self._world.texts
        for position in range(self._counted, len(texts)):
            tally = self._tally(texts.actions[position])
            tally.sent += 1
            text = texts.text(position)
            tally.segments += 1 if text is None else segments(text)
            tally.last_sent = texts.times[position]
            tally.phones.add(texts.phones[position])
        self._counted = len(texts)
        return self._tally(action)

    def catch_up(self) -> None:
        """Record the receipts that are due."""
        if self._catching_up or len(self._outcomes) == len(self._world.texts):
            return
        self._catching_up = True
        try:
            self._record(self._world.settings, len(self._world.texts))
        finally:
            self._catching_up = False

    def _record(self, settings: Settings, last: int) -> None:
        texts = self._world.texts
        due = self._world.clock() - settings.receipt_delay
        for position in range(len(self._outcomes), last):
            if texts.times[position] > due:
                break
            index = self._index(settings, texts.phones[position], position)
            self._outcomes.append(index)
            self._tally(texts.actions[position]).outcomes[index] += 1
            if index and self.on_receipt is not None:
                self.on_receipt(position)

    def _index(self, settings: Settings, phone: str, position: int) -> int:
        planned = self._planned.get(digits(phone) or phone) if self._planned else None
        if planned is not None:
            return planned
        if settings.delivered_rate >= 1:
            return 1
        hashed = blake2b(f"{self._seed} receipt {position}".encode(), digest_size=7).digest()
        random = int.from_bytes(hashed, "big") / (1 << 56)
        if random < settings.delivered_rate:
            return 1
        return 2 + hashed[6] % 3 if random < settings.delivered_rate + settings.undelivered_rate else 0

    def _tally(self, action: str) -> Tally:
        tally = self._tallies.get(action)
        if tally is None:
            tally = self._tallies[action] = Tally()
        return tally
