"""The model: contacts, processes that open and send them, a database with a clock, leases, fence and proof, looks into the log.

It imports nothing of ours. What it leaves out is said in docs/decisions/owners-and-leases.md.

- A contact is queued, open (an intent that names its owner), sent, unknown, or absent from the log.
- A process asks the database for a step. It is done later, and its answer is heard later still, or is lost; then the same step is
  asked for again. The lease runs in the database from when a step is done, with the process (less a margin) from when it asked.
- What a step has opened is held, looked at (does the lease last?), and then leaves. On its way it is taken by the provider or
  not; the process hears that it was accepted, that it was not taken, or nothing. All of that is told with a later step.
- Whoever's lease has ended in the database may be expired: fenced, and what it has open becomes unknown. From then on its steps
  count as proof only.
- After the grace the log is asked about what is unknown, and a person may have sent again who was absent.

A process that is stopped, asleep or cut off is one that does nothing for a while, and each may do so for as long as it likes. Two
things alone do not last for ever: from the look at the lease to the wire (`pause`), and on the way (`travel`).
"""

from collections.abc import Iterator
from typing import NamedTuple

QUEUED, OPEN, SENT, UNKNOWN, ABSENT = "queued", "open", "sent", "unknown", "absent"
NEW, ALIVE, OUT, DEAD = "new", "alive", "fenced", "dead"
IDLE, ASKED, ANSWERED, REPEATED = "idle", "asked", "answered", "repeated"
HELD, LOOKED, ON_THE_WAY, GIVEN_UP = "held", "looked", "on the way", "given up"
ACCEPTED, IN_DOUBT, BACK = "accepted", "in doubt", "back"
_TELLS = {ACCEPTED: SENT, IN_DOUBT: UNKNOWN, GIVEN_UP: UNKNOWN, BACK: QUEUED}
NOTHING = ("", 0)


class Design(NamedTuple):
    """What is built, and for how long things last. The defaults are what is built; all else is a mistake that must be caught."""

    lease: int = 2
    margin: int = 1
    pause: int | None = 2
    """At most so long from the look to the wire; None: as long as a process is stopped just there."""
    travel: int = 0
    grace: int = 1
    sends_again: bool = True
    """A person has those sent again that were absent from the log."""
    fences: bool = True
    looks: bool = True
    """The lease is looked at before the wire."""
    counts_from_asking: bool = True
    waits_for_the_end: bool = True
    """Nobody is expired whose lease lasts."""
    expires: bool = True
    expires_to: str = UNKNOWN
    believes: bool = True
    """Proof of a fenced owner counts."""
    has_numbers: bool = True
    """A step that is asked for again is not done again."""


class Contact(NamedTuple):
    """`since`: for how long it has been unknown. `taken`: how many texts the provider took."""

    state: str = QUEUED
    owner: int = -1
    taken: int = 0
    since: int = 0


class Process(NamedTuple):
    """`until`: what is left of its lease in the database; `lasts`: as itself believes. `age`: of the step it asks for. `given`:
    the contact that its last step has opened, or -1. `hand`: for each contact what has become of it, and since when. `told`: what
    its step says of them."""

    life: str
    until: int
    is_fenced: bool
    lasts: int
    step: str
    age: int
    given: int
    hand: tuple[tuple[str, int], ...]
    told: tuple[str, ...]


class State(NamedTuple):
    contacts: tuple[Contact, ...]
    processes: tuple[Process, ...]


class Broken(Exception):
    """A promise does not hold in a state, or in a move."""


def first(contacts: int, processes: int) -> State:
    """Everybody is queued, and nobody is there yet."""
    return State((Contact(),) * contacts, (nobody(contacts),) * processes)


def nobody(contacts: int) -> Process:
    return Process(NEW, 0, False, 0, IDLE, 0, -1, (NOTHING,) * contacts, ("",) * contacts)


def is_settled(state: State) -> bool:
    """Everybody is accounted for, and it is known how."""
    return all(contact.state in {SENT, ABSENT} for contact in state.contacts)


def texts(state: State, row: int) -> int:
    """How many texts a contact has: those that were taken, and those on the way."""
    return state.contacts[row].taken + sum(process.hand[row][0] in {ON_THE_WAY, GIVEN_UP} for process in state.processes)


def check_once(state: State) -> None:
    """Raises Broken where somebody is texted twice."""
    if any(texts(state, row) > 1 for row in range(len(state.contacts))):
        raise Broken("a contact has two texts")


