"""docs/performance.md and its picture, made from the results that are kept: `python -m benchmarks report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import limits_picture, picture, results, tables
from benchmarks.peers_env import ROOT
from benchmarks.results import Machine

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(names: Sequence[str], folder: Path = results.FOLDER, page: Path = PAGE) -> list[str]:
    """Put the tables of these parts between the marks of the page, and the picture beside it. Returns the parts that were there.

    Results of a quick run are refused: they say nothing about speed.
    """
    parts = results.read(folder, names)
    if quick := [part.name for part in parts if part.quick]:
        raise SystemExit(f"made by a quick run: {', '.join(quick)}; measure again without --quick")
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"{page} has lost its marks {BEGIN} and {END}")
    drawing = page.with_suffix(".svg")
    drawing.write_text(picture.picture(parts), encoding="utf-8")
    on = f"{tables.machine(parts[0].machine)}\n\n" if parts else ""
    link = f"![Texts a second against others, by part]({drawing.name})\n\n"
    made = on + link
    for number, part in enumerate(parts):
        made += "\n" * bool(number) + f"### {part.name}\n\n"
        if part.limits:
            over_time = page.with_name(f"{page.stem}-{part.name}.svg")
            over_time.write_text(limits_picture.picture(part.limits), encoding="utf-8")
            made += f"![Texts a second over time beside the limit, ours and the plain loop]({over_time.name})\n\n"
        made += tables.part(part, with_versions=_where(part.machine) != _where(parts[0].machine))
    page.write_text(f"{before}{BEGIN}\n\n{made}\n{END}{after}", encoding="utf-8")
    return [part.name for part in parts]


def _where(on: Machine) -> tuple[str, str]:
    """Which machine it was: a part that was measured on another one than the first says so."""
    return on.system, on.processor
