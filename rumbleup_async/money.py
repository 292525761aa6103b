"""Money: US dollars, kept as whole micro-dollars, so that no sum is rounded.

Lives here: how an amount is read and shown, and what a ledger knows of the money of its run. Pure.
"""

from __future__ import annotations

import decimal
import math
from typing import Final

import msgspec

MICRO: Final = 1_000_000
"""Micro-dollars of a dollar."""
_MOST: Final = 10**9
"""Dollars: more is a slip."""


class Spending(msgspec.Struct, frozen=True):
    """How the money of a run stands, in micro-dollars.

    `price`: of a segment, as it was given, 0 as long as it is to be learned; `dearest`: of a segment, as answers named it, where
    that is more, else 0. `paid`: by the answers; `reserved`: for texts whose price no answer has named.
    """

    budget: int
    price: int
    dearest: int
    paid: int
    reserved: int

    def as_dict(self) -> dict[str, float]:
        """The same in dollars."""
        return {name: getattr(self, name) / MICRO for name in self.__struct_fields__}

    def __str__(self) -> str:
        given = f", not {dollars(self.price)}" if self.price else ""
        more = f"; a segment costs up to {dollars(self.dearest)}{given}" if self.dearest else ""
        return f"{dollars(self.paid + self.reserved)} of {dollars(self.budget)} are spent or reserved{more}"


class Money(msgspec.Struct, frozen=True):
    """What a ledger knows of the money of its run, in micro-dollars and segments.

    `paid`: what answers have named as the price of texts, `paid_segments`: of those texts. `dearest`: a segment of the text that
    was the dearest of them. `reserved`: segments of all that were sent, may have been, or are being sent, those that are paid
    among them. `most`: segments of the longest text of the list.
    """

    paid: int = 0
    paid_segments: int = 0
    dearest: int = 0
    reserved: int = 0
    most: int = 1

    def spending(self, budget: int, price: int) -> Spending:
        """How the money of the run stands with this budget, at this price of a segment."""
        dearest = self.dearest if self.dearest > price else 0
        return Spending(budget, price, dearest, self.paid, max(price, dearest) * (self.reserved - self.paid_segments))


def micro(amount: object) -> int:
    """So many dollars in micro-dollars. ValueError, with words, for what is no amount above 0 or cannot be kept exactly."""
    is_amount = isinstance(amount, (int, float, str, decimal.Decimal)) and not isinstance(amount, bool)
    try:
        value = decimal.Decimal(str(amount).strip().removeprefix("$") if is_amount else "")
    except decimal.InvalidOperation:
        raise ValueError("is no amount of US dollars, such as 0.03") from None
    if not value.is_finite() or not 0 < value <= _MOST:
        raise ValueError("must be US dollars above 0")
    found = value * MICRO
    if found != found.to_integral_value():
        raise ValueError("has more than six digits behind the point")
    return int(found)


def dollars(amount: int) -> str:
    """An amount of micro-dollars for people: `$12.50`, `$0.031`."""
    whole, rest = divmod(amount, MICRO)
    digits = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"${whole:,}.{digits}"


def price_of(found: object) -> int:
    """What an answer names as the price of its text, in micro-dollars: whatever its sign; 0 for what cannot be read as one."""
    if found.__class__ is not float:
        if not isinstance(found, (int, str)) or isinstance(found, bool):
            return 0
        try:
            found = float(found)
        except (ValueError, OverflowError):
            return 0
    assert isinstance(found, float)  # noqa: S101 - made one above
    return math.ceil(abs(found) * MICRO - 1e-3) if abs(found) < 10_000 else 0


class Bounded(msgspec.Struct, frozen=True):
    """How the bounds of a run stand that its ledger counts, of all machines together, as a step has left them.

    `cut`: what the next text did not fit into: `limit`, `budget`, `day`, `canary` while another process alone sends, `left` once
    that has ended before its canary had passed; "" for nothing. `paid`, `price` and `dearest` segment in micro-dollars, of
    `priced` answers; `texts`: that may still be opened, None for no limit; `segments`: those that may have left without a price.
    `used`: segments of the day that began at `day` (Unix seconds). `open`: entries open on all machines.
    """

    cut: str = ""
    paid: int = 0
    dearest: int = 0
    priced: int = 0
    texts: int | None = None
    segments: int = 0
    price: int = 0
    day: int = 0
    used: int = 0
    open: int = 0
