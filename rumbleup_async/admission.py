"""What a rule answers when it is asked whether a text may leave.

Lives here: plain immutable values. The rules themselves stand in `rules`, and whoever asks them in `engine`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from rumbleup_async.messaging import State, Text
from rumbleup_async.reasons import Reason


class Go(msgspec.Struct, frozen=True, gc=False, tag="go"):
    """The text may leave now."""


class Wait(msgspec.Struct, frozen=True, gc=False, tag="wait"):
    """The text may leave later: ask again at `until`, in Unix seconds. `why`: what it waits for."""

    until: float
    why: Reason


class Never(msgspec.Struct, frozen=True, gc=False, tag="never"):
    """The text must not leave in this run. `state`: where its contact goes, `NOT_SENT` or `SKIPPED`. The book of people may leave
    it `QUEUED`, for a later part of the run, which asks again."""

    why: Reason
    state: State = State.NOT_SENT


Verdict = Go | Wait | Never
"""What a rule says of one text."""

GO = Go()
"""The verdict of a rule that has nothing against a text."""

Admit = Callable[[Sequence[Text]], Awaitable[Sequence[Verdict]]]
"""Asks all rules about these texts; answers in their order."""
