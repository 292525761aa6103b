"""`rumbleup doctor`: what is wrong with the set-up, in plain words.

Lives here: the checks and their remedies. The key itself is never shown, not even in part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from rumbleup_async.cli import speed
from rumbleup_async.cli.console import FINE, STOPPED, WRONG, finish, guarded, print_json, print_out, say
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.people import book_path, open_book
from rumbleup_async.cli.terminal import visible
from rumbleup_async.errors import (
    ApiError,
    ConfigurationError,
    KeyRefused,
    MaybeSentError,
    NotAllowed,
    NotFound,
    NotSentError,
    RateLimited,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.people import Book
from rumbleup_async.people.marks import key_of
from rumbleup_async.rules import zones
from rumbleup_async.rumbleup import requests
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.throughput import span
from rumbleup_async.session import proxy as proxies
from rumbleup_async.session.limits import Timeouts, check_base_url


class Finding(msgspec.Struct):
    """One check: what was looked at, whether it is fine, and what it says or how to mend it."""

    check: str
    fine: bool
    says: str
    code: int = WRONG


@guarded
def doctor(
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar="URL", help="Also check a database for ledgers: postgresql://USER@HOST/DB."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the key, the address and the account, and say what is wrong."""
    findings = run_loop(examine(os.environ))
    if ledger is not None:
        findings += _database(ledger)
    if as_json:
        fine = all(finding.fine for finding in findings)
        checks = [{"check": one.check, "fine": one.fine, "says": one.says} for one in findings]
        print_json({"fine": fine, "checks": checks, "transport": speed.transport(), "missing": speed.missing()})
    else:
        for finding in findings:
            print_out(f"{'ok   ' if finding.fine else 'WRONG'}  {finding.check}: {visible(finding.says)}\n")
        if all(finding.fine for finding in findings):
            say("all is well")
    finish(next((finding.code for finding in findings if not finding.fine), FINE))


def _database(address: str) -> list[Finding]:
    from rumbleup_async.cli.doctor_database import examine as looks_into
    from rumbleup_async.postgres.address import is_address, parse

    if not is_address(address):
        return [Finding("database", False, "--ledger names a database here: postgresql://USER@HOST/DB")]
    try:
        found = looks_into(parse(address, needs_run=False))
    except ConfigurationError as error:
        return [Finding("database", False, str(error))]
    return [Finding(one.check, one.fine, one.says) for one in found]


