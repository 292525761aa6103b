"""Published faults of programs that share a database, built into ours: see `museum`. Most are in the database's functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from rumbleup_async.postgres import owning
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.owning import Living
from rumbleup_async.postgres.versions import FUNCTIONS
from tests.prove.exhibit import Exhibit
from tests.prove.machines import Machine
from tests.prove.server import running

_EACH: Final = re.compile(r"CREATE OR REPLACE FUNCTION [^$]*\$\$.*?\$\$;", re.DOTALL)
_FENCED: Final = "IF mine.id IS NULL OR mine.fenced THEN", "IF mine.id IS NULL THEN"
_CLOSED: Final = "AND k.state = 1 AND k.owner = _owner OFFSET 0", "OFFSET 0"
_LOCKED: Final = " FOR UPDATE OF c SKIP LOCKED", ""
_STILL_QUEUED: Final = (
    """AND k.row = v.row AND k.state = 0
                    FOR UPDATE SKIP LOCKED""",
    "AND k.row = v.row",
)
_OPENED: Final = (
    """AND k.state = 0 OFFSET 0) AS k
            WHERE c.ctid = k.ctid
            RETURNING""",
    """OFFSET 0) AS k
            WHERE c.ctid = k.ctid
            RETURNING""",
)
_PROOF: Final = "WHERE g.state = 2 AND g.logid <> '' ORDER BY g.row", "ORDER BY g.row"
_BELIEVED: Final = (
    "SET state = 2, attempts = v.attempts, logid = v.logid",
    "SET state = v.state, attempts = v.attempts, logid = v.logid",
)
_BY_THE_WORKER: Final = (
    "until = clock_timestamp() + make_interval(secs => _lease), step",
    "until = to_timestamp(_now / 1000.0) + make_interval(secs => _lease), step",
)
_DEAD: Final = (
    """lasts_until(mine) > clock_timestamp()
            OR NOT pg_try_advisory_xact_lock""",
    """lasts_until(mine) > to_timestamp(_now / 1000.0)
            AND NOT pg_try_advisory_xact_lock""",
)
_WAITS: Final = "IF current_setting('synchronous_commit') = 'off' THEN", "IF false THEN"


@contextmanager
def _written(*changes: tuple[str, str]) -> Iterator[None]:
    """Within it functions of the database are others."""
    before = [one for one in _EACH.findall(FUNCTIONS) if any(_in_schema(old) in one for old, _ in changes)]
    after = before
    for old, new in changes:
        assert any(_in_schema(old) in one for one in before), f"it is written in another way by now: {old}"
        after = [one.replace(_in_schema(old), _in_schema(new)) for one in after]
    running().write(after)
    try:
        yield
    finally:
        running().write(before)


def _in_schema(text: str) -> str:
    return text.replace("lasts_until(", "rumbleup.lasts_until(")


@contextmanager
def _set(name: str, value: str) -> Iterator[None]:
    """Within it new connections have this setting."""
    running().ask(f"ALTER DATABASE postgres SET {name} = {value}")
    try:
        yield
    finally:
        running().ask(f"ALTER DATABASE postgres RESET {name}")


def _not_waited_for() -> list[Any]:
    return [_written(_WAITS), _set("synchronous_commit", "off")]


def _not_fenced() -> list[Any]:
    return [_written(_FENCED, _CLOSED)]


def _by_the_worker() -> list[Any]:
    asked = "SELECT id, name, who, extract(epoch FROM until)::float8, alone FROM rumbleup.owner WHERE run = %s AND NOT fenced"

    async def living(to: Connections, run: Opened) -> list[Living]:
        now = vars(owning)["time"].time()
        async with to.look() as connection:
            found = await (await connection.execute(f"{asked} ORDER BY id", (run.id,))).fetchall()
        return [Living(owner, name, who, until < now, False, until - now, alone) for owner, name, who, until, alone in found]

    return [_written(_BY_THE_WORKER, _DEAD), patch.object(owning, "living", living)]


def _claimed_unseen() -> list[Any]:
    return [_written(_LOCKED, _STILL_QUEUED, _OPENED)]


def _without_proof() -> list[Any]:
    return [_written(_PROOF, _BELIEVED)]


def _clock_that_sleeps() -> list[Any]:
    return [patch.object(Machine, "boot", lambda self: self._world.loop.now + self.booted - self.slept)]


_INTENT, _MOVED = "intent was not on the disk", "went from unknown to"


def _exhibit(name: str, seen_in: str, patches: Callable[[], list[Any]], rule: str) -> Exhibit:
    return Exhibit(name, seen_in, patches, rule, worlds=60, of="machines")


EXHIBITS: tuple[Exhibit, ...] = (
    _exhibit("a commit does not wait for the disk", "databases tuned for speed", _not_waited_for, "TEXTED TWICE"),
    _exhibit("a lease in a database that is not fenced", "job queues with a heartbeat column", _not_fenced, "owner is fenced"),
    _exhibit("a lease ends by the worker's clock", "schedulers that compare their own time", _by_the_worker, _INTENT),
    _exhibit("who comes next is read and then claimed", "queues by SELECT and UPDATE", _claimed_unseen, _INTENT),
    _exhibit("a result after the lease needs no proof", "job queues with late acknowledgements", _without_proof, _MOVED),
    _exhibit(
        "a lease is counted while nobody sleeps",
        "clients of distributed locks",
        _clock_that_sleeps,
        "lease of its owner had ended",
    ),
)
