"""The text of a campaign with its merge fields: `Hi {first_name|friend}. STOP to opt out`.

Lives here: parsing, merging, what is refused in a text and in what is merged. Pure.

A template is data written by campaign staff, so it can do nothing but name columns: no attribute access, no indexing,
no format codes. A contact without a value for a field is not texted, because "Hi ," reaches a real person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import ConfigurationError, TemplateError
from rumbleup_async.patterns import when_used
from rumbleup_async.screening import link_notes, marks, placeholders
from rumbleup_async.screening.escapes import Escape, escapes
from rumbleup_async.screening.fields import Merge, merge_field
from rumbleup_async.screening.names import field_name, spelling
from rumbleup_async.screening.opt_out import says_stop
from rumbleup_async.screening.segments import is_plain, outside_alphabet
from rumbleup_async.screening.tidying import WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["EmptyFieldError", "Template", "field_name", "has_opt_out", "merge_value", "says_stop"]

AS_IT_IS: Final = "--literal (in Python literal=True) sends it as it is"

_token = when_used(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# RumbleUp expands `@first_name@` in project messages; whether message/send does is not documented.
_placeholder = when_used(r"@[A-Za-z0-9_]+@")
_forbidden_control = when_used(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_control = when_used(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")


class EmptyFieldError(Exception):
    """A contact has no value for a merge field that has no fallback. Internal: screening turns it into a reason."""

    def __init__(self, field: str) -> None:
        super().__init__(f"empty merge field {field}")
        self.field = field


class Template:
    """A parsed text. Raises `TemplateError`, with the position, if it cannot be what its author meant.

    `{field}` must have a value, `{field|fallback}` uses the fallback where it is missing or empty, `{{` and `}}` are braces.
    Field names are compared in the normal form of `field_name`, so `{First Name}` is the column `first_name`. What looks like
    another program's merge field, or like a line break typed as `\\n`, is refused unless `literal` says that it is meant.
    """

    __slots__ = ("_first", "_is_plain", "_parts", "_places", "_tidying", "fields", "fixed", "is_literal", "notes", "text")

    text: str
    """The text as it is used: accents composed, without invisible marks, line ends as \\n."""
    fields: tuple[str, ...]
    """The fields it merges, each once, in the order of the text."""
    fixed: str
    """What is the same in every text: everything but the fields, each of which is shown as `_`."""
    is_literal: bool
    """Whether signs of other programs are to go out as they are, in the text and in what is merged."""
    notes: tuple[str, ...]
    """What was understood otherwise than it was written."""

    def __init__(self, text: str, *, literal: bool = False) -> None:
        self.text = marks.tidy(text.replace("\r\n", "\n").replace("\r", "\n"))
        self.is_literal = literal
        if not self.text.strip():
            raise TemplateError("the text is empty")
        found = _forbidden_control.search(self.text)
        if found:
            raise TemplateError(f"the text holds a control character at position {found.start() + 1}; remove it")
        notes: list[str] = []
        literals, merges, places = _parse(self.text, notes)
        self._places = places
        self.notes = tuple(dict.fromkeys(notes))
        self._is_plain = is_plain("".join(literals)) and "@" not in self.text
        self._first = literals[0]
        self._parts = tuple((merge.field, merge.default, after) for merge, after in zip(merges, literals[1:], strict=True))
        self._tidying = tuple(merge.tidying for merge in merges) if any(merge.tidying for merge in merges) else ()
        self._is_plain = self._is_plain and not self._tidying
        self.fields = tuple(dict.fromkeys(merge.field for merge in merges))
        # A letter, not a space: the field in `STOP{x}` must not pass for the end of the word STOP.
        self.fixed = "_".join(literals)
        if not literal:
            self._refuse_escapes()
            # A field stands as "x" here: `@{name}@` would become a placeholder once it is merged.
            if has_placeholder("x".join(literals)):
                raise TemplateError(
                    "the text holds a placeholder of the form @first_name@, which message/send may not fill in; "
                    f"write {{first_name}} instead; {AS_IT_IS}"
                )
            self.refuse_foreign(())

    def refuse_foreign(self, columns: Collection[str]) -> None:
        """Raise `TemplateError` for what looks like another program's merge field and
        names one of these columns, or a usual one.

        Once the columns of the list are known, it is asked again.
        """
        if self.is_literal:
            return
        foreign = placeholders.first(self._view(), columns, fields=self._merged)
        if foreign is not None:
            spelled = spelling(foreign.name, columns)
            remedy = f"write {{{spelled}}}" if foreign.name else "a text has no conditions, write what is meant"
            raise TemplateError(
                f"the text holds {self._written(foreign)}, which looks like a merge field of another program and would be sent "
                f"as it is; {remedy} instead; {AS_IT_IS}"
            )
        for _, default, _ in self._parts:
            foreign = placeholders.first(default or "", columns)
            if foreign is not None:
                raise TemplateError(
                    f"the fallback {shown(default or '')} looks like a merge field and would be sent as it is; a fallback is "
                    f"plain words; {AS_IT_IS}"
                )

    def foreign_notes(self, columns: Collection[str] = ()) -> list[str]:
        """What looks a little like another program's merge field and is sent as it is, in words."""
        found = placeholders.find(self._view(), columns, fields=self._merged)
        return [f"{self._written(one)} is sent as it is" for one in found]

    def addresses(self) -> list[str]:
        """The links of the fixed part as they stand in the text, each once."""
        return link_notes.written(self._view(), lambda start, end: self.text[self._place(start) - 1 : self._place(end) - 1])

    def costly(self) -> list[tuple[str, int]]:
        """The characters of the fixed part that make every text more expensive, each with its first position."""
        return [(char, self._place(at)) for char, at in outside_alphabet(self._view().replace(placeholders.FIELD, " "))]

    @property
    def pieces(self) -> tuple[str, ...]:
        """What stands before, between and behind the fields."""
        return (self._first, *(after for _, _, after in self._parts))

    @property
    def _merged(self) -> tuple[str, ...]:
        return tuple(field for field, _, _ in self._parts)

    def _view(self) -> str:
        """The fixed part with `FIELD` in place of each merge field."""
        return placeholders.FIELD.join(self.pieces)

    def _written(self, found: placeholders.Placeholder) -> str:
        """A placeholder as it stands in the text, where a brace is two, and its position."""
        start, end = self._place(found.at), self._place(found.at + found.size)
        return f"{shown(self.text[start - 1 : end - 1])} at position {start}"

    def _place(self, at: int) -> int:
        """The position in the text, from 1, of a character of the view."""
        return self._places[at]

    def _refuse_escapes(self) -> None:
        view = self._view()
        found = [(escape, self._place(escape.at)) for escape in escapes(view)]
        for _, default, _ in self._parts:
            found += [(escape, self.text.find(escape.shown) + 1) for escape in escapes(default or "")]
        for escape, place in found:
            raise TemplateError(f"the text holds {escape.shown} at position {place}, {_would_be(escape)}; {AS_IT_IS}")

    @property
    def required_fields(self) -> tuple[str, ...]:
        """The fields that have no fallback everywhere they stand."""
        return tuple(dict.fromkeys(field for field, default, _ in self._parts if default is None))

    def render(self, values: Mapping[str, str]) -> str:
        """The text for one contact. Raises `EmptyFieldError` for the first field without a value or a fallback.

        Values are inserted as they are, but stay on one line: runs of whitespace
        and control characters become one space.
        """
        text = self._first
        tidying = self._tidying
        for number, (field, default, after) in enumerate(self._parts):
            raw = values.get(field)
            value = raw if raw and raw.isascii() and raw.isalpha() else merge_value(raw or "")
            if not value:
                if default is None:
                    raise EmptyFieldError(field)
                value = default
            elif tidying:
                for word in tidying[number]:
                    value = WORDS[word](value)
            text += value + after
        return text

    def render_plain(self, values: Mapping[str, str]) -> str | None:
        """The text if there is nothing about it to be looked at but its length: every value
        letters of ASCII, all around them in the GSM alphabet, a septet each, and no `@`. None for
        any other, which `render` makes or refuses."""
        text = self._first
        if not self._is_plain:
            return None
        for field, _, after in self._parts:
            value = values.get(field)
            if not (value and value.isalpha() and value.isascii()):
                return None
            text += value + after
        return text

    def __repr__(self) -> str:
        return f"Template(<{len(self.text)} characters>, fields={list(self.fields)})"


