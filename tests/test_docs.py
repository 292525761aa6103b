"""What the documentation says exists: commands, options, keys, codes, variables, names, links; and made parts are current."""

import ast
import functools
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import Policy, State, Summary, errors
from rumbleup_async.cli import console, report
from rumbleup_async.cli.simulate import API_KEY
from rumbleup_async.ledger import states
from rumbleup_async.stops import Cause
from tests import documents

ROOT, DOCS = documents.ROOT, documents.DOCS
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SENDING = (DOCS / "sending.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

FOREIGN_OPTIONS = {"--quick", "--huge", "--volumes"}
"""Options of other programs than the command: the benchmarks, docker compose."""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=named)


@functools.cache
def contexts() -> dict[str, Any]:
    return {context.command_path: context for context in documents.contexts(documents.command())}


def options(context: Any) -> set[str]:
    return {name for parameter in context.command.params for name in parameter.opts if name.startswith("--")}


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def indented(text: str) -> Iterator[str]:
    """The lines of indented blocks, which are what a reader types or sees; those of fenced blocks are left out."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    before = ""
    for line in plain.splitlines():
        if line.startswith("    ") and (not before.strip() or before.startswith("    ")):
            yield line.strip()
        before = line


def snippets() -> list[Any]:
    return [
        pytest.param(code, id=f"{named(page)}-{number}")
        for page in PAGES
        for number, code in enumerate(fenced(page.read_text(encoding="utf-8"), "python"))
    ]


def test_made_parts_are_current() -> None:
    """Otherwise a help text, a table or the state picture says what is not so. Remedy: `python -m tests.documents`."""
    stale = [named(path) for path, text in documents.pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "make them anew: python -m tests.documents"


def test_every_made_part_stands_somewhere() -> None:
    """Otherwise a table that is checked is shown to nobody."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in documents.PARTS if f"<!-- made: {name} -->\n" not in text] == []


def test_state_picture_has_every_move_and_no_other() -> None:
    """Otherwise the picture promises a move that the ledger refuses, or hides one."""
    picture = re.findall(r"^    (\w+) --> (\w+)$", (DOCS / "architecture.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(picture) == sorted((before.word, after.word) for before in State for after in states.MOVES[before])
    assert documents.MOVES.keys() == {(before, after) for before in State for after in states.MOVES[before]}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """Otherwise a reader clicks into nothing."""
    text = page.read_text(encoding="utf-8")
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists():
            lost.append(target)
        elif anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}:
                lost.append(target)
    assert lost == []


@every_page
def test_files_that_are_named_exist(page: Path) -> None:
    """Otherwise a reader looks for a rule where it has not been for a while."""
    named_files = re.findall(r"`((?:\w+/)+\w+\.py)`", page.read_text(encoding="utf-8"))
    assert [name for name in named_files if not any((start / name).is_file() for start in (ROOT, ROOT / "rumbleup_async"))] == []


@every_page
def test_options_exist(page: Path) -> None:
    """Otherwise a page tells people to type an option that is refused."""
    if page.name == "commands.md":
        return
    text = page.read_text(encoding="utf-8")
    known = set().union(*(options(context) for context in contexts().values())) | FOREIGN_OPTIONS | {"--help", "--version"}
    for folder in ("tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            known |= set(re.findall(r'add_argument\("(--[a-z][\w-]*)"', path.read_text(encoding="utf-8")))
    assert sorted(set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text)) - known) == []


@every_page
def test_command_lines_are_understood(page: Path) -> None:
    """Otherwise a line that is copied from a page fails."""
    wrong = []
    for line in indented(page.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True) if line.startswith("rumbleup ") else []
        # Reading the options of the command itself does what they say: completion would be installed here.
        assert not {"--install-completion", "--show-completion"} & {*words}, "write it inside of a sentence"
        if not words or "..." in words or words[1][0] in "*:{":
            continue
        path, arguments = "rumbleup", words[1:]
        while arguments and f"{path} {arguments[0]}" in contexts():
            path = f"{path} {arguments.pop(0)}"
        command = contexts()[path].command
        try:
            command.make_context(path, arguments)
        except Exception as error:
            wrong.append(f"{line}: {error}")
    assert wrong == []


@every_page
def test_shell_lines_parse(page: Path) -> None:
    """Otherwise a quote is missing in something that people paste."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("there is no bash")
    starts = ("rumbleup ", "export ", "curl ", "pip ", "make ")
    lines = [line for line in indented(page.read_text(encoding="utf-8")) if line.startswith(starts)]
    done = subprocess.run([shell, "-n"], input="\n".join(lines), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("code", snippets())
def test_python_compiles_and_imports_what_exists(code: str) -> None:
    """Otherwise a snippet fails at its first lines."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []
        elif isinstance(node, ast.Import):
            for name in node.names:
                importlib.import_module(name.name)


RUNNABLE = [param for param in snippets() if "Simulator(" in param.values[0] or "ScriptedExchange(" in param.values[0]]


