"""`rumbleup export`: the report of one run or several, as a page, a workbook, CSV or Parquet.

Lives here: the command; what stands in a report is in `exports`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from rumbleup_async.cli.completing import ledgers as completed
from rumbleup_async.cli.console import local
from rumbleup_async.cli.follow import ReceiptsFile
from rumbleup_async.cli.ledger_options import read_ledger
from rumbleup_async.cli.ledger_place import Place, reading
from rumbleup_async.cli.options import Quiet
from rumbleup_async.cli.output_file import check, save
from rumbleup_async.errors import ConfigurationError

FORMS: Final = (".html", ".xlsx", ".csv", ".parquet")


@local
def export(
    ledgers: Annotated[
        list[Place],
        typer.Argument(
            metavar="LEDGER...",
            help="Ledgers of runs: files, folders of them, or postgresql://USER@HOST/DB?run=NAME.",
            parser=read_ledger,
            autocompletion=completed,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="The file to write: .html, .xlsx, .csv or .parquet. One that is there is replaced."
        ),
    ],
    phones: Annotated[bool, typer.Option("--phones", help="Show whole phones; they are masked otherwise.")] = False,
    receipts: ReceiptsFile = None,
    quiet: Quiet = False,
) -> None:
    """Write the report of one run or several: a page to show, a workbook with a sheet for each question, CSV or Parquet.

    Texts are never in it. Delivery, replies and opt-outs are, where follow has read them, or --receipts names the receiver's
    file.
    """
    form = out.suffix.lower()
    if form not in FORMS:
        raise ConfigurationError(f"{out}: a report is written by the ending of its file: one of {', '.join(FORMS)}")
    if phones and form == ".html":
        raise ConfigurationError("a page has no phones on it; --phones is for .xlsx, .csv and .parquet")
    places = _places(ledgers)
    check(out)
    for place in places:
        with reading(place):
            pass  # each is a ledger
    if receipts is not None:
        asyncio.run(_take_in(places, receipts))
    unit = "run" if form == ".html" else "row"
    save(lambda file: _write(places, out, file, shows_phones=phones), out, unit=unit, quiet=quiet)


def _places(ledgers: list[Place]) -> list[Place]:
    """The ledgers that are meant, each once."""
    from rumbleup_async.observe.gallery import is_ledger

    found: dict[Place, Place] = {}
    for place in ledgers:
        inner = [place]
        if isinstance(place, Path) and place.is_dir():
            inner = [path for path in sorted(place.iterdir()) if is_ledger(path)]
            if not inner:
                raise ConfigurationError(f"{place}: there is no ledger in this folder")
        for one in inner:
            found.setdefault(one.absolute() if isinstance(one, Path) else one, one)
    return list(found.values())


async def _take_in(places: list[Place], receipts: Path) -> None:
    from rumbleup_async.receipts.following import Follower
    from rumbleup_async.webhooks.receipts import FileReceipts

    for place in places:
        with reading(place) as reader:
            action = reader.plan.action
        follower = Follower(place)
        try:
            await follower.look(FileReceipts(receipts, action))
        finally:
            follower.close()


def _write(places: list[Place], out: Path, file: IO[bytes], *, shows_phones: bool) -> int:
    # Only here: what a report is made of is more than most commands need to load.
    from rumbleup_async.exports import page, tables, workbook
    from rumbleup_async.exports.outcome import gather
    from rumbleup_async.exports.rows import Runs

    form = out.suffix.lower()
    if form == ".html":
        file.write(page.write([gather(place) for place in places]).encode("utf-8", "replace"))
        return len(places)
    runs = Runs(places, shows_phones=shows_phones)
    if form == ".csv":
        return tables.write_csv(runs, file)
    if form == ".parquet":
        return tables.write_parquet(runs, file)
    return workbook.write([gather(place) for place in places], runs, file, out.parent)
