"""Columns of a list that say who must not be texted: how they are known, what a cell of
them says, and the rules of `--skip-if`.

Lives here: words for yes and no, and the count of those who said no. Pure.

A list that says `opt_out` and is texted all the same is the most expensive mistake there is, so such a column is
pointed out where no rule uses it. What is in doubt counts as a no: the person is left out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.lists import columns
from rumbleup_async.messaging import Planned, Skipped
from rumbleup_async.patterns import when_used
from rumbleup_async.reasons import APART, NO_REASON, Code, Reason
from rumbleup_async.screening import phones
from rumbleup_async.screening.cells import says_nothing, undress
from rumbleup_async.screening.template import field_name

_BEFORE: Final = (
    "(?:is|has|was|sms|mms|text|texts|texting|txt|phone|cell|mobile|contact|global|marketing|voter|member|user|person)*"
)
_AFTER: Final = "(?:of|from|for|sms|mms|texts?|texting|phone|cell|mobile|flag|date|datetime|at|on|time|reason|status|list|yn|tf)*"
_out = when_used(
    f"{_BEFORE}(?:opt(?:ed)?outs?|do?nott?(?:text|txt|contact|call|sms|message|disturb)|dont(?:text|contact|call|sms)"
    f"|no(?:sms|texts?|txt|contact|messages?)|unsub(?:scribed?|s)?|blacklist(?:ed)?|blocklist(?:ed)?|blocked|suppress(?:ed|ion)?"
    f"|dnc|dnt|dnd|stop(?:ped)?|deceased|revoked|donot|exclu(?:ded?|sion)|(?:bad|wrong|invalid)(?:number|phone|cell)"
    f"|disconnected|refused|(?:to)?removed?){_AFTER}"
)
_in = when_used(
    f"{_BEFORE}(?:opt(?:ed)?ins?|consent(?:ed|s)?|subscribed|can(?:be)?text(?:ed)?|oktotext|maytext|allow(?:s|ed)?(?:sms|texts?|texting)?"
    f"|(?:sms|texts?)(?:ok|allowed|permission)|accepts?(?:sms|texts?)?(?:marketing)?|textable|marketingconsent){_AFTER}"
)
_status = when_used(
    f"{_BEFORE}(?:status|subscription|subscriptionstatus|preference|optstatus|consentstatus|result|outcome|disposition)"
)

_AGREED: Final = frozenset(
    {
        *("opted in", "opted-in", "opted_in", "opt in", "opt-in", "opt_in", "optin", "optedin"),
        *("subscribed", "active", "allowed"),
    }
)
_NO: Final = _AGREED | {
    *("", "false", "f", "no", "n", "0", "0.0", "0.00", "off", "never", "nope", "unchecked", "nein", "non", "falsch", "faux"),
    *("none", "null", "(null)", "nil", "nan", "na", "n/a", "#n/a", "<na>", "\\n", "undefined", "nat"),
    *("-", "--", "\u2013", "\u2014", "\u2610", "not opted out"),
}
"""What says no in a column of opt-outs. Of the words for nothing only those
that programs write: `unknown` is in doubt."""

_YES: Final = frozenset(
    {
        *("true", "t", "yes", "y", "1", "1.0", "x", "on", "checked", "ja", "oui", "si", "s\u00ed", "wahr", "vrai", "ok"),
        *("\u2713", "\u2714", "\u2611", "\u2705"),
    }
)
_YES_OF_CONSENT: Final = (_YES | _AGREED) | {
    *("granted", "given", "confirmed", "consented", "explicit", "express", "double opt-in", "single_opt_in", "double_opt_in"),
}
_says_out = when_used(
    r"opt(?:ed)?[ _-]?outs?|unsub\w*|stop(?:ped|all)?|(?:do not|don't|no)[ _-]?(?:text|contact|call|sms|message)s?|dn[ctd]"
    r"|blocked|black-?listed|suppressed|deceased|revoked|(?:wrong|bad|invalid)[ _-](?:number|phone)|disconnected|refused",
    re.IGNORECASE,
)
_refuses = when_used(
    r"(?:no|not|never|without|withdr[ae]wn?|revoked?|declined?|denied|refused?|expired|rejected|pending|unconfirmed|unknown"
    r"|unsub\w*|opt(?:ed)?[ _-]?outs?|do not|don't|stop(?:ped|all)?)\b|\?",
    re.IGNORECASE,
)
_no_date = when_used(r"[0\-/.:T ]+")
"""`0000-00-00`: what databases write where there is no date."""
_operator = when_used(r"[!<>~^]\s*$")
_date = when_used(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\d{8,}")

_NO_CONSENT: Final = Reason(Code.NO_CONSENT)
_SAID_NO: Final = Reason(Code.NO_CONSENT, APART)
"""Of a cell that says no, and not only nothing: it speaks for all rows of this phone. It is shown and counted as the other."""

Kind = Literal["out", "in", "status", ""]


@functools.lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind:
    """What a column of this (normalised) name says: who opted out, who opted in,
    or how somebody stands; "" for any other."""
    bare = name.replace("_", "")
    if "email" in bare:
        return ""
    return "out" if _out.fullmatch(bare) else "in" if _in.fullmatch(bare) else "status" if _status.fullmatch(bare) else ""


def _bars(kind: Kind, value: str) -> bool:
    """Whether a cell of a column that no rule uses says that this person is not to be texted."""
    low = value.lower()
    if kind == "out":
        return low not in _NO
    if kind == "in":
        return low != "" and low not in _YES_OF_CONSENT and not _date.match(low)
    return _says_out.fullmatch(value) is not None


class Rule(NamedTuple):
    """One `--skip-if`: the column, the value that counts if one is named, and the words that it was given in."""

    column: str
    value: str | None
    words: str

    def skips(self, value: str) -> bool:
        """Whether a cell with this value, without its dress, leaves its person out."""
        low = value.lower()
        if self.value is None:
            return low not in _NO
        wanted = self.value.lower()
        if wanted in _NO:
            return low in _NO if kind_of(self.column) != "in" else low not in _YES_OF_CONSENT and not _date.match(low)
        return low == wanted or (wanted in _YES and (low in _YES or (kind_of(self.column) == "out" and low not in _NO)))


def read_rules(given: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of `--skip-if`, each `COLUMN` or `COLUMN=VALUE`. ConfigurationError for one that cannot be meant."""
    rules = []
    for words in [given] if isinstance(given, str) else given:
        name, sign, value = words.partition("=")
        if sign and (_operator.search(name) or value[:1] == "~"):
            # `state!=NY` read as `state=NY` would text those who were to be left out, and nobody else.
            raise ConfigurationError(
                f"skip-if {words!r} compares in a way that is not known; write COLUMN or COLUMN=VALUE, repeated for each value"
            )
        value = value.removeprefix("=")
        column = field_name(name)
        if not column:
            raise ConfigurationError(f"skip-if {words!r} names no column; write it as COLUMN or COLUMN=VALUE")
        if not sign and kind_of(column) == "in":
            raise ConfigurationError(
                f"the column {column} says who may be texted, so skip-if {column} would leave out those who agreed; "
                f"write {column}=no"
            )
        rules.append(Rule(column, undress(value.strip()) if sign else None, words.strip()))
    return tuple(rules)


