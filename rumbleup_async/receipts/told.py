"""What a provider tells of a text after it was sent, and what is kept of it.

Lives here: plain values, and how what is told is added to what is known. Pure.

Neither a phone nor a text is kept: a contact is known by its row in the ledger.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

LONGEST: Final = 200
"""Characters of a carrier's words that are kept."""

# Ten digits and more in any way of writing, or seven together: "400 4002" is a status and a code.
_number = re.compile(r"\+?\d(?:[ .()/-]{0,2}\d){9,}|\+?\d(?:[.-]?\d){6,}", re.ASCII)


class What(enum.StrEnum):
    """What a provider may tell of a text."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"


class Told(msgspec.Struct, frozen=True):
    """Something that was told. `phone`: ten digits. `logid`: of our text, for `DELIVERED` and `UNDELIVERED`. `code`, `words`: why
    it was not delivered. `at`: Unix milliseconds by the teller's clock, 0 where it does not say."""

    phone: str
    what: What
    logid: str = ""
    code: str = ""
    words: str = ""
    at: int = 0

    def __repr__(self) -> str:
        return f"Told(what={str(self.what)!r}, logid={self.logid!r})"


class Fact(msgspec.Struct, frozen=True):
    """The same of a contact of the ledger. `is_open`: the ledger does not know yet under which id the provider has the text."""

    row: int
    told: Told
    is_open: bool = False


class Receipt(msgspec.Struct, frozen=True):
    """What is known of one contact. `delivery`: "delivered", "undelivered", or "" while there is no receipt; `at`: when it was
    told (Unix milliseconds, 0: nobody knows). `replied`, `opted_out`: when it was told, None for not at all."""

    row: int
    logid: str = ""
    delivery: str = ""
    code: str = ""
    words: str = ""
    at: int = 0
    replied: int | None = None
    opted_out: int | None = None
    is_open: bool = False

    @property
    def why(self) -> str:
        """Why the text was not delivered, in the provider's words; "" for one that was, or where nothing is said."""
        if self.delivery != What.UNDELIVERED:
            return ""
        return ": ".join(word for word in (self.code, self.words) if word)


class Why(msgspec.Struct, frozen=True):
    """How many texts were not delivered for a reason: the provider's code, and its words for one of them."""

    code: str
    words: str
    number: int


class Counts(msgspec.Struct, frozen=True):
    """How many contacts of a run each thing is known of. `replied`: whoever wrote back, those who opted out by it among them.

    `asked`: when the log or the receiver's file was read last, in Unix seconds; 0 where nobody has followed the run. `why`: the
    reasons of what was not delivered, the commonest first.
    """

    delivered: int = 0
    undelivered: int = 0
    replied: int = 0
    opted_out: int = 0
    asked: float = 0.0
    why: list[Why] = []


def masked(words: str) -> str:
    """Words of a provider on one line, without the digits of what may be a phone."""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())[: 2 * LONGEST]
    return without_phones(line)[:LONGEST]


def without_phones(words: str) -> str:
    """Words of a provider, without the digits of what may be a phone."""
    return _number.sub(lambda found: "\u2026" + re.sub(r"\D", "", found.group())[-2:], words)


def merged(known: Receipt | None, fact: Fact) -> Receipt:
    """What is known of a contact with this beside it. The same once more changes nothing; of two receipts for a text the one
    that is not older counts."""
    told = fact.told
    old = known or Receipt(fact.row)
    if told.what is What.REPLIED:
        return old if old.replied is not None else msgspec.structs.replace(old, replied=told.at)
    if told.what is What.OPTED_OUT:
        return old if old.opted_out is not None else msgspec.structs.replace(old, opted_out=told.at)
    if old.delivery and not old.is_open and fact.is_open:
        return old
    is_same_text = bool(old.delivery) and old.logid == told.logid
    if is_same_text and told.at and old.at > told.at:
        return old
    is_bad = told.what is What.UNDELIVERED
    code, words = (masked(told.code)[:80], masked(told.words)) if is_bad else ("", "")
    is_again = is_same_text and (old.delivery, old.code, old.words) == (str(told.what), code, words)
    if is_again and old.is_open == fact.is_open:
        return old
    return msgspec.structs.replace(
        old, logid=told.logid, delivery=str(told.what), code=code, words=words, at=told.at, is_open=fact.is_open
    )


def counted(receipt: Receipt) -> Iterator[str]:
    """Under which names a contact is counted. What is open is not: the ledger may come to know another text."""
    if receipt.delivery and not receipt.is_open:
        yield receipt.delivery
        if receipt.delivery == What.UNDELIVERED:
            yield f"{_WHY}{receipt.code}"
    if receipt.replied is not None:
        yield What.REPLIED.value
    if receipt.opted_out is not None:
        yield What.OPTED_OUT.value


_WHY: Final = "why:"


def counts_of(totals: Sequence[tuple[str, int]], words: dict[str, str], asked: float) -> Counts:
    """The counts, of their names and numbers as they are kept. `words`: of each code those of one text."""
    found = dict(totals)
    why = [
        Why(name.removeprefix(_WHY), words.get(name.removeprefix(_WHY), ""), number)
        for name, number in found.items()
        if name.startswith(_WHY) and number > 0
    ]
    why.sort(key=lambda one: (-one.number, one.code))
    return Counts(**{name: max(0, found.get(name, 0)) for name in map(str, What)}, asked=asked, why=why)
