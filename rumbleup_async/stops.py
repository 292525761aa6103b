"""Why a run ended before its list did, as data: a cause out of one table, and what belongs to it.

Lives here: the causes with their words, and how those words are put together. Pure.

`str(stop)` makes the words that a summary shows; exit codes and remedies go by the cause. The page docs/reasons.md is made from
this table.
"""

from __future__ import annotations

import enum
from typing import Final, Self

import msgspec

from rumbleup_async.reasons import NO_REASON, Code, Reason


class Cause(enum.StrEnum):
    """Every end there is before the list's own. `words`: what is shown; `remedy`: what a person can do."""

    words: str
    remedy: str

    def __new__(cls, value: str, words: str, remedy: str) -> Self:
        cause = str.__new__(cls, value)
        cause._value_ = value
        cause.words, cause.remedy = words, remedy
        return cause

    # ---- what the provider says of every text ----
    KEY_REFUSED = "key_refused", "key refused", "the provider does not accept the API key; check it and resume"
    OPT_OUT_MISSING = (
        "opt_out_missing",
        "opt-out wording missing",
        "the provider demands that the text tells people how to opt out (STOP); start a new run with a corrected text",
    )
    DAILY_CAP = "daily_cap", "daily cap", "the brand's daily cap is used up; resume tomorrow, after 1:00 Pacific time"
    NO_LINE = "no_line", "no line left", "the provider refuses every number to send from; see to them, then resume"
    THROTTLED = "throttled", "throttled", "resume later"
    LINES_USED_UP = "lines_used_up", "lines used up", "resume once a line may send to new contacts again"
    NO_CONTACTS = "no_contacts", "no contacts", "see to what the provider says, then resume"
    # ---- many texts in a row ----
    NOT_ALLOWED = "not_allowed", "not allowed", "ask the provider's support whether this account may send by API"
    OUTSIDE_HOURS = "outside_hours", "outside hours", "resume inside the allowed hours"
    ACCOUNT = "account", "account", "see to the account and the project (funds, status), then resume"
    ERROR_THRESHOLD = "error_threshold", "error threshold", "see to the cause, then resume"
    TOO_MANY_UNKNOWN = (
        "too_many_unknown",
        "too many unknown",
        "see to the provider, look the texts up with rumbleup reconcile, then resume, if need be with a higher --unknown-limit",
    )
    NOT_REACHABLE = "not_reachable", "not reachable", "check the network and the address, then resume"
    # ---- what was asked for ----
    NOT_AFTER = "not_after", "not after", "give a later --until, and what is still queued is sent"
    CLOCK_OFF = "clock_off", "clock is off", "set the clock of this machine, then resume"
    BUDGET = "budget", "budget", "resume with a larger budget to text the rest"
    TEST_FAILED = "test_failed", "test failed", "see to what the provider says of the test text, then send again"
    CANARY = "canary", "canary", "look at how it did, then resume to text the rest"
    CANARY_FAILED = "canary_failed", "canary failed", "see why; a resume goes on only with looser --abort-if, or --canary none"
    LIMIT = "limit", "limit", "resume to text the rest"
    PAUSED = "paused", "paused", "let it go on with rumbleup continue, then resume"
    ASKED = "asked", "stopped", "resume to text the rest"
    INTERRUPTED = "interrupted", "interrupted", "resume to text the rest"
    DRY_RUN = "dry_run", "dry run", "send it"
    CANCELLED = "cancelled", "cancelled", "resume to text the rest"
    LEFT = "left", "left", "resume to text the rest"
    # ---- what else ends a run ----
    LEFT_OVER = "left_over", "left over", "see to the reason that is named, then resume"
    LIST_FAILED = "list_failed", "list failed", "give the same list again, whole"
    TEXT_FAILED = "text_failed", "text failed", "correct the function that chooses texts, then resume"
    OBSERVER_FAILED = "observer_failed", "observer failed", "correct the observer, then resume"
    RULE_FAILED = "rule_failed", "rule failed", "see to the rule, then resume"
    BOOK_FAILED = "book_failed", "book failed", "see to the book of people, then resume; what was in flight is in the ledger"
    OPT_OUTS_UNREAD = "opt_outs_unread", "opt-outs unread", "see why opt-outs cannot be read, then resume"
    LEDGER_FAILED = "ledger_failed", "ledger failed", "see to the disk, then resume; what was in flight is unknown"
    WORKERS_DIED = "senders_died", "senders died", "resume the run"
    WORKER_FAILED = "sender_failed", "sender failed", "read the words, then resume"
    OUT_OF_MEMORY = (
        "out_of_memory",
        "memory ran out",
        "take fewer processes or a smaller concurrency; what was in flight is unknown",
    )
    DIED = "died", "died", "resume the run; what was in flight is unknown"


