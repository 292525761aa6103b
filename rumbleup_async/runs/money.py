"""The options of a run about money.

Lives here: reading `budget`, `price` and `day_cap`, what they are called in a ledger, and what they allow once it is open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.engine.budget import FEWEST, Budget
from rumbleup_async.engine.counted import Counted, HasBounds
from rumbleup_async.engine.day_cap import DayCap
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.money import micro
from rumbleup_async.rules.carrier_day import Days, carrier_day

if TYPE_CHECKING:
    from rumbleup_async.engine.ports import Ledger
    from rumbleup_async.people.run_book import RunBook

Dollars = float | str | Decimal
"""An amount of US dollars: `500`, `0.031`, "0.031"."""

BUDGET, PRICE, DAY_CAP = "budget", "price", "day_cap"
"""Under which names a ledger keeps the options, amounts in micro-dollars."""


def kept(budget: Dollars | None, price: Dollars | None, day_cap: int | None) -> dict[str, Any]:
    """These options as a ledger keeps them; None for one that is not given. ConfigurationError for what is no amount."""
    return {BUDGET: _micro(BUDGET, budget), PRICE: _micro(PRICE, price), DAY_CAP: _segments(day_cap)}


def check(care: Mapping[str, Any], *, learns: int = 0) -> None:
    """ConfigurationError for a budget without the price of a segment. `care`: the options that hold. `learns`: texts of a canary
    from which the price can be learned."""
    if BUDGET not in care or PRICE in care or learns >= FEWEST:
        return
    if learns:
        raise ConfigurationError(f"a price is learned from {FEWEST} texts at least; take a larger canary, or give --price")
    raise ConfigurationError(
        "a budget needs the price of a segment, for nobody publishes it: --price 0.03 (in Python price=0.03), in US dollars, or "
        "a canary that learns it (--canary 200)"
    )


def note(care: Mapping[str, Any], *, has_book: bool) -> str:
    """What is to be known of these options before anything is sent; "" for nothing."""
    alone = care.get(DAY_CAP) and not has_book
    return "without a book of people the cap a day counts the segments of this run alone" if alone else ""


async def allowance(
    care: Mapping[str, Any],
    ledger: Ledger,
    book: RunBook | None,
    *,
    longest: int,
    clock: Callable[[], float],
    until: float,
    limit: int | None = None,
    has_canary: bool = False,
) -> Allowance:
    """What the run may still open. `longest`: segments that a text of it may have; `until`: as for `DayCap`; `limit`: texts of
    this call. `has_canary`: one goes first.

    All runs that have a book count in it, whether they have a cap or not: the cap of another run is held against that.
    """
    budget = cap = None
    if BUDGET in care:
        budget = Budget(care[BUDGET], care.get(PRICE), await ledger.prices.known(), longest)
    if book is not None:
        book.day = Days()
    if most := care.get(DAY_CAP):
        first = carrier_day(clock(), most)
        known = await ledger.prices.since(first.begins)
        # A book that is asked by each claim is not asked once more before.
        first.used = known.reserved if book is None else 0
        cap = DayCap(most, longest=max(longest, known.most), is_shared=book is not None, first=first, until=until)
        if book is not None:
            book.day = cap.day
    if not isinstance(ledger, HasBounds):
        return Allowance(budget, cap)
    own = None if cap is None or cap.is_shared else cap
    await ledger.bounds.begin(
        texts=limit, budget=care.get(BUDGET), price=care.get(PRICE), cap=None if own is None else own.most, is_canary=has_canary
    )
    return Allowance(budget, cap, counted=Counted(ledger.bounds, limit, budget, own))


def _segments(day_cap: object) -> int | None:
    if day_cap is None or (isinstance(day_cap, int) and not isinstance(day_cap, bool) and day_cap >= 0):
        return day_cap
    shown = repr(day_cap) if isinstance(day_cap, (int, float)) else f"one {type(day_cap).__name__}"
    raise ConfigurationError(f"day_cap must be a whole number of segments a day, 0 for no cap, not {shown}")


def _micro(name: str, amount: Dollars | None) -> int | None:
    try:
        return None if amount is None else micro(amount)
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}") from None
