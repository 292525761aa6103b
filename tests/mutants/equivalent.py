"""Small faults that make no difference, each with the reason. `tests.mutants.small` looks that no test notices them."""

from typing import NamedTuple


class Equivalent(NamedTuple):
    """One of them: its lines before and after, as the command prints them."""

    file: str
    before: str
    after: str
    why: str


_POLICY = "2 ** 30 times any pause is above the ceiling already; the number keeps the power from overflowing"
_ASKED_ANEW = "at the very moment of the last look the same is found, once more"
_SPEED = "all days are looked at in the end; the shorter look comes first to save time"
_TAIL = "the terms left out are a part in 10^12 of the sum, or nothing at all"

EQUIVALENT: tuple[Equivalent, ...] = (
    Equivalent(
        "retry.py",
        "return min(self.backoff_ceiling, self.backoff * 2.0 ** min(attempt - 1, 30))",
        "return min(self.backoff_ceiling, self.backoff * 2.0 ** min(attempt - 1, 31))",
        _POLICY,
    ),
    Equivalent(
        "retry.py",
        "return min(self.backoff_ceiling, self.throttle_backoff * 2.0 ** min(attempt - 1, 30))",
        "return min(self.backoff_ceiling, self.throttle_backoff * 2.0 ** min(attempt - 1, 31))",
        _POLICY,
    ),
    Equivalent("rules/gates.py", "if not asked <= now < until:", "if not asked < now < until:", _ASKED_ANEW),
    Equivalent(
        "rules/gates.py",
        "if kind.why_never or (self.ends is not None and now >= self.ends):",
        "if kind.why_never or (self.ends is not None and now > self.ends):",
        "an opening that begins at the end is none: the last line of the function sees to that",
    ),
    Equivalent(
        "rules/gates.py",
        "for zone, day in zip(kind.zones, days, strict=True):",
        "for zone, day in zip(kind.zones, days, strict=False):",
        "there is a day for each zone",
    ),
    Equivalent(
        "rules/gates.py",
        "for days in (2, _FAR): # most open within two days",
        "for days in (3, _FAR): # most open within two days",
        _SPEED,
    ),
    Equivalent(
        "rules/gates.py",
        "if common and (days == _FAR or common[0][1] < now + days * _DAY):",
        "if common and (days == _FAR and common[0][1] < now + days * _DAY):",
        _SPEED,
    ),
    Equivalent(
        "rules/gates.py",
        "found = [(opens, closes)] if opens < closes else []",
        "found = [(opens, closes)] if opens <= closes else []",
        "an opening without length meets no other",
    ),
    Equivalent(
        "rules/canary.py",
        "rules[rule.metric] = rule if known is None or rule.share < known.share else known",
        "rules[rule.metric] = rule if known is None or rule.share <= known.share else known",
        "two rules for one thing with one limit are in the same words",
    ),
    Equivalent("rules/canary.py", "for hit in range(least, number + 1):", "for hit in range(least, number + 2):", _TAIL),
    Equivalent(
        "rules/canary.py",
        "if hit > number * share and term <= total * 1e-12:",
        "if hit >= number * share and term <= total * 1e-12:",
        _TAIL,
    ),
    Equivalent(
        "rules/canary.py",
        "low, high = math.floor(number * share), number + 1 # of the middle and less the chance is a half and more",
        "low, high = math.floor(number * share), number + 2 # of the middle and less the chance is a half and more",
        "more texts than there are break every rule, so the halving comes down to where it was",
    ),
    Equivalent(
        "rules/canary.py",
        "low, high = (low, middle) if tail(number, share, middle) < DOUBT else (middle, high)",
        "low, high = (low, middle) if tail(number, share, middle) <= DOUBT else (middle, high)",
        "no sum of these terms is that number to its last digit",
    ),
    Equivalent(
        "rules/canary.py",
        "if hit > texts * rule.share and hit >= fewest(texts, rule.share):",
        "if hit >= texts * rule.share and hit >= fewest(texts, rule.share):",
        "the fewest that break a rule are above the raw rate; the first half saves reckoning",
    ),
    Equivalent(
        "rules/states.py",
        "return frozenset(day for near in (year - 1, year, year + 1) for day in _holidays(state, near) if day.year == year)",
        "return frozenset(day for near in (year + 1, year, year + 1) for day in _holidays(state, near) if day.year == year)",
        "no holiday of a year is observed in the next one; it is looked at so that a new one may be",
    ),
    Equivalent(
        "rules/states.py",
        "return frozenset(day for near in (year - 1, year, year + 1) for day in _holidays(state, near) if day.year == year)",
        "return frozenset(day for near in (year - 2, year, year + 1) for day in _holidays(state, near) if day.year == year)",
        "no holiday of a year is observed in the next one; it is looked at so that a new one may be",
    ),
    Equivalent(
        "rules/states.py",
        "h = (19 * a + b - d - g + 15) % 30",
        "h = (19 * a + b - d - g - 15) % 30",
        "15 and -15 are the same modulo 30",
    ),
    Equivalent(
        "rules/zones.py",
        '_MOVED: Final = dt.datetime(2026, 12, 15, tzinfo=dt.UTC), "America/Winnipeg", dt.timedelta(hours=-5)',
        '_MOVED: Final = dt.datetime(2027, 12, 15, tzinfo=dt.UTC), "America/Winnipeg", dt.timedelta(hours=-5)',
        "every later winter shows the same",
    ),
    Equivalent(
        "rules/zones.py",
        "year = int(self.version[:4]) if self.version[:4].isdecimal() else 0",
        "year = int(self.version[:4]) if self.version[:4].isdecimal() else 1",
        "data of the year 1 is old as well",
    ),
    Equivalent(
        "rules/zones.py",
        'return (int(match[1]), len(match[2]), match[2]) if match else (0, 0, "")',
        'return (int(match[1]), len(match[2]), match[2]) if match else (1, 0, "")',
        "what has no version is older than all that has one",
    ),
    Equivalent(
        "rules/zones.py",
        'return (int(match[1]), len(match[2]), match[2]) if match else (0, 0, "")',
        'return (int(match[1]), len(match[2]), match[2]) if match else (0, 1, "")',
        "what has no version is older than all that has one",
    ),
    Equivalent(
        "rules/zones.py",
        'match = _version_of.search(file.readline(100).decode("ascii", "replace"))',
        'match = _version_of.search(file.readline(101).decode("ascii", "replace"))',
        "a version stands at the beginning of its line; the number keeps a file without line ends from being read whole",
    ),
)
