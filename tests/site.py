"""`python -m tests.site`: the documentation as a site, built strictly, that asks nobody for anything.

The pages are those of docs/ and of the checkout's root, as they stand; what they link to outside of them comes along.
docs/index.md says in which order they come. The reference is made from the code: a page for each public class, one for all
errors. A page that stands in no table, a link into nothing, a name that cannot be documented ends the build.
`tests/test_site.py` does the cheap part of it.
"""

import argparse
import ast
import importlib.metadata
import importlib.util
import inspect
import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import rumbleup_async
from tests.test_public_names import resources

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SUBMODULES = ("webhooks", "people", "ledger", "session", "simulator", "observe.metrics", "observe.serving", "engine.ports")
"""Rooms that users import from by their own names, beside the front door."""
GROUPS = {
    "Clients": ("rumbleup.client", "sendblue.client"),
    "Runs": ("runs.", "engine."),
    "Contacts, states and reasons": ("messaging", "reasons", "stops", "retry", "money", "days", "events", "admission", "pauses"),
    "Lists and rules": ("lists.", "rules."),
    "Ledgers and the book": ("ledger.", "people."),
    "What the API answers": ("rumbleup.", "sendblue.", "provider."),
    "Connections": ("session.",),
    "Webhooks": ("webhooks.",),
    "Watching": ("observe.",),
    "Simulator": ("simulator.",),
}
"""The pages of the reference by the rooms of what stands on them; the first that fits."""
LIST = "files.txt"
"""What stands for a folder to which a page leads."""
_OUTSIDE = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=[\"'](?:https?:)?//|<link\b(?![^>]*rel=[\"']canonical)[^>]*"
    r"\bhref=[\"'](?:https?:)?//|@import\s+[\"']?(?:https?:)?//|url\([\"']?(?:https?:)?//",
    re.IGNORECASE,
)
"""What a browser would fetch from elsewhere."""


def pages() -> dict[str, str]:
    """The pages of the site by their files in the checkout: their names there, without ending."""
    found = {path.relative_to(ROOT).as_posix(): path for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]}
    return {name: name.removeprefix("docs/").removesuffix(".md") for name in found}


def resolved(page: str, target: str) -> str:
    """A link of a page, as it must stand in the laid-out page."""
    name, hash_, anchor = target.partition("#")
    if "://" in target or target.startswith("mailto:") or not name:
        return target
    there = os.path.normpath(ROOT / Path(page).parent / name)
    relative = Path(there).relative_to(ROOT).as_posix()
    known = pages()
    if relative in known:
        path = f"{known[relative]}.md"
    elif relative in ("docs", "docs/decisions", "examples"):
        path = {"docs": "index.md", "docs/decisions": "decisions.md", "examples": "examples.md"}[relative]
    elif relative.startswith("docs/"):
        path = relative.removeprefix("docs/")
    else:
        path = f"sources/{relative}/{LIST}" if Path(there).is_dir() else f"sources/{relative}"
    return os.path.relpath(path, Path(known[page]).parent) + hash_ + anchor


