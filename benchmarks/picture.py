"""Results as a picture: one panel a group, bars of ratios on a logarithmic axis, the spread of the rounds on each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from benchmarks.results import Group, Part, middle
from benchmarks.tables import number

_WIDTH, _NAMES, _RIGHT, _LINE, _HEAD = 900, 330, 80, 22, 64
OWN, OTHERS, INK, GREY = "#1f6feb", "#9aa4b2", "#1b1f24", "#d7dce2"


class _Bar(NamedTuple):
    name: str
    median: float
    least: float
    most: float


def picture(parts: Sequence[Part]) -> str:
    """An SVG of all groups that compare senders."""
    groups = [
        (part, group) for part in parts if part.name in {"throughput", "tls", "latency", "official_sdk"} for group in part.groups
    ]
    drawn: list[str] = []
    top = 10.0
    for part, group in groups:
        bars = sorted(_bars(group), key=lambda bar: -bar.median)
        if bars:
            drawn += _panel(f"{part.name}: {group.name}", group.baseline, bars, top)
            top += _HEAD + _LINE * len(bars) + 14
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:.0f}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{top:.0f}" fill="white"/>', *drawn, "</svg>"]) + "\n"


def _bars(group: Group) -> Iterator[_Bar]:
    for row in group.rows:
        if ratios := group.ratios(row.name, group.baseline):
            yield _Bar(row.name, middle(ratios), min(ratios), max(ratios))


def _panel(title: str, baseline: str, bars: Sequence[_Bar], top: float) -> Iterator[str]:
    lowest = 10 ** math.floor(math.log10(min(bar.least for bar in bars) * 0.7))
    highest = max(bar.most for bar in bars) * 1.15

    def at(value: float) -> float:
        return _NAMES + (_WIDTH - _NAMES - _RIGHT) * math.log(value / lowest) / math.log(highest / lowest)

    bottom = top + _HEAD + _LINE * len(bars)
    yield f'<text x="12" y="{top + 18:.0f}" font-weight="bold" fill="{INK}">{escape(title)}</text>'
    yield f'<text x="12" y="{top + 36:.0f}" fill="{INK}">times {escape(baseline)}; logarithmic</text>'
    tick = lowest
    while tick <= highest:
        yield f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{top + _HEAD - 8:.0f}" y2="{bottom:.0f}" stroke="{GREY}"/>'
        yield f'<text x="{at(tick):.1f}" y="{top + _HEAD - 12:.0f}" text-anchor="middle" fill="{INK}">{tick:g} ×</text>'
        tick *= 10
    for place, bar in enumerate(bars):
        y = top + _HEAD + _LINE * place
        colour = OWN if bar.name.startswith("ours") else OTHERS
        yield f'<text x="{_NAMES - 8}" y="{y + 15:.0f}" text-anchor="end" fill="{INK}">{escape(bar.name)}</text>'
        yield f'<rect x="{_NAMES}" y="{y + 4:.0f}" width="{max(1.0, at(bar.median) - _NAMES):.1f}" height="14" fill="{colour}"/>'
        yield f'<line x1="{at(bar.least):.1f}" x2="{at(bar.most):.1f}" y1="{y + 11:.0f}" y2="{y + 11:.0f}" stroke="{INK}"/>'
        yield f'<text x="{at(bar.most) + 6:.1f}" y="{y + 15:.0f}" fill="{INK}">{number(bar.median)}</text>'
