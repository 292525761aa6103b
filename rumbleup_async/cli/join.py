"""`rumbleup join`: another machine helps to send a run whose ledger is in a database.

Lives here: the command, and which runs several machines cannot send yet.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from rumbleup_async import open_files
from rumbleup_async.cli import options
from rumbleup_async.cli.console import finish, guarded, plural, say
from rumbleup_async.cli.ending import close
from rumbleup_async.cli.flow import Call, is_held_back, read_opt_outs, send_queued
from rumbleup_async.cli.ledger_options import address_of
from rumbleup_async.cli.ledger_place import open_reader
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.opt_out_watch import OptOutsFrom
from rumbleup_async.cli.people import PeopleOptions, open_book
from rumbleup_async.cli.providers import row
from rumbleup_async.cli.signals import pausing
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.ledger import Consent
from rumbleup_async.messaging import Plan, State
from rumbleup_async.pauses import oneself
from rumbleup_async.postgres.address import Address, is_address, parse
from rumbleup_async.session.limits import Timeouts
from rumbleup_async.shell import pasteable

if TYPE_CHECKING:
    from rumbleup_async.people import Book


@guarded
def join(
    ledger: Annotated[
        str, typer.Argument(metavar="URL", help="The ledger: postgresql://USER@HOST/DB?run=NAME.", parser=address_of)
    ],
    concurrency: options.Concurrency = None,
    timeout: options.Timeout = 30.0,
    same_account: options.SameAccount = False,
    same_server: options.SameServer = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    opt_outs: OptOutsFrom = None,
) -> None:
    """Help to send a run from this machine, too. It comes and goes as it likes; rate and rules are those of the run.

    Ctrl-C takes this machine alone home; rumbleup stop ends all of them.
    """
    assert isinstance(ledger, Address)  # noqa: S101 - made by the parser
    call = Call(
        timeout=timeout,
        consent=Consent(same_account=same_account, same_server=same_server),
        people=PeopleOptions(opt_outs=opt_outs),
        yes=True,
        as_json=as_json,
        quiet=quiet,
    )
    finish(run_loop(_join(ledger, call, options.concurrency_of(concurrency))))


async def _join(address: Address, call: Call, concurrency: int | str | None) -> int:
    from rumbleup_async.postgres.ledger import PostgresLedger

    open_files.raise_limit()
    plan, kept = _check(address)
    book = await asyncio.to_thread(_book_of, address, kept, plan.run)
    over = row(plan.provider)
    client: Any = over.connect(None, Timeouts(read=call.timeout))
    ledger = PostgresLedger(address, identity=client.identity, consent=call.consent, joins=True)
    given: dict[str, Any] = {} if concurrency is None else {"concurrency": concurrency}
    if book is not None:
        given["book"] = book
    async with client, client.resume(ledger, reconcile=False, **given) as run:
        with pausing(run):
            if is_held_back(run):
                return await close(run, address, as_json=call.as_json, quiet=call.quiet)
            if not call.quiet:
                left = f"{plural(run.counts[State.QUEUED], 'contact')} still to text"
                if run.is_concurrent:
                    left = "the server says who is left"
                say(f"joined run {run.plan.run} {over.where(run.plan)}: {left}")
            watch = await read_opt_outs(run, client, call)
            return await send_queued(run, address, call, watch=watch)


def _book_of(address: Address, kept: Mapping[str, Any], run: str) -> Book | None:
    """The book of the run where it is that of this database, which this machine may know by another name; None for any other.

    On two servers databases may have one name, and nobody of one book is in the other: under another address it is this one only
    if it knows the run.
    """
    where = kept.get("book") or ""
    if not is_address(where) or urlsplit(parse(where, needs_run=False).server).path != urlsplit(address.server).path:
        return None
    book = open_book(address.of(""), os.environ)
    if where == str(address.of("")):
        return book
    book.open_now()
    try:
        return book if book.knows_now(run) else None
    finally:
        book.close_now()


def _check(address: Address) -> tuple[Plan, Mapping[str, Any]]:
    """The run and its options. ConfigurationError for a run whose rules one process alone can keep, so far."""
    reader = open_reader(address)
    try:
        plan, kept = reader.plan, reader.options
        begun = [one.who for one in reader.audit() if one.what == "opened"]  # type: ignore[union-attr]
        senders = reader.senders  # type: ignore[union-attr]
    finally:
        reader.close()
    if not senders:
        # Whoever begins or goes on with a run is asked; who joins is not.
        raise ConfigurationError(
            f"{address}: nobody sends it at this moment, so there is nobody to join; begin it with rumbleup send, or go on with "
            "rumbleup resume"
        )
    if any(one.is_alone for one in senders):
        raise ConfigurationError(f"{address}: its limit, budget or cap is counted by one process alone; nobody can join it")
    if kept.get("rate") and (kept.get("processes") or 1) > 1:
        raise ConfigurationError(f"{address}: its rate is shared out among processes of one machine; nobody can join it")
    if kept.get("book") and not is_address(kept["book"]) and begun and begun[-1] != oneself():
        raise ConfigurationError(
            f"{address}: its book of people is a file of {begun[-1]}, which this machine cannot ask; only who is there can "
            f"join it. A run that is begun with --book {pasteable(address.of(''))} asks the one in the database"
        )
    return plan, kept
