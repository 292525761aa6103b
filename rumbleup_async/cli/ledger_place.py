"""Where a ledger is, as a command is told: a file, or a run in a database.

Lives here: the two, how each is read from outside, and what a command does that is the same for both.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Reader, auditing
from rumbleup_async.ledger import instead as instead_of_file
from rumbleup_async.ledger.asking import Asked, ask
from rumbleup_async.pauses import Wish, oneself
from rumbleup_async.postgres.address import Address
from rumbleup_async.stops import Cause, Stop

if TYPE_CHECKING:
    from rumbleup_async.postgres.reader import Reader as DatabaseReader

    Place = Path | Address
    AnyReader = Reader | DatabaseReader
else:
    Place = Path  # typer knows no unions; what is typed goes through a parser anyway
    AnyReader = Reader


_OF_ALL: Final = frozenset(
    {
        *(Cause.OPT_OUT_MISSING, Cause.DAILY_CAP, Cause.TOO_MANY_UNKNOWN, Cause.CANARY, Cause.CANARY_FAILED),
        *(Cause.OPT_OUTS_UNREAD, Cause.BOOK_FAILED),
    }
)
"""Why no machine goes on with a run, whichever of them has met it."""


def open_reader(place: Place) -> AnyReader:
    """A look into the ledger. LedgerError for what is none."""
    if isinstance(place, Path):
        return Reader(place)
    from rumbleup_async.postgres.reader import Reader as DatabaseReader

    return DatabaseReader(place)


@contextmanager
def reading(place: Place) -> Iterator[AnyReader]:
    """The same, closed at the end."""
    reader = open_reader(place)
    try:
        yield reader
    finally:
        reader.close()


def exists(place: Place) -> bool:
    """Whether there is something at this place. What cannot be told is left to whoever opens it."""
    if isinstance(place, Path):
        return place.exists()
    try:
        open_reader(place).close()
    except LedgerError:
        return False
    return True


def as_given(place: Place) -> Path | str:
    """The place as a client takes it."""
    return place if isinstance(place, Path) else str(place)


def instead(place: Place) -> str:
    """What to do for whoever wants another run than the one of this ledger."""
    if isinstance(place, Path):
        return instead_of_file(place)
    from rumbleup_async.postgres.opening import instead_of

    return instead_of(place)


def read_audit(place: Place) -> list[auditing.Entry]:
    """What people did with it, the oldest first."""
    if isinstance(place, Path):
        return auditing.read(place)
    with reading(place) as reader:
        assert not isinstance(reader, Reader)  # noqa: S101 - as of another place
        return reader.audit()


def ask_of(place: Place, what: Wish, who: str, why: str = "") -> Asked:
    """Ask something of the processes that send it. Raises LedgerError."""
    if isinstance(place, Path):
        return ask(place, what, who, why)
    from rumbleup_async.postgres.asking_others import ask_all

    return ask_all(place, what, who, why)


async def stop_others(address: Address, stop: Stop | None) -> None:
    """Have the other machines stop, too, if it is not this one alone that cannot go on."""
    if stop is None or stop.cause not in _OF_ALL:
        return
    from rumbleup_async.postgres.asking_others import stop_all

    with contextlib.suppress(LedgerError):  # the database is away: they stop by themselves
        await asyncio.to_thread(stop_all, address, oneself(), str(stop))