def merge_value(raw: str) -> str:
    """A value as it enters a text: on one line, accents composed, without outer whitespace and invisible characters."""
    value = " ".join(raw.split())
    if value.isascii() and value.isprintable():
        return value
    value = marks.tidy(value)
    return value if value.isprintable() else " ".join(_control.sub(" ", value).split())


def spoiled(value: str, columns: Collection[str] = ()) -> str:
    """Why a value must not be merged: it holds a merge field that was never filled in, or what should have become a
    line break or a letter. "" for one that may be."""
    if not placeholders.may_hold(value):
        return ""
    if placeholders.first(value, columns) is not None:
        return "holds a merge field that was never filled in"
    found = escapes(value)
    return f"holds {found[0].shown[:12]}, {_instead(found[0])}" if found else ""


def check_single(text: str, what: str = "the text") -> None:
    """Raise `ConfigurationError` for a single text that holds a merge field, of ours or another program's, or a typed `\\n`."""
    if not placeholders.may_hold(text):
        return
    foreign = placeholders.first(text)
    if foreign is not None:
        raise ConfigurationError(
            f"{what} holds {shown(foreign.shown)} at position {foreign.at + 1}, which looks like a merge field; nothing is "
            f"filled into a single text, so write the words themselves; {AS_IT_IS}"
        )
    for escape in escapes(text):
        raise ConfigurationError(f"{what} holds {escape.shown} at position {escape.at + 1}, {_would_be(escape)}; {AS_IT_IS}")


