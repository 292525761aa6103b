"""Why a contact stands where it stands, as data: a code out of one table, and what differs from case to case.

Lives here: the codes with their words, the states in which they occur and what a person can do about them. Pure.

`str(reason)` makes the words that reports and summaries show. Programs go by the code: words are for people, and decide nothing.
The page docs/reasons.md is made from this table.
"""

from __future__ import annotations

import enum
import functools
import re
from typing import Final, Self

import msgspec

from rumbleup_async.patterns import when_used

APART: Final = "\x1f"
"""Stands in a detail before what differs from text to text (the number of a row or a line, the size of a page), so that reasons
are counted without it. A provider's words never hold it: they are made printable first."""


class Code(enum.StrEnum):
    """Every reason there is. `words`: what is shown, the detail in place of `{}`; `states`: where it occurs; `remedy`: what a
    person can do. `queued` is a state for the ledger, a report shows such contacts as `not_sent`."""

    words: str
    states: tuple[str, ...]
    remedy: str

    def __new__(cls, value: str, words: str, states: str, remedy: str) -> Self:
        code = str.__new__(cls, value)
        code._value_ = value
        code.words, code.states, code.remedy = words, tuple(states.split()), remedy
        return code

    NONE = "", "", "sent queued intent", ""
    OTHER = "other", "{}", "sent refused skipped not_sent unknown queued", "read the words; they come from elsewhere or of old"

    # ---- the list and its texts ----
    INVALID_PHONE = "invalid_phone", "invalid phone: {}", "skipped", "correct the number in the list"
    SERVICE_NUMBER = (
        "service_number", "invalid phone: a service or premium number, nobody's phone", "skipped", "nothing; nobody is there",
    )  # fmt: skip
    TOLL_FREE = (
        "toll_free", "invalid phone: a toll-free number, rarely a person's phone", "skipped",
        "text them with --country toll-free",
    )  # fmt: skip
    ANOTHER_COUNTRY = "another_country", "another country: {}", "skipped", "name the country with --country"
    EMPTY_FIELD = "empty_field", "empty merge field {}", "skipped", "fill the column, or give a fallback: {name|friend}"
    TEXT_TOO_LONG = "text_too_long", "text too long: {}", "skipped", "shorten the text, or raise max_segments"
    UNREADABLE_ROW = "unreadable_row", "unreadable row: {}", "skipped", "correct the row in the list"
    HEADER_AGAIN = "header_again", "the header again", "skipped", "nothing; the row is no contact"
    DUPLICATE = "duplicate", "duplicate", "skipped", "nothing; the person's first row counts"
    SKIP_IF = "skip_if", "skip-if {}", "skipped", "nothing; it is what --skip-if asks for"
    NO_CONSENT = "no_consent", "no consent", "skipped", "nothing; the column that --consent-field names does not say yes"
    SUPPRESSED = "suppressed", "suppressed", "skipped not_sent", "nothing; the suppression list has the phone"
    OPT_OUT = "opt_out", "opted out", "skipped not_sent", "nothing; the book of people has the opt-out"
    OPT_OUT_LIKELY = (
        "opt_out_likely", "opted out (likely)", "skipped not_sent", "look at the reply; it is lifted by rumbleup opt-outs lift",
    )  # fmt: skip
    TEXTED_BEFORE = (
        "texted_before", "texted before", "skipped not_sent",
        "nothing; a run has texted them in this project: to follow up, send with --again",
    )  # fmt: skip
    GAP = "gap", "texted less than {} ago", "queued skipped", "resume later, or take a shorter --gap"
    NO_TEXT = "no_text", "no text was chosen", "skipped", "nothing; your function chose to leave the contact alone"
    NO_STOP = (
        "no_stop", "the text chosen does not say STOP as a way to opt out", "skipped", "let the function add: STOP to opt out",
    )  # fmt: skip
    TEXT_UNFIT = "text_unfit", "the text chosen {}", "skipped", "correct the function that chooses texts"
    OPTED_OUT = "opted_out", "opted out ({})", "skipped", "nothing; the provider has the person's opt-out"
    WRONG_NUMBER = "wrong_number", "opted out or wrong number ({})", "skipped", "nothing; the provider has marked the contact"
    LANDLINE = "landline", "a landline", "skipped", "nothing; a landline takes no texts"
    TWO_PHONES = "two_phones", "two phones in one reply", "skipped", "correct the contact at the provider"

    # ---- accepted, or looked up in the provider's log ----
    LINE = "line", "line {}", "sent", "nothing; the line that the text was sent from"
    FOUND = "found", "found in the log", "sent", "nothing; the provider's log shows the text"
    FOUND_SEVERAL = (
        "found_several", "found in the log {} times: the provider may have sent it more than once", "sent", "ask the provider",
    )  # fmt: skip
    ABSENT = "absent", "absent from the log", "not_sent queued", "text it again with resume --resend-absent, or leave it"

    # ---- the provider said no to this person or this text ----
    REFUSED_PERSON = "refused_person", "{}", "refused queued", "nothing; the provider does not text this phone"
    REFUSED_TEXT = "refused_text", "{}", "refused queued", "read the provider's words; correct the text or the project"

    # ---- the provider said no for another cause, or not now ----
    THROTTLED = "throttled", "told {}", "queued", "resume later, or lower --rate or --concurrency"
    LIMIT = "limit", "{}", "queued", "resume later; a limit of the provider is used up"
    LINE_REFUSED = "line_refused", "{}", "queued", "see to the line at the provider"
    KEY_REFUSED = "key_refused", "{}", "queued", "check the API key, then resume"
    NOT_ALLOWED = "not_allowed", "{}", "queued", "ask the provider's support whether the account may send by API"
    OPT_OUT_MISSING = "opt_out_missing", "{}", "queued", "start a new run with a text that says STOP"
    DAILY_CAP = "daily_cap", "{}", "queued", "resume when the cap is reset"
    BUDGET = "budget", "nothing is left of the budget", "queued", "resume with a larger --budget"
    OUTSIDE_HOURS = "outside_hours", "{}", "queued", "resume inside the allowed hours"
    NO_LINE = "no_line", "{}", "queued", "see to the numbers to send from, then resume"
    ACCOUNT = "account", "{}", "queued", "see to the account and the project (funds, status), then resume"
    GATEWAY = "gateway", "{}", "queued", "check the address; the answer is none of the API's"
    OTHER_NO = "other_no", "{}", "queued", "read the provider's words, see to the cause, then resume"

    # ---- nothing left: there was no connection ----
    NO_NAME = "no_name", "the host name was not found", "queued", "check the network and the address"
    NO_CERTIFICATE = "no_certificate", "the server's certificate was not accepted", "queued", "check the address and the clock"
    NO_TLS = "no_tls", "no TLS connection", "queued", "check the address and the proxy"
    NO_CONNECTION = "no_connection", "no connection in time", "queued", "check the network; resume"
    CONNECTION_REFUSED = "connection_refused", "the connection was refused", "queued", "check the address; resume"
    CONNECTION_RESET = "connection_reset", "the connection was reset", "queued unknown", "reconcile what is unknown"
    NO_ADDRESS = "no_address", "the address is not a URL", "queued", "correct the address"
    SPOKE_FIRST = "spoke_first", "the server spoke before it was asked", "queued", "resume"
    SESSION_CLOSED = "session_closed", "the session is closed", "queued unknown", "keep the client open until the run has ended"
    SESSION_UNFIT = "session_unfit", "the session that was handed in {}", "queued", "hand in another session"
    NO_FILES = "no_files", "too many files are open (see ulimit -n)", "queued", "raise ulimit -n, or lower --concurrency"
    PROXY = "proxy", "{}", "queued", "check the proxy and its credentials"
    NO_HTTP = "no_http", "the server does not speak HTTP/1.1", "queued", "check the address and the proxy"
    SYSTEM = "system", "the system says: {}", "queued unknown", "read the system's words"

    # ---- it may have left: no complete, readable answer came ----
    NO_ANSWER = "no_answer", "no answer in time", "unknown", "reconcile"
    NOT_WHOLE = "not_whole", "no complete answer in time", "unknown", "reconcile"
    UPLOAD_STALLED = "upload_stalled", "the server stopped taking the {}", "unknown", "reconcile"
    HUNG_UP = "hung_up", "the server closed the connection without an answer", "unknown", "reconcile"
    CUT_SHORT = "cut_short", "the answer was cut short", "unknown", "reconcile"
    BROKE_OFF = "broke_off", "the answer broke off: {}", "unknown", "reconcile"
    BROKEN_OFF = "broken_off", "the connection broke off", "queued unknown", "reconcile what is unknown"
    ODD_ANSWER = "odd_answer", "{}", "unknown", "reconcile; what came cannot be read as HTTP"
    SEVERAL_ANSWERS = (
        "several_answers", "more than one answer came, and nobody knows which belongs to this request", "unknown", "reconcile",
    )  # fmt: skip
    UNEXPECTED = "unexpected", "something unexpected went wrong ({})", "queued unknown", "report it; reconcile what is unknown"
    MISTAKE = "mistake", "unexpected {}", "unknown", "report it; reconcile"
    SERVER_ANSWERED = "server_answered", "the server answered {}", "unknown", "reconcile"
    UNREADABLE = "unreadable", "{}", "unknown", "reconcile; the answer is none that can be understood"
    UNCLEAR = "unclear", "{}", "unknown", "reconcile; the provider's error leaves it open"
    ANOTHERS = (
        "anothers", "the answer names another person, so it is not the answer to this text", "unknown", "reconcile",
    )  # fmt: skip
    NOBODYS = "nobodys", "the answer does not say whose it is, as the others do", "unknown", "reconcile"
    REPEATED = "repeated", "the answer has the id of another text", "unknown", "reconcile"
    TWO_ANSWERS = (
        "two_answers", "another answer came behind the one that said no, and nobody knows which belongs to this text", "unknown",
        "reconcile",
    )  # fmt: skip
    INTERRUPTED = "interrupted", "interrupted before its result was known", "unknown", "reconcile"
    LOG_LOST = "log_lost", "queued in a ledger whose write-ahead log is missing", "unknown", "reconcile"

    # ---- the run has not come to it ----
    GIVEN_UP = "given_up", "given up", "not_sent", "nothing; it was still queued when the ledger was purged"
    AFTER_CANARY = "after_canary", "after the canary", "not_sent", "see how the canary did, then resume"
    NOT_REACHED = "not_reached", "not reached", "not_sent", "resume"
    BEING_SENT = "being_sent", "being sent", "unknown", "wait; the run is under way"
    STOPPED = "stopped", "{}", "queued", "see to what stopped the run, then resume"
    RULE_FAILED = "rule_failed", "a rule could not be asked: {}", "queued", "see to the rule, then resume"
    TOO_LATE = "too_late", "too late", "queued", "resume with a later --until"
    NO_COMMON_HOUR = "no_common_hour", "no hour suits its zones", "queued", "give the contact a zone, or allow other --hours"
    STATE_LEFT_OUT = "state_left_out", "state left out", "queued", "resume without the state in --not-in"
    LATE = "late", "lock expired", "queued", "the provider hands the contact out again; resume"
    DRAWN = "drawn", "drawn, not sent", "queued", "resume once the lock has ended"


