"""How the site is made of these pages: `make site`. tests/site.py lays the pages out, and writes those of the reference."""

import re
from typing import Any

from rumbleup_async import __version__
from rumbleup_async.runs import options
from tests.test_public_names import for_checkers

vars(options).update(for_checkers(options.__name__))  # types that only type checkers know there; its signature names them

project = "rumbleup_async"
author = "the authors of rumbleup_async"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "furo"
html_title = f"rumbleup_async {release}"
html_static_path: list[str] = []
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
myst_heading_anchors = 6
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
add_module_names = False
toc_object_entries = False
suppress_warnings = [
    "misc.highlighting_failure",  # samples that leave something out, as in {"phone": ...}
    "ref.python",  # short names of types that two classes have: both are shown, without a link
]

SECTIONS = ("Args:", "Returns:", "Raises:", "Yields:", "Attributes:")


def plain(words: str) -> str:
    """A line of a docstring, in which single backticks mark code, as the markup of Sphinx has it."""
    parts = re.split(r"(`+[^`]*`+)", words)
    for number, part in enumerate(parts):
        parts[number] = f"``{part.strip('`')}``" if number % 2 else re.sub(r"([*|]|(?<=\w)_(?=\W|$))", r"\\\1", part)
    # Markup ends at a space or a mark of punctuation.
    return re.sub(r"(``[^`]+``)(?=\w)", r"\1\\ ", "".join(parts))


def docstring(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """An indented block behind an empty line is an example; all else is running text. A number of backticks may span lines."""
    text = re.sub(r"`[^`\n]*\n[^`\n]*`", lambda found: " ".join(found[0].split()), "\n".join(lines))
    made: list[str] = []
    in_section = in_example = False
    for line in text.splitlines():
        indented = line.startswith("    ")
        if line.strip() and not indented:
            in_section, in_example = line.strip() in SECTIONS, False
        elif indented and not in_section and not in_example and made and not made[-1].strip():
            made += ["::", ""]
            in_example = True
        made.append(line if in_example else plain(line))
    lines[:] = [*made, ""]


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", docstring, priority=100)
