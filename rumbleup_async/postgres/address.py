"""The address of a ledger on PostgreSQL: `postgresql://user@host/db?run=friday`.

Lives here: what stands in it, and what must not. What is not ours in it is the driver's: hosts, TLS, a service, a password file.
"""

from __future__ import annotations

import math
import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec

from rumbleup_async.errors import LedgerError

SCHEMES: Final = ("postgresql", "postgres")
LEASE: Final = 30.0
"""Seconds for which an owner may send after a step, unless the address says otherwise."""
_SHORTEST: Final = 2.0
_LONGEST: Final = 600.0
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}").fullmatch
_OURS: Final = ("run", "lease", "fsync")
_REFUSED: Final = "a password does not belong in an address, where others read it: use PGPASSWORD, ~/.pgpass or a service file"


class Address(msgspec.Struct, frozen=True):
    """Where a ledger is. `server`: the address without what is ours, for the driver. `run`: its name, "" for the whole database.

    `lease`: seconds for which an owner may send after a step. `is_unsafe`: a server that does not wait for the disk is accepted.
    """

    server: str
    run: str = ""
    lease: float = LEASE
    is_unsafe: bool = False

    def __str__(self) -> str:
        """All of it, as people may be shown it: there is no password in it."""
        ours = [f"run={self.run}"] if self.run else []
        ours += [f"lease={self.lease:g}"] if self.lease != LEASE else []
        ours += ["fsync=off"] if self.is_unsafe else []
        return self.server + ("&" if "?" in self.server else "?") * bool(ours) + "&".join(ours)

    def of(self, run: str) -> Address:
        """The same for another run."""
        return msgspec.structs.replace(self, run=run)


def is_address(where: object) -> bool:
    """Whether it is the address of a ledger on PostgreSQL."""
    return isinstance(where, str) and where.partition("://")[0].lower() in SCHEMES and "://" in where


def parse(address: str, *, needs_run: bool = True) -> Address:
    """Read an address. LedgerError, which does not repeat what may be secret, for one that cannot be used.

    `needs_run`: it has to name one run of the database.
    """
    try:
        parts = urlsplit(address)
        query = parts.query.strip("&")
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise LedgerError("the address of the ledger cannot be read; it is postgresql://USER@HOST/DATABASE?run=NAME") from None
    user, colon, _ = parts.netloc.rpartition("@")[0].partition(":")
    names = [name for name, _ in given]
    if colon or any(name.lower() in {"password", "sslpassword"} for name in names):
        raise LedgerError(_REFUSED)
    if twice := next((name for name in _OURS if names.count(name) > 1), None):
        raise LedgerError(f"the address of the ledger says {twice}= more than once")
    ours = {name: value for name, value in given if name in _OURS}
    run = ours.get("run", "")
    shown = f"postgresql://{quote(unquote(user), safe='')}@..." if user else "postgresql://..."
    if needs_run and not run:
        raise LedgerError(f"{shown}: say which run of the database is meant: add ?run=NAME")
    if run and not _name(run):
        raise LedgerError(
            f"{shown}: the name of a run is up to 63 letters, digits, dots, dashes and underscores, and begins with one of the "
            "first two"
        )
    if ours.get("fsync", "") not in {"", "off"}:
        raise LedgerError(f"{shown}: fsync=off in the address accepts a server that runs so; there is no other value")
    query = urlencode([(name, value) for name, value in given if name not in _OURS], quote_via=quote, safe="/")
    server = f"{SCHEMES[0]}://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")
    return Address(server, run, _seconds(ours.get("lease"), shown), "fsync" in ours)


def _seconds(lease: str | None, shown: str) -> float:
    if lease is None:
        return LEASE
    try:
        seconds = float(lease)
    except ValueError:
        seconds = math.nan
    if not _SHORTEST <= seconds <= _LONGEST:
        raise LedgerError(f"{shown}: lease= is in seconds, from {_SHORTEST:g} to {_LONGEST:g}")
    return seconds
