"""How a reason is kept in a ledger on SQLite: its code in one column, what differs from case to case in another.

Lives here: the two columns, and what they mean. A file of schema 1 has words and no code; `reasons.from_words` reads those.
"""

from __future__ import annotations

from typing import Final

from rumbleup_async.reasons import ABSENT, Code, Reason, from_words

OF_TEXT: Final = "json_array(coalesce(code, iif(detail IS NULL, '', 'other')), coalesce(detail, ''))"
"""The reason of a contact as JSON; words without a code count as `other`, until `known` has read them."""

IS_ABSENT: Final = f"(code = '{ABSENT.code}' OR code IS NULL AND detail = '{ABSENT}')"

_OF_OLD = "(code IS NULL AND detail LIKE 'duplicate of row %')"
_BEFORE_APART = "iif(instr(detail, char(31)), substr(detail, 1, instr(detail, char(31)) - 1), coalesce(detail, ''))"

KIND: Final = f"iif({_OF_OLD}, '{Code.DUPLICATE}', code) AS code, iif({_OF_OLD}, '', {_BEFORE_APART}) AS detail"
"""Code and detail by which contacts are counted: `Reason.kind`, whose duplicate somebody is makes no difference."""


_CODES: Final = {code.value: code for code in Code}


def reason_of(code: str | None, detail: str | None) -> Reason:
    """The reason that the two columns hold."""
    if code is None:
        return from_words(detail or "")
    found = _CODES.get(code)
    return Reason(Code.OTHER, detail or code) if found is None else Reason(found, detail or "")


def known(why: Reason) -> Reason:
    """The reason of a text as `OF_TEXT` has written it."""
    return from_words(why.detail) if why.code is Code.OTHER else why