@pytest.mark.parametrize("code", RUNNABLE)
def test_snippets_that_need_no_server_run(code: str, tmp_path: Path) -> None:
    """Otherwise what we say about testing does not work."""
    environment = {"PATH": os.environ.get("PATH", "")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("rumbleup send", ["sending.md"]),
        ("rumbleup resume", ["sending.md"]),
        ("rumbleup status", ["sending.md"]),
        ("rumbleup report", ["sending.md"]),
        ("rumbleup texters", ["sending.md", "concurrent.md"]),
        ("rumbleup simulate", ["simulator.md"]),
        ("rumbleup webhooks listen", ["webhooks.md"]),
    ],
)
def test_options_are_explained(path: str, pages: list[str]) -> None:
    """Otherwise an option is only listed, and nobody knows what it is for."""
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in pages) + README
    silent = [
        parameter.opts
        for parameter in contexts()[path].command.params
        if parameter.param_type_name == "option" and not any(name in text for name in parameter.opts)
    ]
    assert silent == []


def test_json_keys() -> None:
    """Otherwise scripts look for keys that are not there, or miss some."""
    names = [name for name in Summary.__struct_fields__ if name != "stop"]
    keys = [*Summary(**dict.fromkeys(names, 0)).as_dict(), "reasons"]  # type: ignore[arg-type]
    for text in (README, SENDING):
        assert [key for key in keys if f"`{key}`" not in text] == []
    table = SENDING[SENDING.index("| key | value |") : SENDING.index("The words:")]
    named_keys = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    assert named_keys == keys


def test_report_columns() -> None:
    """Otherwise whoever reads the report by its columns misses one."""
    listed = ", ".join(f"`{column}`" for column in report.COLUMNS)
    assert listed in " ".join(SENDING.split())


def test_exit_codes() -> None:
    """Otherwise a script takes a failure for a success."""
    codes = [console.FINE, console.UNKNOWNS, console.WRONG, console.STOPPED, console.INTERRUPTED]
    for text in (README, SENDING):
        assert [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == codes


def test_states() -> None:
    """Otherwise the README explains a state that a contact cannot end in, or leaves one out."""
    table = re.findall(r"^\| `(\w+)` \| ", README, re.MULTILINE)
    assert sorted(table) == sorted(state.word for state in states.FINAL)


def test_environment_variables() -> None:
    """Otherwise somebody sets a variable that nothing reads."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rumbleup_async").rglob("*.py"))
    for page in PAGES:
        for name in set(re.findall(r"\bRUMBLEUP_[A-Z_]+", page.read_text(encoding="utf-8"))):
            assert name.removesuffix("_OLD") in source, f"{named(page)}: {name}"


def test_reasons_to_stop() -> None:
    """Otherwise a script does not know the word with which a run ended."""
    words = {cause.words for cause in Cause}
    text = " ".join((SENDING + (DOCS / "embedding.md").read_text(encoding="utf-8")).split())
    assert sorted(word for word in words if f"`{word}`" not in text) == []


def test_phone_reasons() -> None:
    """Otherwise somebody meets a reason that no page knows."""
    from rumbleup_async.screening import phones

    text = " ".join(SENDING.split())
    assert sorted(reason for reason in phones.REASONS if reason.partition(";")[0] not in text) == []


def test_numbers_of_the_policy() -> None:
    """Otherwise a page promises a patience that the code does not have."""
    policy = Policy()
    assert "stops with `error threshold` after 5 at its very beginning, or after 50 plus" in " ".join(SENDING.split())
    assert (policy.first_errors, policy.max_errors, policy.connect_attempts, policy.wait_ceiling) == (5, 50, 8, 900.0)
    assert (policy.throttle_backoff, policy.backoff_ceiling) == (0.1, 60.0)


def test_every_error_is_in_the_tree() -> None:
    """Otherwise somebody catches too little."""
    names = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.RumbleUpError)}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", errors.__doc__ or "")] == []


def test_examples_are_mentioned() -> None:
    """Otherwise an example is found by nobody."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert "(examples)" in README
    assert [link for link in re.findall(r"examples/(\w+\.py)", text) if not (ROOT / "examples" / link).exists()] == []


def test_key_of_the_simulator() -> None:
    """Otherwise whoever tries the simulator by its page is answered 401."""
    assert f"RUMBLEUP_API_KEY={API_KEY}" in (DOCS / "simulator.md").read_text(encoding="utf-8")


def tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    listed = subprocess.run([git, "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_no_registry_and_no_path_of_a_machine() -> None:
    """Otherwise a clone installs from somewhere it should not, or shows where somebody worked."""
    registry = re.compile(r"\bpyp" + r"i\.|python" + r"hosted|test\.py" + r"pi|--(?:extra-)?index" + r"-url", re.IGNORECASE)
    place = re.compile(r"(?<![\w.])/(?:ho" + r"me|wo" + r"rk|ro" + r"ot|Us" + r"ers)/\w")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{named(path)}: {match[0]}" for pattern in (registry, place) for match in pattern.finditer(text)]
    assert found == []
