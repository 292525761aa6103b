"""Which book of people a run asks, and by which rules: what it is given now, else what its ledger has kept.

Lives here: reading the options `book`, `gap` and `again`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rumbleup_async.errors import BookError, ConfigurationError
from rumbleup_async.ledger.identity import is_here
from rumbleup_async.postgres.address import is_address, parse

if TYPE_CHECKING:
    from rumbleup_async.messaging import Identity, Plan
    from rumbleup_async.people import Book
    from rumbleup_async.people.entries import Scope
    from rumbleup_async.people.run_book import RunBook

    GivenBook = Book | str | os.PathLike[str] | Literal[False] | None
    """The option `book`: a book, the path of one, False for none, None for the one that the run had before."""

BOOK, GAP, AGAIN = "book", "gap", "again"
"""Under which names a ledger keeps the options."""


def kept(book: GivenBook, gap: float | None, again: bool | None) -> dict[str, Any]:
    """These options as a ledger keeps them; None for one that is not given. "" stands for no book."""
    return {BOOK: None if book is None else path_of(book), GAP: gap, AGAIN: again}


def path_of(book: GivenBook) -> str:
    """Where a book is, "" for none."""
    if not book:
        return ""
    path = os.fspath(book) if isinstance(book, (str, os.PathLike)) else book.where
    if is_address(path):
        return str(parse(path, needs_run=False).of(""))
    return os.path.abspath(path)  # noqa: PTH100 - a link is to be seen as one when the book is opened


def check(book: object, gap: object, again: object) -> None:
    """ConfigurationError for an option that cannot be meant."""
    is_book = callable(getattr(book, "claim_now", None)) and not isinstance(book, type)
    if not (book is None or book is False or is_book or (isinstance(book, (str, os.PathLike)) and os.fspath(book))):
        raise ConfigurationError(
            f"book is a Book, such as Book('people.book'), or the path of one, or False for none, not one {type(book).__name__}"
        )
    if gap is not None and (isinstance(gap, bool) or not isinstance(gap, (int, float)) or not 0 <= gap < 1e9):
        raise ConfigurationError(f"gap is a number of seconds, 0 for none, such as 86400, not one {type(gap).__name__}")
    if again is not None and not isinstance(again, bool):
        raise ConfigurationError(f"again is True or False, not one {type(again).__name__}")


def run_book(given: GivenBook, care: Mapping[str, Any], plan: Plan, scope: Scope, prefix: str) -> RunBook | None:
    """The book of this run; None without one.

    `given`: of this call; `care`: the options that hold, of earlier calls, too. Raises BookError where an earlier call gave a
    book that is not there any more: an empty one in its place would let everybody be texted again.
    """
    where = care.get(BOOK)
    if not where:
        return None
    from rumbleup_async.people import Again, Book
    from rumbleup_async.people.marks import key_of
    from rumbleup_async.people.run_book import RunBook

    if is_address(where):
        from rumbleup_async.postgres.book import DatabaseBook

        book = given if isinstance(given, Book) else DatabaseBook(where, key=key_of(os.environ))
    elif given is None and not Path(where).exists():
        raise BookError(
            f"{where}: the book of people that this run was begun with is not there; put it back, name another with --book (in "
            "Python book=), or go on without one with --no-book (book=False)"
        )
    else:
        book = given if isinstance(given, Book) else Book(where, key=key_of(os.environ))
    default = Again()
    again = Again(gap=care.get(GAP, default.gap), same=care.get(AGAIN, default.same))
    return RunBook(book, scope, plan.run, again, prefix)


def scope_of(identity: Identity, where: str) -> Scope:
    """Where a run texts, for the book: server, account, and `where` on it. A server on this machine is a world of its own."""
    from rumbleup_async.people import Scope

    name = f"{identity.provider} {identity.server} {identity.account} {where}"
    return Scope(name, identity.server if is_here(identity.server) else "")


def is_rehearsal(identity: Identity) -> bool:
    """Whether the server is on this machine."""
    return bool(urlsplit(identity.server).hostname) and is_here(identity.server)
