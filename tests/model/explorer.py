"""The explorer: every state that a model can come to, the shortest way to one in which a promise is broken, and dead ends."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.model.leases import (
    ABSENT,
    ACCEPTED,
    ASKED,
    BACK,
    DEAD,
    HELD,
    IN_DOUBT,
    NEW,
    NOTHING,
    OPEN,
    REPEATED,
    SENT,
    UNKNOWN,
    Broken,
    Design,
    Process,
    State,
    check,
    first,
    is_settled,
    moves,
    nobody,
)  # fmt: skip


class Found(NamedTuple):
    """`broken`: what does not hold, or nothing. `way`: the moves that lead there. `states`, `moves`: how many."""

    states: int
    moves: int
    broken: str = ""
    way: Sequence[str] = ()


def explore(
    design: Design,
    contacts: int = 1,
    processes: int = 2,
    *,
    promise: Callable[[State], None] = check,
    most: int = 10_000_000,
    folds: bool = True,
) -> Found:
    """Visit all states, the nearest first, and hold each against `promise`. OverflowError if there are more than `most`. `folds`:
    those that differ in names alone are one, which makes a way hard to read."""
    start = first(contacts, processes)
    came: dict[State, tuple[State, str] | None] = {start: None}
    before: dict[State, list[State]] = {}
    number = 0
    ends: list[State] = []
    wave = [start]
    while wave:
        following = []
        for state in wave:
            try:
                promise(state)
                for what, exact in moves(state, design):
                    after = _like(exact) if folds else exact
                    number += 1
                    before.setdefault(after, []).append(state)
                    if after not in came:
                        came[after] = (state, what)
                        following.append(after)
            except Broken as error:
                return Found(len(came), number, str(error), _way(came, state))
            if is_settled(state):
                ends.append(state)
        if len(came) > most:
            raise OverflowError(f"more than {most:,} states")
        wave = following
    for state in came.keys() - _hopeful(ends, before):
        return Found(len(came), number, "somebody will never be accounted for", _way(came, state))
    return Found(len(came), number)


def _hopeful(ends: Sequence[State], before: Mapping[State, Sequence[State]]) -> set[State]:
    """The states from which one of these ends can be reached."""
    found, waiting = set(ends), [*ends]
    while waiting:
        for state in before.get(waiting.pop(), ()):
            if state not in found:
                found.add(state)
                waiting.append(state)
    return found


def _way(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    way = []
    while (step := came[state]) is not None:
        state, what = step
        way.append(what)
    return way[::-1]


def _like(state: State) -> State:
    """One of those that differ from this one in the names of processes and contacts only, or in what decides nothing any more."""
    contacts = state.contacts
    are_sent = tuple([one.state == SENT for one in contacts])
    processes = tuple([_bare(one, are_sent) for one in state.processes])
    if len(contacts) > 1:
        rows = sorted(range(len(contacts)), key=lambda row: (contacts[row][::2], [one.hand[row] for one in processes]))
        contacts = tuple(contacts[row] for row in rows)
        processes = tuple(
            one._replace(
                hand=tuple(one.hand[row] for row in rows),
                told=tuple(one.told[row] for row in rows),
                given=rows.index(one.given) if one.given >= 0 else -1,
            )
            for one in processes
        )
    order = sorted(range(len(processes)), key=processes.__getitem__)
    names = {old: new for new, old in enumerate(order)}
    owned = {(one.state, one.owner) for one in contacts}
    may_bring_proof = {
        (word, old)
        for word, old in owned
        if old >= 0 and (word == OPEN or (word in {UNKNOWN, ABSENT} and processes[old].life not in {DEAD, NEW}))
    }
    return State(
        tuple(one._replace(owner=names[one.owner] if (one.state, one.owner) in may_bring_proof else -1) for one in contacts),
        tuple(processes[old] for old in order),
    )


@functools.cache
def _bare(process: Process, are_sent: tuple[bool, ...]) -> Process:
    """Without what decides nothing any more."""
    hand, told = process.hand, process.told
    if process.is_fenced:
        if process.life == DEAD and not any(what for what, _ in hand):
            return nobody(len(hand))
        # Of what it brings only proof counts.
        hand = tuple(NOTHING if one[0] in {BACK, IN_DOUBT} else one for one in hand)
        told = tuple(one if one == SENT else "" for one in told)
    over = {ACCEPTED, BACK, IN_DOUBT}
    told = tuple("" if is_sent else word for is_sent, word in zip(are_sent, told, strict=True))
    hand = tuple(NOTHING if is_sent and one[0] in over else one for is_sent, one in zip(are_sent, hand, strict=True))
    is_held = any(what == HELD for what, _ in hand)
    may_hold = is_held or process.given >= 0 or (process.step in {ASKED, REPEATED} and not process.is_fenced)
    return process._replace(
        until=0 if process.is_fenced else process.until,
        lasts=process.lasts if is_held else 0,
        age=process.age if may_hold else 0,
        hand=hand,
        told=told,
    )
