"""A canary: a small part of a run goes first and is watched, and the rest goes only if it did well.

Lives here: the rules by which that is judged, and how a canary stands. Pure.

A rule such as `opt-outs>2%` does not compare the raw rate: 5 opt-outs of 200 texts are 2.5 %, and may come by chance from a
list of 1.5 %. It counts: with n texts and a limit of P %, it is broken by the smallest k that a list of exactly P % reaches
with a chance of less than 1 %. For 2 % these are 7 of 100, 10 of 200, 19 of 500 and 32 of 1,000.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import State

DOUBT: Final = 0.01
"""The chance of a false alarm is below this."""

NUMBER: Final = 200
WAIT: Final = 900.0
RULES: Final = ("opt-outs>2%", "errors>8%")
"""What holds where nobody has said anything else."""

OPT_OUTS, UNDELIVERED = "opt-outs", "undelivered"
_ENDS: Final = {
    OPT_OUTS: "opted out",
    "errors": "failed",
    "unknown": "are unknown",
    "refused": "were refused",
    UNDELIVERED: "were not delivered",
}
"""What can be counted, and how it is said of texts."""

_rule = re.compile(r"\s*(?P<metric>[a-z-]+)\s*>\s*(?P<percent>\d+(?:\.\d+)?)\s*%\s*").fullmatch


class AbortIf(NamedTuple):
    """One rule. `share`: the limit, from 0 to 1. `words`: `opt-outs>2%`."""

    metric: str
    share: float
    words: str


def read_rule(words: object) -> AbortIf:
    """The rule that `METRIC>P%` means. ConfigurationError for what cannot be meant."""
    found = _rule(words.lower()) if isinstance(words, str) else None
    if found is None or found["metric"] not in _ENDS or float(found["percent"]) >= 100:
        shown = repr(words) if isinstance(words, str) else type(words).__name__
        raise ConfigurationError(
            f"abort-if is METRIC>P%, such as opt-outs>2%, with one of {', '.join(_ENDS)}, and P below 100; not {shown}"
        )
    percent = float(found["percent"])
    return AbortIf(found["metric"], percent / 100, f"{found['metric']}>{percent:g}%")


def read_rules(given: Iterable[object]) -> list[str]:
    """The rules as a ledger keeps them, each once; of two for one thing the stricter. ConfigurationError for what is none."""
    rules: dict[str, AbortIf] = {}
    for words in [given] if isinstance(given, str) else given:
        rule = read_rule(words)
        known = rules.get(rule.metric)
        rules[rule.metric] = rule if known is None or rule.share < known.share else known
    return [rule.words for rule in rules.values()]


def tail(number: int, share: float, least: int) -> float:
    """The chance that of so many texts at least `least` are hit, where each is with this chance."""
    if least <= 0:
        return 1.0
    if least > number or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    odds = share / (1 - share)
    term = math.exp(
        math.lgamma(number + 1)
        - math.lgamma(least + 1)
        - math.lgamma(number - least + 1)
        + least * math.log(share)
        + (number - least) * math.log1p(-share)
    )
    total = 0.0
    for hit in range(least, number + 1):
        total += term
        # Above the middle the terms only fall.
        if hit > number * share and term <= total * 1e-12:
            break
        term *= (number - hit) / (hit + 1) * odds
    return min(total, 1.0)


@functools.lru_cache(maxsize=256)
def fewest(number: int, share: float) -> int:
    """How many of so many texts break a rule with this limit."""
    low, high = math.floor(number * share), number + 1  # of the middle and less the chance is a half and more
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if tail(number, share, middle) < DOUBT else (middle, high)
    return high


class Tally(msgspec.Struct, frozen=True):
    """What has become of the texts of a run since its canary began. `heard`: how many people opted out, and how many texts were
    not delivered, by metric. `interrupted`: of those that are unknown, how many are because a process of ours died."""

    sent: int = 0
    refused: int = 0
    unknown: int = 0
    heard: Mapping[str, int] = {}
    interrupted: int = 0

    @property
    def ended(self) -> int:
        """Texts that came to an end at the provider."""
        return self.sent + self.refused + self.unknown

    @property
    def doubtful(self) -> int:
        """Texts that are unknown, and not because a process of ours died."""
        return max(0, self.unknown - self.interrupted)

    def of(self, metric: str) -> tuple[int, int]:
        """How many there are of this, and of how many texts."""
        heard = self.heard.get(metric, 0)
        match metric:
            case "errors":
                return self.refused + self.doubtful + self.heard.get(UNDELIVERED, 0), self.ended
            case "unknown":
                return self.doubtful, self.ended
            case "refused":
                return self.refused, self.ended
            case _:
                return heard, self.sent + self.unknown

    def minus(self, counts: Mapping[State, int], heard: Mapping[str, int]) -> Tally:
        """What has come since, where this is what there was at the beginning."""
        return Tally(
            max(0, counts[State.SENT] - self.sent),
            max(0, counts[State.REFUSED] - self.refused),
            max(0, counts[State.UNKNOWN] - self.unknown),
            heard,
        )


def broken(rules: Sequence[AbortIf], tally: Tally) -> str:
    """In words, the first rule that these counts break: `13 of 200 opted out`; "" if they break none."""
    for rule in rules:
        hit, texts = tally.of(rule.metric)
        # Few are above the raw rate, and only for those the chance is reckoned.
        if hit > texts * rule.share and hit >= fewest(texts, rule.share):
            return f"{hit:,} of {texts:,} {_ENDS[rule.metric]}"
    return ""


class Asked(msgspec.Struct, frozen=True):
    """A canary as it was asked for: `number` texts, watched for `wait` seconds, judged by `rules`; `asks`: the run ends then."""

    number: int
    wait: float = WAIT
    rules: tuple[str, ...] = RULES
    asks: bool = False

    @property
    def judges(self) -> tuple[AbortIf, ...]:
        """The rules."""
        return tuple(map(read_rule, self.rules))

    def watches(self, *metrics: str) -> bool:
        """Whether one of these counts for a rule."""
        return any(rule.metric in metrics for rule in self.judges)

    def __str__(self) -> str:
        return f"canary {self.number:,}, then {_span(self.wait)}; stop if {' or '.join(map(_spaced, self.rules))}"


class Standing(msgspec.Struct, frozen=True):
    """How a canary stands, as the ledger keeps it. `stage`: `going`, `watching`, `passed` or `failed`; `began` and `until`: Unix
    seconds, `until` the end of the wait; `before`: what had become of the run's texts when it began; `words`: why it failed.
    `interrupted`: texts that are unknown because a process of ours died. They count as texts, and not against the list."""

    began: float
    stage: str = "going"
    until: float = 0.0
    before: Tally = Tally()
    words: str = ""
    interrupted: int = 0

    @classmethod
    def of(cls, kept: Any) -> Self | None:
        """The standing that a ledger has kept; None for none."""
        return None if kept is None else msgspec.convert(kept, cls)

    @property
    def is_over(self) -> bool:
        """The rest may go."""
        return self.stage == "passed"


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def _spaced(words: str) -> str:
    metric, _, percent = words.partition(">")
    return f"{metric} > {percent.removesuffix('%')} %"
