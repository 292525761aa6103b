"""What the processes that send a run together tell each other with each step of their ledger, and what each makes of it.

Lives here: among how many the rate is shared, "not now" that one was told and all heed, and the limit that one has learned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from rumbleup_async.pauses import Heard
from rumbleup_async.reasons import Code

_OF_THE_PROVIDER = frozenset({Code.THROTTLED, Code.SERVER_ANSWERED})
"""What a hold is for that concerns all machines. A network that is down is that of one of them."""
_PULSE = 1.0
"""Seconds after which a machine of several hears the others, even if it has nothing to say."""
_SAME = 0.05
"""Seconds by which a hold that is heard again may differ."""


class Common(Protocol):
    """What the processes of a run have in common, in their ledger."""

    learned: float | None
    """Texts a second that the provider takes from all processes, as this one reckons; told with the next step."""

    @property
    def heard(self) -> Heard:
        """As of the last step."""

    @property
    def senders(self) -> int:
        """How many processes send the run, as of the last step."""

    @property
    def has_word(self) -> bool:
        """Something is to be told at once."""

    def hold(self, seconds: float) -> None:
        """Tell the others with the next step that nothing may leave for so long from now."""


@runtime_checkable
class HasCommon(Protocol):
    """A ledger by which several processes hear each other."""

    @property
    def common(self) -> Common: ...


def _alone(number: int) -> None:
    """Nobody shares a rate."""


class Sharing:
    """The processes that send a run, as its ledger tells with each step. `told`: is told whenever there are more or fewer.
    `learned`: what this process has learned of the provider's limit; `adopt`: it is to go by this much. `held`: nothing may
    leave for so long, as another was told."""

    def __init__(self) -> None:
        self.told: Callable[[int], None] = _alone
        self.learned: Callable[[], float | None] = lambda: None
        self.adopt: Callable[[float], None] = lambda limit: None  # noqa: ARG005
        self.held: Callable[[float], None] = lambda seconds: None  # noqa: ARG005
        self.common: Common | None = None
        self.was_shared = False
        """More than one process has sent it at some time."""
        self._number = 1
        self._knowing = 0

    @property
    def has_word(self) -> bool:
        """The others are to hear something at once."""
        return self.common is not None and self.common.has_word

    @property
    def senders(self) -> int:
        """How many processes send the run, as the last step has told."""
        return 1 if self.common is None else self.common.senders

    def pulse(self, pulse: float | None) -> float | None:
        """After how many seconds a step is due; `pulse`: for the lease alone."""
        return pulse if self.common is None or self._number < 2 or pulse is None else min(pulse, _PULSE)

    def hold(self, seconds: float, code: Code) -> None:
        """This process was told to wait."""
        if self.common is not None and code in _OF_THE_PROVIDER:
            self.common.hold(seconds)

    def before(self) -> None:
        """A step is about to be made."""
        if self.common is not None:
            part = self.learned()
            self.common.learned = None if part is None else part * self._number

    def heard(self, number: int) -> None:
        """A step was made; there are so many processes now."""
        self.was_shared = self.was_shared or number > 1
        if number != self._number:
            self._number = number
            self.told(number)
        if self.common is None:
            return
        heard = self.common.heard
        if heard.hold > _SAME:
            self.held(heard.hold)
        if heard.knowing and not self._knowing and self.learned() is None:
            self.adopt(heard.others / heard.knowing / max(1, number))  # others have met the limit, and we have not
        self._knowing = heard.knowing
