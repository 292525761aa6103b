"""How careful a run was told to be: what is kept of it, and what a later part of the run goes by.

Lives here: pure values and functions.

An option of pace or of rules that is given is kept in the ledger under its name, as a JSON value; one that is not given is taken
from there. So an option that others add needs two things: to be among what is `given` to a run, and to be read from what `merged`
says. `--limit`, `--yes` and `--timeout` are of one call and are not kept.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from typing import Any

import msgspec

from rumbleup_async.errors import LedgerMismatch
from rumbleup_async.ledger.keeping import PROGRESS
from rumbleup_async.messaging import Kept
from rumbleup_async.money import dollars
from rumbleup_async.retry import Policy
from rumbleup_async.rules.numbers import Numbers, Suppress, SuppressionStore, handed_in

_NONE = object()

_FOR_EVER = 1e18
"""Stands in JSON for an infinite number of seconds, which JSON cannot write."""

RULES = "rules"
"""The name under which a ledger keeps that there were rules of the caller's own."""


class Care:
    """How careful one run is: what it is told now, joined on entering with what its ledger has kept.

    `given`: the options of pace and of rules of this call, as JSON values. `suppress`: phones never to be texted.
    """

    def __init__(self, given: Mapping[str, Any] | None, suppress: Suppress) -> None:
        self.given = given or {}
        self.options: dict[str, Any] = dict(self.given)
        """The options that hold."""
        found = handed_in(suppress)
        self.store = found if isinstance(found, SuppressionStore) else None
        """Looks up, one by one, whom the run must not text."""
        self.suppressed: Container[str] = Numbers() if isinstance(found, SuppressionStore) else found
        """Whom the run must not text, of this call and of earlier ones."""
        self._is_handed_in = not isinstance(found, frozenset)
        """There are suppressed phones that can only be asked for."""
        self._storable = self.suppressed if isinstance(self.suppressed, frozenset) else frozenset[str]()
        """The suppressed phones of this call, as far as they can be kept."""
        self.goes_on_with = ""
        """In words, what holds because an earlier part of the run was given it."""

    def take_up(self, kept: Kept) -> None:
        """Go by what the run was told before, as far as it is not told otherwise now. Raises LedgerMismatch."""
        require_handed_in(kept, is_handed_in=self._is_handed_in)
        if kept.options.get(RULES) and not self.given.get(RULES):
            raise LedgerMismatch(
                "this run was begun with rules of its caller's own, which a ledger cannot keep; go on with it in Python and hand "
                "them in again: rules=[...]"
            )
        self.goes_on_with = told(kept, self.given)
        self.options = merged(kept.options, self.given)
        self.suppressed = both(kept.suppressed, self.suppressed)

    def to_keep(self, kept: Kept) -> Kept:
        """What the ledger is to keep from now on, where it has kept this."""
        return Kept(dict(self.options), kept.suppressed | self._storable, kept.is_handed_in or self._is_handed_in)