def read_consent_field(given: str | None) -> str | None:
    """The column of `--consent-field` in the normal form. ConfigurationError for one that cannot be meant."""
    if given is None:
        return None
    column = field_name(given)
    if not column:
        raise ConfigurationError(f"consent-field {given!r} names no column")
    if columns.says_phone(column):
        raise ConfigurationError(
            f"consent-field {column} is the column of the phone, which says nothing of consent; name another"
        )
    if kind_of(column) == "out":
        raise ConfigurationError(
            f"the column {column} says who must not be texted, so consent-field {column} would text those who said no; "
            f"leave them out with skip-if {column}"
        )
    return column


def _consents(value: str) -> Reason:
    """What a cell of the consent column, without its dress, has against texting: nothing where it says when or how
    somebody agreed."""
    low = value.lower()
    if low in _YES_OF_CONSENT:
        return NO_REASON
    if says_nothing(value):
        return _NO_CONSENT
    return (
        _SAID_NO if low in _NO or _no_date.fullmatch(value) or _says_out.fullmatch(value) or _refuses.match(value) else NO_REASON
    )


class ConsentCheck:
    """Reads the cells of one list that say who must not be texted: it applies
    the rules, and counts what no rule covers. `agreed`: the column without whose yes nobody is texted."""

    def __init__(self, rules: Sequence[Rule] = (), prefix: str = "", agreed: str | None = None) -> None:
        self._prefix = prefix
        self._agreed = agreed
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.column, []).append(rule)
        self._kinds: dict[str, Kind] = {}
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}
        self.barred: dict[str, Reason] = {}
        """By phone, in the provider's form: why a rule has left it out. It is left out in each of its rows."""
        self.columns: frozenset[str] = frozenset()
        """The columns to read; none if no column says anything."""

    def begin(self, names: Sequence[str], where: str) -> None:
        """The list has these columns. `ListError` if one of a rule is not among them."""
        if self._agreed is not None:
            if self._agreed not in names:
                raise ListError(
                    f"{where}: there is no column {self._agreed!r} for consent-field; {columns.choice(self._agreed, names)}"
                )
            if names.count(self._agreed) > 1:
                raise ListError(f"{where}: several columns are called {self._agreed!r}; rename all but one")
        for rules in self._rules.values():
            if rules[0].column not in names:
                missing = rules[0].column
                several = "repeat skip-if for each column; " if "," in rules[0].words else ""
                raise ListError(f"{where}: there is no column {missing!r} for skip-if; {several}{columns.choice(missing, names)}")
            if names.count(rules[0].column) > 1:
                raise ListError(f"{where}: several columns are called {rules[0].column!r}; rename all but one")
        covered = {*self._rules, *([] if self._agreed is None else [self._agreed])}
        self._kinds = {name: kind for name in names if (kind := kind_of(name)) and name not in covered}
        self.columns = frozenset({*covered, *self._kinds})

    def why_not(self, cells: Iterable[tuple[str, str]]) -> Reason:
        """Why a row with these cells, as they came, is left out; `NO_REASON` if it is not."""
        why = NO_REASON
        agrees = NO_REASON if self._agreed is None else _NO_CONSENT
        for name, raw in cells:
            if name in self.columns:
                value = undress(raw.strip())
                for rule in self._rules.get(name, ()):
                    if not why and rule.skips(value):
                        why = Reason(Code.SKIP_IF, rule.words)
                if name == self._agreed and agrees is not _SAID_NO and (said := _consents(value)) is not _NO_CONSENT:
                    agrees = said
                kind = self._kinds.get(name, "")
                if kind and _bars(kind, value):
                    self._counts[name] = self._counts.get(name, 0) + 1
                    self._examples.setdefault(name, value)
        return why or agrees

    def bar(self, row: int, raw: str, why: Reason) -> Skipped:
        """The row with this phone as it came is left out."""
        phone, _ = phones.normalise(raw.strip())
        if phone and why != _NO_CONSENT:
            self.barred.setdefault(self._prefix + phone, why)
        return Skipped(row, self._prefix + phone if phone else phones.shown(raw), why)

    def leave_out(self, planned: Planned | Skipped) -> Planned | Skipped:
        """The row, or a skipped one if another row has left its phone out."""
        why = self.barred.get(planned.phone) if isinstance(planned, Planned) else None
        return Skipped(planned.row, planned.phone, why, planned.kept) if why else planned

    def notes(self) -> list[str]:
        """What the columns say that no rule covers."""
        notes = []
        for name, count in self._counts.items():
            rows = f"{count:,} rows" if count != 1 else "1 row"
            kind = self._kinds[name]
            rule = {"out": name, "in": f"{name}=no"}.get(kind) or f"{name}={self._examples[name]}"
            rule = f"'{rule}'" if " " in rule else rule
            notes.append(
                f"the column {name} says of {rows} not to text them, and they are texted; leave them out with --skip-if {rule}"
            )
        return notes
