"""What an option of a run may be: the checks of single values, and the words of their errors.

Lives here: pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rumbleup_async.engine import growing
from rumbleup_async.errors import ConfigurationError

MOST_IN_FLIGHT = 10_000
"""In each process; a text in flight takes a connection."""


def check_fields(name: str, value: object, kind: type, example: str) -> None:
    """ConfigurationError for what is neither of this kind nor a mapping of some of its fields."""
    if not isinstance(value, (kind, Mapping)):
        such = f"{kind.__name__}({example})"
        raise ConfigurationError(f"{name} is a {kind.__name__}, such as {such}, or a mapping of its fields, not {kind_of(value)}")


def check_hours(hours: object, schedule: object) -> None:
    """ConfigurationError for what cannot be meant by these two options."""
    if hours is None and schedule is None:
        return
    from rumbleup_async.rules.hours import Hours, Schedule

    if hours is not None:
        check_fields("hours", hours, Hours, "window='9-20'")
    if schedule is not None:
        check_fields("schedule", schedule, Schedule, "until='2026-12-02T20:00-05:00'")


def is_same(value: object, default: object) -> bool:
    """Whether an option is at its default."""
    return value is default or (isinstance(value, (int, float, tuple)) and value == default)


def check_number(name: str, value: object, what: str) -> None:
    """ConfigurationError for what is no number of `what`, 0 or more. None is fine."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{name} must be a number of {what}, not {_shown(value)}")


def check_share(name: str, value: object) -> None:
    """ConfigurationError for what is no share from 0 to 1. None is fine."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1):
        raise ConfigurationError(f"{name} must be a share from 0 to 1, such as 0.02 for 2 %; 1 for no limit; not {_shown(value)}")


def check_count(name: str, value: object) -> None:
    """ConfigurationError for what is no whole number of at least 1. None is fine."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"{name} must be a whole number of at least 1, not {_shown(value)}")


def in_flight(value: object) -> tuple[int, int | None] | None:
    """How many requests may be in flight at most, and at how many to begin; None where nothing was said. The latter is None
    where a number was given. ConfigurationError for what cannot be meant."""
    if value is None:
        return None
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"concurrency must be a whole number of at least 1, not {_shown(value)}")
        return value, None
    word, _, bound = value.partition(":")
    number = int(bound) if bound.isascii() and bound.isdecimal() and len(bound) < 6 else 0
    if word != "auto" or ((bound or ":" in value) and not 1 <= number <= MOST_IN_FLIGHT):
        raise ConfigurationError(f"concurrency is a whole number, auto, or auto:N with N from 1 to {MOST_IN_FLIGHT:,}")
    most = number or growing.BOUND
    return most, min(growing.START, most)


def check_texts(given: object) -> None:
    """ConfigurationError for what are no conditions with their texts."""
    pairs: list[object] = [given]
    if isinstance(given, (Mapping, list, tuple)):
        pairs = list(given.items() if isinstance(given, Mapping) else given)
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise ConfigurationError(
                "text_when is a mapping of conditions to texts, such as {'Language=Spanish': 'Hola ...'}, or a list of such pairs"
            )
        from rumbleup_async.screening.kinds import read_condition

        read_condition(pair[0])


def check_rules(rules: Sequence[object]) -> None:
    """ConfigurationError for one that nobody can ask."""
    for rule in rules:
        if isinstance(rule, type) or not callable(getattr(rule, "admit", None)):
            raise ConfigurationError(f"a rule is an object with the method admit(text, now), not {kind_of(rule)}")


def check_observer(observer: object) -> None:
    """ConfigurationError for what nothing can be told."""
    if isinstance(observer, type):
        raise ConfigurationError(f"observer is an object, not a class; give {observer.__name__}()")
    if callable(getattr(observer, "events", None)):
        return
    missing = [name for name in ("results", "held") if not callable(getattr(observer, name, None))]
    if missing:
        raise ConfigurationError(
            "observer is an object with the methods results(results) and held(seconds, reason), or with events(events), "
            f"not {kind_of(observer)}; {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        )


def kind_of(value: object) -> str:
    """What a value is, in the words of an error."""
    return "None" if value is None else f"one {type(value).__name__}"


def _shown(value: object) -> str:
    """A value as an error may show it: numbers as they are, of all else its kind."""
    return repr(value) if isinstance(value, (int, float)) else kind_of(value)


def check_names(name: str, value: object) -> None:
    """ConfigurationError for what is neither a name nor several."""
    names = value if isinstance(value, list | tuple) else [value]
    if value is not None and (not names or not all(isinstance(one, str) for one in names)):
        raise ConfigurationError(f"{name} is a name, or several in their order, not {kind_of(value)}")
