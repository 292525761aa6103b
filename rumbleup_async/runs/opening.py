"""How a ledger is opened: by its path, by an address, or by being handed in.

Lives here: the schemes of addresses, and who opens a ledger for each. The engine declares what a ledger is and the ledgers know
no engine, so they meet here, above both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.messaging import Identity
from rumbleup_async.postgres.address import SCHEMES, is_address

if TYPE_CHECKING:
    from rumbleup_async.ledger import Consent

Opener = Callable[[str, "Identity | None", "Consent"], Ledger]
"""Makes a ledger, not open yet, of an address; and of who is going to open it, and what was said of it."""

_openers: dict[str, Opener] = {}
_address = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://").match


def register(scheme: str, opener: Opener) -> None:
    """From now on `opener` makes the ledgers whose address begins with `scheme://`. ConfigurationError if the scheme has one."""
    if not _address(f"{scheme}://"):
        raise ConfigurationError(f"{scheme!r} is no scheme of an address: letters, digits, plus, minus and dots")
    if scheme.lower() in {*_openers, *SCHEMES}:
        raise ConfigurationError(f"ledgers by {scheme}:// have somebody who opens them")
    _openers[scheme.lower()] = opener


def ledger_of(
    where: str | os.PathLike[str] | Ledger | None,
    *,
    identity: Identity | None = None,
    consent: Consent | None = None,
    journal: bool = False,
) -> Ledger:
    """The ledger that is meant, not open yet.

    `where`: the path of a file, `postgresql://user@host/db?run=NAME`, an address of a registered scheme, a ledger, which is used
    as it is, or None for one in memory.
    `identity`: server and account of whoever is going to open it; `consent`: what was said of it.
    `journal`: a file notes large steps beside it first; other ledgers know no such thing.

    ConfigurationError for what is none of these, LedgerError for an address of a scheme that nobody opens. What stands in an
    address is not repeated: it may hold a password.
    """
    from rumbleup_async.ledger import Consent, MemoryLedger, SqliteLedger

    consent = consent or Consent()
    if where is None:
        return MemoryLedger(identity=identity)
    if not isinstance(where, (str, os.PathLike)):
        if isinstance(where, type) or not callable(getattr(where, "step", None)):
            raise ConfigurationError(
                f"ledger is the path of a file or a ledger such as MemoryLedger(), not {type(where).__name__}; "
                "None keeps the books in memory"
            )
        return where
    if is_address(where):
        from rumbleup_async.postgres.ledger import PostgresLedger

        return PostgresLedger(str(where), identity=identity, consent=consent)
    if isinstance(where, str) and (found := _address(where)):
        opener = _openers.get(found[1].lower())
        if opener is not None:
            return opener(where, identity, consent)
        if _openers:
            known = ", ".join(f"{scheme}://" for scheme in sorted(_openers))
            raise LedgerError(f"nobody opens a ledger at {found[1]}://; give a path, or an address that begins with {known}")
    return SqliteLedger(where, keep_empty=False, identity=identity, consent=consent, journal=journal)