def check(state: State) -> None:
    """What has to hold at every moment. Raises Broken."""
    check_once(state)
    for row, contact in enumerate(state.contacts):
        if contact.state == SENT and not contact.taken:
            raise Broken("sent without a text")
        if contact.state in {QUEUED, ABSENT} and texts(state, row):
            raise Broken(f"{contact.state}, and has a text")
        if contact.state == OPEN:
            owner = state.processes[contact.owner]
            if owner.life == ALIVE and owner.step == IDLE and not owner.is_fenced and not owner.hand[row][0]:
                raise Broken("open in the name of a process that knows nothing of it")


def moves(state: State, design: Design) -> Iterator[tuple[str, State]]:
    """All that can happen next, each with what it is."""
    if later := _tick(state, design):
        yield "time goes on", later
    for row, contact in enumerate(state.contacts):
        if contact.state == UNKNOWN and contact.since >= design.grace:
            found = contact._replace(state=SENT if contact.taken else ABSENT, since=0)
            yield f"the log is asked about {row}", _with_contact(state, row, found)
        if contact.state == ABSENT and design.sends_again:
            yield f"{row} is queued again", _with_contact(state, row, Contact(taken=contact.taken))
    for number, process in enumerate(state.processes):
        for what, after in _moves_of(state, number, process, design):
            yield f"{number}: {what}", after


def _tick(state: State, design: Design) -> State | None:
    """Some time later; None where something must happen first."""
    for process in state.processes:
        for what, age in process.hand:
            if what == LOOKED and design.pause is not None and age >= design.pause and process.life != DEAD:
                return None
            if what in {ON_THE_WAY, GIVEN_UP} and age >= design.travel:
                return None
    contacts = (one._replace(since=min(design.grace, one.since + 1)) if one.state == UNKNOWN else one for one in state.contacts)
    return State(tuple(contacts), tuple(_older(process, design) for process in state.processes))


def _older(process: Process, design: Design) -> Process:
    aging = {LOOKED: design.pause or 0, ON_THE_WAY: design.travel, GIVEN_UP: design.travel}
    return process._replace(
        until=max(0, process.until - 1),
        lasts=max(0, process.lasts - 1),
        age=min(design.lease - design.margin, process.age + 1) if process.step != IDLE else 0,
        hand=tuple((what, min(age + 1, aging[what])) if what in aging else (what, age) for what, age in process.hand),
    )


def _moves_of(state: State, number: int, process: Process, design: Design) -> Iterator[tuple[str, State]]:
    yield from _on_the_way(state, number, process)
    if process.life != NEW and not process.is_fenced and design.expires and (not process.until or not design.waits_for_the_end):
        yield "is expired", _expired(state, number, design)
    under_way = any(what in {ON_THE_WAY, GIVEN_UP} for what, _ in process.hand)
    if process.life == NEW:
        yield "enlists", _with(state, number, process._replace(life=ALIVE, until=design.lease, lasts=0))
    elif process.life == DEAD:
        if process.is_fenced and not under_way:
            yield "another takes its place", _replaced(state, number)
        return
    else:
        kept = tuple(one if one[0] in {ON_THE_WAY, GIVEN_UP} else NOTHING for one in process.hand)
        dead = nobody(len(kept))._replace(life=DEAD, until=process.until, is_fenced=process.is_fenced, hand=kept)
        yield "dies", _with(state, number, dead)
        yield from _at_work(state, number, process, design)


def _on_the_way(state: State, number: int, process: Process) -> Iterator[tuple[str, State]]:
    """What becomes of its texts that have left. A process that is dead hears nothing of it."""
    for row, (what, _) in enumerate(process.hand):
        if what not in {ON_THE_WAY, GIVEN_UP}:
            continue
        contact = state.contacts[row]
        taken = _with_contact(state, row, contact._replace(taken=contact.taken + 1))
        unheard = NOTHING if process.life == DEAD else (IN_DOUBT, 0)
        if what == GIVEN_UP and process.told[row] == UNKNOWN:
            unheard = NOTHING  # it is being told already
        yield f"{row} is taken, and nobody hears of it", _with_hand(taken, number, row, unheard)
        yield f"{row} is lost on the way", _with_hand(state, number, row, unheard)
        if what == ON_THE_WAY and process.life != DEAD:
            yield f"{row} is accepted", _with_hand(taken, number, row, (ACCEPTED, 0))
            yield f"{row} is not taken, it is said", _with_hand(state, number, row, (BACK, 0))
            yield f"{row} is given up", _with_hand(state, number, row, (GIVEN_UP, process.hand[row][1]))


