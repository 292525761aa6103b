"""The parts of the documentation that are made from the code: `python -m tests.documents` writes them, test_docs.py compares.

A part stands between `<!-- made: NAME -->` and `<!-- end -->` in a page. commands.md and rumbleup.1 are made as a whole.
"""

import ast
import functools
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from rumbleup_async import errors
from rumbleup_async.cli.app import app
from rumbleup_async.ledger import states
from rumbleup_async.messaging import State
from rumbleup_async.reasons import Code
from rumbleup_async.rules import states as state_rules
from rumbleup_async.rules.hours import write_window
from rumbleup_async.rules.place_tables import PROVINCES, STATES
from rumbleup_async.simulator import KINDS, faults
from rumbleup_async.simulator.world import settings
from rumbleup_async.stops import Cause
from tests.mutants.faults import MUTANTS
from tests.prove import record

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WIDTH = 100
"""Columns of the help texts, whatever terminal this runs in."""

_part = re.compile(r"(?<=<!-- made: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)

MOVES: dict[tuple[State, State], str] = {
    (State.QUEUED, State.INTENT): "the engine, before the request may leave; on the disk first",
    (State.QUEUED, State.NOT_SENT): "a rule says that the text must not leave in this run; or it was absent from the log and "
    "queued again, and the look is a quarter of an hour old, or another process's: it is absent as before",
    (State.QUEUED, State.SKIPPED): "a rule says that this contact is not to be texted; before any intent",
    (State.QUEUED, State.REFUSED): "the provider said no to this text; queued until it was sure that nothing else is behind it",
    (State.INTENT, State.QUEUED): "nothing left: not reachable, 429 or 440 and then a stop, a cause that bars every text, a stop",
    (State.INTENT, State.SENT): "the provider accepted it and named a logid",
    (State.INTENT, State.REFUSED): "the provider said no to this text",
    (State.INTENT, State.NOT_SENT): "suppressed after it was queued; whatever else did not leave is queued again",
    (
        State.INTENT,
        State.UNKNOWN,
    ): "no complete, readable answer; or its owner, a dead process, was expired",
    (State.UNKNOWN, State.SENT): "`reconcile`: the provider's log holds the text",
    (
        State.UNKNOWN,
        State.NOT_SENT,
    ): "`reconcile`: the provider's log, read to its end and late enough, shows others that were sent, and not it",
    (State.NOT_SENT, State.QUEUED): "`resume --resend-absent`: it was absent from the log, and still is; the user wants it sent",
    (State.NOT_SENT, State.SENT): "`reconcile`, `resume`: it was absent from the log, and has turned up there since",
}
"""Who makes each move of the table. One without words here fails."""


Command = Any
"""A command of click: which click that is depends on typer, newer ones of which bring their own."""


def command() -> Command:
    """The whole command line."""
    return typer.main.get_command(app)


def contexts(found: Command, path: tuple[str, ...] = ("rumbleup",), parent: Any = None) -> Iterator[Any]:
    """A context of every command and group, in the order in which the help shows them."""
    widths = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = found.make_context(path[-1], [], parent=parent, resilient_parsing=True, **widths)
    yield context
    for name, inner in getattr(found, "commands", {}).items():
        if inner.hidden:
            continue  # the former name of another
        yield from contexts(inner, (*path, name), context)


def help_of(context: Any) -> str:
    """What `--help` prints at this width."""
    return "\n".join(line.rstrip() for line in context.get_help().strip().splitlines())


def commands_page() -> str:
    """docs/commands.md."""
    parts = [_COMMANDS]
    parts += [f"## {one.command_path}\n\n```text\n{help_of(one)}\n```\n" for one in contexts(command())]
    return "\n".join(parts)


_COMMANDS = """# Commands

What `--help` says of each command; made by `python -m tests.documents`. More about lists, pace and the ledger in
[sending.md](sending.md), about texters in [concurrent.md](concurrent.md), about events in [webhooks.md](webhooks.md), about the
other endpoints in [api-map.md](api-map.md); what the words mean in [glossary.md](glossary.md).
"""


def state_picture() -> str:
    """The table of states as a diagram and as words."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in sorted(states.BORN, key=_place)]
    lines += [f"    {before} --> {after}" for before in State for after in sorted(states.MOVES[before], key=_place)]
    lines += ["```", "", "| from | to | when |", "| --- | --- | --- |"]
    for before in State:
        if before in states.BORN:
            lines.append(f"| (the list) | `{before}` | {_BORN[before]} |")
        lines += [f"| `{before}` | `{after}` | {MOVES[before, after]} |" for after in sorted(states.MOVES[before], key=_place)]
    ends = [f"`{state}`" for state in State if not states.MOVES[state]]
    lines += ["", f"Nothing leaves {', '.join(ends[:-1])} and {ends[-1]}."]
    return "\n".join(lines) + "\n"


_place = states.NUMBERS.__getitem__
_BORN = {State.QUEUED: "screened and to be texted", State.SKIPPED: "not to be texted, with the reason"}


def fault_table() -> str:
    """faults.KINDS and faults.ALIASES."""
    lines = ["| kind | what happens | left | endpoints |", "| --- | --- | --- | --- |"]
    for name, kind in KINDS.items():
        where = "all" if kind.endpoints == faults.ENDPOINTS else ", ".join(kind.endpoints)
        lines.append(f"| `{name}` | {kind.sentence} | {'yes' if kind.left else 'no'} | {where} |")
    short = ", ".join(f"`{alias}` for `{name}`" for alias, name in faults.ALIASES.items())
    return "\n".join(lines) + f"\n\nShort names: {short}.\n"


def settings_table() -> str:
    """The knobs of the simulator, from the words beside their fields."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(settings.Settings)))
    body = tree.body[0].body  # type: ignore[attr-defined]
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for field, words in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(words, ast.Expr):
            assert isinstance(field.target, ast.Name)
            assert isinstance(words.value, ast.Constant)
            default = ast.unparse(field.value) if field.value is not None else ""
            default = "(as documented)" if "REFUSALS" in default else f"`{default}`"
            lines.append(f"| `{field.target.id}` | {default} | {' '.join(str(words.value.value).split())} |")
    return "\n".join(lines) + "\n"


def error_tree() -> str:
    """The tree of the docstring of errors.py."""
    lines = (errors.__doc__ or "").splitlines()
    tree = [line.removeprefix("    ") for line in lines if line.startswith("    ")]
    return "\n".join(["```text", *tree, "```"]) + "\n"


def code_table() -> str:
    """Every code of a reason but the one for none."""
    rows = [
        f"| `{code}` | {' '.join(f'`{state}`' for state in code.states)} | {code.words} | {code.remedy} |"
        for code in Code
        if code is not Code.NONE
    ]
    return "\n".join(["| code | states | words | what to do |", "| --- | --- | --- | --- |", *rows]) + "\n"


def cause_table() -> str:
    """Every cause of an end."""
    rows = [f"| `{cause}` | `{cause.words}` | {cause.remedy} |" for cause in Cause]
    return "\n".join(["| cause | word | what to do |", "| --- | --- | --- |", *rows]) + "\n"


_CONTRACTS = (
    ("engine/contract.py", "Books.step"),
    ("engine/ports.py", "Ledger.enlist"),
    ("engine/ports.py", "Ledger.step"),
    ("engine/ports.py", "Ledger.expire"),
    ("engine/ports.py", "Pace.permit"),
    ("engine/ports.py", "Gateway.deliver"),
    ("reasons.py", "Reason"),
    ("stops.py", "Stop"),
    ("rules/door.py", "Rule.admit"),
)


def contracts() -> str:
    """The signatures of the five contracts, as they stand."""
    lines = ["", "```text"]
    for file, name in _CONTRACTS:
        tree: ast.Module | ast.ClassDef = ast.parse((ROOT / "rumbleup_async" / file).read_text(encoding="utf-8"))
        for part in name.split("."):
            node = next(node for node in tree.body if getattr(node, "name", "") == part)
            tree = node if isinstance(node, ast.ClassDef) else tree
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.args.args = [one for one in node.args.args if one.arg != "self"]
            node.args.posonlyargs = [one for one in node.args.posonlyargs if one.arg != "self"]
            words = f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else None}"
        else:
            assert isinstance(node, ast.ClassDef)
            fields = [ast.unparse(field) for field in node.body if isinstance(field, ast.AnnAssign)]
            words = f"({', '.join(fields)})"
        lines += textwrap.wrap(f"{name}{words}", 110, subsequent_indent="    ")
    return "\n".join([*lines, "```", "", ""])


