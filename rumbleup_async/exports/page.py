"""A report as one page: everything is in it, and it asks nobody for anything.

Lives here: what stands on it. No phone, no text and no name of a person is on it, whoever is to see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Final

from rumbleup_async.exports import pictures, words
from rumbleup_async.exports.outcome import Outcome
from rumbleup_async.messaging import State
from rumbleup_async.observe.looks import Why

MOST: Final = 200
"""Rows of a table; a provider may have a reason of its own for each text."""

_KINDS: Final = {state: str(state) for state in words.STATES}
_HEAD: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
"""


def write(outcomes: Sequence[Outcome]) -> str:
    """The page of these runs."""
    title = f"{outcomes[0].name}: what came of it" if len(outcomes) == 1 else f"{len(outcomes)} runs: what came of them"
    style = resources.files("rumbleup_async.exports").joinpath("page.css").read_text("utf-8")
    parts = [_HEAD.format(title=_safe(title), style=style), f"<h1>{_safe(title)}</h1>\n"]
    if len(outcomes) > 1:
        parts.append(_together(outcomes))
    parts += [_section(number, outcome, is_alone=len(outcomes) == 1) for number, outcome in enumerate(outcomes, 1)]
    parts.append("</main>\n</body>\n</html>\n")
    return "".join(parts)


def _safe(text: str) -> str:
    return escape(words.clean(text))


def _together(outcomes: Sequence[Outcome]) -> str:
    counts: Counter[State] = Counter()
    for outcome in outcomes:
        counts.update(outcome.counts)
    rows = [
        (
            f'<a href="#run-{number}"><bdi>{_safe(one.name)}</bdi></a>',
            f"{one.total:,}",
            *(f"{one.counts[state]:,}" for state in words.STATES),
            f"{one.receipts.delivered:,}" if one.is_followed else "",
            f"{one.receipts.replied:,}" if one.is_followed else "",
            "" if one.cost is None else words.money(one.cost),
        )
        for number, one in enumerate(outcomes, 1)
    ]
    known = [one.cost for one in outcomes if one.cost is not None]
    followed = [one for one in outcomes if one.is_followed]
    total = (
        "<strong>Together</strong>",
        f"{sum(counts.values()):,}",
        *(f"{counts[state]:,}" for state in words.STATES),
        f"{sum(one.receipts.delivered for one in followed):,}" if followed else "",
        f"{sum(one.receipts.replied for one in followed):,}" if followed else "",
        words.money(sum(known)) if known else "",
    )
    names = ("Run", "Contacts", *(name for name, _ in words.STATES.values()), "delivered", "replied", "cost")
    return f"<section>\n<h2>Together</h2>\n{_states(counts)}{_table(names, [*rows, total])}</section>\n"


def _section(number: int, outcome: Outcome, *, is_alone: bool) -> str:
    parts = [f'<section id="run-{number}">\n']
    if not is_alone:
        parts.append(f"<h2><bdi>{_safe(outcome.name)}</bdi></h2>\n")
    parts.append(f'<p class="headline">{escape(words.headline(outcome))}</p>\n<p>{escape(words.how_it_stands(outcome))}</p>\n')
    parts.append(_facts(words.facts(outcome)))
    parts.append(f"<h3>States</h3>\n{_states(outcome.counts)}{_state_table(outcome)}")
    parts.append(f"<h3>Delivery and replies</h3>\n{_delivery(outcome)}")
    parts.append(f"<h3>Over time</h3>\n{_time(outcome)}")
    parts.append(f"<h3>By zone and hour</h3>\n{_zones(outcome)}")
    parts.append(f"<h3>Reasons and problems</h3>\n{_problems(outcome.reasons)}")
    parts.append(f"<h3>Segments and cost</h3>\n{_facts(words.costs(outcome))}")
    return "".join([*parts, "</section>\n"])


def _states(counts: Mapping[State, int]) -> str:
    parts = [(name, _KINDS[state], counts.get(state, 0)) for state, (name, _) in words.STATES.items()]
    told = ", ".join(f"{number:,} {name}" for name, _, number in parts if number) or "nobody"
    return f"<figure>\n{pictures.bar(parts, told)}\n{_legend(parts)}</figure>\n"


def _legend(parts: Sequence[tuple[str, str, int]]) -> str:
    total = sum(number for _, _, number in parts)
    items = [
        f'<li><i class="{kind}"></i>{escape(name)} <b>{number:,}</b> <span>{words.share(number, total)}</span></li>'
        for name, kind, number in parts
        if number
    ]
    return f"<ul class=legend>{''.join(items)}</ul>\n"


