"""What a book of people holds, and what it is asked, as plain values.

Lives here: values. Phones are ten digits everywhere in this room; no `repr` shows one.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

SINGLE: Final = "single-"
"""With this begin the ids of texts that were sent one by one, each as if it were a run."""


class Scope(msgspec.Struct, frozen=True):
    """Where a run texts: server, account and project, or lines. Nobody is texted twice in one scope.

    `world`: "" for the provider's own servers. A server on this machine is a world of its own: what is rehearsed there counts
    there alone.
    """

    name: str
    world: str = ""


class Again(msgspec.Struct, frozen=True):
    """Who may be texted once more. `gap`: seconds that must lie between two texts of any projects; 0 for none. `same`: whoever
    was texted in this very scope, too; the gap holds all the same."""

    gap: float = 86400.0
    same: bool = False


class OptOut(msgspec.Struct, frozen=True):
    """An opt-out as the book keeps it.

    `since`: Unix seconds. `source`: who said so, such as `rumbleup dnd`, `reply`, `by hand`. `word`: the word or flag that said
    it. `is_sure`: it is one beyond doubt; else a person should look at it. Nobody is texted either way. `world`: as for `Scope`.
    """

    phone: str
    since: int
    source: str
    word: str = ""
    is_sure: bool = True
    world: str = ""

    def __repr__(self) -> str:
        return f"OptOut(since={self.since}, source={self.source!r}, is_sure={self.is_sure})"


class Why(enum.Enum):
    """Why somebody is not to be texted now. The first that holds counts."""

    OPTED_OUT = "opted out"
    LIKELY = "opted out (likely)"
    BEFORE = "texted before"
    GAP = "gap"
    CAP = "daily cap"


class Found(msgspec.Struct, frozen=True, gc=False):
    """What the book has against a text. `until`: of a gap, when it ends; `time`: of a text in the same scope, when it was. Both
    in Unix seconds."""

    why: Why
    until: float = 0.0
    time: int = 0


class Texted(msgspec.Struct, frozen=True):
    """A text, or one that may have left, or that a run is about to send. `time`: of the claim, in Unix seconds."""

    phone: str
    scope: Scope
    run: str
    time: int

    def __repr__(self) -> str:
        return f"Texted(run={self.run!r}, time={self.time})"


class Pull(msgspec.Struct, frozen=True):
    """How far the opt-outs of one source have been read.

    `source`: such as `rumbleup https://host:443/api 1f0a dnd`. `at`: when the last read to their end began, in Unix seconds; 0
    for never. `cursor`: where a read that was cut off goes on; "" for none. `read`: how many rows it has read so far, or had read
    at its end.
    """

    source: str
    at: int = 0
    cursor: str = ""
    read: int = 0


class Tally(msgspec.Struct, frozen=True):
    """What a book holds, in numbers. `first`, `last`: the oldest and the newest claim, in Unix seconds; 0 for none."""

    texted: int
    opt_outs: int
    likely: int
    runs: int
    scopes: list[tuple[str, int]]
    """Each scope and how many claims it has, the most first."""
    first: int = 0
    last: int = 0
