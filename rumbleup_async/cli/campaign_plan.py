"""The plan of a campaign, on one page before the question and as JSON with a dry run: what would leave, to whom, at what cost.

Lives here: one object with all of it, its lines and its JSON. What the list holds and when people may be texted is said by
`findings` and `hours`, whose numbers it has, too.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from rumbleup_async.cli.account_facts import AccountFacts, Cap
from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.dry_run import reader_of
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.preview import samples_json, show_samples
from rumbleup_async.ledger.sampling import Sample
from rumbleup_async.messaging import State
from rumbleup_async.money import MICRO, dollars
from rumbleup_async.rules.carrier_day import carrier_day
from rumbleup_async.runs.run import Run
from rumbleup_async.runs.throughput import per_second, seconds_left, span

_SHARE_OF_T_MOBILE = (0.25, 0.40)
"""Of the phones of a list, as GetThru and others estimate it; the carrier of a number cannot be known offline."""


class BookFacts(msgspec.Struct, frozen=True):
    """What the book of people says. `opt_outs`: phones; `read`: Unix second of the last full read, 0 for never; `runs`: earlier
    ones; `segments_today`: of all runs on this day of the carriers."""

    opt_outs: int
    read: int
    runs: int
    segments_today: int


class CampaignPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign is about to do, as far as it is known before it begins. Amounts in micro-dollars."""

    rows: int
    to_text: int
    skipped: dict[str, int]
    segments: dict[int, int]
    """Texts by their segments."""
    dear: dict[str, int]
    """Characters outside of the GSM alphabet: how many texts take more segments because of each. Of a list that was read now."""
    dear_segments: int
    price: int | None
    budget: int | None
    day_cap: int | None
    account: AccountFacts
    book: BookFacts | None
    samples: list[Sample]
    rate: float | None

    @property
    def total_segments(self) -> int:
        """Of all texts."""
        return sum(max(1, parts) * number for parts, number in self.segments.items())

    @property
    def cost(self) -> int | None:
        """At the price of a segment that was given."""
        return None if self.price is None else self.price * self.total_segments

    @property
    def seconds(self) -> float | None:
        """How long it takes at the rate that was asked for; None without one: the provider sets the pace then."""
        return seconds_left(self.to_text, self.rate or 0.0)

    @property
    def ends(self) -> float | None:
        """When its last text leaves at that rate, if it begins now and everybody is open."""
        return None if self.seconds is None else time.time() + self.seconds

    def show(self, *, has_samples: bool) -> None:
        """Say what the other parts of the page have not said. `has_samples`: a person looks at it, and may see texts."""
        for line in self.lines():
            say(f"  {line}")
        if has_samples:
            show_samples(self.samples)

    def lines(self) -> list[str]:
        """In words: money, carriers, opt-outs and book, pace."""
        lines = []
        if self.account.balance is not None:
            lines.append(f"balance of the account {dollars(round(self.account.balance * MICRO))}{self._suffices()}")
        lines += _of_carriers(self.account.caps, self.total_segments)
        if self.book is not None:
            lines.append(self._of_book(self.book))
        if self.day_cap:
            used = "" if self.book is None else f", {self.book.segments_today:,} are used today"
            lines.append(f"at most {self.day_cap:,} segments a Pacific day{used}")
        if self.to_text:
            lines.append(self._of_pace())
        return lines

    def _suffices(self) -> str:
        balance = round((self.account.balance or 0) * MICRO)
        return "" if self.cost is None or self.cost <= balance else "; that does not suffice for all at this price"

    def _of_book(self, book: BookFacts) -> str:
        ago = span(max(0.0, time.time() - book.read))
        read = f"the provider read {ago} ago" if book.read else "the provider was not read"
        return f"opt-outs: {book.opt_outs:,} known, {read}; book: {plural(book.runs, 'earlier run')}"

    def _of_pace(self) -> str:
        if self.seconds is None or self.ends is None or self.rate is None:
            return "pace: as fast as the provider allows"
        end = dt.datetime.fromtimestamp(self.ends).astimezone()
        return f"pace: {per_second(self.rate)} at most, {span(self.seconds)}; begun now it ends about {end:%a %H:%M %Z}"

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, amounts in dollars."""
        money = {"price": self.price, "cost": self.cost, "budget": self.budget}
        return {
            "rows": self.rows,
            "to_text": self.to_text,
            "skipped": self.skipped,
            "segments": {"total": self.total_segments, "texts": {str(parts): n for parts, n in self.segments.items()}},
            "expensive": {"characters": self.dear, "more_segments": self.dear_segments},
            **{name: None if amount is None else amount / MICRO for name, amount in money.items()},
            "balance": self.account.balance,
            "caps": msgspec.to_builtins(self.account.caps),
            "day_cap": self.day_cap or None,
            "book": None if self.book is None else msgspec.to_builtins(self.book),
            "samples": samples_json(self.samples),
            "pace": {
                "rate": self.rate,
                "seconds": None if self.seconds is None else round(self.seconds, 1),
                "ends": None if self.ends is None else dt.datetime.fromtimestamp(self.ends, dt.UTC).isoformat(timespec="seconds"),
            },
        }


def campaign_plan(run: Run, ledger: Place, facts: AccountFacts, limit: int | None) -> CampaignPlan:
    """The plan of a run whose list is in its ledger. `limit`: of texts in this call. LedgerError, BookError."""
    with reader_of(ledger) as reader:
        reasons, segments = reader.reasons(), reader.segments()
        samples = reader.plan_samples(limit)
    skipped: dict[str, int] = {}
    for state, why, number in reasons:
        if state is State.SKIPPED:
            skipped[str(why.code)] = skipped.get(str(why.code), 0) + number
    queued = run.counts[State.QUEUED]
    rate = run.care.get("rate")
    dear = run.dear
    return CampaignPlan(
        rows=sum(number for _, _, number in reasons),
        to_text=queued if limit is None else min(queued, limit),
        skipped=skipped,
        segments=dict(segments),
        dear={} if dear is None else dict(dear.characters.most_common(10)),
        dear_segments=0 if dear is None else dear.segments,
        price=run.price,
        budget=run.budget,
        day_cap=run.care.get("day_cap"),
        account=facts,
        book=_book_facts(run),
        samples=samples,
        rate=rate if isinstance(rate, (int, float)) and rate > 0 else None,
    )


def _book_facts(run: Run) -> BookFacts | None:
    if run.book is None:
        return None
    book = run.book.book
    tally = book.tally_now()
    read = max((pull.at for pull in book.pulls_now()), default=0)
    today = book.used_now(run.book.scope, carrier_day(time.time()).begins)
    return BookFacts(tally.opt_outs, read, tally.runs, today)


def _of_carriers(caps: Sequence[Cap], segments: int) -> list[str]:
    lines = []
    for cap in caps[:3]:
        whose = f"brand {cap.brand}" if cap.brand else f"campaign {cap.campaign}"
        parts = []
        if cap.a_day is not None:
            low, high = (round(share * segments) for share in _SHARE_OF_T_MOBILE)
            may = ": may be cut" if high > cap.a_day else ""
            takes = f"T-Mobile takes {plural(cap.a_day, 'segment')} a day of {whose}"
            parts.append(f"{takes}; of these {segments:,} about {low:,} to {high:,} go there{may}")
        if cap.a_minute is not None:
            parts.append(f"AT&T takes {cap.a_minute:,} a minute")
        lines.append("; ".join(parts))
    if len(caps) > 3:
        lines.append(f"and {plural(len(caps) - 3, 'more campaign')} of the registry; see rumbleup tcr campaigns")
    return lines
