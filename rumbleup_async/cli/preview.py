"""Finished texts, shown before the question because the user asked to see some.

Lives here: words and JSON of `--preview`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.dry_run import reader_of
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.ledger.sampling import Sample
from rumbleup_async.messaging import mask


def show_preview(ledger: Place, number: int, limit: int | None) -> list[dict[str, Any]]:
    """Show the first, the longest and `number` other texts of those that would be sent, and give them for JSON."""
    with reader_of(ledger) as reader:
        samples = reader.samples(number, limit)
    show_samples(samples)
    return samples_json(samples)


def show_samples(samples: Sequence[Sample]) -> None:
    """Show these finished texts."""
    for sample in samples:
        say(f"  row {sample.row:,} ({sample.why}), {mask(sample.phone)}, {plural(sample.segments, 'segment')}:")
        for line in sample.text.split("\n"):
            say(f"    {_printable(line)}")


def samples_json(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The same as JSON values, phones masked."""
    return [
        {"row": one.row, "why": one.why, "phone": mask(one.phone), "segments": one.segments, "text": one.text} for one in samples
    ]


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() or char in "\u200c\u200d" else f"<U+{ord(char):04X}>" for char in line)
