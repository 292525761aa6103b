"""The block of lines in which a terminal shows how a run gets on: as wide as the terminal, and always as high as before.

Lives here: its layout. Pure; `progress` draws it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

NARROWEST = 20
_APART = "  "


class Facts(msgspec.Struct, frozen=True):
    """What the block shows. `done` of `total` contacts; `end`: how long it will take, and until when. `counts` and `pace`: short
    words that belong together. `now`: what the run waits for, "" for nothing."""

    done: int
    total: int
    end: str
    counts: Sequence[str]
    pace: Sequence[str]
    now: str = ""


class Block:
    """Lays out one block after the other. None is lower than the one before, or what stands below would jump."""

    def __init__(self, *, is_plain: bool = False) -> None:
        self._full, self._rest = ("#", "-") if is_plain else ("\u2501", "\u2500")
        self._dots = "..." if is_plain else "\u2026"
        self._heights: dict[str, int] = {}
        self._width = 0

    def lines(self, facts: Facts, width: int) -> list[str]:
        """The block, no line of it wider than `width`."""
        width = max(NARROWEST, width)
        if width != self._width:
            self._heights, self._width = {}, width
        return [
            *self._kept("bar", self._bar(facts, width)),
            *self._kept("counts", wrapped(facts.counts, width)),
            *self._kept("pace", wrapped(facts.pace, width)),
            *self._kept("now", [self._cut(facts.now, width)]),
        ]

    def _bar(self, facts: Facts, width: int) -> list[str]:
        share = facts.done / facts.total if facts.total else 0.0
        percent = f"{math.floor(100 * share):3d} %"
        words = [percent, facts.end] if facts.end else [percent]
        together = _APART.join(words)
        room = width - len(together) - len(_APART)
        if room < 10:  # the end has a line of its own
            return [self._drawn(share, width - len(percent) - len(_APART)) + _APART + percent, self._cut(facts.end, width)]
        return [self._drawn(share, min(room, 40)) + _APART + together]

    def _drawn(self, share: float, room: int) -> str:
        full = min(room, int(room * share))
        return self._full * full + self._rest * (room - full)

    def _kept(self, part: str, lines: list[str]) -> list[str]:
        height = self._heights[part] = max(len(lines), self._heights.get(part, 1))
        return lines + [""] * (height - len(lines))

    def _cut(self, words: str, width: int) -> str:
        return words if len(words) <= width else words[: width - len(self._dots)].rstrip() + self._dots


def wrapped(words: Iterable[str], width: int) -> list[str]:
    """These words side by side, in as few lines as they need; a word is not broken, but cut where it alone is too wide."""
    lines: list[str] = []
    for word in (word[:width] for word in words):
        if lines and len(lines[-1]) + len(_APART) + len(word) <= width:
            lines[-1] += _APART + word
        else:
            lines.append(word)
    return lines
