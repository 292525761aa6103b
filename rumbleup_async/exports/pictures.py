"""Pictures of a report as SVG that stands in its page.

Lives here: pure. They have no colours of their own: the page says what each class looks like, on a screen, at night and on paper.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from html import escape

from rumbleup_async.observe.looks import Point

WIDTH = 960
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 28
_HEIGHT = 240
_CELL, _NAMES = 34, 144


def bar(parts: Sequence[tuple[str, str, int]], told: str) -> str:
    """Parts of a whole beside each other: each with its words, the class of its colour and its number. `told`: all in words."""
    total = sum(number for _, _, number in parts)
    found, x = [], 0.0
    for name, kind, number in parts:
        if number:
            width = WIDTH * number / total
            found.append(
                f'<rect class="{kind}" x="{x:.2f}" y="0" width="{max(width, 1):.2f}" height="36">'
                f"<title>{escape(name)}: {number:,}</title></rect>"
            )
            x += width
    if not total:
        found.append(f'<rect class="nothing" x="0" y="0" width="{WIDTH}" height="36"/>')
    return _svg(36, told, "".join(found), stretches=True)


def over_time(points: Sequence[Point], told: str) -> str:
    """Texts a second over time: what was sent, what failed, and what the provider was seen to let through."""
    first, step = points[0].at, points[0].seconds
    last = points[-1].at + step
    top = _round_up(max(1.0 / step, *(max(p.sent, p.refused + p.unknown, p.throttled) for p in points)))
    wide, high = WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at(moment: float) -> float:
        return _LEFT + wide * (moment - first) / max(1, last - first)

    def up(rate: float) -> float:
        return _TOP + high * (1 - min(rate, top) / top)

    def path(value: Mapping[int, float], *, is_area: bool) -> str:
        words: list[str] = []
        end: int | None = None
        for moment in sorted(value):
            if end != moment:  # nothing happened in between
                words += [f"L{at(end):.1f} {up(0):.1f}"] if end is not None else []
                words.append(f"{'L' if words else 'M'}{at(moment):.1f} {up(0):.1f}")
            words.append(f"L{at(moment):.1f} {up(value[moment]):.1f}L{at(moment + step):.1f} {up(value[moment]):.1f}")
            end = moment + step
        if end is not None:
            words.append(f"L{at(end):.1f} {up(0):.1f}")
        return "".join(words) + ("Z" if is_area and words else "")

    drawn = [_grid(top, at, up, first, last)]
    drawn.append(f'<path class="sent area" d="{path({p.at: p.sent for p in points}, is_area=True)}"/>')
    for kind, found in (
        ("throttled", {p.at: p.throttled for p in points}),
        ("refused", {p.at: p.refused + p.unknown for p in points}),
    ):
        if any(found.values()):
            drawn.append(f'<path class="{kind} line" d="{path(found, is_area=False)}"/>')
    return _svg(_HEIGHT, told, "".join(drawn))


def _grid(top: float, at: object, up: object, first: int, last: int) -> str:
    assert callable(at)  # noqa: S101 - of this file
    assert callable(up)  # noqa: S101
    found = []
    for rate in (0.0, top / 2, top):
        y = up(rate)
        found.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        found.append(f'<text class="label end" x="{_LEFT - 8}" y="{y + 4:.1f}">{rate:,.4g}/s</text>')
    is_long = last - first > 20 * 3600
    shape = "%b %d %H:%M" if is_long else "%H:%M" if last - first > 600 else "%H:%M:%S"
    said = ""
    for index in range(5):
        moment = first + (last - first) * index / 4
        words = dt.datetime.fromtimestamp(moment, dt.UTC).astimezone().strftime(shape)
        if words == said:  # the picture is of a few seconds
            continue
        said = words
        side = "" if index == 0 else " end" if index == 4 else " middle"
        found.append(f'<text class="label{side}" x="{at(moment):.1f}" y="{_HEIGHT - 8}">{words}</text>')
    return "".join(found)


def _round_up(rate: float) -> float:
    """The next round number."""
    size = 10.0 ** math.floor(math.log10(rate))
    return next(size * one for one in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if size * one >= rate)


def heat(rows: Sequence[tuple[str, Mapping[int, int]]], told: str) -> str:
    """How many were sent in each zone at each hour of its own day: the more, the darker."""
    most = max((number for _, hours in rows for number in hours.values()), default=1)
    found = [f'<text class="label middle" x="{_NAMES + _CELL * hour + _CELL / 2:.0f}" y="14">{hour}</text>' for hour in range(24)]
    for line, (name, hours) in enumerate(rows):
        y = 22 + line * _CELL
        found.append(f'<text class="label" x="0" y="{y + 21}">{escape(name)}</text>')
        for hour in range(24):
            number = hours.get(hour, 0)
            strength = 0.15 + 0.85 * math.sqrt(number / most) if number else 0
            shade = f' fill-opacity="{strength:.2f}"' if number else ""
            found.append(
                f'<rect class="{"heat" if number else "nothing"}" x="{_NAMES + _CELL * hour + 1}" y="{y + 1}" '
                f'width="{_CELL - 2}" height="{_CELL - 2}" rx="3"{shade}>'
                f"<title>{escape(name)}, {hour}:00 to {hour + 1}:00: {number:,}</title></rect>"
            )
    return _svg(26 + len(rows) * _CELL, told, "".join(found))


def _svg(height: float, told: str, drawn: str, *, stretches: bool = False) -> str:
    more = ' preserveAspectRatio="none"' if stretches else ""
    return f'<svg role="img" aria-label="{escape(told)}" viewBox="0 0 {WIDTH} {height:.0f}"{more}>{drawn}</svg>'
