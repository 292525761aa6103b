"""What the provider's own log can decide about texts whose answer was lost.

Lives here: plain immutable values that ledgers, runs and providers exchange while they reconcile.
"""

from __future__ import annotations

import msgspec

from rumbleup_async.messaging import State, mask
from rumbleup_async.reasons import NO_REASON, Reason


class UnknownText(msgspec.Struct, frozen=True, gc=False):
    """An `unknown` contact of a run, as the provider is asked about it.

    `time`: Unix milliseconds, of its intent or of when it became unknown. `until`: after this nothing of it can have left.
    """

    row: int
    phone: str
    text: str
    time: int
    until: int = 0

    def __repr__(self) -> str:
        return f"UnknownText(row={self.row}, phone={mask(self.phone)!r}, text=<{len(self.text)} characters>)"


class Known(msgspec.Struct, frozen=True, gc=False):
    """A contact as its ledger knows it. `logid`: the one that it was sent with, "" if it is not `sent`.

    A contact that is `sent` is a witness: a log that is to be believed about others must show it. `is_found`: it is `sent` only
    because the log said so. `time`: as for `UnknownText`.
    """

    row: int
    phone: str
    logid: str = ""
    time: int = 0
    is_found: bool = False

    def __repr__(self) -> str:
        return f"Known(row={self.row}, phone={mask(self.phone)!r}, logid={self.logid!r})"


class LookUpResult(msgspec.Struct, frozen=True):
    """What the provider's own log says of some unknown texts.

    `found`: the logid of each row whose very text (phone, action and text the same) stands in the log. `absent`: the rows for
    which the log was read completely, showed a text that the ledger knows as `sent`, and has nothing. Rows in neither stay
    unknown; `problem` says why there are such. `several`: of those found, how often the log holds the text, where that is
    more than once.

    `now`: what the provider's clock showed, in seconds since 1970, if it said so. `offset`: seconds by which the provider's
    times of the witnesses are later than the ledger's, the one that is furthest off; None if the log does not tell.
    """

    found: dict[int, str] = {}
    absent: frozenset[int] = frozenset()
    problem: str = ""
    several: dict[int, int] = {}
    now: float | None = None
    offset: float | None = None


class Resolution(msgspec.Struct, frozen=True, gc=False):
    """What the provider's log has decided about a contact: `unknown` becomes `sent` (with its logid) or `not_sent`.

    Of one that was `absent` before: `sent` after all, or `queued`, to be sent again because the user asked for it.
    """

    row: int
    state: State
    why: Reason = NO_REASON
    logid: str = ""