def _state_table(outcome: Outcome) -> str:
    rows = [
        (
            f'<i class="{_KINDS[state]}"></i> {name}',
            f"{outcome.counts[state]:,}",
            words.share(outcome.counts[state], outcome.total),
            escape(meaning),
        )
        for state, (name, meaning) in words.STATES.items()
    ]
    return _table(("State", "Contacts", "Share", "What it means"), rows)


def _delivery(outcome: Outcome) -> str:
    receipts = outcome.receipts
    if not outcome.is_followed:
        return "<p>Nobody has asked yet what became of the texts after they were sent: <code>rumbleup follow</code> does.</p>\n"
    parts = [
        ("delivered", "sent", receipts.delivered),
        ("undelivered", "refused", receipts.undelivered),
        ("without a receipt", "not_sent", outcome.waiting),
    ]
    told = ", ".join(f"{number:,} {name}" for name, _, number in parts if number) or "nothing was sent"
    found = [f"<figure>\n{pictures.bar(parts, told)}\n{_legend(parts)}</figure>\n"]
    replies = [
        ("Replied", f"{receipts.replied:,} {words.share(receipts.replied, outcome.sent)}"),
        ("Opted out", f"{receipts.opted_out:,} {words.share(receipts.opted_out, outcome.sent)}"),
        ("Receipts as of", words.moment(receipts.asked)),
    ]
    found.append(_facts(replies))
    if receipts.why:
        rows = [(f"<bdi>{_safe(one.code)}</bdi>", f"<bdi>{_safe(one.words)}</bdi>", f"{one.number:,}") for one in receipts.why]
        found.append(_table(("Not delivered: code", "The carrier's words", "Texts"), rows))
    if outcome.waiting:
        found.append("<p class=note>Some carriers never say what became of a text.</p>\n")
    return "".join(found)


def _time(outcome: Outcome) -> str:
    if not outcome.points:
        return "<p>Nothing was sent yet.</p>\n"
    fastest = max(point.sent for point in outcome.points)
    told = f"texts a second over time, at most {fastest:,.4g}"
    legend = '<ul class=legend><li><i class="sent"></i>sent</li>'
    if any(point.refused + point.unknown for point in outcome.points):
        legend += '<li><i class="refused"></i>refused or unknown</li>'
    if any(point.throttled for point in outcome.points):
        legend += '<li><i class="throttled"></i>the provider said "not now"</li>'
    held = sum(point.held for point in outcome.points)
    note = f"<p class=note>Nothing could leave for {words.duration(held)} in all.</p>\n" if held >= 1 else ""
    return f"<figure>\n{pictures.over_time(outcome.points, told)}\n{legend}</ul></figure>\n{note}"


def _zones(outcome: Outcome) -> str:
    if not outcome.hours:
        return "<p>Nothing was sent yet.</p>\n"
    rows = [
        (words.zone(name), {hour: number for (zone, hour), number in outcome.hours.items() if zone == name})
        for name, _ in outcome.zones
    ]
    told = ", ".join(f"{number:,} {words.zone(name)}" for name, number in outcome.zones)
    table = _table(
        ("Zone", "Texts", "Share", "Hours of its day"),
        [
            (escape(words.zone(name)), f"{number:,}", words.share(number, outcome.sent), _span(hours))
            for (name, number), (_, hours) in zip(outcome.zones, rows, strict=True)
        ],
    )
    note = "<p class=note>The hours are those of the recipients, as far as their numbers and addresses tell.</p>\n"
    return f"<figure>\n{pictures.heat(rows, told)}\n</figure>\n{table}{note}"


def _span(hours: dict[int, int]) -> str:
    return f"{min(hours)}:00 to {max(hours) + 1}:00"


def _problems(reasons: Sequence[Why]) -> str:
    if not reasons:
        return "<p>There were none.</p>\n"
    rows = [
        (
            f'<i class="{one.state}"></i> {one.state.replace("_", " ")}',
            f"<bdi>{_safe(one.words)}</bdi>",
            f"{one.number:,}",
            _safe(one.remedy),
        )
        for one in reasons[:MOST]
    ]
    left = len(reasons) - len(rows)
    note = f"<p class=note>And {left:,} rarer ones.</p>\n" if left else ""
    return _table(("State", "Why", "Contacts", "What to do"), rows) + note


def _facts(found: Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<div><dt>{escape(name)}</dt><dd><bdi>{_safe(value)}</bdi></dd></div>" for name, value in found)
    return f"<dl>{items}</dl>\n"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are markup already."""
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td{_number(cell)}>{cell}</td>' for cell in row)}</tr>\n"  # the class is by what is in it
        for row in rows
    )
    return f"<div class=wide><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"


def _number(cell: str) -> str:
    is_number = cell.replace(",", "").replace("\u00a0%", "").replace(".", "").replace("$", "").isdigit()
    return " class=number" if is_number else ""
