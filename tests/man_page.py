"""The manual page rumbleup(1), made from the commands as --help tells of them; tests/documents.py writes docs/rumbleup.1."""

import re
from collections.abc import Iterator
from typing import Any

from rumbleup_async import __version__
from tests.documents import command, contexts

_END = r"""
.SH FILES
.TP
.I LIST\-PROJECT.ledger
The ledger of a run, beside its list, mode 0600; with it files that end in \-wal, \-shm and \-lock while it is in use.
.SH SEE ALSO
The pages in docs/ of the source, which
.B make site
makes into a site; docs/sending.md has all options, docs/shell.md completion.
"""
_VARIABLES = {
    "RUMBLEUP_API_KEY": "The pair KEY:SECRET from the portal. A key on the command line is refused.",
    "RUMBLEUP_BASE_URL": "Where the API is, if it is not the provider's own address.",
    "SENDBLUE_API_KEY, SENDBLUE_API_SECRET, SENDBLUE_BASE_URL": "The same for Sendblue.",
    "RUMBLEUP_BOOK": "The book of people.",
    "RUMBLEUP_BOOK_KEY": "A secret with which the book keeps no phone as it is.",
    "NO_COLOR": "If set, no colours are shown.",
    "COLUMNS": "The width of help and tables.",
}


def escaped(text: str) -> str:
    """Words as troff takes them: nothing in them is a request."""
    found = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"^\.", r"\\&.", found, flags=re.MULTILINE)


def page() -> str:
    """The whole page."""
    root, *rest = contexts(command())
    lines = [f'.TH RUMBLEUP 1 "" "rumbleup_async {__version__}"', ".SH NAME", "rumbleup \\- text campaigns, at most once"]
    lines += [".SH SYNOPSIS", ".B rumbleup", "[OPTIONS] COMMAND [ARGS]...", ".SH DESCRIPTION", *_described(root)]
    lines += [".SH OPTIONS", *_options(root), ".SH COMMANDS"]
    for context in rest:
        usage = context.command.get_usage(context).partition(":")[2]
        lines += [f".SS {escaped(context.command_path)}", escaped(" ".join(usage.split())), ".PP", *_described(context)]
        lines += _options(context)
        if epilog := context.command.epilog:
            lines += [".PP", escaped(epilog)]
    lines.append(".SH ENVIRONMENT")
    for name, words in _VARIABLES.items():
        lines += [".TP", f".B {name}", escaped(words)]
    return "\n".join(lines) + _END


def _described(context: Any) -> Iterator[str]:
    paragraphs = re.split(r"\n\s*\n", context.command.help or "")
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ".PP"
        yield escaped(" ".join(paragraph.split()))


def _options(context: Any) -> Iterator[str]:
    for parameter in context.command.get_params(context):
        if record := parameter.get_help_record(context):
            yield from (".TP", f".B {escaped(record[0])}", escaped(" ".join(record[1].split())) or "\\&")
