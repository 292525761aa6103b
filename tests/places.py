"""Our tables of places beside what others publish: `python -m tests.places` prints where they differ.

To be run once a year, with the newest versions of the packages `phonenumbers`, `zipcodes`, `tzfpy` and `tzdata`:

    pip install -U phonenumbers zipcodes tzfpy tzdata && python -m tests.places
    python -m tests.places --windows     # two years in steps of ten minutes, at places of every kind
    python -m tests.places --cost        # CPU a contact of finding its place, and of planning with hours, over a million contacts

Each line it prints is a ZIP code or an area code whose zone, by one of them, is none that we allow for. The differences that are
known, and why we keep ours, stand in `tests/rules/test_places.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import functools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import phonenumbers
import tzfpy
import zipcodes
from phonenumbers import timezone

from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.lists.batches import BATCH
from rumbleup_async.messaging import Contact, Plan
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.hours import Hours, Schedule
from rumbleup_async.rules.place_tables import STATES, area_codes
from rumbleup_async.rules.place_tables import zips as zip_prefixes
from rumbleup_async.rules.places import Places, decode
from rumbleup_async.rules.zones import load
from rumbleup_async.screening.screen import Screen
from tests.rules import by_hand
from tests.rules.by_hand import zone

INSTANTS = [dt.datetime(2026, 12, 1, tzinfo=dt.UTC) + dt.timedelta(15 * number) for number in range(26)]
"""A year with both changes of clocks."""

PLACES = Places(trust_address=True)


@functools.cache
def entries() -> list[dict[str, Any]]:
    """All ZIP codes of `zipcodes`."""
    found: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    return found


MILITARY = {"AA", "AE", "AP"}


@functools.cache
def offsets(name: str) -> tuple[float, ...]:
    return tuple((instant.astimezone(zone(name)).utcoffset() or dt.timedelta()).total_seconds() for instant in INSTANTS)


@functools.cache
def covers(ours: tuple[str, ...], theirs: str) -> bool:
    """Whoever waits until all of `ours` are open never texts while `theirs` is shut: its clock is never outside of theirs."""
    columns = zip(*map(offsets, ours), strict=True)
    return all(min(column) <= other <= max(column) for column, other in zip(columns, offsets(theirs), strict=True))


def zips() -> Iterator[tuple[str, str]]:
    """ZIP codes whose zone or state is not among ours, with what others say."""
    for entry in entries():
        if entry["state"] in MILITARY or entry["country"] != "US":
            continue
        place = decode(PLACES.place_of("5995550101", entry["zip_code"]))
        where = f"{entry['city']} {entry['state']}"
        if "/" in entry["timezone"] and not covers(place.zones, entry["timezone"]):
            yield entry["zip_code"], f"{entry['timezone']} by zipcodes ({where})"
        if entry["state"] in STATES and entry["state"] not in place.states:
            yield entry["zip_code"], f"in {entry['state']}"
        latitude, longitude = float(entry["lat"] or 0), float(entry["long"] or 0)
        if latitude and longitude:
            by_map = tzfpy.get_tzs(longitude, latitude)
            if by_map and not any(covers(place.zones, name) for name in by_map if not name.startswith("Etc/")):
                yield entry["zip_code"], f"{', '.join(by_map)} by the map ({where})"


def codes() -> Iterator[tuple[str, str]]:
    """Area codes whose zone is not among ours, which are unknown to us or to others."""
    ours = area_codes()
    for number in range(200, 1000):
        code = f"{number}"
        theirs = timezone.time_zones_for_number(phonenumbers.PhoneNumber(country_code=1, national_number=int(code + "5550101")))
        known = [] if len(theirs) > 10 else [name for name in theirs if name in load().names]
        if code not in ours:
            if known:
                yield code, f"{', '.join(known)} by phonenumbers, unknown to us"
            continue
        zones = decode(PLACES.place_of(code + "5550101")).zones
        for name in known:
            if not covers(zones, name):
                yield code, f"{name} by phonenumbers"


def codes_of_zips() -> Iterator[tuple[str, str]]:
    """Area codes that are those of a ZIP code in a zone that is none of the code's."""
    ours = area_codes()
    found: dict[tuple[str, str], list[str]] = {}
    for entry in entries():
        if entry["state"] in MILITARY or not entry["active"]:
            continue
        for code in entry["area_codes"]:
            if code in ours and ours[code][1] == entry["state"] and "/" in entry["timezone"]:
                zones = decode(PLACES.place_of(code + "5550101")).zones
                if not covers(zones, entry["timezone"]):
                    found.setdefault((code, entry["timezone"]), []).append(entry["zip_code"])
            elif code not in ours:
                found.setdefault((code, "unknown to us"), []).append(entry["zip_code"])
    for (code, what), where in sorted(found.items()):
        yield code, f"{what} by {len(where)} ZIP codes: {' '.join(where[:5])}"