def shown(text: str) -> str:
    """A piece of a text for an error: short, and without what would steer a terminal."""
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _would_be(escape: Escape) -> str:
    remedy = {
        "a line break": "for a line break press Enter in --text-file, or write $'...' in the shell",
        "a tab": "write spaces",
        "a format": "a text message has no formats, so take it out",
    }.get(escape.meaning, "write the character itself")
    return f"which would be sent as it is, as {len(escape.shown)} characters; {remedy}"


def _instead(escape: Escape) -> str:
    return f"which would be sent as it is instead of {escape.meaning}"


def has_placeholder(text: str) -> bool:
    """Whether the text holds something RumbleUp might take for one of its own `@field@` placeholders."""
    return "@" in text and _placeholder.search(text) is not None


def holds_control(text: str) -> bool:
    """Whether the text holds a control character that no message should."""
    return _forbidden_control.search(text) is not None


def has_opt_out(template: Template) -> bool:
    """Whether every text made from the template says how to opt out, whatever is
    merged: a value or fallback does not count."""
    return says_stop(template.fixed)


def _parse(text: str, notes: list[str]) -> tuple[list[str], list[Merge], list[int]]:
    """The fixed pieces, between each two of them a field and its fallback, and the position in the text of each
    character of the pieces, with one for each field."""
    literals = [""]
    merges: list[Merge] = []
    places: list[int] = []
    end = 0
    for match in _token.finditer(text):
        literals[-1] += text[end : match.start()]
        places += range(end + 1, match.start() + 1)
        end = match.end()
        token, position = match[0], match.start() + 1
        places.append(position)
        if token in ("{{", "}}"):
            literals[-1] += token[0]
        elif token in ("{", "}"):
            raise TemplateError(
                f"unbalanced {token!r} at position {position}; a merge field is {{name}}, a brace itself is written twice"
            )
        else:
            merges.append(merge_field(match[1], position, notes))
            literals.append("")
    literals[-1] += text[end:]
    places += range(end + 1, len(text) + 2)
    return literals, merges, places