def lemma_table(lemma: int) -> str:
    """What carries a lemma of docs/promise.md, and the test that notices when it does not."""
    lines = ["", "| carried by | with this fault | fails |", "| --- | --- | --- |"]
    for one in MUTANTS:
        if one.lemma == lemma:
            path, _, test = one.test.partition("::")
            carrier = f"[`{one.file}`](../rumbleup_async/{one.file}) `{one.function}`"
            lines.append(f"| {carrier} | {one.fault} | [`tests/{path}`](../tests/{path}) `{test}` |")
    return "\n".join(lines) + "\n\n"


def state_hours() -> str:
    """The hours of the states by purpose, as the rules have them."""
    lines = ["", "| state | Mon to Fri | Sat | Sun | legal holidays |", "| --- | --- | --- | --- | --- |"]
    for code, name in STATES.items():
        for row in state_rules.rows(state_rules.Purpose.COMMERCIAL, [code]) if code not in PROVINCES else ():
            days = (row.weekdays, row.saturday, row.sunday)
            shown = [write_window(window) if window else "–" for window in days]
            sure = " ~" if code in state_rules.UNSURE else ""
            lines.append(f"| {name}{sure} | {' | '.join(shown)} | {'–' if row.holidays else ''} |")
    (row,) = state_rules.rows(state_rules.Purpose.POLITICAL, PROVINCES)
    shown = [write_window(window) for window in (row.weekdays, row.saturday, row.sunday) if window]
    return "\n".join([*lines, f"| Canada, for every purpose | {' | '.join(shown)} | |", "", ""])


