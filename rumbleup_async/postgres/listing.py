"""The runs of a database.

Lives here: one look, for `rumbleup ledgers`.
"""

from __future__ import annotations

import contextlib

import msgspec

from rumbleup_async.messaging import State
from rumbleup_async.postgres import owning, server, values, versions
from rumbleup_async.postgres.address import Address
from rumbleup_async.postgres.tables import SCHEMA


class Listed(msgspec.Struct, frozen=True):
    """One run of a database. `began`: Unix seconds; `senders`: processes that send it now."""

    name: str
    began: float
    counts: dict[State, int]
    senders: list[str]


def runs_of(address: Address) -> list[Listed]:
    """The runs of a database, the oldest first."""
    versions.prepare(address, makes=False)
    with contextlib.closing(server.connect_here(address)) as db, server.telling(address):
        found = db.execute(
            f"SELECT id, name, extract(epoch FROM began)::float8, {SCHEMA}.counts_of(id) FROM {SCHEMA}.run ORDER BY id"
        ).fetchall()
        return [
            Listed(
                name,
                began,
                values.counts_of(counts),
                [
                    one.who
                    for one in (owning.Living(*living) for living in db.execute(owning.OWNERS, (id_,)).fetchall())
                    if not one.is_dead
                ],
            )
            for id_, name, began, counts in found
        ]
