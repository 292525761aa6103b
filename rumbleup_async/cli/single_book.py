"""May this one text leave, as the book of people has it? What the commands that send a single text ask, and what they note.

Lives here: the options of these commands, the look before the question, and the claim before the text. A list asks in its run.

A single text may be the next one of a conversation, so the project that it is sent into does not bar it: opt-outs do, and a text
of whatever project within the gap. A server on this machine is a rehearsal, in which nothing is claimed unless a book is named.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from rumbleup_async.cli.console import fail
from rumbleup_async.cli.durations import seconds
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.people import book_path, is_there, named_book, open_book, read_book
from rumbleup_async.cli.providers import row
from rumbleup_async.errors import (
    ApiError,
    BookError,
    ConfigurationError,
    MaybeSentError,
    NotSentError,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.people import Again, Found
from rumbleup_async.people.entries import SINGLE, Why
from rumbleup_async.people.run_book import span
from rumbleup_async.runs.people import is_rehearsal, scope_of
from rumbleup_async.screening.phones import normalise
from rumbleup_async.screening.segments import count

if TYPE_CHECKING:
    from rumbleup_async.people import Book, Scope

BookFile = Annotated[
    Place | None,
    typer.Option(
        "--book", metavar="FILE", help="The book of people that is asked (RUMBLEUP_BOOK, else the usual one).", parser=read_book
    ),
]
NoBook = Annotated[bool, typer.Option("--no-book", help="Send it although no book says who has opted out or was just texted.")]
Gap = Annotated[
    float | None,
    typer.Option("--gap", metavar="TIME", parser=seconds, help="Not so short a time after the last text (24h); 0: at any time."),
]

_LETTERS = "bcdfghjkmnpqrstvwxz"


class Single(msgspec.Struct, frozen=True):
    """The book, open, and whom it is asked about; no book: nobody asks."""

    book: Book | None = None
    scope: Scope | None = None
    phone: str = ""
    again: Again = Again()
    is_kept: bool = True
    """What is sent is noted."""

    def __repr__(self) -> str:
        return f"Single(book={self.book!r})"

    @contextlib.contextmanager
    def claimed(self, text: str) -> Iterator[None]:
        """Send this text in here: its recipient is claimed before, durably, and let go if it certainly did not leave.

        Ends the command where another run, or another single text, was faster.
        """
        if self.book is None or self.scope is None or not self.is_kept:
            yield
            return
        from rumbleup_async.rules.carrier_day import carrier_day

        run = SINGLE + "".join(secrets.choice(_LETTERS) for _ in range(10))
        now, parts = time.time(), [max(1, count(text).parts)]
        if found := self.book.claim_now(self.scope, run, [self.phone], self.again, now, parts, carrier_day(now)):
            _refuse(found[self.phone], self.again)
        try:
            yield
        except (MaybeSentError, ServerFailed, UnreadableReply):
            raise
        except (NotSentError, ApiError, ConfigurationError):
            # A book that fails now keeps the claim, which texts nobody.
            with contextlib.suppress(BookError):
                self.book.release_now(self.scope, run, [self.phone])
            raise


@contextlib.contextmanager
def single(
    phone: str,
    provider: str,
    place: str,
    *,
    book: Place | None = None,
    no_book: bool = False,
    gap: float | None = None,
    rehearsal: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Single]:
    """Look into the book before anything is asked. Ends the command where it has something against the text.

    `place`: where on the account it goes, as the book knows it. A phone that cannot be read, or is of another country, is none
    that the book could know. `rehearsal`: "no" where a server on this machine is none.
    """
    environ = os.environ if environ is None else environ
    if no_book and (book is not None or gap is not None):
        raise ConfigurationError("--no-book contradicts --book and --gap; give one of them")
    named = book or named_book(environ)
    identity, digits = row(provider).identity(environ), normalise(phone)[0]
    is_here = identity is not None and rehearsal != "no" and is_rehearsal(identity)
    is_kept = named is not None or not (identity is None or is_here)
    path = named or book_path(None, environ)
    if no_book or not digits or not (is_kept or is_there(path)):
        yield Single()
        return
    again = Again(gap=Again().gap if gap is None else gap, same=True)
    found = open_book(path, environ)
    found.open_now()
    try:
        if is_kept and identity is not None:
            asked = Single(found, scope_of(identity, place), digits, again)
            if against := found.look_now(scope_of(identity, place), "", [digits], again):
                _refuse(against[digits], again)
        else:
            asked = Single(found, None, digits, again, is_kept=False)
            outs = [out for out in found.of_phone_now(digits)[1] if not out.world]
            if outs:
                _refuse(Found(Why.OPTED_OUT if any(out.is_sure for out in outs) else Why.LIKELY), again)
        yield asked
    finally:
        found.close_now()


def _refuse(found: Found, again: Again) -> None:
    """End the command with what the book has against the text, and how to send it all the same."""
    if found.why is Why.GAP:
        last = dt.datetime.fromtimestamp(found.until - again.gap).astimezone()
        fail(
            f"this person was texted on {last:%Y-%m-%d at %H:%M}, less than {span(again.gap)} ago; nothing was sent; --gap 0 "
            "sends it all the same"
        )
    how = "has opted out" if found.why is Why.OPTED_OUT else "has probably opted out"
    fail(f"this person {how}; nothing was sent; if they have asked for this text, add --no-book (rumbleup book look says more)")
