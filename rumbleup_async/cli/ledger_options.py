"""Options and arguments by which a command is told where a ledger is.

Lives here: their names and help, and how they are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rumbleup_async.cli.completing import ledgers
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.ledger import path_of
from rumbleup_async.postgres.address import Address, is_address, parse


def read_ledger(text: str) -> Path | Address:
    """Where a ledger is, as it was typed."""
    try:
        return parse(text) if is_address(text) else path_of(text)
    except LedgerError as error:
        raise typer.BadParameter(str(error)) from None


def read_list_or_ledger(text: str) -> Path | Address:
    """A file of whatever kind, or a run in a database, as it was typed."""
    return read_ledger(text) if is_address(text) else Path(text)


def address_of(text: str) -> Address:
    """A run in a database; BadParameter for anything else."""
    if not is_address(text):
        raise typer.BadParameter("several machines share a ledger in a database: postgresql://USER@HOST/DB?run=NAME")
    try:
        return parse(text)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


Ledger = Annotated[
    Place,
    typer.Argument(
        metavar="LEDGER",
        help="The ledger of a run: a file, or postgresql://USER@HOST/DB?run=NAME.",
        parser=read_ledger,
        autocompletion=ledgers,
    ),
]
LedgerPath = Annotated[
    Place | None,
    typer.Option(
        "--ledger",
        metavar="PATH",
        help="Where the ledger file stands (beside LIST), or postgresql://USER@HOST/DB?run=NAME.",
        parser=read_ledger,
        autocompletion=ledgers,
    ),
]
TextersLedger = Annotated[
    Place | None,
    typer.Option(
        "--ledger",
        metavar="PATH",
        help="Where the ledger file stands (texters-ID.ledger here).",
        parser=read_ledger,
        autocompletion=ledgers,
    ),
]
