"""Results as tables in Markdown: what the command prints and what docs/performance.md has are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks import limits_table
from benchmarks.results import Figure, Group, Machine, Part, middle


def part(measured: Part, *, with_versions: bool = True) -> str:
    """All of one part."""
    return "\n".join(_lines(measured, with_versions)).strip() + "\n"


def machine(on: Machine) -> str:
    """What it was measured on."""
    versions = ", ".join(f"{name} {version}" for name, version in on.versions.items())
    return f"{on.system}, {on.processor}, {on.cores} cores. {versions}."


def _lines(measured: Part, with_versions: bool) -> Iterator[str]:
    if measured.quick:
        yield "**Quick form: shows that it works, says nothing about speed.**"
        yield ""
    rounds = f"medians of {measured.rounds} interleaved rounds, in brackets the least and the most" if measured.rounds > 1 else ""
    yield "; ".join(filter(None, [*measured.notes, rounds]))
    yield ""
    for group in measured.groups:
        yield from _group(group)
    yield from limits_table.lines(measured.limits)
    if measured.figures:
        yield from _figures(measured.figures)
    if measured.lines:
        yield from (*measured.lines, "")
    on = measured.machine
    stolen = "" if on.stolen is None else f"; the host kept {on.stolen:.1%} of the time for others"
    yield f"Load of the machine before: {on.load:.1f}{stolen}."
    if with_versions:
        yield ""
        yield machine(on)


def _group(group: Group) -> Iterator[str]:
    yield f"**{group.name}**"
    yield ""
    yield f"| | texts/s | × {group.baseline} | CPU µs a text | peak MiB | server busy |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for row in group.rows:
        if not row.runs:
            yield f"| {row.name} | {row.missing} | | | | |"
            continue
        rate = middle(row.rates(steady=group.steady))
        cost = middle([run.cpu_seconds / run.texts * 1e6 for run in row.runs])
        busy = [run.server_busy for run in row.runs if run.server_busy is not None]
        cells = [row.name, f"{rate:,.0f}", spread(group.ratios(row.name, group.baseline)), f"{cost:,.1f}"]
        cells += [f"{middle([run.peak_mib for run in row.runs]):,.0f}", f"{middle(busy):.0%}" if busy else ""]
        yield f"| {' | '.join(cells)} |"
    yield ""
    for one, other in group.compare:
        if ratios := group.ratios(one, other):
            yield f"- {one}, against {other}: {spread(ratios)} ×"
    if group.capacity is not None:
        fastest = max((middle(row.rates(steady=group.steady)) for row in group.rows if row.runs), default=0.0)
        yield (
            f"- Server: {group.server}. That it is not the limit: {group.drawn_by} drew {group.capacity:,.0f} answers a second "
            f"from it in the same run, with as many connections; the fastest row above had {fastest:,.0f}."
        )
    yield ""


def _figures(figures: Sequence[Figure]) -> Iterator[str]:
    """One figure a row, or those of one name side by side: by their columns, or by their units."""
    names = [figure.name for figure in figures]
    by_column = any(figure.column for figure in figures)
    by_unit = not by_column and len(set(names)) < len(names)
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for figure in figures:
        key = (figure.name, "" if by_unit else figure.unit)
        rows.setdefault(key, {})[figure.column or (figure.unit if by_unit else "")] = spread(figure.values) or figure.missing
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    yield f"| | {' | '.join(columns)} |" + ("" if by_unit else " |")
    yield f"| --- |{' ---: |' * len(columns)}" + ("" if by_unit else " --- |")
    for (name, unit), cells in rows.items():
        yield f"| {name} | {' | '.join(cells.get(column, '') for column in columns)} |" + ("" if by_unit else f" {unit} |")
    yield ""


def spread(ratios: Sequence[float]) -> str:
    """A median and its spread: `6.13 (5.90–6.31)`."""
    if not ratios:
        return ""
    if len(ratios) == 1:
        return number(ratios[0])
    return f"{number(middle(ratios))} ({number(min(ratios))}–{number(max(ratios))})"


def number(value: float) -> str:
    """As many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 or value == 0 else f"{value:.3f}"
