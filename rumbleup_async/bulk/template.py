"""The text of a campaign with its merge fields: `Hi {first_name|friend}. STOP to opt out`.

Lives here: parsing, merging, the normal form of field names, the opt-out wording. Pure. May import: errors, its neighbour
`segments`.

A template is data written by campaign staff, so it can do nothing but name columns: no attribute access, no indexing, no
format codes. A contact without a value for a field is not texted, because "Hi ," reaches a real person.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from rumbleup_async.bulk.segments import is_plain
from rumbleup_async.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

_token = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_separators = re.compile(r"[\W_]+")
_name = re.compile(r"\s*\w[\w \-]*\s*").fullmatch
# RumbleUp expands `@first_name@` in project messages; whether message/send does is not documented (api-facts 2.7.2).
_placeholder = re.compile(r"@[A-Za-z0-9_]+@").search
# A word, but `STOP2END` and `STOP=quit` count: carriers' and campaigns' usual wordings.
_opt_out = re.compile(r"(?<!\w)[Ss][Tt][Oo][Pp](?![^\W\d])").search
_forbidden_control = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]").search
_control = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+").sub

_FORBIDDEN: Final = {
    ".": "no attribute access",
    "[": "no indexing",
    "]": "no indexing",
    "!": "no conversions",
    ":": "no format codes",
}


class EmptyFieldError(Exception):
    """A contact has no value for a merge field that has no fallback. Internal: screening turns it into a reason."""

    def __init__(self, field: str) -> None:
        super().__init__(f"empty merge field {field}")
        self.field = field


class Template:
    """A parsed text. Raises `TemplateError`, with the position, if it cannot be what its author meant.

    `{field}` must have a value, `{field|fallback}` uses the fallback where it is missing or empty, `{{` and `}}` are braces.
    Field names are compared in the normal form of `field_name`, so `{First Name}` is the column `first_name`.
    """

    __slots__ = ("_first", "_is_plain", "_parts", "fields", "literal", "text")

    text: str
    """The text as given, line ends as \\n."""
    fields: tuple[str, ...]
    """The fields it merges, each once, in the order of the text."""
    literal: str
    """What is the same in every text: everything but the fields, each of which is shown as `_`."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not self.text.strip():
            raise TemplateError("the text is empty")
        found = _forbidden_control(self.text)
        if found:
            raise TemplateError(f"the text holds a control character at position {found.start() + 1}; remove it")
        literals, merges = _parse(self.text)
        # A field stands as "x" here: `@{name}@` would become a placeholder once it is merged.
        if has_placeholder("x".join(literals)):
            raise TemplateError(
                "the text holds a placeholder of the form @first_name@, which message/send may not fill in; "
                "write {first_name} instead"
            )
        self._is_plain = is_plain("".join(literals)) and "@" not in self.text
        self._first = literals[0]
        self._parts = tuple((field, default, after) for (field, default), after in zip(merges, literals[1:], strict=True))
        self.fields = tuple(dict.fromkeys(field for field, _ in merges))
        # A letter, not a space: the field in `STOP{x}` must not pass for the end of the word STOP.
        self.literal = "_".join(literals)

    @property
    def required_fields(self) -> tuple[str, ...]:
        """The fields that have no fallback everywhere they stand."""
        return tuple(dict.fromkeys(field for field, default, _ in self._parts if default is None))

    def render(self, values: Mapping[str, str]) -> str:
        """The text for one contact. Raises `EmptyFieldError` for the first field without a value or a fallback.

        Values are inserted as they are, but stay on one line: runs of whitespace and control characters become one space.
        """
        text = self._first
        for field, default, after in self._parts:
            raw = values.get(field)
            value = raw if raw and raw.isalpha() else merge_value(raw or "")
            if not value:
                if default is None:
                    raise EmptyFieldError(field)
                value = default
            text += value + after
        return text

    def render_plain(self, values: Mapping[str, str]) -> str | None:
        """The text if there is nothing about it to be looked at but its length: every value letters of ASCII, all around them in
        the GSM alphabet, a septet each, and no `@`. None for any other, which `render` makes or refuses."""
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


def field_name(raw: str) -> str:
    """The normal form of a column or field name: composed (NFC), lower case, words joined by `_`; "" if nothing is left.

    >>> field_name(" First-Name ")
    'first_name'
    """
    # An accent that stands beside its letter, as macOS writes it in names of files and what is copied from there, is no letter.
    return _separators.sub("_", unicodedata.normalize("NFC", raw).lower()).strip("_")


def merge_value(raw: str) -> str:
    """A value as it enters a text: on one line, without outer whitespace and invisible control characters."""
    value = " ".join(raw.split())
    return value if value.isprintable() else " ".join(_control(" ", value).split())


def has_placeholder(text: str) -> bool:
    """Whether the text holds something RumbleUp might take for one of its own `@field@` placeholders."""
    return "@" in text and _placeholder(text) is not None


def holds_control(text: str) -> bool:
    """Whether the text holds a control character that no message should."""
    return _forbidden_control(text) is not None


def has_opt_out(template: Template) -> bool:
    """Whether every text made from the template says STOP, whatever is merged: a value or fallback does not count."""
    return says_stop(template.literal)


def says_stop(text: str) -> bool:
    """Whether the text holds the word STOP, in any case."""
    return _opt_out(text) is not None


def _parse(text: str) -> tuple[list[str], list[tuple[str, str | None]]]:
    """The fixed pieces, and between each two of them a field and its fallback."""
    literals = [""]
    merges: list[tuple[str, str | None]] = []
    end = 0
    for match in _token.finditer(text):
        literals[-1] += text[end : match.start()]
        end = match.end()
        token, position = match[0], match.start() + 1
        if token in ("{{", "}}"):
            literals[-1] += token[0]
        elif token in ("{", "}"):
            raise TemplateError(
                f"unbalanced {token!r} at position {position}; a merge field is {{name}}, a brace itself is written twice"
            )
        else:
            merges.append(_merge_field(match[1], position))
            literals.append("")
    literals[-1] += text[end:]
    return literals, merges


def _merge_field(body: str, position: int) -> tuple[str, str | None]:
    name, bar, default = body.partition("|")
    for character in name:
        if character in _FORBIDDEN:
            raise TemplateError(
                f"{{{name}}} at position {position}: {_FORBIDDEN[character]} in a merge field; it is just a column name"
            )
    field, name = field_name(name), unicodedata.normalize("NFC", name)
    if not field or not _name(name):
        raise TemplateError(f"{{{name}}} at position {position} is not a merge field; it is a column name, like {{name}}")
    return field, default if bar else None
