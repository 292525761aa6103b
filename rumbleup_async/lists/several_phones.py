"""A row with several phones: which of them is meant.

Lives here: the choice. Pure.
"""

from __future__ import annotations

from rumbleup_async.lists import columns as naming
from rumbleup_async.screening import phones


def without(values: dict[str, str], twice: list[str]) -> dict[str, str]:
    """The values, but for those of names that came twice: which is meant cannot be known, so none is merged."""
    for name in twice:
        values.pop(name, None)
    return values


def are_several(numbers: list[str]) -> bool:
    """Whether these cells hold more than one phone."""
    return len({phones.normalise(number)[0] or number for number in numbers}) > 1


def first_of(numbers: list[str], named: list[str], phone_field: str) -> tuple[list[str], str]:
    """The first of several phones that can be read, in the order in which their fields were given, and its field."""
    order = naming.phone_fields(phone_field)
    tried = sorted(zip(named, numbers, strict=True), key=lambda one: order.index(one[0]))
    name, number = next((one for one in tried if phones.normalise(one[1])[0]), tried[0])
    return [number], name
