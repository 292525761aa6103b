"""`rumbleup opt-outs pull|add|lift|list|export`.

Lives here: the opt-outs in the book of people on the command line.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from rumbleup_async.cli.book import Phone, digits, opened, write_rows
from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import fail, guarded, local, plural, print_json, say, table
from rumbleup_async.cli.opt_out_watch import pull
from rumbleup_async.cli.options import Quiet
from rumbleup_async.cli.output import Limit, Lines, OutFile, Wait, call, call_over
from rumbleup_async.cli.output_file import save
from rumbleup_async.cli.people import BookFile
from rumbleup_async.cli.providers import row
from rumbleup_async.cli.suppression import read_suppressed
from rumbleup_async.errors import ConfigurationError, RumbleUpError
from rumbleup_async.people import OptOut
from rumbleup_async.people.transfer import written
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.sendblue.client import Sendblue

app = Commands(help="Opt-outs in the book of people: whoever has one is texted by no run.")

BY_HAND = "by hand"


Tell = Annotated[
    bool,
    typer.Option(
        "--tell-sendblue", help="Tell Sendblue as well, which then blocks its texts to them, or lets them through again."
    ),
]


@app.command("pull", epilog="Example: rumbleup opt-outs pull")
@guarded
def pull_(
    book: BookFile = None,
    provider: Annotated[
        str, typer.Option("--provider", metavar="NAME", help="rumbleup, or sendblue for what people have written to its lines.")
    ] = RumbleUp.PROVIDER,
    timeout: Wait = 30.0,
    quiet: Quiet = False,
) -> None:
    """Read all opt-outs that the account knows into the book. A pull that was cut off goes on where it ended."""
    row(provider)
    with opened(book, is_new_fine=True) as found:
        if provider == Sendblue.PROVIDER:
            call_over(Sendblue.from_env, lambda sendblue: pull(sendblue, found, quiet=quiet), timeout)
        else:
            call(lambda rumbleup: pull(rumbleup, found, quiet=quiet), timeout)


@app.command(epilog="Example: rumbleup opt-outs add 2025550101")
@guarded
def add(
    phones: Annotated[list[str] | None, typer.Argument(metavar="[PHONE]...", help="10 digits each, with or without +1.")] = None,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE", help="A list in which every phone counts, as for --suppress; repeatable."),
    ] = None,
    likely: Annotated[bool, typer.Option("--likely", help="A person should still look at them.")] = False,
    source: Annotated[str, typer.Option("--source", metavar="WORDS", help="Who says so.")] = BY_HAND,
    tell_sendblue: Tell = False,
    book: BookFile = None,
) -> None:
    """Note that people have opted out, by whatever way they said so."""
    numbers = {digits(phone) for phone in phones or ()} | set(read_suppressed(from_, quiet=True))
    if not numbers:
        raise ConfigurationError("name phones, or a list of them with --from")
    now, some = int(time.time()), sorted(numbers)
    with opened(book, is_new_fine=True) as found:
        new = sum(
            found.add_opt_outs_now([OptOut(phone, now, source, "", not likely) for phone in some[start : start + 5000]])
            for start in range(0, len(some), 5000)
        )
    say(f"{plural(len(numbers), 'opt-out')}, {new:,} of them new")
    if tell_sendblue:
        _tell(some, opted_out=True)


@app.command(epilog="Example: rumbleup opt-outs lift 2025550101")
@guarded
def lift(phone: Phone, tell_sendblue: Tell = False, book: BookFile = None) -> None:
    """Take an opt-out back, because the person has asked for texts again, or a reply was misread."""
    with opened(book) as found:
        was_there = found.lift_now(digits(phone))
        if not (was_there or tell_sendblue):
            raise ConfigurationError("the book has no opt-out of this phone")
    if tell_sendblue:
        _tell([digits(phone)], opted_out=False)
    say("lifted; the provider may still keep its own opt-out, which it heeds itself" if was_there else "the book has none of it")


def _tell(phones: Sequence[str], *, opted_out: bool) -> None:
    """Opt these out at Sendblue, or in. Each is in the book already, so the same command again tells those that are left."""

    async def tell(sendblue: Sendblue) -> None:
        for number, phone in enumerate(phones):
            try:
                await sendblue.opt_outs.tell(phone, opted_out=opted_out)
            except RumbleUpError as error:
                fail(f"Sendblue was told of {number:,} of {len(phones):,}: {error}; the book has all; give the command again")
        say(f"Sendblue was told of {plural(len(phones), 'number')}")

    call_over(Sendblue.from_env, tell)


@app.command("list", epilog="Example: rumbleup opt-outs list --likely")
@local
def list_(
    likely: Annotated[bool, typer.Option("--likely", help="Only those that a person should look at.")] = False,
    limit: Limit = None,
    book: BookFile = None,
    as_json: Lines = False,
) -> None:
    """List the opt-outs, in the order of their phones."""
    rows = []
    with opened(book) as found:
        for out in found.opt_outs_now():
            if likely and out.is_sure:
                continue
            row = {
                "phone": out.phone,
                "since": written(out.since),
                "source": out.source,
                "word": out.word,
                "sure": out.is_sure,
            }
            if as_json:
                if not print_json(row):
                    return
            else:
                rows.append({**row, "sure": "yes" if out.is_sure else "likely"})
            limit = None if limit is None else limit - 1
            if limit == 0:
                break
    if rows:
        table(rows)


@app.command(epilog="Example: rumbleup opt-outs export --out opt-outs.csv")
@local
def export(out: OutFile = None, book: BookFile = None) -> None:
    """Write all opt-outs as CSV, which `book import` and `--suppress` read."""
    with opened(book) as found:
        save(lambda file: write_rows(found, file, opt_outs_only=True), out, unit="row")