def _at_work(state: State, number: int, process: Process, design: Design) -> Iterator[tuple[str, State]]:
    for row, (what, _) in enumerate(process.hand):
        if what == HELD and process.life == ALIVE:
            if process.lasts or not design.looks:
                yield f"looks at its lease for {row}", _with_hand(state, number, row, (LOOKED, 0))
            yield f"gives {row} back", _with_hand(state, number, row, (BACK, 0))
        elif what == LOOKED:
            yield f"sends {row}", _with_hand(state, number, row, (ON_THE_WAY, 0))
    if process.step == IDLE:
        told = tuple(_TELLS.get(what, "") for what, _ in process.hand)
        if process.life == ALIVE or SENT in told:
            yield "asks for a step", _with(state, number, process._replace(step=ASKED, age=0, told=told))
    elif process.step == ASKED:
        yield from _done(state, number, process, design)
    elif process.step == REPEATED:
        if design.has_numbers:
            yield "is told what was done", _with(state, number, process._replace(step=ANSWERED))
        else:
            yield from _done(state, number, process, design)
    else:
        yield "hears the answer", _with(state, number, _heard(process, design))
        yield "loses the answer", _with(state, number, process._replace(step=REPEATED))


def _done(state: State, number: int, process: Process, design: Design) -> Iterator[tuple[str, State]]:
    """A step is done in the database."""
    contacts = list(state.contacts)
    for row, told in enumerate(process.told):
        contact, is_mine = contacts[row], contacts[row].owner == number
        if process.is_fenced:
            if told == SENT and is_mine and contact.state in {UNKNOWN, ABSENT} and design.believes:
                contacts[row] = contact._replace(state=SENT, since=0)
            if told == SENT and is_mine and contacts[row].state != SENT:
                raise Broken("an acceptance that was told is forgotten")
        elif told and (not design.fences or (is_mine and contact.state == OPEN)):
            contacts[row] = contact._replace(state=told, since=0)
    if process.is_fenced:
        yield "is told that it is fenced", State(tuple(contacts), _but(state, number, process._replace(step=ANSWERED, given=-1)))
        return
    done = process._replace(step=ANSWERED, until=design.lease, given=-1)
    yield "has a step done", State(tuple(contacts), _but(state, number, done))
    for row, contact in enumerate(contacts):
        if contact.state == QUEUED and process.hand[row][0] in {"", BACK} and process.life == ALIVE:
            opened = [*contacts[:row], contact._replace(state=OPEN, owner=number), *contacts[row + 1 :]]
            yield f"has a step done, which opens {row}", State(tuple(opened), _but(state, number, done._replace(given=row)))


def _heard(process: Process, design: Design) -> Process:
    """It knows what its step has done."""
    hand = list(process.hand)
    for row, told in enumerate(process.told):
        if told and _TELLS.get(hand[row][0], "") == told and hand[row][0] != GIVEN_UP:
            hand[row] = NOTHING
    if process.given >= 0:
        hand[process.given] = (HELD, 0)
    if process.is_fenced:
        hand = [NOTHING if what in {HELD, BACK, IN_DOUBT} else (what, age) for what, age in hand]
    lasts = max(0, design.lease - design.margin - (process.age if design.counts_from_asking else 0))
    return process._replace(
        life=OUT if process.is_fenced else process.life,
        lasts=0 if process.is_fenced else lasts,
        step=IDLE,
        age=0,
        given=-1,
        hand=tuple(hand),
        told=("",) * len(hand),
    )


def _expired(state: State, number: int, design: Design) -> State:
    """It is fenced, and what it has open is in doubt."""
    contacts = tuple(
        one._replace(state=design.expires_to, since=0) if one.state == OPEN and one.owner == number else one
        for one in state.contacts
    )
    process = state.processes[number]
    return State(contacts, _but(state, number, process._replace(is_fenced=process.life == DEAD or design.fences)))


def _replaced(state: State, number: int) -> State:
    """A new process where a dead one was, which has nothing to do with it."""
    contacts = tuple(one._replace(owner=-1) if one.owner == number else one for one in state.contacts)
    return State(contacts, _but(state, number, nobody(len(contacts))))


def _but(state: State, number: int, process: Process) -> tuple[Process, ...]:
    return (*state.processes[:number], process, *state.processes[number + 1 :])


def _with(state: State, number: int, process: Process) -> State:
    return State(state.contacts, _but(state, number, process))


def _with_contact(state: State, row: int, contact: Contact) -> State:
    return State((*state.contacts[:row], contact, *state.contacts[row + 1 :]), state.processes)


def _with_hand(state: State, number: int, row: int, one: tuple[str, int]) -> State:
    process = state.processes[number]
    return _with(state, number, process._replace(hand=(*process.hand[:row], one, *process.hand[row + 1 :])))
