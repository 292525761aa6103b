"""The options of a run about money.

Lives here: reading `budget` and `price`, and what they are called in a ledger. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.money import micro

Dollars = float | str | Decimal
"""An amount of US dollars: `500`, `0.031`, "0.031"."""

BUDGET, PRICE = "budget", "price"
"""Under which names a ledger keeps the options, in micro-dollars."""


def kept(budget: Dollars | None, price: Dollars | None) -> dict[str, Any]:
    """These options as a ledger keeps them; None for one that is not given. ConfigurationError for what is no amount."""
    return {BUDGET: _micro(BUDGET, budget), PRICE: _micro(PRICE, price)}


def check(care: Mapping[str, Any]) -> None:
    """ConfigurationError for a budget without the price of a segment. `care`: the options that hold."""
    if BUDGET in care and PRICE not in care:
        raise ConfigurationError(
            "a budget needs the price of a segment, for nobody publishes it: --price 0.03 (in Python price=0.03), in US dollars"
        )


def _micro(name: str, amount: Dollars | None) -> int | None:
    try:
        return None if amount is None else micro(amount)
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}") from None
