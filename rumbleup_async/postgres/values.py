"""Values as PostgreSQL takes them, and as it gives them back.

Lives here: pure. PostgreSQL keeps no NUL in a text, and a provider or a list may hold anything: what is planned comes back as it
went in, and of what only tells why a text was not sent the NUL is replaced, as the ledger on SQLite does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rumbleup_async.ledger import states
from rumbleup_async.ledger.keeping_reasons import known, reason_of
from rumbleup_async.messaging import Result, State, Text
from rumbleup_async.reasons import Reason

_ESCAPE = "\x1a"
_STATES = tuple(states.BY_NUMBER[number] for number in range(len(states.BY_NUMBER)))


def numbers(values: Iterable[int | float]) -> str:
    """Whole numbers, or floats, as an array."""
    return "{" + ",".join(map(str, values)) + "}"


def words(values: Iterable[str]) -> str:
    """Texts without NUL, as an array."""
    return "{" + ",".join(['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]) + "}"


def kept(text: str) -> str:
    """A text in the form in which it is kept."""
    if "\0" not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}1").replace("\0", f"{_ESCAPE}0")


def given(text: str) -> str:
    """The text that is kept in this form."""
    return text if _ESCAPE not in text else text.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)


def text_of(text: Text) -> Text:
    """A text as the database has told it, with what it stands for."""
    name = None if text.name is None else given(text.name)
    return msgspec.structs.replace(
        text, phone=given(text.phone), text=given(text.text), name=name, why=known(text.why) if text.why else text.why
    )


def counts_of(numbers: Sequence[int]) -> dict[State, int]:
    """Contacts by state."""
    return dict(zip(_STATES, numbers, strict=True))


def delta(changes: Mapping[State, int]) -> str:
    """So many more contacts in each state, as an array."""
    return numbers([changes.get(state, 0) for state in _STATES])


def result_of(
    row: int, phone: str, state: int, code: str | None, detail: str | None, logid: str | None, *rest: int | None
) -> Result:
    """A contact of the columns row, phone, state, code, detail, logid, attempts, time."""
    attempts, time = rest
    return Result(row, given(phone), _STATES[state], reason_of(code, detail), logid or "", attempts or 0, time or 0)


def columns(why: Reason) -> tuple[str | None, str | None]:
    """Code and detail of a reason, as they are kept."""
    return why.code or None, why.detail.replace("\0", "\ufffd") or None