def laid_out(page: str) -> str:
    """The text of a page with its links as they must be. A diagram, for which there is no program here, is shown as written."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("```mermaid", "```text").replace("```py\n", "```python\n")
    parts = re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.MULTILINE)
    for number in range(0, len(parts), 2):
        parts[number] = re.sub(r"\]\(([^)\s]+)\)", lambda found: f"]({resolved(page, found[1])})", parts[number])
    return "".join(parts)


def sections() -> dict[str, list[str]]:
    """What docs/index.md lists under each of its headings: names of pages."""
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    known, found = pages(), dict[str, list[str]]()
    for heading, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE):
        targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", body)]
        names = [known[os.path.normpath(Path("docs") / target)] for target in targets]
        found[heading] = list(dict.fromkeys(names))
    return found


def public() -> dict[str, object]:
    """Everything that is documented from the code, by the name under which users import it; each once."""
    found: dict[str, object] = {}
    seen = set[int]()

    def add(name: str, value: object) -> None:
        if (inspect.isclass(value) or callable(value)) and id(value) not in seen:
            seen.add(id(value))
            found[name] = value

    for name in rumbleup_async.__all__:
        add(f"rumbleup_async.{name}", getattr(rumbleup_async, name))
    for submodule in SUBMODULES:
        module = import_module(f"rumbleup_async.{submodule}")
        offered = getattr(module, "__all__", None) or [
            name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
        ]
        for name in offered:
            value = getattr(module, name)
            if getattr(value, "__module__", "").startswith("rumbleup_async"):
                add(f"{module.__name__}.{name}", value)
    for resource in resources():
        if resource.__module__.startswith("rumbleup_async"):
            add(f"{resource.__module__}.{resource.__name__}", resource)
    return found


def members(owner: type) -> list[str]:
    """The public names of a class that it has of itself or of classes of ours, in their order."""
    found = list[str]()
    for kind in owner.__mro__:
        if kind.__module__.startswith("rumbleup_async"):
            names = [*vars(kind), *inspect.get_annotations(kind), *_explained_attributes(kind)]
            found += [name for name in names if name[0] != "_"]
    return list(dict.fromkeys(found))


def _explained_attributes(kind: type) -> list[str]:
    """What is set on `self` and has words below it."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found = list[str]()
    for function in tree.body:
        for line, words in itertools.pairwise(getattr(function, "body", ())):
            target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0] if isinstance(line, ast.Assign) else None
            if isinstance(target, ast.Attribute) and isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant):
                found.append(target.attr)
    return found


def group(value: object) -> str:
    """On which page of the reference something stands."""
    if inspect.isclass(value) and issubclass(value, BaseException):
        return "Errors"
    room = str(getattr(value, "__module__", "")).removeprefix("rumbleup_async.")
    fits = (
        name for name, rooms in GROUPS.items() if any(room == one or (one[-1] == "." and room.startswith(one)) for one in rooms)
    )
    found = next(fits, None)
    # What a client hands out belongs to it.
    return "Clients" if found == "What the API answers" and value in resources() else found or "Contacts, states and reasons"


def first_words(value: object) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())


def reference() -> Iterator[tuple[str, str]]:
    """The pages of the reference: name and text."""
    groups: dict[str, list[tuple[str, object]]] = {name: [] for name in [*GROUPS, "Errors"]}
    for name, value in public().items():
        groups[group(value)].append((name, value))
    tables = "\n".join(f"   {_slug(name)}" for name in groups)
    yield "reference/index.rst", f"{_heading('Reference of the code')}\n.. toctree::\n   :maxdepth: 2\n\n{tables}\n"
    for title, items in groups.items():
        parts = [_heading(title)]
        if title == "Errors":
            tree = [line for line in (rumbleup_async.errors.__doc__ or "").splitlines() if line.startswith("    ")]
            parts += [".. code-block:: text", "", *tree, ""]
            for name, value in sorted(items):
                parts += [*_documented(name, value), ""]
        else:
            parts += [".. toctree::", "   :maxdepth: 1", ""]
            for name, value in sorted(items, key=lambda item: item[0].rpartition(".")[2].lower()):
                page = name.removeprefix("rumbleup_async.")
                parts.append(f"   {name.rpartition('.')[2]} <{page}>")
                module, _, short = name.rpartition(".")
                lines = [_heading(short), f"``from {module} import {short}``", "", *_documented(name, value)]
                yield f"reference/{page}.rst", "\n".join(lines) + "\n"
        yield f"reference/{_slug(title)}.rst", "\n".join(parts) + "\n"


def _documented(name: str, value: object) -> list[str]:
    module, _, short = name.rpartition(".")
    lines = [f".. currentmodule:: {module}", ""]
    if not inspect.isclass(value):
        return [*lines, f".. autofunction:: {short}" if inspect.isfunction(value) else f".. autodata:: {short}"]
    lines += [f".. autoclass:: {short}", "   :show-inheritance:"]
    if listed := members(value):
        lines += [f"   :members: {', '.join(listed)}", "   :inherited-members:", "   :undoc-members:"]
    return lines


