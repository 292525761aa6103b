"""Designs that are not ours, each with one mistake, and the promise that the explorer must see broken."""

from collections.abc import Callable
from typing import NamedTuple

from tests.model.leases import QUEUED, Design, State, check, check_once

TWICE = "a contact has two texts"


class Mistake(NamedTuple):
    """`promise`: what the states are held against."""

    what: str
    design: Design
    broken: str = TWICE
    promise: Callable[[State], None] = check_once


SOUND = Design()
MISTAKES = (
    Mistake("an owner that was expired is not fenced", Design(fences=False)),
    Mistake("the lease is not looked at before the wire", Design(looks=False)),
    Mistake("from the look to the wire it takes long, and the lease has no margin for it", Design(margin=0)),
    Mistake("the lease is counted from when the answer is heard", Design(counts_from_asking=False)),
    Mistake("an owner is expired whose lease lasts", Design(waits_for_the_end=False)),
    Mistake("what an expired owner had open is queued", Design(expires_to=QUEUED)),
    Mistake("absence from the log is believed at once", Design(grace=0)),
    Mistake("a process is stopped between the look and the wire for as long as the lease and the grace last", Design(pause=None)),
    Mistake("the proof of a fenced owner is refused", Design(believes=False), "an acceptance that was told is forgotten", check),
    Mistake(
        "a step whose answer was lost is done again",
        Design(has_numbers=False),
        "open in the name of a process that knows nothing of it",
        check,
    ),
    Mistake("nobody looks after the dead", Design(expires=False), "somebody will never be accounted for", check),
)