async def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Every check that can be made; the server is asked only if the configuration can be right."""
    findings = [_key(environ), _address(environ), *_proxy(environ)]
    if all(finding.fine for finding in findings):
        findings += await _account(environ)
    # How fast it would be is never wrong: it works all the same.
    return [*findings, _book(environ), *_zones(), Finding("speed", True, speed.described())]


def _key(environ: Mapping[str, str]) -> Finding:
    key = environ.get("RUMBLEUP_API_KEY", "").strip()
    if not key:
        return Finding(
            "key", False, "RUMBLEUP_API_KEY is not set; the portal shows the pair KEY:SECRET under Integrations, API Keys"
        )
    try:
        requests.auth_header(key)
    except ConfigurationError as error:
        return Finding("key", False, f"RUMBLEUP_API_KEY is set but not a key: {error}")
    kind = "a legacy pair CID:KEY" if key.startswith("c_") else "a pair KEY:SECRET"
    return Finding("key", True, f"RUMBLEUP_API_KEY holds {kind}")


def _address(environ: Mapping[str, str]) -> Finding:
    given = environ.get("RUMBLEUP_BASE_URL", "").strip()
    try:
        address = check_base_url(given or requests.DEFAULT_BASE_URL)
    except ConfigurationError as error:
        return Finding("address", False, f"RUMBLEUP_BASE_URL: {error}")
    where = "RUMBLEUP_BASE_URL" if given else "the default"
    if not urlsplit(address).path.strip("/"):
        return Finding("address", True, f"{address} ({where}); the API's own address ends in /api, is it missing?")
    return Finding("address", True, f"{address} ({where})")


def _proxy(environ: Mapping[str, str]) -> list[Finding]:
    proxy = proxies.chosen.get()
    if proxy is not None:
        given = environ.get("RUMBLEUP_BASE_URL", "").strip()
        try:
            return [Finding("proxy", True, proxies.check(proxy, given or requests.DEFAULT_BASE_URL))]
        except ConfigurationError as error:
            return [Finding("proxy", False, f"--proxy: {error}")]
    names = proxies.unused(environ)
    says = f"{names} set and not used; a proxy is given by --proxy"
    return [Finding("proxy", True, says)] if names else []


def _book(environ: Mapping[str, str]) -> Finding:
    """Where the book of people is, and whether a run could use it; there need not be one yet."""
    try:
        path = book_path(None, environ)
        if isinstance(path, Path) and not path.exists() and not path.is_symlink():
            return Finding("book of people", True, f"{path} (none yet; the first run makes it)")
        book = Book(path, key=key_of(environ), patience=10.0) if isinstance(path, Path) else open_book(path, environ)
        book.open_now()
        try:
            read = max((pull.at for pull in book.pulls_now()), default=0)
        finally:
            book.close_now()
    except ConfigurationError as error:
        return Finding("book of people", False, f"{error}; no run begins without it, unless with --no-book")
    age = f"opt-outs last read {span(max(0.0, time.time() - read))} ago" if read else "no opt-outs were read yet"
    return Finding("book of people", True, f"{path}; {age}")


def _zones() -> list[Finding]:
    """How old the data is by which people's hours are found."""
    try:
        data = zones.load()
    except ConfigurationError as error:
        return [Finding("time zones", False, str(error))]
    old = data.why_old(time.time())
    # What is old is right for nearly everybody, and does not make the rest wrong.
    return [Finding("time zones", True, f"warning: {old}" if old else str(data))]


async def _account(environ: Mapping[str, str]) -> list[Finding]:
    try:
        async with RumbleUp.from_env(environ, timeouts=Timeouts(read=15.0)) as rumbleup:
            account = await rumbleup.account.get()
    except NotSentError as error:
        way = proxies.hint(proxies.chosen.get(), environ)
        says = f"no connection: {error.reason}; check the address, the network and any firewall" + (f", and {way}" if way else "")
        return [Finding("connection", False, says, STOPPED)]
    except MaybeSentError as error:
        return [Finding("connection", False, f"it broke: {error.reason}; try again", STOPPED)]
    except ApiError as error:
        return [Finding("connection", True, "the server answers"), Finding("account", False, _remedy(error), STOPPED)]
    findings = [Finding("connection", True, "the server answers")]
    if not (account.cid or account.name):
        says = "the answer names no account; is RUMBLEUP_BASE_URL the API's address, or something else that answers with JSON?"
        return [*findings, Finding("account", False, says, STOPPED)]
    named = " ".join(part for part in (account.name, account.cid and f"({account.cid})") if part) or "without a name"
    if account.is_active:
        findings.append(Finding("account", True, f"{named}, {account.status or 'status not told'}"))
    else:
        findings.append(Finding("account", False, f"{named} is {account.status}; only RumbleUp can change that", STOPPED))
    if account.balance is not None:
        enough = account.balance > 0
        says = f"{account.balance:,.2f} US dollars" + ("" if enough else "; texts cost money, so add some in the portal")
        findings.append(Finding("balance", enough, says, STOPPED))
    return findings


def _remedy(error: ApiError) -> str:
    if isinstance(error, KeyRefused):
        return "the key is refused (401); it is mistyped, deleted, or of another account: make one under Integrations, API Keys"
    if isinstance(error, NotAllowed):
        return f"the key may not do this (403): {error.message or 'no reason given'}; ask support to enable the API"
    if isinstance(error, NotFound):
        return "there is no such address (404); RUMBLEUP_BASE_URL should end in /api"
    if isinstance(error, RateLimited):
        return f"asked too often ({error.status}); wait a little"
    if isinstance(error, ServerFailed):
        return f"the server fails ({error.status}); try again later"
    if isinstance(error, UnreadableReply):
        return f"the answer is not the API's ({error.message}); is something between here and there, or the address wrong?"
    return str(error)