SAMPLES = [
    ("2125550101", "10001"), ("2705550101",), ("9285550101", "86515"), ("4015550101", "02903"), ("5045550101", "70112"),
    ("7175550101",), ("8015550101",), ("6055550101",), ("5125550101", "79901"), ("2045550101", "", "MB"),
    ("6045550101", "V6B 1A1"), ("6715550101", "10001"), ("2215550101",), ("9075550101", "99546"), ("8675550101", "X0A 0H0"),
]  # fmt: skip


def windows() -> Iterator[tuple[str, str]]:
    """Instants at which our gates and the wall clocks say different things of somebody."""
    at, end = (dt.datetime(year, 9, 1, tzinfo=dt.UTC).timestamp() for year in (2026, 2028))
    hours = Hours()
    gates = Gates(hours, Schedule(until="2029-01-01T00:00+00:00"), begin=at)
    places = [(contact, place, decode(place)) for contact in SAMPLES for place in [gates.places.place_of(*contact)]]
    while at < end:
        for contact, place, facts in places:
            both = (at, at + hours.margin)
            said = ("9-20", "12-20", "commercial")
            if gates.is_open(place, at) != all(by_hand.is_open(facts.zones, facts.states, moment, *said) for moment in both):
                yield " ".join(contact), f"at {dt.datetime.fromtimestamp(at, dt.UTC)}"
        at += 600


def main(lines: Iterable[tuple[str, str]]) -> int:
    number = 0
    for number, (what, why) in enumerate(lines, 1):  # noqa: B007
        print(what, why)
    print(f"{number} differences; time-zone data {load()}")
    return 0


def cost(contacts: int = 1_000_000, rounds: int = 7) -> int:
    """Print what planning with hours costs beyond reading the columns, over a national list of 33,000 ZIP codes; one contact
    in ten has moved. Each round does it with and without hours: medians of the difference, the least and the most of it.
    """
    rows = list(_national(contacts))
    finder = Places()
    for what, some in (("number alone", [row[:1] for row in rows]), ("ZIP code and state", rows), ("the same again", rows)):
        began = time.process_time()
        for row in some:
            finder.place_of(*row)
        print(f"{what}: {(time.process_time() - began) / contacts * 1e6:.2f} microseconds a contact")
    fields = [{"first_name": "Ada", "zip": zip_code, "state": state} for _, zip_code, state in rows]
    people = [
        Contact(number, f"{phone[:3]}{2_000_000 + number % 8_000_000}", of)
        for number, ((phone, *_), of) in enumerate(zip(rows, fields, strict=True), 1)
    ]
    spent: dict[tuple[str, bool], list[float]] = {}
    for _ in range(rounds):
        for has_hours in (False, True):
            for what, seconds in _planned(people, has_hours=has_hours).items():
                spent.setdefault((what, has_hours), []).append(seconds / contacts * 1e6)
    for what in dict.fromkeys(what for what, _ in spent):
        more = sorted(ours - plain for ours, plain in zip(spent[what, True], spent[what, False], strict=True))
        print(f"{what}: {statistics.median(more):.2f} microseconds more a contact ({more[0]:.2f} to {more[-1]:.2f})", end="; ")
        print(f"{statistics.median(spent[what, False]):.2f} without hours")
    return 0


def _national(contacts: int) -> Iterator[tuple[str, str, str]]:
    chance = random.Random(1)
    known, of_state = zip_prefixes(), dict[str, list[str]]()
    for code, (_, state) in area_codes().items():
        of_state.setdefault(state, []).append(code)
    prefixes, codes = list(known), list(area_codes())
    addresses = [(f"{prefix}{chance.randrange(100):02d}", known[prefix][1]) for prefix in chance.choices(prefixes, k=33_000)]
    for zip_code, state in chance.choices(addresses, k=contacts):
        code = chance.choice(codes if chance.random() < 0.1 else of_state.get(state, codes))
        yield f"{code}5550100", zip_code, state


def _planned(people: list[Contact], *, has_hours: bool) -> dict[str, float]:
    """Seconds of CPU that screening these contacts takes, that loading them into a ledger does, and counting their places."""
    screen = Screen("Hi {first_name}. STOP to opt out")
    if has_hours:
        screen.place_by(Places().finder("list", "zip", "state"))
    began = time.process_time()
    batches = [screen.batch(people[start : start + BATCH]) for start in range(0, len(people), BATCH)]
    seconds = {"screening": time.process_time() - began}

    async def load() -> None:
        with tempfile.TemporaryDirectory() as folder:
            ledger = SqliteLedger(Path(folder) / "ledger")
            await ledger.open(Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text=screen.template.text))
            try:
                for what, work in (("the ledger", ledger.load(batches)), ("places", ledger.places())):
                    began = time.process_time()
                    await work
                    seconds[what] = time.process_time() - began
            finally:
                await ledger.aclose()

    asyncio.run(load())
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.places")
    parser.add_argument("--windows", action="store_true", help="two years in steps of ten minutes, at places of every kind")
    parser.add_argument("--cost", action="store_true", help="CPU a contact of finding its place")
    chosen = parser.parse_args()
    if chosen.cost:
        sys.exit(cost())
    sys.exit(main(windows() if chosen.windows else [*codes(), *codes_of_zips(), *zips()]))