def _heading(words: str) -> str:
    return f"{words}\n{'=' * len(words)}\n"


def _slug(words: str) -> str:
    return re.sub(r"\W+", "-", words.lower())


def lay_out(folder: Path) -> None:
    """Everything that the site is made of, in an empty folder. ValueError names a page that nobody would find."""
    known, listed = pages(), sections()
    tables = [page for names in listed.values() for page in names]
    decisions = sorted(name for name in known.values() if name.startswith("decisions/"))
    if lost := sorted({*known.values()} - {*tables, *decisions, "index", "README"}):
        raise ValueError(f"docs/index.md does not list {lost}")
    for page, name in known.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = laid_out(page)
        if name == "index":
            for heading, names in listed.items():
                extra = ["reference/index"] if heading == "Reference" else []
                text += f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n" + "\n".join([*names, *extra]) + "\n```\n"
            text += "\n```{toctree}\n:hidden:\n\nREADME\n```\n"
        if name == "decisions":
            text += "\n```{toctree}\n:hidden:\n\n" + "\n".join(decisions) + "\n```\n"
        path.write_text(text, encoding="utf-8")
        for target in re.findall(r"\]\(((?:\.\./)*sources/[^)#\s]+)", text):
            _bring(folder, os.path.normpath(Path(name).parent / target))
    for file in DOCS.rglob("*"):
        if file.suffix in {".png", ".svg", ".jpg"}:
            there = folder / file.relative_to(DOCS)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, there)
    shutil.copy(DOCS / "conf.py", folder)
    for name, text in reference():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _bring(folder: Path, name: str) -> None:
    """A file of the checkout to which a page leads; of a folder, the names of its files."""
    source, there = ROOT / name.removeprefix("sources/"), folder / name
    there.parent.mkdir(parents=True, exist_ok=True)
    if source.name == LIST:
        names = sorted(path.name for path in source.parent.iterdir() if path.name[0] not in "._")
        there.write_text("\n".join([*names, ""]))
    else:
        shutil.copy(source, there)


def outside(folder: Path) -> list[str]:
    """What in a built site would make a browser ask another host."""
    found = []
    for path in folder.rglob("*"):
        if path.suffix in {".html", ".css", ".js"}:
            text = path.read_text(encoding="utf-8")
            found += [f"{path.relative_to(folder)}: {match[0][:100]}" for match in _OUTSIDE.finditer(text)]
    return found


def main() -> int:
    """0 if the site is built without a warning."""
    parser = argparse.ArgumentParser(prog="python -m tests.site", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "site", help="where the site goes; emptied before (build/site)"
    )
    given = parser.parse_args()
    if missing := [name for name in ("furo", "myst_parser", "sphinx") if importlib.util.find_spec(name) is None]:
        print(f"{missing[0]} is missing; make site brings it, or: pip install -e '.[docs]'", file=sys.stderr)
        return 2
    began = time.monotonic()
    out = given.out.resolve()
    source = out.with_name(f"{out.name}-source")
    for folder in (out, source):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    lay_out(source)
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", "--jobs", "1"]
    done = subprocess.run([*command, str(source), str(out)], cwd=ROOT, check=False)
    shutil.rmtree(out / ".doctrees", ignore_errors=True)
    if done.returncode:
        return done.returncode
    shutil.rmtree(source)
    if found := outside(out):
        print("asks other hosts:", *found, sep="\n", file=sys.stderr)
        return 1
    count = sum(1 for _ in out.rglob("*.html"))
    made = f"{count} pages, Sphinx {importlib.metadata.version('sphinx')}, {time.monotonic() - began:.0f} s"
    print(f"{out / 'index.html'}: {made}; asks no other host")
    return 0


if __name__ == "__main__":
    sys.exit(main())
