"""A text for each kind of person: `Language=Spanish` and the text for whom that is true.

Lives here: reading such conditions, and which text a contact gets. Pure.

A condition names a column and the value that its cell must have. Case, blanks around the value and a spreadsheet's quotes do not
count. The first condition that a contact meets decides; who meets none gets the plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from rumbleup_async.errors import ConfigurationError, TemplateError
from rumbleup_async.screening.cells import undress
from rumbleup_async.screening.opt_out import has_word
from rumbleup_async.screening.template import Template, field_name, has_opt_out, merge_value

Given = Mapping[str, str] | Sequence[tuple[str, str]]
"""Conditions with their texts, in the order in which they are tried."""

_operator = re.compile(r"[!<>~^]\s*$").search


class Kind(NamedTuple):
    """Those whose `column` holds `value`, which is in the form of `plain_value`. `words`: the condition as it was given."""

    column: str
    value: str
    words: str
    template: Template

    def named(self) -> AbstractContextManager[None]:
        """Within it, a `TemplateError` names the condition."""
        return _named(self.words)


@contextmanager
def _named(words: str) -> Iterator[None]:
    try:
        yield
    except TemplateError as error:
        raise TemplateError(f"the text for {words}: {error}") from None


def plain_value(value: str) -> str:
    """A value as conditions compare it."""
    return merge_value(undress(value.strip())).casefold()


def read_condition(words: str) -> tuple[str, str]:
    """The column and the value of `COLUMN=VALUE`. ConfigurationError for what cannot be meant."""
    name, sign, value = words.partition("=")
    if sign and (_operator(name) or value[:1] == "~"):
        raise ConfigurationError(f"text-when {words!r} compares in a way that is not known; write COLUMN=VALUE")
    column = field_name(name)
    if not (sign and column):
        raise ConfigurationError(f"text-when {words!r} is no condition; write COLUMN=VALUE, such as Language=Spanish")
    return column, plain_value(value.removeprefix("="))


def pairs(given: Given) -> list[list[str]]:
    """The conditions with their texts, in the form that a plan keeps. ConfigurationError for what cannot be meant."""
    found: dict[tuple[str, str], list[str]] = {}
    for words, text in given.items() if isinstance(given, Mapping) else given:
        condition = read_condition(words)
        if condition in found:
            raise ConfigurationError(f"text-when {words!r} stands there twice; the second text would be for nobody")
        found[condition] = [words.strip(), text.replace("\r\n", "\n").replace("\r", "\n")]
    return list(found.values())


def read_kinds(given: Given, *, literal: bool = False) -> tuple[Kind, ...]:
    """The kinds of people with their texts. TemplateError, which names the condition, for a text that cannot be sent."""
    kinds = []
    for words, text in pairs(given):
        with _named(words):
            kinds.append(Kind(*read_condition(words), words, Template(text, literal=literal)))
    return tuple(kinds)


def which(kinds: Sequence[Kind], fields: Mapping[str, str]) -> int:
    """The number, from 1, of the first kind that a contact with these fields is of; 0 for none."""
    for number, kind in enumerate(kinds, 1):
        # Most cells are in their plain form but for the case.
        value = fields.get(kind.column, "")
        if (value.lower() if value.isascii() and value.isalnum() else plain_value(value)) == kind.value:
            return number
    return 0


def require_opt_out(template: Template, kinds: Iterable[Kind] = ()) -> None:
    """Raise `TemplateError` unless every text tells people how to opt out. RumbleUp answers 403 without it."""
    for whose, one in [("the text", template), *((f"the text for {kind.words}", kind.template) for kind in kinds)]:
        if has_opt_out(one):
            continue
        if has_word(one.fixed):
            raise TemplateError(
                f'{whose} has the word "stop", but not as a way to opt out; add the words "STOP to opt out", or '
                '"Reply STOP to end"'
            )
        raise TemplateError(f'{whose} does not tell people how to opt out; add the word STOP, as in "STOP to opt out"')
