"""Finished texts of a ledger: some to be shown, or all of those that are queued.

Lives here: reading only.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from rumbleup_async.ledger import carrying
from rumbleup_async.ledger.files import value_of
from rumbleup_async.messaging import Plan

ALL: Final = (1 << 63) - 1
"""As a limit: no limit."""
_SOME = "SELECT row, phone, coalesce(text, ?) AS text, segments FROM contact WHERE state = 0 ORDER BY row LIMIT ?"

OF_PLAN: Final = (
    ("first", "row"),
    ("longest", "segments DESC, length(text) DESC, row"),
    ("shortest", "segments, length(text), row"),
)
"""Why a text is shown in a plan, and by which order it is found."""


class Sample(msgspec.Struct, frozen=True):
    """A finished text, and why it was chosen: `first`, `longest`, `shortest`, the condition whose first it is, or `random`. What
    is several of these is the first of them."""

    why: str
    row: int
    phone: str
    text: str
    segments: int

    def __repr__(self) -> str:
        return f"Sample({self.why!r}, row={self.row})"


def queued(db: sqlite3.Connection, plan: Plan, limit: int | None) -> Iterator[tuple[int, str, str]]:
    """Row, phone and text of the next `limit` who are queued."""
    for row, phone, text, _ in db.execute(_SOME, _given(plan, limit)):
        yield row, phone, text


def plan_samples(db: sqlite3.Connection, plan: Plan, limit: int | None) -> list[Sample]:
    """The first, the longest and the shortest of the next `limit` who are queued, in the order of their rows."""
    given = _given(plan, limit)
    chosen: dict[int, Sample] = {}
    for why, order in OF_PLAN:
        found = db.execute(f"SELECT row, phone, text, segments FROM ({_SOME}) ORDER BY {order} LIMIT 1", given).fetchone()  # noqa: S608
        if found is not None:
            chosen.setdefault(found[0], Sample(why, *found))
    return [chosen[row] for row in sorted(chosen)]


def samples(db: sqlite3.Connection, plan: Plan, number: int, limit: int | None) -> list[Sample]:
    """As `Reader.samples`."""
    given = _given(plan, limit)
    total, first = db.execute(f"SELECT count(*), min(row) FROM ({_SOME})", given).fetchone()  # noqa: S608 - of constants
    if not total:
        return []
    longest = db.execute(
        f"SELECT row FROM ({_SOME}) ORDER BY segments DESC, length(text) DESC, row LIMIT 1",  # noqa: S608
        given,
    ).fetchone()[0]
    rows = iter(db.execute(_SOME, given))
    return choose(rows, total, first, longest, carrying.kinds(db), value_of(db, "list"), plan, number)


def choose(
    rows: Iterator[tuple[int, str, str, int]],
    total: int,
    first: int,
    longest: int,
    kinds: Mapping[int, tuple[int, int]],
    fingerprint: str | None,
    plan: Plan,
    number: int,
) -> list[Sample]:
    """Of these `total` rows (row, phone, text, segments) the first, the longest, the first of each kind, and `number` others."""
    seed = f"{fingerprint} {plan.action} {plan.text}"
    chance = random.Random(hashlib.blake2b(seed.encode("utf-8", "replace")).digest())
    drawn = set(chance.sample(range(total), min(total, number + 2)))
    conditions = enumerate((words for words, _ in plan.details.get("text_when", ())), 1)
    of_kinds = {kinds[kind][1]: words for kind, words in conditions if kind in kinds}
    named = {**of_kinds, longest: "longest", first: "first"}
    found: list[Sample] = []
    for index, (row, phone, text, segments) in enumerate(rows):
        if row in named or index in drawn:
            found.append(Sample(named.get(row, "random"), row, phone, text, segments))
    others = [sample for sample in found if sample.why == "random"]
    extra = {sample.row for sample in chance.sample(others, max(0, len(others) - number))}
    return [sample for sample in found if sample.row not in extra]


def _given(plan: Plan, limit: int | None) -> tuple[str, int]:
    return plan.same_text or "", bounded(limit)


def bounded(limit: int | None) -> int:
    """A limit that a database can hold: whoever gives a larger one wants all."""
    return ALL if limit is None else min(limit, ALL)
