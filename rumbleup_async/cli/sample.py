"""A messy sample list, as exports of voter files and sign-up sheets are: the demo's input, and a benchmark's.

Lives here: making a list. Imports nothing of ours. The same seed gives the same list.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

_FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Tim", "Frances", "José", "Zoë", "Ken")
_LAST = (
    "Lovelace",
    "Hopper",
    "Turing",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Perlman",
    "Lee",
    "Allen",
    "Núñez",
    "O'Brien",
    "Smith, Jr.",
)
_BAD_PHONES = (
    "",
    "n/a",
    "555-0101",
    "2.03E+09",
    "2025550101.0",
    "+44 20 7946 0101",
    "911",
    "202-555-0101 / 202-555-0102",
    "call me",
)


def write(path: Path, contacts: int, seed: int = 0) -> None:
    """A CSV of so many contacts: about one row in twelve has no usable phone, no
    name, or a phone that stood there before."""
    chance = random.Random(seed)
    phones: list[str] = []
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["VAN ID", "First Name", "Last Name", "Cell Phone", "City"])
        for number in range(contacts):
            draw = chance.random()
            if draw < 0.03:
                phone = chance.choice(_BAD_PHONES)
            elif draw < 0.06 and phones:
                phone = _written(chance.choice(phones), chance)
            else:
                phones.append(_phone(number, chance))
                phone = _written(phones[-1], chance)
            first = "" if chance.random() < 0.02 else chance.choice(_FIRST)
            writer.writerow(
                [100_000 + number, first, chance.choice(_LAST), phone, chance.choice(("Springfield", "Dayton\nOhio"))]
            )


def _phone(number: int, chance: random.Random) -> str:
    """A number of its own: the line counts up, the area code varies."""
    exchange, line = divmod(number, 10_000)
    return f"{chance.choice((202, 312, 415, 614))}{222 + exchange % 700}{line:04d}"


def _written(phone: str, chance: random.Random) -> str:
    """A number as people write it."""
    area, exchange, line = phone[:3], phone[3:6], phone[6:]
    return chance.choice(
        (
            phone,
            f"({area}) {exchange}-{line}",
            f"{area}-{exchange}-{line}",
            f"+1{phone}",
            f"1 {area} {exchange} {line}",
            f"{area}.{exchange}.{line}",
        )
    )
