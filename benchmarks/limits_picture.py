"""Rate over time beside the limit: a panel a limiter, ours and the plain loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.limiters import BY_KEY
from benchmarks.limits_table import OURS, PLAIN
from benchmarks.picture import GREY, INK, OTHERS, OWN
from benchmarks.results import HALF, Limited, Seen

_COLUMNS, _WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 3, 250, 96, 44, 30, 26
_SMOOTH = 2.0
"""Seconds over which a rate is taken: by shorter ones every volley is a peak."""


def picture(limits: Sequence[Limited]) -> str:
    """An SVG of all limiters."""
    rows = -(-len(limits) // _COLUMNS)
    width, height = _COLUMNS * (_LEFT + _WIDTH + 16), 40 + rows * (_TOP + _HEIGHT + _GAP)
    drawn: list[str] = []
    for number, limited in enumerate(limits):
        row, column = divmod(number, _COLUMNS)
        drawn += _panel(limited, _LEFT + column * (_LEFT + _WIDTH + 16), 40 + row * (_TOP + _HEIGHT + _GAP) + _TOP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *_legend(), *drawn, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    for number, (name, colour) in enumerate(((OURS, OWN), (PLAIN, OTHERS), ("what the provider lets through", GREY))):
        x = _LEFT + number * 190
        yield f'<rect x="{x}" y="14" width="18" height="6" fill="{colour}"/>'
        yield f'<text x="{x + 24}" y="21" fill="{INK}">{escape(name)}, texts/s</text>'


def _panel(limited: Limited, left: float, top: float) -> Iterator[str]:
    span = round(_SMOOTH / HALF)
    provider, ticks = BY_KEY[limited.key], round(limited.seconds / HALF)
    moments = [number * HALF for number in range(0, ticks - span + 1, max(1, span // 2))]
    limit = [provider.possible(at, at + _SMOOTH) / _SMOOTH for at in moments]
    lines = {name: _rates(seen, moments) for name, seen in limited.seen.items()}
    highest = 1.1 * max(1.0, *limit, *(max(rates, default=0.0) for rates in lines.values()))
    scale_x, scale_y = _WIDTH / limited.seconds, _HEIGHT / highest

    def path(rates: Sequence[float]) -> str:
        pairs = zip(moments, rates, strict=True)
        return " ".join(f"{left + (at + _SMOOTH / 2) * scale_x:.1f},{top + _HEIGHT - rate * scale_y:.1f}" for at, rate in pairs)

    bottom = top + _HEIGHT
    yield f'<text x="{left}" y="{top - 8}" fill="{INK}">{escape(limited.title.replace("`", ""))}</text>'
    yield f'<polyline points="{path(limit)}" fill="none" stroke="{GREY}" stroke-width="5"/>'
    for name, colour in ((PLAIN, OTHERS), (OURS, OWN)):
        if name in lines:
            yield f'<polyline points="{path(lines[name])}" fill="none" stroke="{colour}" stroke-width="1.4"/>'
    yield f'<path d="M{left},{top} V{bottom} H{left + _WIDTH}" fill="none" stroke="{INK}" stroke-width="0.6"/>'
    yield f'<text x="{left - 5}" y="{top + 8}" text-anchor="end" fill="{INK}">{highest:,.0f}</text>'
    yield f'<text x="{left - 5}" y="{bottom}" text-anchor="end" fill="{INK}">0</text>'
    yield f'<text x="{left + _WIDTH}" y="{bottom + 12}" text-anchor="end" fill="{INK}">{limited.seconds:g} s</text>'


def _rates(seen: Seen, moments: Sequence[float]) -> list[float]:
    counts = seen.counts()
    return [sum(counts[round(at / HALF) : round((at + _SMOOTH) / HALF)]) / _SMOOTH for at in moments]
