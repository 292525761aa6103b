"""The kinds of worlds: by what name each is asked for, how one is made of its seed, and what can happen in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from tests.prove import campaigns, faults, first, fleet, hours, machines, money, organisation, owners
from tests.prove.provider import Provider
from tests.prove.world import Resolution, World


class Playable(Protocol):
    """A world."""

    provider: Provider

    def play(self) -> Resolution: ...


class Kind(NamedTuple):
    """`make(seed, size, trace)`."""

    make: Callable[[int, int, Callable[[str], None] | None], Playable]
    kinds: Sequence[str]


PLAIN: Final = "plain"
KINDS: Final[dict[str, Kind]] = {
    PLAIN: Kind(World, faults.KINDS),
    "owners": Kind(lambda seed, size, trace: owners.Owners(seed), owners.KINDS),
    "hours": Kind(hours.HoursWorld, hours.KINDS),
    "people": Kind(lambda seed, size, trace: organisation.Organisation(seed, size), organisation.KINDS),
    "canary": Kind(first.CanaryWorld, first.KINDS),
    "campaign": Kind(campaigns.CampaignWorld, campaigns.KINDS),
    "machines": Kind(lambda seed, size, trace: machines.Machines(seed), machines.KINDS),
    "money": Kind(money.MoneyWorld, (*money.KINDS, *fleet.KINDS)),
}
ALL: Final = tuple(dict.fromkeys(kind for one in KINDS.values() for kind in one.kinds))
"""Whatever can happen in any world."""
