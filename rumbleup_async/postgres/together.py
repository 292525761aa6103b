"""What the machines that send a run tell each other through its database, with their steps.

Lives here: what this process has to say, and what the last step has told. Until when nothing may leave is a moment of the
database's clock, and is told as seconds from now on, both ways.
"""

from __future__ import annotations

import time

from rumbleup_async.pauses import Heard


class Together:
    """Fits `engine.sharing.Common`."""

    def __init__(self) -> None:
        self.learned: float | None = None
        self._until = 0.0
        self._telling = self._told = 0.0
        """Up to when the step that is made tells the others to wait, and up to when one has told them (monotonic seconds)."""
        self._heard = Heard()
        self._at = 0.0
        self.senders = 1
        """As the port."""

    @property
    def heard(self) -> Heard:
        """As the port: what is left of it now."""
        return Heard(self._heard.hold - (time.monotonic() - self._at), self._heard.others, self._heard.knowing)

    @property
    def has_word(self) -> bool:
        """As the port."""
        return self._until > self._told

    def hold(self, seconds: float) -> None:
        """As the port."""
        self._until = max(self._until, time.monotonic() + seconds)

    def to_tell(self) -> float:
        """For how many seconds from now on nobody is to send; 0 if that was told already."""
        self._telling = self._until
        return max(0.0, self._until - time.monotonic()) if self.has_word else 0.0

    def told(self, hold: float, heard: Heard, senders: int) -> None:
        """A step that has told the others to wait so long is on the disk, and this is what it has heard."""
        if hold:
            self._told = self._telling  # a longer wait that has begun meanwhile is told by the next one
        self._heard, self._at, self.senders = heard, time.monotonic(), senders