def merged(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What holds now: what was given now, else what was given before. Of an option with parts, each part by itself."""
    found = dict(kept)
    for name, value in given.items():
        before = found.get(name)
        found[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return found


def require_handed_in(kept: Kept, *, is_handed_in: bool) -> None:
    """LedgerMismatch where an earlier part of the run asked a container of suppressed phones that nobody has handed in now."""
    if kept.is_handed_in and not is_handed_in:
        raise LedgerMismatch(
            "this run was begun with a container of suppressed phones that can only be asked and not be kept in the ledger; "
            "go on with it in Python and hand the container in again: suppress=..."
        )


class Either:
    """Phones that are in one of two containers."""

    def __init__(self, one: Container[str], other: Container[str]) -> None:
        self._one, self._other = one, other

    def __contains__(self, phone: object) -> bool:
        return phone in self._one or phone in self._other


def both(kept: frozenset[str], given: Container[str]) -> Container[str]:
    """Suppression lists add up."""
    if not kept:
        return given
    return Numbers(kept | given) if isinstance(given, frozenset) else Either(kept, given)


def told(kept: Kept, given: Mapping[str, Any]) -> str:
    """What a run goes on with because it was given before, in words; "" for nothing."""
    said = list(_words(kept.options, given))
    if kept.suppressed:
        number = len(kept.suppressed)
        said.append(f"{number:,} suppressed phone{'s' if number != 1 else ''}")
    return ", ".join(said)


def shown(options: Mapping[str, Any], suppressed: int) -> str:
    """What a ledger keeps, in words."""
    return told(Kept(dict(options), frozenset(map(str, range(suppressed)))), {})


_OURS = frozenset({*PROGRESS, RULES})
"""What is kept among the options and nobody has given."""


def _words(options: Mapping[str, Any], given: Mapping[str, Any]) -> Iterable[str]:
    for name, value in options.items():
        now = given.get(name, _NONE)
        if name in _OURS:
            continue
        if name == "hours" and not (value or now):
            yield "the usual hours"
        if isinstance(value, dict):
            if name == "canary":
                yield from () if now is not _NONE else [_word(name, value)]
                continue
            parts = {part: one for part, one in value.items() if not (isinstance(now, dict) and part in now)}
            yield from (word for part, one in parts.items() if (word := _word(part, one)))
        elif now is _NONE:
            yield _word(name, value)


def _word(name: str, value: Any) -> str:  # noqa: C901 - a word each
    match name:
        case "rate":
            return f"{value:g} texts a second at most" if value else "no limit of ours to the rate"
        case "concurrency":
            return f"concurrency {value}"
        case "processes":
            return f"{value} process{'es' if value != 1 else ''}"
        case "unknown_limit":
            return f"{value * 100:g} % unknown at most" if value < 1 else "no limit to what is unknown"
        case "per_second":
            return f"{value:g} texts a second of each line" if value else "no limit a second of each line"
        case "new_per_hour" | "new_per_day":
            unit = name.rpartition("_")[2]
            return (
                f"{value} new contacts of each line {'in any hour' if unit == 'hour' else 'a day'}"
                if value
                else (f"no limit of new contacts of each line {'in any hour' if unit == 'hour' else 'a day'}")
            )
        case "book":
            return f"the book of people {value}" if value else "no book of people"
        case "gap":
            return f"{value:g} s between two texts to a person" if value else "no gap between two texts to a person"
        case "again":
            return "people of this project again" if value else "nobody of this project again"
        case "budget" | "price":
            return f"a budget of {dollars(value)}" if name == "budget" else f"{dollars(value)} a segment"
        case "day_cap":
            return f"{value:,} segments a day at most" if value else "no cap a day"
        case "canary":
            if not value:
                return "no canary"
            wait = value["wait"]
            watched = f"{wait / 60:g} min" if wait >= 60 else f"{wait:g} s"
            return f"a canary of {value['number']:,} texts, watched for {watched}"
        case "abort_if":
            return f"abort if {' or '.join(value)}"
        case "canary_ask":
            return "an end after the canary" if value else "no end after the canary"
        case "patience":
            return f"{value:g} s of patience"
        case "wait":
            return "waiting for locks" if value else "not waiting for locks"
        case "window" | "sunday" | "margin" | "not_in" | "trust_address" | "anyway":
            return _word_of_hours(name, value)
        case _:
            return f"{name.replace('_', ' ')} {_plain(value)}"


def _word_of_hours(name: str, value: Any) -> str:
    """In words; nothing where there is nothing to say."""
    match name:
        case "window":
            return f"hours {value}"
        case "sunday":
            return f"Sundays {value or 'none'}"
        case "margin":
            return f"a margin of {value / 60:g} minutes"
        case "not_in":
            return f"not in {', '.join(value)}" if value else ""
        case _:
            return "the address alone says where people are" if name == "trust_address" and value else ""


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def as_json(value: Any) -> Any:
    """The value of an option as a ledger keeps it."""
    if isinstance(value, Policy):
        # JSON has no number for "for ever", which is a patience that a policy may have.
        fields = msgspec.to_builtins(value)
        return {name: _FOR_EVER if one == math.inf else one for name, one in fields.items()}
    if callable(getattr(value, "as_dict", None)):
        return value.as_dict()
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    return {name: one for name, one in value.items() if not callable(one)} if isinstance(value, Mapping) else value
