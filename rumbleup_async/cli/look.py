"""`rumbleup look LIST`: what was understood of a list, without sending anything and without a key.

Lives here: reading the list once, and its words and JSON. Phones are masked, as everywhere outside the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from rumbleup_async.cli import options
from rumbleup_async.cli.console import local, plural, print_json, print_out
from rumbleup_async.cli.findings import examples
from rumbleup_async.cli.list_options import ListOptions
from rumbleup_async.cli.terminal import visible
from rumbleup_async.lists.consent import ConsentCheck, read_rules
from rumbleup_async.lists.contact_list import ContactList
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.messaging import Contact, Planned, Skipped, mask
from rumbleup_async.reasons import Code, Reason, duplicate
from rumbleup_async.screening.areas import DEFAULT, read_countries
from rumbleup_async.screening.screen import Screen

_SHOWN = 10
_WIDEST = 24
_EXAMPLES = 3


class Row(msgspec.Struct, frozen=True):
    """One of the first rows: its number, the masked phone or "", why it would be skipped or "", and its cells."""

    row: int
    phone: str
    reason: str
    fields: dict[str, str]


class Seen(msgspec.Struct):
    """What a list holds."""

    rows: int = 0
    to_be_texted: int = 0
    skipped: dict[Reason, list[int]] = {}
    """By reason how many rows, and the numbers of the first."""
    first: list[Row] = []


@local
def look(
    source: Annotated[
        str, typer.Argument(metavar="LIST", help="A list as send takes it: a file, an address, or - for standard input.")
    ],
    phone_field: options.PhoneField = None,
    sheet: options.Sheet = None,
    query_file: options.QueryFile = None,
    encoding: options.Encoding = None,
    country: options.Countries = None,
    skip_if: options.SkipIf = None,
    as_json: options.Json = False,
) -> None:
    """Show how a list is read: its form, its columns, its first rows, and who would be skipped and why. Nothing is sent."""
    reading = ListOptions(
        phone_field=",".join(phone_field) if phone_field else None,
        encoding=encoding,
        sheet=sheet,
        query=options.read_query(query_file),
    )
    consent = ConsentCheck(read_rules(skip_if or ()))
    with open_list(source, consent=consent, **reading.as_source()) as contacts:
        screen = Screen("STOP", countries=read_countries(country or DEFAULT))
        seen = _seen(contacts, screen, consent)
        if as_json:
            print_json(_as_json(source, contacts, seen))
        else:
            print_out("\n".join(map(visible, _lines(source, contacts, seen))) + "\n")


def _seen(contacts: ContactList, screen: Screen, consent: ConsentCheck) -> Seen:
    """Read the whole list. The phones are kept in memory, for a phone that comes again is skipped."""
    seen, phones = Seen(), dict[str, int]()
    for batch in contacts.batches():
        for contact, planned in zip(batch, screen.batch(batch), strict=True):
            seen.rows += 1
            left = consent.leave_out(planned)
            if isinstance(left, Planned) and (first := phones.setdefault(left.phone, left.row)) != left.row:
                left = Skipped(left.row, left.phone, duplicate(first))
            if len(seen.first) < _SHOWN:
                fields = contact.fields if isinstance(contact, Contact) else {}
                phone = mask(left.phone) if left.phone else ""
                seen.first.append(Row(left.row, phone, left.reason if isinstance(left, Skipped) else "", fields))
            if isinstance(left, Planned):
                seen.to_be_texted += 1
                continue
            why = Reason(Code.DUPLICATE) if left.why.code is Code.DUPLICATE else left.why
            counted = seen.skipped.setdefault(why, [0])
            counted[0] += 1
            if len(counted) <= _EXAMPLES:
                counted.append(left.row)
    return seen


def _as_json(source: str, contacts: ContactList, seen: Seen) -> dict[str, Any]:
    return {
        "list": contacts.where if source != "-" else "-",
        "form": contacts.form,
        "encoding": contacts.encoding,
        "columns": list(contacts.names),
        "phone_field": contacts.phone_field,
        "rows": seen.rows,
        "to_be_texted": seen.to_be_texted,
        "skipped": [
            {"code": why.code, "reason": str(why), "number": number, "rows": rows} for why, (number, *rows) in _sorted(seen)
        ],
        "first_rows": [
            {"row": one.row, "phone": one.phone, "skipped": one.reason or None, "fields": _masked(contacts, one)}
            for one in seen.first
        ],
        "notes": contacts.notes,
        "fingerprint": contacts.fingerprint,
    }


def _sorted(seen: Seen) -> list[tuple[Reason, list[int]]]:
    return sorted(seen.skipped.items(), key=lambda one: -one[1][0])


def _masked(contacts: ContactList, row: Row) -> dict[str, str]:
    """The cells of a row, without those that hold its phones."""
    phones = (contacts.phone_field or "").split(",")
    return {
        name: value for name, value in row.fields.items() if name not in phones and value != row.phone and not _is_phone(value)
    }


def _is_phone(value: str) -> bool:
    return sum(char.isdigit() for char in value) >= 10


def _lines(source: str, contacts: ContactList, seen: Seen) -> list[str]:
    encoding = f", {contacts.encoding}" if contacts.encoding else ""
    lines = [f"{contacts.where if source != '-' else 'standard input'}: {contacts.form}{encoding}, {plural(seen.rows, 'row')}"]
    if contacts.phone_field:
        lines.append(f"  the phone is in {', else '.join(contacts.phone_field.split(','))}")
    if contacts.names:
        lines.append(f"  columns: {', '.join(contacts.names)}")
    lines += ["", *_table(contacts, seen.first), ""]
    lines.append(f"  {seen.to_be_texted:>11,}  would be texted")
    for why, (number, *rows) in _sorted(seen):
        lines.append(f"  {number:>11,}  skipped: {why}{examples(rows, number)}")
    return [*lines, *(f"  note: {note}" for note in contacts.notes)]


def _table(contacts: ContactList, rows: Sequence[Row]) -> list[str]:
    cells = [_masked(contacts, row) for row in rows]
    names = list(dict.fromkeys(name for row in cells for name in row))[:6]
    table = [["row", "phone", *names]]
    for row, some in zip(rows, cells, strict=True):
        if row.reason:
            table.append([f"{row.row:,}", "-", f"skipped: {row.reason}"])
        else:
            table.append([f"{row.row:,}", row.phone, *(_cut(some.get(name, "")) for name in names)])
    whole = [line for line in table if len(line) == len(table[0]) and not line[-1].startswith("skipped: ")]
    widths = [max(len(line[at]) for line in whole) for at in range(len(table[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in table]


def _cut(cell: str) -> str:
    line = "".join(char if char.isprintable() else " " for char in cell)
    return line if len(line) <= _WIDEST else line[: _WIDEST - 3] + "..."