_OF_A_ROW: Final = frozenset({Cause.NOT_ALLOWED, Cause.OUTSIDE_HOURS, Cause.ACCOUNT, Cause.ERROR_THRESHOLD})
"""Causes that are met when many texts in a row fail."""

_WITH_REMEDY: Final = frozenset({Cause.KEY_REFUSED, Cause.OPT_OUT_MISSING, Cause.DAILY_CAP, Cause.NO_LINE})
"""Causes that the provider names, perhaps with words of its own."""


class Stop(msgspec.Struct, frozen=True):
    """Why a run ends before its list does.

    `cause` is what a program goes by. `why`: the reason that the last text met, if texts were what ended it. `number`: how many
    texts, or how many seconds. `detail`: what else there is to say; of a cause that the provider names, a remedy better than the
    table's. A cause given as a word of one's own is kept as `Cause.ASKED`.
    """

    cause: Cause
    detail: str = ""
    why: Reason = NO_REASON
    number: int = 0

    def __post_init__(self) -> None:
        given: object = self.cause
        if isinstance(given, Cause):
            return
        known = _BY_WORDS.get(str(given))
        msgspec.structs.force_setattr(self, "cause", known or Cause.ASKED)
        if known is None:
            msgspec.structs.force_setattr(self, "detail", f"{given}: {self.detail}" if self.detail else str(given))

    def __str__(self) -> str:
        if self.cause is Cause.ASKED:
            return self.detail or self.cause.words
        message = self.message
        return f"{self.cause.words}: {message}" if message else self.cause.words

    @property
    def why_queued(self) -> Reason:
        """Why the text that met this stop is still queued: the code of what the provider answered, with the words of the stop."""
        return Reason(self.why.code if self.why.code.words == "{}" else Code.STOPPED, str(self))

    @property
    def message(self) -> str:
        """What happened and what a person can do about it, without the cause."""
        cause = self.cause
        if cause in _OF_A_ROW and self.number:
            what = self.detail or "texts"
            return f"{self.number} {what} in a row failed, the last with: {self.why}; {cause.remedy}"
        if cause in _WITH_REMEDY and (self.why or not self.detail):
            return "; ".join(filter(None, (str(self.why), self.detail or cause.remedy)))
        match cause:
            case Cause.THROTTLED if self.why:
                return f"the provider answered {self.why.detail} {self.number} times in a row; resume later"
            case Cause.THROTTLED if self.number:
                return f"the provider asks to wait {self.number} seconds; resume after that"
            case Cause.NOT_REACHABLE if self.why:
                return f"{self.why}; check the network and {self.detail or 'the address'}, then resume"
            case Cause.NO_CONTACTS if self.why:
                return f"the provider does not hand out contacts: {self.why}"
            case Cause.TOO_MANY_UNKNOWN if self.number:
                return f"{self.number} {self.detail or 'texts'}; {cause.remedy}"
            case Cause.LIMIT if self.number:
                return f"{self.number} at most, as asked for"
            case Cause.LEFT_OVER if self.number:
                return f"{self.number}, mostly {self.why or Reason(Code.NOT_REACHED)}"
            case _:
                return self.detail


_OF_OLD: Final = {cause.words: cause for cause in Cause}
_BY_WORDS: Final = _OF_OLD | {str(cause): cause for cause in Cause}


def stop_of(word: str) -> Stop:
    """The stop for a word that a caller gave: that of the table, or one of their own."""
    return Stop(_BY_WORDS.get(word, Cause.ASKED), "" if word in _BY_WORDS else word)


def from_words(words: str) -> Stop:
    """The stop that the words of an older ledger stand for. `str()` of it gives them back, with the table's remedy if they name
    no more than a cause that has to have one."""
    head, _, rest = words.partition(": ")
    cause = _OF_OLD.get(head)
    if cause is None or cause is Cause.ASKED:
        return Stop(Cause.ASKED, words)
    return Stop(cause, rest)
