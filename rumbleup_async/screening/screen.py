"""From a row of the list to the exact text planned for it, or the reason why that person is not texted.

Lives here: the order of the checks. Pure. Duplicates are not decided here: over millions
of rows that is the ledger's work, and screening keeps the order of the list so that the first row wins.

Reasons are few and fixed, so that counting by reason gives a short table: docs/reasons.md has them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.reasons import NO_REASON, SUPPRESSED, Code, Reason
from rumbleup_async.screening import phones
from rumbleup_async.screening.areas import DEFAULT, Areas
from rumbleup_async.screening.kinds import Kind, which
from rumbleup_async.screening.marks import tidy
from rumbleup_async.screening.must_say import missing
from rumbleup_async.screening.phones import bare, normalise
from rumbleup_async.screening.placeholders import may_hold
from rumbleup_async.screening.segments import Dear, count, is_plain
from rumbleup_async.screening.template import (
    EmptyFieldError,
    Template,
    field_name,
    has_placeholder,
    holds_control,
    merge_value,
    spoiled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping

_BROKEN_TEXT: Final = Reason(Code.UNREADABLE_ROW, "broken characters in a merge field")
_PLACEHOLDER: Final = Reason(Code.UNREADABLE_ROW, "the merged text holds an @...@ placeholder")

_LONGEST_NAME: Final = 100

_half = re.compile("[\ud800-\udfff]").search
"""Half of a character outside of the basic plane."""


class Screen:
    """Screens contacts for one text, or for one text for each kind of people and a plain one for all others.

    `max_segments` protects against a broken row that merges a page of text. `suppress` holds numbers never to text: a
    set, list, tuple, mapping or other iterable in any way of writing (an entry that cannot be read raises
    `ConfigurationError`: it stands for someone who must not be texted), or a container that can only say whether it holds the
    ten digits. `name_fields` are the column of
    the whole name, then the columns that make it up. `prefix` stands before the ten digits of a phone in what comes out.
    `countries` of +1 are texted, no others; see `areas`.
    `literal`: signs of other programs are meant as they are, in the text and in what is merged into it.
    """

    __slots__ = (
        "_areas", "_columns", "_name_field", "_name_parts", "_placing", "_prefix", "_suppress", "dear", "kinds",
        "max_segments", "must_say", "needed_fields", "template",
    )  # fmt: skip

    template: Template
    needed_fields: tuple[str, ...]
    """The columns to ask of a reader: those of the texts and of their conditions, then those of the name, which may be absent."""
    kinds: tuple[Kind, ...]
    """The kinds of people that have a text of their own."""
    max_segments: int
    must_say: tuple[str, ...]
    """Words that a text which was chosen for a contact must hold; a template is looked at once, before it comes here."""
    dear: Dear
    """What made texts of this list more expensive than they look."""

    def __init__(
        self,
        template: Template | str,
        *,
        max_segments: int = 10,
        suppress: Container[str] = frozenset(),
        name_fields: Collection[str] = ("name", "first_name", "last_name"),
        prefix: str = "",
        countries: Iterable[str] = DEFAULT,
        literal: bool = False,
        must_say: Iterable[str] = (),
        kinds: Iterable[Kind] = (),
    ) -> None:
        if max_segments < 1:
            raise ConfigurationError(f"max_segments is {max_segments}; it must be 1 or more")
        self.template = Template(template, literal=literal) if isinstance(template, str) else template
        self.dear = Dear()
        self.must_say = tuple(must_say)
        self._columns: Collection[str] = ()
        names = [field_name(name) for name in name_fields]
        self.kinds = tuple(kinds)
        self.needed_fields = tuple(dict.fromkeys([*self.merge_fields, *(kind.column for kind in self.kinds), *names]))
        self.max_segments = max_segments
        self._suppress = suppress
        self._prefix = prefix
        self._placing: Callable[[int, Mapping[str, str], str], int] = nowhere
        self._areas = Areas(countries)
        self._name_field, *self._name_parts = names or [""]

    @property
    def templates(self) -> list[Template]:
        """The plain text, then those of the kinds of people."""
        return [self.template, *(kind.template for kind in self.kinds)]

    @property
    def merge_fields(self) -> tuple[str, ...]:
        """What is merged into one of the texts."""
        return tuple(dict.fromkeys(field for template in self.templates for field in template.fields))

    @property
    def required_fields(self) -> tuple[str, ...]:
        """The merge fields without which somebody cannot be texted."""
        return tuple(dict.fromkeys(field for template in self.templates for field in template.required_fields))

    def suppress(self, numbers: Container[str]) -> None:
        """From now on these are suppressed, in place of those before: ten digits each."""
        self._suppress = numbers

    def place_by(self, placing: Callable[[int, Mapping[str, str], str], int]) -> None:
        """From now on each contact has the place that this finds, of its row, its fields and its ten digits."""
        self._placing = placing

    def learn(self, columns: Collection[str]) -> None:
        """The columns of the list are known. Raises `TemplateError` if the text names one of them in other signs than ours."""
        self._columns = frozenset(map(field_name, columns))
        self.template.refuse_foreign(self._columns)
        for kind in self.kinds:
            with kind.named():
                kind.template.refuse_foreign(self._columns)

    def __call__(self, row: Contact | Skipped) -> Planned | Skipped:
        """What becomes of one row. What a reader has skipped stays skipped."""
        return self.batch((row,))[0]

    def batch(self, rows: Iterable[Contact | Skipped]) -> list[Planned | Skipped]:  # noqa: C901 - one loop over millions
        """The rows screened, in their order, one result a row: the form for long lists."""
        suppress, prefix, place = self._suppress, self._prefix, self._placing
        is_texted, why_not = self._areas.is_texted, self._areas.why_not
        kinds, number, template = self.kinds, 0, self.template
        render, render_plain = template.render, template.render_plain
        screened: list[Planned | Skipped] = []
        add = screened.append
        for contact in rows:
            # Asked in this way round: that a struct is of another class takes Python ten times as long to say.
            if not isinstance(contact, Contact):
                add(contact)
                continue
            row, fields = contact.row, contact.fields
            phone, why = contact.phone, NO_REASON
            if not is_texted(phone) and not is_texted(phone := bare(phone)):
                phone, unreadable = normalise(contact.phone)
                if unreadable:
                    add(Skipped(row, phones.shown(contact.phone), Reason(Code.INVALID_PHONE, unreadable)))
                    continue
                if not is_texted(phone):  # asked of the digits now, which is the shorter way
                    why = why_not(phone)
            if phone in suppress:
                add(Skipped(row, prefix + phone, SUPPRESSED))
                continue
            if why is not NO_REASON and why:  # nearly always it is, and to ask a reason itself is a call
                add(Skipped(row, prefix + phone, why))
                continue
            if kinds and (found := which(kinds, fields)) != number:
                number, template = found, kinds[found - 1].template if found else self.template
                render, render_plain = template.render, template.render_plain
            text, segments = render_plain(fields), 1
            is_clear = text is not None
            if text is None:
                try:
                    text = render(fields)
                except EmptyFieldError as error:
                    add(Skipped(row, prefix + phone, Reason(Code.EMPTY_FIELD, error.field)))
                    continue
                is_clear = is_plain(text) and "@" not in text
                why = self._spoiled(fields, template)
            if len(text) > 160 or not is_clear:
                encoding, _, segments = count(text)
                why = why or self._too_long(segments) or self._doubt(text, template)
                if encoding == "UCS-2" and not why:
                    self.dear.see(text, segments)
            if why is not NO_REASON and why:
                add(Skipped(row, prefix + phone, why))
            else:
                where = 0 if place is nowhere else place(row, fields, phone)
                add(Planned(row, prefix + phone, text, self._name(fields), segments, None, where, number))
        return screened

    def _too_long(self, segments: int) -> Reason:
        if segments <= self.max_segments:
            return NO_REASON
        return Reason(Code.TEXT_TOO_LONG, f"it would take {segments} segments, more than {self.max_segments}")

    def _spoiled(self, fields: Mapping[str, str], template: Template) -> Reason:
        """Why one of the values must not be merged, if one must not. Few have a sign that is worth a closer look."""
        if not template.is_literal:
            for field in template.fields:
                value = fields.get(field)
                if value and not value.isalpha() and may_hold(value) and (why := spoiled(value, self._columns)):
                    return Reason(Code.UNREADABLE_ROW, f"the value of {field} {why}")
        return NO_REASON

    def with_text(self, contact: Contact, text: str) -> Planned | Skipped:
        """The same for a text that was chosen for this contact, instead of one merged from the template."""
        phone, reason = normalise(contact.phone)
        if reason:
            return Skipped(contact.row, phones.shown(contact.phone), Reason(Code.INVALID_PHONE, reason))
        text = tidy(text.replace("\r\n", "\n").replace("\r", "\n"))
        if holds_control(text):
            return Skipped(contact.row, self._prefix + phone, Reason(Code.TEXT_UNFIT, "holds a control character"))
        segments = count(text).parts
        why = SUPPRESSED if phone in self._suppress else self._areas.why_not(phone)
        if not why and not self.template.is_literal and (unfit := spoiled(text, contact.fields)):
            why = Reason(Code.TEXT_UNFIT, unfit)
        if not why and (unsaid := missing([text], self.must_say)):
            why = Reason(Code.TEXT_UNFIT, f"does not say {unsaid!r}")
        why = why or self._too_long(segments) or self._doubt(text, self.template)
        if why:
            return Skipped(contact.row, self._prefix + phone, why)
        place = self._placing(contact.row, contact.fields, phone)
        return Planned(contact.row, self._prefix + phone, text, self._name(contact.fields), segments, None, place)

    def phone_of(self, contact: Contact) -> str:
        """The phone of a contact in the provider's form."""
        return self._prefix + normalise(contact.phone)[0]

    def why_not(self, contact: Contact) -> Skipped | None:
        """The contact, skipped, if it is not texted whatever the text is."""
        phone, reason = normalise(contact.phone)
        if reason:
            return Skipped(contact.row, phones.shown(contact.phone), Reason(Code.INVALID_PHONE, reason))
        why = SUPPRESSED if phone in self._suppress else self._areas.why_not(phone)
        return Skipped(contact.row, self._prefix + phone, why) if why else None

    def _doubt(self, text: str, template: Template) -> Reason:
        """Why a merged text must not leave although its parts were all there, if it must not."""
        if text.isascii() and "@" not in text:
            return NO_REASON
        if has_placeholder(text) and not template.is_literal:
            return _PLACEHOLDER
        # U+FFFD is a character somebody failed to read; half a surrogate pair could be neither stored nor sent.
        if ("\ufffd" in text and "\ufffd" not in template.fixed) or _half(text):
            return _BROKEN_TEXT
        return NO_REASON

    def _name(self, fields: dict[str, str]) -> str | None:
        """The name for a contact that the send creates, or None if the list has none that can be read."""
        name = fields.get(self._name_field)
        if not name:
            # Not a comprehension: this runs once a contact, and most have a first and a last name.
            name = ""
            for part in self._name_parts:
                if value := fields.get(part):
                    name = f"{name} {value}" if name else value
        if not (name.isascii() and name.isprintable()):
            name = merge_value(name)
            if "\ufffd" in name or _half(name):
                return None
        return name.strip()[:_LONGEST_NAME] or None


def nowhere(row: int, fields: Mapping[str, str], phone: str) -> int:  # noqa: ARG001
    """Nobody asks where contacts are."""
    return 0