class Reason(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why. `code` says what it is, `detail` what differs from case to case: a field's name, a provider's words, a row."""

    code: Code = Code.NONE
    detail: str = ""

    def __str__(self) -> str:
        detail = self.detail.replace(APART, "")
        words = self.code.words
        return words.replace("{}", detail, 1) if "{}" in words else words + detail

    def __bool__(self) -> bool:
        return self.code is not Code.NONE

    @property
    def kind(self) -> Reason:
        """The same without what differs from text to text."""
        return Reason(self.code, self.detail.partition(APART)[0]) if APART in self.detail else self

    def over(self, line: int) -> Reason:
        """The same of a text that was sent from this line."""
        return Reason(self.code, f"{self.detail}{APART}; line {line}")

    @property
    def line(self) -> int | None:
        """The line that the text was sent from; None if the reason does not tell."""
        if self.code is Code.LINE:
            return int(self.detail)
        _, _, behind = self.detail.rpartition(f"{APART}; line ")
        return int(behind) if behind.isdecimal() and APART in self.detail else None


NO_REASON: Final = Reason()
SUPPRESSED: Final = Reason(Code.SUPPRESSED)
"""Of a contact that the caller's suppression list names."""
ABSENT: Final = Reason(Code.ABSENT)
"""Of a contact that the provider's log, read completely and late enough, does not show."""
FOUND: Final = frozenset({Code.FOUND, Code.FOUND_SEVERAL})
"""Codes of a contact that is sent only because the provider's log says so."""
INTERRUPTED: Final = Reason(Code.INTERRUPTED)
OUTSIDE_HOURS: Final = Reason(Code.OUTSIDE_HOURS, "outside hours")
"""Of a contact whom our own hours do not let be texted now; what a provider says of its hours has words of its own."""
TOO_LATE: Final = Reason(Code.TOO_LATE)
CAPPED: Final = Reason(Code.DAILY_CAP, "daily cap")
"""Of a contact whose text does not fit into our own cap a day; what a provider says of a cap has words of its own."""
NO_COMMON_HOUR: Final = Reason(Code.NO_COMMON_HOUR)
STATE_LEFT_OUT: Final = Reason(Code.STATE_LEFT_OUT)
OF_HOURS: Final = (OUTSIDE_HOURS, TOO_LATE, NO_COMMON_HOUR, STATE_LEFT_OUT)
"""Reasons of contacts that are queued because of where they are; looked at anew whenever a run is gone on with."""


def duplicate(row: int) -> Reason:
    """Of a contact whose phone stands in an earlier row."""
    return Reason(Code.DUPLICATE, f"{APART} of row {row}")


# ---- words of old ----

_VARIES: Final = when_used(r" of row \d+$|; line \d+$|; its lock ends at .*$| of \d+ bytes$")
"""What differs from text to text in words that were written before there were codes."""

_FIXED: Final = {code.words: code for code in Code if "{}" not in code.words and code is not Code.NONE}
_FILLED: Final = [
    (when_used(f"{re.escape(before)}(.*){re.escape(after)}", re.DOTALL), code)
    for code in Code
    for before, mark, after in [code.words.partition("{}")]
    if mark and before
]
_LINE: Final = when_used(r"line \d+")


@functools.lru_cache(4096)
def from_words(words: str) -> Reason:
    """The reason that these words of an older ledger, or of a report, stand for. `str()` of it gives them back.

    Nothing else reads words. What is in no row of the table is kept as it is under the code `other`.
    """
    if not words:
        return NO_REASON
    found = _VARIES.search(words)
    head, rest = (words[: found.start()], APART + words[found.start() :]) if found is not None else (words, "")
    if head in _FIXED:
        return Reason(_FIXED[head], rest)
    before, semicolon, behind = words.partition("; ")
    if semicolon and before in _FIXED:
        return Reason(_FIXED[before], f"{APART}; {behind}")
    for pattern, code in _FILLED:
        match = pattern.fullmatch(head)
        if match is not None and (code is not Code.LINE or _LINE.fullmatch(words)):
            return Reason(code, match[1] + rest) if str(Reason(code, match[1] + rest)) == words else Reason(Code.OTHER, words)
    return Reason(Code.OTHER, head + rest)
