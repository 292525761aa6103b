"""What became of the texts that left: receipts, and the counters of each project. Imports only this folder; no I/O.

Both follow the truth with a cursor and are brought up to date when somebody looks, so that taking a text costs nothing more.
A receipt comes `receipt_delay` seconds after the text, in the order of the texts; which one hangs on the seed and the text's
position. Some never come.
"""

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from .segments import segments
from .settings import Settings
from .state import World, digits

__all__ = ["OUTCOMES", "Deliveries", "Outcome", "Tally"]


class Outcome(msgspec.Struct, frozen=True):
    """The carrier's word on a text, as the message log shows it."""

    status: str
    error_code: str = ""
    error_text: str = ""
    status_code: str = ""


# A text's outcome is stored as the place in this list; 0 stands for no receipt.
OUTCOMES: tuple[Outcome | None, ...] = (
    None,
    Outcome("delivered", status_code="0"),
    Outcome("undelivered", "landline", "The destination is a landline", "40001"),
    Outcome("undelivered", "unreachable", "The destination cannot be reached", "30003"),
    Outcome("undelivered", "spam", "Filtered by the carrier as spam", "30007"),
    Outcome("failed", "failed", "The carrier did not take the message", "50000"),
)
_BY_NAME = {"none": 0, "delivered": 1, "landline": 2, "unreachable": 3, "spam": 4, "failed": 5}


class Tally(msgspec.Struct):
    """A project's counters over the texts that left."""

    sent: int = 0
    segments: int = 0
    outcomes: list[int] = msgspec.field(default_factory=lambda: [0] * len(OUTCOMES))
    phones: set[str] = msgspec.field(default_factory=set)
    last_sent: float | None = None


class Deliveries:
    """Follows a world's texts."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._counted = 0
        self._fates = bytearray()
        self._catching_up = False  # whoever is told of a receipt may look others up
        self._planned: dict[str, int] = {}
        self._tallies: dict[str, Tally] = {}
        self.on_receipt: Callable[[int], object] | None = None
        """Called with the position of each text whose receipt comes."""

    def plan(self, phone: str, outcome: str | None) -> None:
        """What the carrier will say of this phone's texts; None: what the rates say. ValueError for an unknown word."""
        if outcome is None:
            self._planned.pop(phone, None)
        elif outcome in _BY_NAME:
            self._planned[phone] = _BY_NAME[outcome]
        else:
            raise ValueError(f"receipt {outcome!r}: one of {', '.join(_BY_NAME)}")

    def outcome(self, position: int) -> Outcome | None:
        """What is known now of the text at this position."""
        self.catch_up()
        return OUTCOMES[self._fates[position]] if position < len(self._fates) else None

    def tally(self, action: str) -> Tally:
        """The counters of a project, up to date."""
        self.catch_up()
        texts = self._world.texts
        for position in range(self._counted, len(texts)):
            tally = self._of(texts.actions[position])
            tally.sent += 1
            text = texts.text(position)
            tally.segments += 1 if text is None else segments(text)
            tally.last_sent = texts.times[position]
            tally.phones.add(texts.phones[position])
        self._counted = len(texts)
        return self._of(action)

    def catch_up(self) -> None:
        """Let the receipts come that are due."""
        if self._catching_up or len(self._fates) == len(self._world.texts):
            return
        self._catching_up = True
        try:
            self._follow(self._world.settings, len(self._world.texts))
        finally:
            self._catching_up = False

    def _follow(self, settings: Settings, last: int) -> None:
        texts = self._world.texts
        due = self._world.clock() - settings.receipt_delay
        for position in range(len(self._fates), last):
            if texts.times[position] > due:
                break
            fate = self._fate(settings, texts.phones[position], position)
            self._fates.append(fate)
            self._of(texts.actions[position]).outcomes[fate] += 1
            if fate and self.on_receipt is not None:
                self.on_receipt(position)

    def _fate(self, settings: Settings, phone: str, position: int) -> int:
        planned = self._planned.get(digits(phone) or phone) if self._planned else None
        if planned is not None:
            return planned
        if settings.delivered_rate >= 1:
            return 1
        hashed = blake2b(f"{self._seed} receipt {position}".encode(), digest_size=7).digest()
        drawn = int.from_bytes(hashed, "big") / (1 << 56)
        if drawn < settings.delivered_rate:
            return 1
        return 2 + hashed[6] % 3 if drawn < settings.delivered_rate + settings.undelivered_rate else 0

    def _of(self, action: str) -> Tally:
        tally = self._tallies.get(action)
        if tally is None:
            tally = self._tallies[action] = Tally()
        return tally
