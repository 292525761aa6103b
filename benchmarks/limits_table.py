"""What came of each limiter, as a table: a row a limiter, ours beside the plain loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from benchmarks.limiters import BY_KEY, Provider
from benchmarks.results import HALF, Limited, Seen

OURS, PLAIN = "ours", "plain aiohttp loop"
_SPAN = 3.0
"""Seconds over which a rate must hold to be reached."""
_NEARLY = 0.9
_HEAD = (
    "the provider", "possible/s", "ours/s", "of possible", "wanted (aim)", "plain loop/s", "ours by plain",
    "429: ours", "429: plain", "in a hold: ours", "in a hold: plain", "90 % reached after",
)  # fmt: skip


def lines(limits: Sequence[Limited]) -> Iterator[str]:
    """The table in Markdown."""
    if not limits:
        return
    yield f"| {' | '.join(_HEAD)} |"
    yield "| --- |" + " ---: |" * (len(_HEAD) - 1)
    for limited in limits:
        yield f"| {' | '.join(_cells(limited))} |"
    yield ""


def ratio(provider: Provider, seen: Seen, seconds: float) -> float:
    """What a sender got of what was possible, after the beginning; where there are phases, in the worst of them."""
    return min(
        seen.rate(start, end) / (provider.possible(start, end) / (end - start)) for start, end in _phases(provider, seconds)
    )


def reached(provider: Provider, seen: Seen) -> float | None:
    """Seconds from the first text to the moment from which the limit is used to nine tenths, None if it never is."""
    counts, span = seen.counts(), round(_SPAN / HALF)
    for number in range(len(counts) - span + 1):
        at = number * HALF
        if sum(counts[number : number + span]) >= _NEARLY * provider.possible(at, at + _SPAN):
            return at
    return None


def _phases(provider: Provider, seconds: float) -> list[tuple[float, float]]:
    begins = min(provider.begins, seconds / 3)
    moments = [begins, *(phase for phase in provider.phases if begins < phase < seconds), seconds]
    return list(pairwise(moments))


def _cells(limited: Limited) -> Iterator[str]:
    provider, seconds = BY_KEY[limited.key], limited.seconds
    start = _phases(provider, seconds)[0][0]
    ours, plain = limited.seen.get(OURS), limited.seen.get(PLAIN)
    yield limited.title
    yield f"{provider.possible(start, seconds) / (seconds - start):,.1f}"
    yield _or_nothing(ours, lambda seen: f"{seen.rate(start, seconds):,.1f}")
    yield _or_nothing(ours, lambda seen: f"{ratio(provider, seen, seconds):.2f}")
    yield "" if provider.least is None else f"{provider.least:.2f}" + ("" if provider.aim is None else f" ({provider.aim:.2f})")
    yield _or_nothing(plain, lambda seen: f"{seen.rate(start, seconds):,.1f}")
    theirs = plain.rate(start, seconds) if plain is not None else 0.0
    yield _or_nothing(ours, lambda seen: f"{seen.rate(start, seconds) / theirs:.2f}" if theirs else "")
    for sender in (ours, plain):
        yield _or_nothing(sender, lambda seen: f"{seen.share():.1%}")
    for sender in (ours, plain):
        yield _or_nothing(sender, lambda seen: f"{seen.in_hold:,}")
    yield _or_nothing(ours, lambda seen: _moment(reached(provider, seen)))


def _moment(at: float | None) -> str:
    return "never" if at is None else f"{at:g} s"


def _or_nothing(seen: Seen | None, tell: Callable[[Seen], str]) -> str:
    return "" if seen is None else tell(seen)
