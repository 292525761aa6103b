"""The options that several commands share.

Lives here: names, ranges and help of options, and what is read from them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from rumbleup_async.cli.completing import projects
from rumbleup_async.cli.ledger_options import read_list_or_ledger
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.money import micro
from rumbleup_async.runs.option_checks import MOST_IN_FLIGHT, in_flight
from rumbleup_async.screening.kinds import read_condition


def dollars(text: str) -> str:
    """An amount of US dollars. Raises BadParameter."""
    try:
        micro(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} {error}") from None
    return text


Text = Annotated[
    str | None, typer.Option("--text", metavar="T", help="The text; {field} and {field|default} are filled in for each contact.")
]
TextFile = Annotated[Path | None, typer.Option("--text-file", metavar="F", help="A UTF-8 file that holds the text.")]
TextWhen = Annotated[
    list[str] | None,
    typer.Option(
        "--text-when",
        metavar="COLUMN=VALUE:FILE",
        help="The text for whom COLUMN says VALUE, from a file; repeatable, the first that fits wins, else the plain text.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Send at most N texts in this call.")]
Flag = Annotated[list[str] | None, typer.Option("--flag", metavar="TAG", help="A tag for every message; repeatable.")]
Action = Annotated[
    str, typer.Option("--action", "--project", metavar="ID", autocompletion=projects, help="The project to send into.")
]
From = Annotated[list[str] | None, typer.Option("--from", metavar="P", help="Sendblue: a line to send from, +1...; repeatable.")]
PerSecond = Annotated[
    float | None,
    typer.Option("--per-second", min=0.0, metavar="R", help="Sendblue: texts a second of each line (1); 0: no limit."),
]
PerHour = Annotated[
    int | None,
    typer.Option("--new-per-hour", min=0, metavar="N", help="Sendblue: new contacts of each line in any hour (15); 0: no limit."),
]
PerDay = Annotated[
    int | None,
    typer.Option("--new-per-day", min=0, metavar="N", help="Sendblue: new contacts of each line a day (50); 0: no limit."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress; say only what is wrong.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first text leaves.")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="Write what would be sent to FILE, for somebody to approve.")
]
Approved = Annotated[
    Path | None, typer.Option("--approved", metavar="FILE", help="Send nothing but the very plan that --plan has written.")
]
Expect = Annotated[
    int | None,
    typer.Option("--expect", min=0, metavar="N", help="Send nothing unless exactly N contacts would be texted; for scripts."),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="USD",
        help="US dollars that all texts of the run may cost; with --price or --canary.",
        parser=dollars,
    ),
]
Price = Annotated[
    str | None, typer.Option("--price", metavar="USD", help="US dollars that a segment costs, such as 0.031.", parser=dollars)
]

DayCap = Annotated[
    int | None,
    typer.Option(
        "--day-cap", min=0, metavar="N", help="Segments that leave a Pacific day at most, over all runs of the book; 0: no cap."
    ),
]


def share(text: str) -> float:
    """The share that a percentage means, 1 for "none". Raises BadParameter."""
    if text.strip().lower() == "none":
        return 1.0
    number, sign, rest = text.partition("%")
    try:
        found = float(number) / 100
    except ValueError:
        found = math.nan
    if not sign or rest.strip() or not 0 <= found <= 1:
        raise typer.BadParameter(f"{text} is no percentage from 0% to 100%, such as 5%; none: no limit")
    return found


UnknownLimit = Annotated[
    float | None,
    typer.Option(
        "--unknown-limit",
        metavar="P%",
        help="Stop once more of the last 1,000 texts are unknown (2%); none: no limit.",
        parser=share,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--rate", min=0.0, metavar="R", help="Texts per second at most; 0: the provider alone sets the limit."),
]


def concurrency_of(given: str | None) -> int | str | None:
    """How many may be in flight: a number, or what tells the run to find it out."""
    value = int(given) if given is not None and given.isascii() and given.isdecimal() and len(given) < 6 else given
    try:
        in_flight(value)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None
    if isinstance(value, int) and value > MOST_IN_FLIGHT:
        raise typer.BadParameter(f"at most {MOST_IN_FLIGHT:,} may be in flight in a process")
    return value


def _checked(given: str | None) -> str | None:
    concurrency_of(given)
    return given


Concurrency = Annotated[
    str | None,
    typer.Option(
        "--concurrency",
        callback=_checked,
        metavar="N|auto[:N]",
        help="Requests in flight at most, in each process (64); auto: as many as bring more, up to 256 or N.",
    ),
]
Processes = Annotated[
    int | None, typer.Option("--processes", min=1, max=256, metavar="N", help="Processes that send, with one ledger (1).")
]
SameAccount = Annotated[bool, typer.Option("--same-account", help="The ledger was begun with another key of the same account.")]
SameServer = Annotated[bool, typer.Option("--same-server", help="The ledger was begun under another address of the same server.")]
Journal = Annotated[
    bool, typer.Option("--journal", help="Note large steps beside the ledger first (in -steps): faster at full speed.")
]
Original = Annotated[bool, typer.Option("--original", help="Go on with this copy of a ledger, and with no other.")]
Again = Annotated[bool, typer.Option("--again", help="Text people although another run has texted them into this project.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, metavar="S", help="Seconds to wait for the provider's answer.")]
Suppress = Annotated[
    list[Place] | None,
    typer.Option(
        "--suppress",
        metavar="FILE",
        help="Phones that must not be texted: a list, a report or a ledger (a file or a URL); repeatable.",
        parser=read_list_or_ledger,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="The encoding of LIST, such as cp1252 or mac_roman; guessed otherwise."),
]
PhoneField = Annotated[
    list[str] | None,
    typer.Option(
        "--phone-field", metavar="NAME", help="The column that holds the phone; several, repeated or A,B, are tried in order."
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option("--sheet", metavar="NAME", help="The sheet of a workbook; otherwise the only one with a phone column."),
]
QueryFile = Annotated[
    Path | None,
    typer.Option("--query-file", metavar="FILE", help="The SQL query that a LIST which is a database is asked."),
]
SkipIf = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-if",
        metavar="COLUMN[=VALUE]",
        help="Skip rows in which this column says yes (or VALUE), such as opt_out; repeatable.",
    ),
]
ConsentField = Annotated[
    str | None,
    typer.Option(
        "--consent-field",
        metavar="NAME",
        help="The column that says how or when a person agreed; rows that say nothing there, or no, are skipped.",
    ),
]
MustSay = Annotated[
    list[str] | None,
    typer.Option("--must-say", metavar="WORDS", help="Refuse a text that does not say this, as who pays for it; repeatable."),
]
Keep = Annotated[
    str | None,
    typer.Option("--keep", metavar="NAMES", help="Columns to keep in the ledger and its report, separated by commas; * for all."),
]
RejectsFile = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE.csv", help="Write the skipped rows to this file, as they came, with their reasons."),
]
Countries = Annotated[
    list[str] | None,
    typer.Option(
        "--country", metavar="CC", help="Countries of +1 to text (US,CA), or toll-free; repeatable, or separated by commas."
    ),
]
SettleSeconds = Annotated[
    float,
    typer.Option("--settle-seconds", min=0.0, metavar="S", help="How old a text must be before its absence from the log counts."),
]
Literal = Annotated[
    bool,
    typer.Option("--literal", help="Allow what looks like a forgotten merge field, such as [First Name] or a typed \\n."),
]
Preview = Annotated[
    int | None,
    typer.Option(
        "--preview", min=0, max=1000, metavar="N", help="First show finished texts: the first, the longest and N random ones."
    ),
]


def read_text(text: str | None, text_file: Path | None) -> str:
    """The text from `--text` or `--text-file`, exactly one of them."""
    if (text is None) == (text_file is None):
        raise ConfigurationError("give the text by either --text or --text-file")
    if text is not None:
        return text
    assert text_file is not None  # noqa: S101 - just checked
    return _read(text_file)


def read_query(query_file: Path | None) -> str | None:
    """The query of `--query-file`; None for none."""
    if query_file is None:
        return None
    query = _read(query_file).strip()
    if not query:
        raise ConfigurationError(f"{query_file} is empty; write the query into it")
    return query


def read_texts(given: list[str] | None) -> list[tuple[str, str]]:
    """The conditions of `--text-when`, each with the text of its file."""
    found = []
    for words in given or []:
        condition, colon, name = words.rpartition(":")
        if not (colon and condition.strip() and name.strip()):
            raise ConfigurationError(
                f"--text-when {words!r} names no file; write COLUMN=VALUE:FILE, as in Language=Spanish:hola.txt"
            )
        read_condition(condition)
        found.append((condition.strip(), _read(Path(name.strip()))))
    return found


def _read(text_file: Path) -> str:
    try:
        return text_file.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{text_file} is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{text_file}: {getattr(error, 'strerror', None) or error}") from None


def line_limits(per_second: float | None, new_per_hour: int | None, new_per_day: int | None) -> dict[str, float | int]:
    """The limits of a line that were asked for."""
    asked = {"per_second": per_second, "new_per_hour": new_per_hour, "new_per_day": new_per_day}
    return {name: value for name, value in asked.items() if value is not None}
