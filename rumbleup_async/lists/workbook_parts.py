"""What calamine does not tell of a workbook: hidden rows, and how far a sheet reaches before it is read.

Lives here: looks into the archive that an .xlsx or .ods is.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import BinaryIO, Final
from xml.sax.saxutils import unescape

_row = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_number = re.compile(rb'\sr="(\d+)"')
_hidden = re.compile(rb'\shidden="(?:1|true)"')
_sheet = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_relation = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_attribute = re.compile(rb"([\w:]+)\s*=\s*\"([^\"]*)\"")
_ods_table = re.compile(rb'<table:table\s[^>]*table:name="([^"]*)"')
_ods_row = re.compile(rb"<table:table-row\b[^>]*>|</table:table>")
_ods_hidden = re.compile(rb'table:visibility="(?:collapse|filter)"')
_repeated = re.compile(rb'table:number-rows-repeated="(\d+)"')
_dimension = re.compile(rb'<(?:\w+:)?dimension\s+ref="(?:[A-Z]+\d+:)?([A-Z]{1,3})(\d{1,7})"').search

_UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, EOFError, NotImplementedError)


def hidden_rows(file: BinaryIO, sheet: str, header_row: int) -> int:
    """How many rows below the header are hidden; 0 for an old .xls, which does not tell us."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names and (part := _part_of(archive, sheet)) in names:
                return _hidden_of_xlsx(archive, part, header_row)
            return _hidden_of_ods(archive, sheet, header_row) if "content.xml" in names else 0
    except _UNREADABLE:
        return 0


def reach(file: BinaryIO, sheet: str) -> tuple[int, str] | None:
    """How many cells a sheet of an .xlsx spans by its own word, and its last one. None if it does not say."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive, archive.open(_part_of(archive, sheet)) as xml:
            found = _dimension(xml.read(4096))
    except _UNREADABLE:
        return None
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + letter - 64
    return column * int(found[2]), (found[1] + found[2]).decode()


def _text(raw: bytes) -> str:
    return unescape(raw.decode("utf-8", "replace"), {"&quot;": '"', "&apos;": "'"})


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """The part of an .xlsx that holds a sheet, "" if it is not found."""
    links = {}
    for tag in _relation.findall(archive.read("xl/_rels/workbook.xml.rels")):
        found = dict(_attribute.findall(tag))
        links[found.get(b"Id")] = found.get(b"Target", b"").decode("utf-8", "replace")
    for tag in _sheet.findall(archive.read("xl/workbook.xml")):
        found = dict(_attribute.findall(tag))
        called = _text(found.get(b"name", b""))
        if called == name:
            target = links.get(found.get(b"r:id"), "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return ""


def _hidden_of_xlsx(archive: zipfile.ZipFile, part: str, header_row: int) -> int:
    number = 0
    with archive.open(part) as xml:
        rest = b""
        while data := xml.read(1 << 18):
            rest += data
            end = rest.rfind(b">") + 1
            for tag in _row.findall(rest[:end]):
                if _hidden.search(tag) and (found := _number.search(tag)) and int(found[1]) > header_row:
                    number += 1
            rest = rest[end:]
    return number


def _hidden_of_ods(archive: zipfile.ZipFile, name: str, header_row: int) -> int:
    xml = archive.read("content.xml")
    for table in _ods_table.finditer(xml):
        if _text(table[1]) != name:
            continue
        number = hidden = 0
        for tag in _ods_row.finditer(xml, table.end()):
            if tag[0].startswith(b"</"):
                break
            times = int(found[1]) if (found := _repeated.search(tag[0])) else 1
            if _ods_hidden.search(tag[0]) and times < 100_000:  # more is what stands below the sheet
                hidden += max(0, min(times, number + times - header_row))
            number += times
        return hidden
    return 0