def decisions() -> str:
    """The pages of docs/decisions by their headings."""
    pages = sorted((DOCS / "decisions").glob("*.md"))
    rows = [f"- [{page.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}](decisions/{page.name})" for page in pages]
    return "\n".join(["", *rows, "", ""])


def examples() -> str:
    """The files of examples/ and what their first words say."""
    rows = ["", "| file | what it shows |", "| --- | --- |"]
    for path in sorted((ROOT / "examples").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(ROOT).as_posix()
            rows.append(f"| [{name.removeprefix('examples/')}](../{name}) | {first_words(path)} |")
    return "\n".join([*rows, "", ""])


def first_words(path: Path) -> str:
    """What a file of examples/ says of itself first: a docstring, a comment, a description."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        words = ast.get_docstring(ast.parse(text)) or ""
    elif path.suffix == ".ipynb":
        words = "".join(json.loads(text)["cells"][0]["source"][2:])
    elif path.suffix == ".json":
        words = f"Grafana: {json.loads(text)['title']}"
    else:
        words = next(line for line in text.splitlines() if line.startswith("# ")).removeprefix("# ")
    return words.partition("\n")[0].rstrip(".")


PARTS: dict[str, Callable[[], str]] = {
    "decisions": decisions,
    "examples": examples,
    "states": state_picture,
    "faults": fault_table,
    "settings": settings_table,
    "errors": error_tree,
    "codes": code_table,
    "causes": cause_table,
    "contracts": contracts,
    "state_hours": state_hours,
    "record": lambda: record.table(record.read()),
    "record_blows": lambda: record.blows(record.read()),
    "record_kinds": lambda: record.met(record.read()),
    "record_line": lambda: record.line(record.read()),
    **{f"lemma_{lemma}": functools.partial(lemma_table, lemma) for lemma in sorted({one.lemma for one in MUTANTS})},
}


def made(page: str) -> str:
    """A page with its made parts as they should be."""
    return _part.sub(lambda match: f"{match[1]}{match[2]}{PARTS[match[1]]()}", page)


def pages() -> dict[Path, str]:
    """Every page that is made or holds a made part, as it should be."""
    from tests.man_page import page as man_page

    found = {path: made(path.read_text(encoding="utf-8")) for path in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]}
    whole = {DOCS / "commands.md": commands_page(), DOCS / "rumbleup.1": man_page()}
    return {path: text for path, text in found.items() if "<!-- made: " in text} | whole


if __name__ == "__main__":
    for path_, text_ in pages().items():
        path_.write_text(text_, encoding="utf-8")
