"""What a list holds, shown before the question.

Lives here: the counts, the skipped rows by reason, the notes.
"""

from __future__ import annotations

from typing import Any

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.dry_run import reader_of
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.lists.kept_columns import ALL, read_names
from rumbleup_async.messaging import Plan, State
from rumbleup_async.money import dollars
from rumbleup_async.reasons import Reason
from rumbleup_async.runs.run import Run
from rumbleup_async.screening import areas
from rumbleup_async.screening.template import field_name


def show_findings(source: str, ledger: Place, *, fresh: bool) -> None:
    """What the list holds, before the question."""
    with reader_of(ledger) as reader:
        reasons, segments, rows = reader.reasons(), reader.segments(), reader.first_rows(3)
    total = sum(number for _, _, number in reasons)
    queued = sum(number for state, _, number in reasons if state is State.QUEUED)
    done = sum(number for state, _, number in reasons if state not in {State.QUEUED, State.SKIPPED})
    say(f"{'standard input' if source == '-' else source}: {plural(total, 'contact')}")
    if not fresh and done:
        say(f"  this ledger has dealt with {done:,} of them before; going on with the rest")
    say(f"  {queued:>11,}  to be texted")
    for state, reason, number in reasons:
        if state is State.SKIPPED:
            say(f"  {number:>11,}  skipped: {reason}{examples(rows.get(reason, []), number)}")
    show_countries([reason for _, reason, _ in reasons], reader.plan)
    texts = sum(number for _, number in segments)
    if texts:
        each = ", ".join(f"{plural(parts, 'segment')} in {number:,}" for parts, number in segments)
        say(f"  {sum(parts * number for parts, number in segments):>11,}  segments in {plural(texts, 'text')} ({each})")


def show_kinds(ledger: Place) -> None:
    """Who gets which text, where there are several, and which of them nobody gets."""
    with reader_of(ledger) as reader:
        kinds = reader.kinds()
    for words, number, _ in kinds:
        say(f"  {number:>11,}  get {'the plain text' if words is None else f'the text for {words}'}")
    if nobody := [words for words, number, _ in kinds if words is not None and not number]:
        say(f"  note: nobody who is to be texted meets {', '.join(nobody)}; look at how the list spells it, if somebody should")


def kinds_json(ledger: Place) -> dict[str, Any]:
    """The same for the JSON; nothing where there is one text for all."""
    with reader_of(ledger) as reader:
        kinds = reader.kinds()
    return {"texts": [{"when": words, "number": number} for words, number, _ in kinds]} if kinds else {}


def show_cost(run: Run, ledger: Place) -> None:
    """What the texts that are queued will cost at the price that was given, and whether the budget is enough for them."""
    if run.price is None:
        return
    with reader_of(ledger) as reader:
        segments = sum(max(1, parts) * number for parts, number in reader.segments())
    cost = run.price * segments
    budget = "" if run.budget is None else f", of a budget of {dollars(run.budget)} for the whole run"
    say(f"  {segments:,} segments at {dollars(run.price)} are {dollars(cost)}{budget}")
    if run.budget is not None and cost > run.budget:
        say("  note: the budget does not suffice for all; the run stops when it is used up")


def show_kept(ledger: Place, keep: str | None, *, fresh: bool) -> None:
    """Say which columns of `--keep` come too late: the ledger has its list already and does not read it again."""
    if keep is None or fresh:
        return
    with reader_of(ledger) as reader:
        kept = reader.kept_names()
    asked = read_names(keep)
    if asked != (ALL,) and {field_name(name) for name in asked} <= {field_name(name) for name in kept}:
        return
    if asked == (ALL,) and kept:
        return
    what = ", ".join(kept) or "no column"
    say(f"  note: this ledger has taken its list in before, and {what} with it; --keep is heeded when a list is first read")


def show_notes(run: Run) -> None:
    """Show the notes on the list and on the text."""
    absent = [f"the list has no column {field}; its fallback is used for everybody" for field in run.absent_fields]
    for note in (*run.list_notes, *absent, *run.text_notes):
        say(f"  note: {note}")


def examples(rows: list[int], number: int) -> str:
    """Where to look for the first rows of a reason."""
    if not rows:
        return ""
    shown = ", ".join(f"{row:,}" for row in rows)
    return f"  (row {shown})" if number == 1 else f"  (rows {shown}{', ...' if number > len(rows) else ''})"


def show_countries(reasons: list[Reason], plan: Plan) -> None:
    """Say how to text contacts that the run leaves out for their area codes."""
    left_out = areas.left_out(reasons)
    if left_out:
        texted = [*plan.details.get("countries", areas.DEFAULT), *left_out]
        say(f"  note: --country {','.join(texted)} texts those of {', '.join(left_out)} as well")
