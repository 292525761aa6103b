"""The lists of the acceptance tests: clean ones, and messy ones as people keep them."""

import csv
import io
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

TEXT = "Dear {first_name}, quokkas vote on Tuesday. STOP to opt out"


def phone(number: int) -> str:
    """The nth phone of the lists."""
    return f"{(202, 312, 415, 614)[number % 4]}{320 + number // 10_000}{number % 10_000:04d}"


def text_for(name: str) -> str:
    """The text that the contact should get."""
    return TEXT.replace("{first_name}", name)


class Messy(NamedTuple):
    """A list as people keep them, and which text each phone should get."""

    content: bytes
    rows: int
    planned: dict[str, str]


def messy(rows: int, seed: int = 7) -> Messy:
    """A semicolon-separated list with a byte order mark: bad phones, repeated ones, missing names, line breaks in cells."""
    chance = random.Random(seed)
    planned: dict[str, str] = {}
    known: list[str] = []
    path_rows: list[list[str]] = []
    for number in range(rows):
        draw = chance.random()
        name = "" if chance.random() < 0.02 else chance.choice(("Ada", "José", "Zoë", "O'Brien", "Smith; Jr.", 'Ann "Annie"'))
        raw = chosen = phone(number)
        if draw < 0.03:
            raw = chance.choice(("", "n/a", "555-0101", "2.03E+09", "2025550101.0", "+44 20 7946 0101", "911", "call me"))
            chosen = ""
        elif draw < 0.10 and known:
            raw = chosen = chance.choice(known)
        if chosen:
            raw = chance.choice(_WAYS).format(chosen[:3], chosen[3:6], chosen[6:])
            known.append(chosen)
            if name:
                planned.setdefault(chosen, text_for(name))
        path_rows.append([str(number), name, "two\nlines" if chance.random() < 0.01 else "Dayton", raw])
    return Messy(_written(path_rows), rows, planned)


_WAYS = ("{}{}{}", "({}) {}-{}", "{}-{}-{}", "+1{}{}{}", "1 {} {} {}", "{}.{}.{}", " {}{}{} ")


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(["VAN ID", "First Name", "City", "Cell Phone"])
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")
