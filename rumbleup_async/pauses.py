"""A pause of a run that somebody asked for, and what else people ask of a run from outside.

Lives here: plain immutable values. What is kept of them stands in `ledger.pausing`, how they travel in `ledger.requests`.
"""

from __future__ import annotations

import datetime as dt
import enum
import time

import msgspec


class Pause(msgspec.Struct, frozen=True):
    """Nothing leaves until somebody lets the run go on. `began`: Unix milliseconds. `who`, `why`: words for people."""

    began: int
    who: str
    why: str = ""

    @property
    def since(self) -> dt.datetime:
        """When it began, in UTC."""
        return dt.datetime.fromtimestamp(self.began / 1000, dt.UTC)

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"by {self.who}, since {self.since:%Y-%m-%dT%H:%M:%SZ}{why}"


class Wish(enum.StrEnum):
    """What is asked of a run."""

    PAUSE = "pause"
    CONTINUE = "continue"
    STOP = "stop"


class Request(msgspec.Struct, frozen=True):
    """Somebody asks this of a run. `at`: Unix milliseconds. `opened`: of the process that holds the ledger, how often the ledger
    had been opened by then, so that a stop ends no other one."""

    what: Wish
    who: str
    why: str = ""
    at: int = 0
    opened: int = 0


def now() -> int:
    """Unix milliseconds."""
    return int(time.time() * 1000)


def oneself() -> str:
    """Who is at work here: the user and the machine."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


class Heard(msgspec.Struct, frozen=True):
    """What the last step has told: `hold` seconds from then on nothing leaves from any machine; `others`: texts a second
    that the provider takes from all, as each of them reckons, added up; `knowing`: how many of them know."""

    hold: float = 0.0
    others: float = 0.0
    knowing: int = 0
