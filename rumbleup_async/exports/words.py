"""Words and numbers of a report, the same on its page and in its sheets.

Lives here: pure.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from rumbleup_async.messaging import State

if TYPE_CHECKING:
    from rumbleup_async.exports.outcome import Outcome

STATES: Final = {
    State.SENT: ("sent", "The provider accepted the text."),
    State.REFUSED: ("refused", "The provider said no to this text or this person."),
    State.UNKNOWN: ("unknown", "Nobody knows whether the text left. It is not sent again by itself."),
    State.NOT_SENT: ("not sent", "The text did not leave."),
    State.SKIPPED: ("skipped", "Not to be texted: the list, an opt-out or a rule says so."),
}
"""How each state is called, and what it means."""

ZONES: Final = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Los_Angeles": "Pacific",
    "America/Phoenix": "Arizona",
    "America/Anchorage": "Alaska",
    "America/Adak": "Aleutian Islands",
    "Pacific/Honolulu": "Hawaii",
    "America/Puerto_Rico": "Puerto Rico",
    "Pacific/Guam": "Guam",
    "Pacific/Pago_Pago": "Samoa",
    "America/Halifax": "Atlantic",
    "America/St_Johns": "Newfoundland",
    "America/Regina": "Saskatchewan",
    "America/Vancouver": "British Columbia",
    "America/Whitehorse": "Yukon",
    "America/Edmonton": "Alberta",
    "America/Winnipeg": "Manitoba",
}


def zone(name: str) -> str:
    """A zone as people call it."""
    return ZONES.get(name, name.replace("_", " "))


def clean(words: str) -> str:
    """Words from a list or a server without characters that steer what shows them."""
    return "".join(char if char.isprintable() else " " for char in words)


def share(number: int, of: int) -> str:
    """`98.7 %`; "" of nothing."""
    return f"{100 * number / of:.1f}\u00a0%" if of else ""


def money(dollars: float) -> str:
    """`$1,234.50`."""
    return f"${dollars:,.2f}" if dollars >= 0.01 or not dollars else f"${dollars:.6f}".rstrip("0")


def moment(seconds: float) -> str:
    """A time by the clock of this machine, with its zone."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone():%Y-%m-%d %H:%M %Z}"


def duration(seconds: float) -> str:
    """`3 h 20 min`, `45 s`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def how_it_stands(outcome: Outcome) -> str:
    """In a sentence, whether the run is over."""
    if outcome.is_running:
        return f"The run is under way; the numbers are those of {moment(outcome.at)}."
    if not outcome.is_read_in:
        return "The list is not in the ledger to its end yet: nobody of the rest is counted here."
    if outcome.stopped:
        return f"The run ended before its list did: {clean(outcome.stopped)}."
    if not outcome.total:
        return "The list has nobody in it."
    return "The run is over."


def headline(outcome: Outcome) -> str:
    """What came of it, in a sentence."""
    counts = outcome.counts
    if not outcome.total:
        return "Nobody was to be texted."
    found = f"{outcome.sent:,} of {outcome.total:,} contacts were texted ({share(outcome.sent, outcome.total)})"
    rest = [
        f"{counts[state]:,} {STATES[state][0]}"
        for state in (State.SKIPPED, State.REFUSED, State.NOT_SENT, State.UNKNOWN)
        if counts[state]
    ]
    return f"{found}; {', '.join(rest)}." if rest else f"{found}."


def facts(outcome: Outcome) -> list[tuple[str, str]]:
    """What is to be known of a run besides: names and values."""
    found = [
        ("Ledger", clean(outcome.name)),
        ("Run", outcome.run),
        ("Sent into" if outcome.provider == "rumbleup" else "Sent from", clean(outcome.project)),
        ("Contacts", f"{outcome.total:,}"),
    ]
    if outcome.began is not None and outcome.ended is not None:
        found.append(("First texts", moment(outcome.began)))
        found.append(("Time spent sending", duration(outcome.elapsed)))
    found.append(("As of", moment(outcome.at)))
    return found


def costs(outcome: Outcome) -> list[tuple[str, str]]:
    """What is known of the money: names and values."""
    found = [("Segments of texts that were sent", f"{outcome.sent_segments:,}")]
    if outcome.price is not None:
        found.append(("Price of a segment, as given", money(outcome.price)))
    if outcome.paid is not None:
        found.append((f"Told by the provider, for {outcome.paid_segments:,} segments", money(outcome.paid)))
    if outcome.cost is not None:
        found.append(("Cost of texts that were sent", money(outcome.cost)))
    if outcome.budget is not None:
        found.append(("Budget", money(outcome.budget)))
    return found
