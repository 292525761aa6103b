"""Contact lists: every row comes out once, from the right columns, or says why not."""

from __future__ import annotations

import bz2
import codecs
import csv
import dataclasses
import hashlib
import io
import lzma
import os
import random
import re
import sqlite3
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import ListError
from rumbleup_async.lists.contacts import ContactList, contact_of, fingerprint, from_iterable, open_list
from rumbleup_async.lists.csv_records import Fault, Records
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.reasons import from_words as because
from rumbleup_async.screening.cells import clean
from rumbleup_async.screening.template import Template

A, B, C, D = "2025550101", "2025550102", "2025550103", "2025550104"


def opened(data: str | bytes, **options: Any) -> ContactList:
    return open_list(io.BytesIO(data.encode() if isinstance(data, str) else data), **options)


def rows(data: str | bytes, **options: Any) -> list[tuple[int, str, dict[str, str] | str]]:
    """Row, phone, and the fields or the reason."""
    return [(row.row, row.phone, row.fields if isinstance(row, Contact) else row.reason) for row in opened(data, **options)]


def names(data: str | bytes, **options: Any) -> list[tuple[int, str, str]]:
    """Row, phone, and the name or the reason."""
    return [
        (row, phone, rest if isinstance(rest, str) else rest.get("name", "-"))
        for row, phone, rest in rows(data, fields=["name"], **options)
    ]


BOTH = [(2, A, "Ann"), (3, B, "Bob")]


@pytest.mark.parametrize(
    "data",
    [
        f"name,phone\nAnn,{A}\nBob,{B}\n",
        f"name,phone\r\nAnn,{A}\r\nBob,{B}",
        f"name,phone\rAnn,{A}\rBob,{B}\r",
        f"name,phone\nAnn,{A}\rBob,{B}\n",
        f"name;phone\nAnn;{A}\nBob;{B}\n",
        f"name\tphone\nAnn\t{A}\nBob\t{B}\n",
        f"name|phone\nAnn|{A}\nBob|{B}\n",
        f"sep=;\nname;phone\nAnn;{A}\nBob;{B}\n",
        f'"name","phone"\n"Ann","{A}"\n"Bob","{B}"\n',
        f'name, phone\n"Ann", "{A}"\nBob, "{B}"\n',
        f"\ufeffname,phone\nAnn,{A}\nBob,{B}\n",
        f"name,phone\nAnn,{A}\nBob,{B}\n".encode("utf-16"),
        f"\ufeffname,phone\nAnn,{A}\nBob,{B}\n".encode("utf-16-be"),
        f" NAME ,Cell-Phone,,\nAnn,{A},,\nBob,{B}\n",
        f"phone_number,spouse,name\n{A},x;y|z,Ann,,\n{B},,Bob,,\n",
    ],
)
def test_a_csv_file_is_read_whatever_program_wrote_it(data: str | bytes) -> None:
    """The list of a whole campaign would be refused, or its phones read from the wrong column."""
    assert names(data) == BOTH


@pytest.mark.parametrize(
    "header", ["Phone", "PHONE NUMBER", "cell", "Cell Phone", "mobile", "mobile-phone", "telephone", "phone_no", "Phone #"]
)
def test_the_phone_column_is_recognised(header: str) -> None:
    """Every user would have to name it."""
    contacts = opened(f"voter,{header},home_phone\n1,{A},{B}\n")
    assert [row.phone for row in contacts] == [A]


def test_columns_are_named_in_one_form_and_values_stripped() -> None:
    """A template's {first_name} would not find the column First Name."""
    contacts = opened(f"First Name,Phone,Donor $ (2024)\n Ada ,{A}, yes\n")
    assert contacts.columns == ("first_name", "phone", "donor_2024")
    assert contacts.phone_field == "phone"
    assert list(contacts) == [Contact(2, A, {"first_name": "Ada", "phone": A, "donor_2024": "yes"})]


def test_row_numbers_are_those_of_a_spreadsheet() -> None:
    """A user looks for row 5 of the report in row 5 of the spreadsheet."""
    data = f'\nname,phone\n\n"Ann\nMarie",{A}\n  \n,\nBob,{B}'
    assert names(data) == [(4, A, "Ann\nMarie"), (6, "", ""), (7, B, "Bob")]


def test_lines_of_several_encodings_are_read_each_by_its_own() -> None:
    """José would be texted as JosÃ©."""
    data = f"name,phone\nJosé,{A}\n".encode() + f"José,{B}\n".encode("cp1252") + b"\x81," + C.encode()
    assert names(data) == [(2, A, "José"), (3, B, "José"), (4, C, "\ufffd")]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"Ann,{A},DC,x", "unreadable row: 4 columns where the header has 3"),
        (f"Ann,{A},DC,,x", "unreadable row: 5 columns where the header has 3"),
        (f"Ann,{A},DC,,", "unreadable row: 5 columns where the header has 3"),
        (f"Ann,{A},DC,", "unreadable row: 4 columns where the header has 3"),
        (f"Ann,{A}", {"name": "Ann", "phone": A}),
        ("Ann", {"name": "Ann"}),
        (f"Ann,{A},D\x00C", {"name": "Ann", "phone": A, "city": "D\x00C"}),
        (f"Ann,{A}," + "x" * 200_000, "unreadable row: a cell or line is too long"),
        (f"Ann,{A}," + "x" * 3_000_000, "unreadable row: a cell or line is too long"),
        (f'"Ann"x,{A},DC', "unreadable row: a quote in the middle of a cell"),
        (f'"Ann,"a,b",{A}', "unreadable row: a quote in the middle of a cell"),
        (f'a note",{A}', "unreadable row: 2 columns where the header has 3, and a stray quote"),
        (f"Ann 5'11\",{A},DC", {"name": "Ann 5'11\"", "phone": A, "city": "DC"}),
        (f'"Ann ""A"" Lee",{A},DC', {"name": 'Ann "A" Lee', "phone": A, "city": "DC"}),
    ],
)
def test_an_uneven_row_is_read_only_if_no_cell_can_have_moved(row: str, expected: dict[str, str] | str) -> None:
    """A comma too many moves every later cell: the text would go to what stood before the phone."""
    got = rows(f"name,phone,city\n{row}\nBob,{B},NY\n")
    assert got[0][2] == expected
    assert got[1:] == [(3, B, {"name": "Bob", "phone": B, "city": "NY"})]


SHIFTED = "unreadable row: 6 columns where the header has 5"


@pytest.mark.parametrize(
    ("header", "ends", "expected"),
    [
        ("id,name,home,cell,notes", "", [A, SHIFTED, C]),
        ("id,name,home,cell,notes", ",", [A, SHIFTED.replace("6", "7"), C]),
        ("id,name,home,cell,notes", ",,", [A, SHIFTED.replace("6", "8"), C]),
        ("id,name,home,cell,notes,,", ",,", [A, SHIFTED.replace("6", "8"), C]),
    ],
)
def test_an_unquoted_comma_before_an_empty_last_cell_is_no_wider_row(header: str, ends: str, expected: list[str]) -> None:
    """Grace's home number would be texted instead of her cell: each cell behind the comma has moved by one, unseen."""
    people = [("1", "Ada Lovelace", A), ("2", "Hopper, Grace", B), ("3", "Alan Turing", C)]
    data = header + "\n" + "".join(f"{number},{name},{D},{cell},{ends}\n" for number, name, cell in people)
    got = list(opened(data))
    assert [row.phone if isinstance(row, Contact) else row.reason for row in got] == expected


def test_two_rows_with_an_unquoted_comma_do_not_vouch_for_each_other() -> None:
    """Two of three companies with a comma in their names would make "Hi Inc." right."""
    data = f"phone,company,name,notes\n{A},Acme,Ann,\n{B},Acme, Inc.,Bob,\n{C},Ace, Inc.,Eve,\n"
    wide = "unreadable row: 5 columns where the header has 4"
    assert names(data) == [(2, A, "Ann"), (3, "", wide), (4, "", wide)]


@pytest.mark.parametrize(
    "data",
    [
        f"name,home,cell,notes\nHopper,Grace,{D},{A},\nLovelace,Ada,{D},{B},\n",
        f"name,home,cell,notes\nHopper, Grace,{D},{A},\nLovelace, Ada,{D},{B},\n",
        f"name,home,cell,work,notes\nHopper,Grace,{D},{A},,\nLovelace,Ada,{D},{B},,\n",
        f"name,home,cell,notes,\nHopper,Grace,{D},{A},\nLovelace,Ada,{D},{B},\n",
        f"name,home,cell,notes,\nTuring,{D},{C},\nHopper,Grace,{D},{A},\n",
        f"cell,company,name,notes\n{A},Acme, Inc.,Ann,\n{B},Ace, Inc.,Bob,\n",
    ],
)
def test_a_list_whose_every_row_has_an_unquoted_comma_is_not_texted_one_cell_off(data: str) -> None:
    """Everybody's home number would be texted, or everybody be greeted as "Inc."."""
    for row in opened(data, phone_field="cell"):
        if isinstance(row, Skipped):
            assert row.reason.startswith("unreadable row: ")
        else:
            assert (row.phone, row.fields["name"]) == (C, "Turing")


@pytest.mark.parametrize(
    "data",
    [
        f"name,home,cell,notes\nAda,{D},{A},,\nBob,,{B},x,\n",
        f"name,phone\nAda Lovelace,{A},\nBob,{B},\n",
        f"name, phone\nAda, {A},\nBob, {B},\n",
        f"name,phone,city,\nAda,{A},,\nBob,{B},NY,\nAlan,{C},\n",
        f'name,phone\n"Lovelace, Ada",{A},\n"Hopper, Grace",{B},\n',
        f"name,work_status,phone,phone_type\nAda,Retired,{A},mobile,\nBob,,{B},landline,\n",
        f"name,business,phone\nAda,Acme,{A},\nBob,,{B},\n",
        f"name;home;cell;type\nAda;unknown;{A};mobile;\nBob;;{B};;\n",
    ],
)
def test_usual_blank_ends_are_no_shift(data: str) -> None:
    """A list as spreadsheets write it would be texted to nobody."""
    assert [row.phone for row in opened(data) if isinstance(row, Contact)][:2] == [A, B]


def test_the_only_row_cannot_vouch_for_itself() -> None:
    """A list of one, as for a test before the real run, would be texted at the wrong number."""
    assert names(f"home,cell,name,notes\n{A},{B},Ann,,\n")[0][2] == "unreadable row: 5 columns where the header has 4"


def test_every_row_may_end_in_a_delimiter() -> None:
    """Some programs end each row so, but not their header."""
    assert names(f"name,phone\nAnn,{A},\n\nBob,{B},\n") == [(2, A, "Ann"), (4, B, "Bob")]
    assert names("name;phone\n" + f"Ann;{A};;\n" * 3000)[2999] == (3001, A, "Ann")


def test_a_row_longer_than_its_header_in_python_is_unreadable() -> None:
    """csv.DictReader keeps the cells that were too many under None, and what stood before them has moved."""
    items = csv.DictReader(io.StringIO(f"home,cell,name,notes\n{A},{B},Ann,\n{A},{B},Lee, Ann,\n"))
    assert [row.reason if isinstance(row, Skipped) else row.phone for row in from_iterable(items)] == [
        B,
        "unreadable row: more cells than the header has columns",
    ]


def test_the_header_again_is_nobody() -> None:
    """Two exports joined: a contact called First Name."""
    data = f'First Name,Phone\nAnn,{A}\nfirst_name,phone\n\'First Name,"=""Phone"""\nBob,{B}\n'
    got = list(opened(data))
    assert [row.phone if isinstance(row, Contact) else row.reason for row in got] == [
        A,
        "the header again",
        "the header again",
        B,
    ]
    assert list(opened(f"phone\n{A}\nPhone\n{B}\n"))[1] == Skipped(3, "", because("the header again"))
    items = list(csv.DictReader(io.StringIO(f"name,phone\nAnn,{A}\nname,phone\n")))
    assert list(from_iterable(items))[1] == Skipped(2, "", because("the header again"))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("first_name,last_name,phone", f"last_name,first_name,phone\nHopper,Grace,{B}"),
        ("first_name,last_name,phone", f"Last Name,First Name,Cell\nHopper,Grace,{B}"),
        ("first_name,last_name,phone", f"phone,first_name\n{B},Grace"),
        ("first_name,last_name,phone", f"first_name,last_name,phone,city\nGrace,Hopper,{B},DC"),
        ("first_name,last_name,phone", f"name,mobile,email\nGrace,{B},x"),
        ("first_name,last_name,phone", f"last_name;first_name;phone\nHopper;Grace;{B}"),
        ("first_name,last_name,handy", f"last_name,first_name,handy\nHopper,Grace,{B}"),
        ("first_name,last_name,phone", f"last_name,first_name,\nHopper,Grace,{B}"),
        ("id,first_name,last_name,phone,city", f"id,phone,first_name,last_name\n1,{B},Grace,Hopper"),
    ],
)
def test_another_header_among_the_contacts_stops_the_list(header: str, row: str) -> None:
    """Everybody after it would be greeted by their last name, or texted at what stands in the phone's place."""
    first = f"7,Ada,Lovelace,{A},DC" if header.startswith("id") else f"Ada,Lovelace,{A}"
    field = "handy" if "handy" in header else None
    with pytest.raises(ListError, match="row 3: a header again, with other columns or in another order"):
        list(opened(f"{header}\n{first}\n{row}\n", phone_field=field))


def test_another_header_among_mappings_stops_them() -> None:
    """csv.DictReader hands the joined export over row by row."""
    items = csv.DictReader(
        io.StringIO(f"first_name,last_name,phone\nAda,Lovelace,{A}\nlast_name,first_name,phone\nHopper,Grace,{B}\n")
    )
    with pytest.raises(ListError, match=r"^row 2: a header again"):
        list(from_iterable(items))


@pytest.mark.parametrize(
    "row",
    [
        "Ada,Mobile,",
        "City,,",
        "Mary,Phone,none",
        "State,Farm,x",
        f"Name,Phone,{B}",
        "x,,",
        "Tel,,",
    ],
)
def test_a_contact_that_sounds_like_a_column_is_a_contact(row: str) -> None:
    """The whole list would be refused because somebody's phone is of the kind "Mobile"."""
    assert len(list(opened(f"name,kind,phone\nAnn,x,{A}\n{row}\n"))) == 2


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (f'"Report of\n2026",,\nFirst Name,Phone,City\nAda,{A},NY\n', "the header stands in row 3"),
        (f"name,number,kind\nBob,,Cell\nAda,{A},Cell\n", "the header stands in row 2"),
        (f"Ada,{A},NY\nname,phone,state\nBob,{B},NY\n", "row 1: the first row looks like a contact"),
        (f"<html><body><table><tr><th>Phone</th></tr><tr><td>{A}</td></tr></table></body></html>\n", "this is a web page"),
        (f"<!DOCTYPE html>\n<html lang=en>\n<td>{A}\n", "this is a web page"),
        (f"\ufeff  <table border=1>\n<tr><td>{A}</td></tr>", "this is a web page"),
        ('<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook>', "an Excel workbook in XML"),
        ('<?xml version="1.0"?>\n<contacts><phone>1</phone></contacts>', "an XML file"),
        (f"BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL:{A}\nEND:VCARD\n", "this is a vCard file"),
        ("BEGIN:VCALENDAR\n", "a calendar"),
        (f"INSERT INTO people VALUES ('Ada', '{A}');\n", "an SQL dump"),
        (f"-- MySQL dump\n/*!40101 SET NAMES utf8 */;\nCREATE TABLE `p` (\n{A}\n", "an SQL dump"),
        (f"COPY public.people (name, phone) FROM stdin;\nAda\t{A}\n", "an SQL dump"),
        (f"From: a@example.org\nSubject: list\nMIME-Version: 1.0\n\n{A}\n", "an e-mail"),
        (f"- name: Ada\n  phone: {A}\n", "a YAML file"),
        (f"---\n- {A}\n- {B}\n", "a YAML file"),
        (f"contacts:\n  - phone: {A}\n", "a YAML file"),
        (f"+------------+------+\n| phone      | name |\n+------------+------+\n| {A} | Ada  |\n", "a table drawn with lines"),
        (f'[\n{{"phone": "{A}"}},\n{{\n', "the JSON array is broken"),
        (f'{{"contacts": [{{"phone": "{A}"}}]}}\n', "the contacts stand inside 'contacts'"),
        ("HTTP/1.1 200 OK\nContent-Type: text/csv\n", "the answer of a web server"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"dn: cn=Ada\n", "an LDIF file"),
        (f"[people]\nphone={A}\n", "a file of settings"),
        (f'[[people]]\nphone = "{A}"\n', "a file of settings"),
        (f"name        phone\nAda         {A}\n", "the first line is one column; columns are divided by a"),
        (f"{{'phone': '{A}'}}\n{{'phone': '{B}'}}\n", "its lines begin as JSON, but none of them is"),
        (f'{{"phone": "{A}"}},\n{{"phone": "{B}"}},\n', "its lines begin as JSON, but none of them is"),
    ],
)
def test_what_is_named_as_a_table_is_named_for_what_it_is(data: str | bytes, complaint: str) -> None:
    """A web page called .xls was an empty list that ended with exit code 0: nobody texted, and no word why."""
    with pytest.raises(ListError, match=re.escape(complaint)) as caught:
        list(opened(data))
    assert A not in str(caught.value)


@pytest.mark.parametrize(
    ("above", "row"),
    [
        ("Ward 7 volunteers - exported 2026-11-01,,\n,,\n", 3),
        ("Volunteers\n", 2),
        ("# made by X\n\n\n", 4),
        ("sep=,\nVolunteers,,\n", 2),
    ],
)
def test_a_title_above_the_header_is_passed_over_and_said(above: str, row: int) -> None:
    """Everybody whose export has a title would have to edit the list, with a spreadsheet that damages the phones."""
    contacts = opened(f"{above}name,phone,city\nAnn,{A},NY\nBob,{B},NY\nTotal,,2\n")
    assert [(one.row, one.phone) for one in contacts] == [(row + 1, A), (row + 2, B), (row + 3, "")]
    assert contacts.notes == [f"the header is row {row}; what stands above it is passed over"]
    assert [at for at, _ in opened(f"{above}name,phone,city\nAnn,{A},NY\n").raw()] == [row + 1]


def test_a_markdown_table_is_a_list_with_bars() -> None:
    """Its line of strokes is a row without a phone."""
    data = f"| phone | name |\n| --- | --- |\n| {A} | Ann |\n| {B} | Bob |\n"
    assert [(row, phone.strip(), name) for row, phone, name in names(data)] == [(2, "---", ""), (3, A, "Ann"), (4, B, "Bob")]


@pytest.mark.parametrize("rows", [f"{A},{B}", f"{A},", f",{B}"])
def test_a_misspelt_phone_field_is_answered_with_the_columns(rows: str) -> None:
    """ "One number a line and no header" sends the user looking for a header that is there."""
    with pytest.raises(ListError, match=r"no column 'mobil'; did you mean 'mobile'\? it has the columns cell_phone, mobile"):
        opened(f"Cell Phone,Mobile\n{rows}\n", phone_field="Mobil")
    with pytest.raises(ListError, match=r"no column 'hand'; did you mean 'handy'"):
        opened(f"Handy\n{A}\n{B}\n", phone_field="hand")


def test_a_preferred_phone_is_the_phone_where_there_is_no_other() -> None:
    """The file of a voter database was one number a line, and its first row no number."""
    assert opened(f"VANID,Preferred Phone\n1234,{A}\n").phone_field == "preferred_phone"
    assert opened(f"VANID,PreferredPhone,Cell Phone\n1234,{B},{A}\n").phone_field == "cell_phone"
    assert [
        row.phone for row in opened(f'{{"id": 1, "primary phone": "{A}"}}\n{{"phone": "{B}", "primary phone": "{A}"}}\n')
    ] == [A, B]
    with pytest.raises(ListError, match="the phone may be in preferred_phone or best_phone"):
        opened(f"Preferred Phone,Best Phone\n{A},{B}\n")
    with pytest.raises(ListError, match="no column is called phone, cell or mobile"):
        opened(f"VANID,Nummer\n1234,{A}\n")


NEVER = "unreadable row: quote never closed"


def test_a_stray_quote_costs_its_own_row_only() -> None:
    """Everybody up to the next quote of the file would be swallowed without a word."""
    data = f'name,phone\nAnn,{A}\n"Bob,{B}\nCy,{C}\nDi,{D}\n'
    assert names(data) == [(2, A, "Ann"), (3, "", NEVER), (4, C, "Cy"), (5, D, "Di")]


def test_a_stray_quote_closed_by_the_next_row_does_not_mix_two_people() -> None:
    """Bob would be texted as "Ann,2025550101 Bob"."""
    assert names(f'name,phone\n"Ann,{A}\n"Bob",{B}\n') == [(2, "", NEVER), (3, B, "Bob")]


def test_rows_that_each_lack_their_last_quote_are_reported_each() -> None:
    """A broken export would lose all but a few of its contacts."""
    data = "name,phone,city\n" + f'"Ann","{A}","DC\n' * 50
    assert names(data) == [(row, "", NEVER) for row in range(2, 52)]


def test_where_both_readings_are_possible_nobody_is_texted() -> None:
    """The rest of the quoted cell may be a note, or another contact's row: either guess may text a wrong person."""
    data = f'name,phone,city\n"Ann,{A},DC\nBob,x","{B}",DC\nCy,{C},NY\n'
    doubt = "unreadable row: a quoted cell holds what looks like another row"
    assert names(data) == [(2, "", doubt), (3, "", doubt), (4, C, "Cy")]


def test_a_note_over_several_lines_is_one_cell() -> None:
    """The lines of an address or a note would be read as contacts."""
    data = f'phone,note,name\n{A},"call\r\nher at 202-555-0199, evenings\n",Ann\n{B},"1 Main St\nApt 2, DC",Bob\n'
    assert names(data) == BOTH


def test_the_lines_of_an_endless_note_are_not_contacts() -> None:
    """A number that somebody noted in a pasted mail would be texted."""
    note = "".join(f"2025550{line:03}\n" for line in range(100, 160))
    data = f'phone,note,name\n{A},"{note}",Ann\n{B},,Bob\n'
    got = names(data)
    assert got[0] == (2, "", NEVER)
    assert got[-1][1:] == (B, "Bob")
    assert {phone for _, phone, _ in got} == {"", B}


def test_short_lines_after_a_stray_quote_are_doubted() -> None:
    """They may be the rest of the cell."""
    got = names(f'name,phone,city\n"Ann,{A},DC\nBob,{B}\nCy,{C},DC\n')
    assert [(row, phone) for row, phone, _ in got] == [(2, ""), (3, ""), (4, C)]


def test_a_carriage_return_typed_into_a_cell_does_not_end_the_row() -> None:
    """What follows it would be read from the first column on: the spouse's number would be texted."""
    data = f"name,cell,note,spouse_cell\nAnn,{A},wants\rcalls,{B}\n"
    assert rows(data, fields=["note"]) == [(2, A, {"note": "wants calls"})]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("name,phone\n", "has no contacts"),
        ("phone\n\n", "has no contacts"),
        (f"{A},Ann\n{B},Bob\n", "row 1: the first row looks like a contact; put a header above it"),
        (f"{A},Mobile\n{B},Mobile\n", "row 1: the first row looks like a contact; put a header above it"),
        (f"cell;Ann;{A}\ncell;Bob;{B}\n", "row 1: the first row looks like a contact; put a header above it"),
        ("name,city\nAnn,DC\n", "no column is called phone, cell or mobile; name the column with --phone-field"),
        (f"name,phone,tel\nAnn,{A},{B}\n", "the phone may be in phone or tel; name the column with --phone-field"),
        (f"phone,Phone\n{A},{B}\n", "2 columns are called 'phone'; rename all but one"),
        (f"name,phone,name\nAnn,{A},x\n", "2 columns are called 'name'"),
        (f'"name,phone\nAnn,{A}\n', "phone"),
        ("hello\nworld\n", "no column is called phone"),
        ("<html>\n<p>Error</p>\n", "this is a web page"),
        (f'[{{"phone": "{A}"}}', "element 2: the JSON array is broken there, or ends too early"),
        ("[]", "has no contacts"),
        (f'{{\n"phone": "{A}"\n}}', "a JSON object goes over several lines"),
        ('{"name": "Ann"}\n', "no column is called phone, cell or mobile"),
        (b"PK\x03\x04rest", "this is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "this is an old Excel workbook"),
        (b"\x1f\x8brest", "compressed"),
        (b"SQLite format 3\x00", "perhaps the ledger"),
        (b"\xff\xfe\x00\x00" + f"phone\n{A}\n".encode("utf-32-le"), "this is UTF-32"),
        (f"phone\n{A}\n".encode("utf-32-be"), "this is not text"),
        ("x" * 100_000, "first line is longer"),
        (codecs.BOM_UTF8, "is empty"),
        (codecs.BOM_UTF16_LE, "is empty"),
        (codecs.BOM_UTF16_BE, "is empty"),
        (bz2.compress(A.encode() * 9), "this is compressed by bzip2; unpack it first"),
        (lzma.compress(A.encode() * 9), "this is compressed by xz; unpack it first"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(range(255, 0, -1)), "this is a 7-Zip archive; unpack it first"),
        (b"\x28\xb5\x2f\xfd\x04\x58" + bytes(range(255, 0, -1)), "the compressed file is damaged"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(255, 0, -1)), "this is not text"),
        *((random.Random(seed).randbytes(5000), "this is not text") for seed in range(20)),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_remedy(data: str | bytes, complaint: str) -> None:
    """The wrong people would be texted, or a million rows skipped one by one."""
    with pytest.raises(ListError, match=re.escape(complaint)) as caught:
        names(data)
    assert A not in str(caught.value)


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    """A traceback instead of the file's name."""
    for path, complaint in [(tmp_path / "none.csv", "no such file"), (tmp_path, "is a directory")]:
        with pytest.raises(ListError, match=complaint) as caught:
            open_list(path)
        assert str(path) in str(caught.value)
    with pytest.raises(ListError, match="binary mode"):
        open_list(io.TextIOWrapper(io.BytesIO(b"phone\n1\n")))


def test_the_phone_field_can_be_named() -> None:
    """A list with two phone columns could not be used."""
    data = f"name,phone,cell\nAnn,{A},{B}\n"
    assert names(data, phone_field="Cell") == [(2, B, "Ann")]
    assert opened(f"Preferred Phone,x\n{A},y\n", phone_field="preferred-phone").phone_field == "preferred_phone"
    with pytest.raises(ListError, match="there is no column 'cel'; did you mean 'cell'"):
        opened(data, phone_field="cel")


def test_merge_fields_are_checked_before_the_first_row() -> None:
    """A misspelt merge field would skip every contact, or greet a million people with the fallback."""
    contacts = opened(f"First Name,phone,x,x\nAda,{A},1,2\n")
    contacts.require(["first_name", "phone"])
    with pytest.raises(ListError, match=r"no column 'firstname' for the merge field; did you mean 'first_name'\? it has"):
        contacts.require(["firstname"])
    with pytest.raises(ListError, match="2 columns are called 'x'"):
        contacts.require(["x"])
    assert [row.fields for row in contacts if isinstance(row, Contact)] == [{"first_name": "Ada", "phone": A}]
    opened(f'{{"phone": "{A}"}}').require(["anything"])


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_accent_is_an_accent_however_it_is_written(form: Literal["NFC", "NFD"]) -> None:
    """A list from a Mac would have no column for the field that stands on the screen in the same letters."""
    contacts = opened(unicodedata.normalize(form, f"Pr\u00e9nom,phone\nZo\u00e9,{A}\n"))
    for written in ("NFC", "NFD"):
        template = Template(unicodedata.normalize(written, "Salut {pr\u00e9nom}. STOP"))
        contacts.require(template.required_fields)
        assert template.render({"pr\u00e9nom": "Zo"}) == "Salut Zo. STOP"


def test_json_lines() -> None:
    """An export of another program could not be used, or its damage would pass unseen."""
    data = f"""
{{"Phone": "{A}", "First Name": " Ada ", "age": 36, "rate": 1.50, "x": null, "tags": ["a"], "o": {{"phone": "{B}"}}, "ok": true}}
{{"phone": {B}}}

{{"phone": {B}.0}}
{{"phone": "{A}", "phone": "{B}"}}
{{"phone": "{A}", "cell": "{B}"}}
{{"phone": "{A}", "cell": "+1 (202) 555-0101", "a": 1, "A": 2, "b": "", "B": 3}}
{{"phone":
["{A}"]
{{"name": "Ann"}}
{{"phone": "{A}", "cell": NaN}}
{"[" * 100_000}
{{}}"""
    two = "unreadable row: two phones in one row"
    contacts = opened(data)
    assert (contacts.kind, contacts.columns, contacts.phone_field) == ("jsonl", None, None)
    assert rows(data) == [
        (2, A, {"phone": A, "first_name": "Ada", "age": "36", "rate": "1.50", "ok": "true"}),
        (3, B, {"phone": B}),
        (5, f"{B}.0", {"phone": f"{B}.0"}),
        (6, "", two),
        (7, "", two),
        (8, A, {"phone": A, "cell": "+1 (202) 555-0101", "b": "3"}),
        (9, "", "unreadable row: not valid JSON"),
        (10, "", "unreadable row: not a JSON object"),
        (11, "", {"name": "Ann"}),
        (12, A, {"phone": A}),
        (13, "", "unreadable row: not valid JSON"),
        (14, "", {}),
    ]
    assert rows(data, phone_field="cell", fields=["age"])[4] == (7, B, {})


@pytest.mark.parametrize(
    ("data", "first"),
    [
        (f"{A}\n{B}\n", 1),
        (f"\ufeff{A}\r\n{B}", 1),
        (f"{A}\r{B}\r", 1),
        (f'"{A}"\n"{B}"\n', 1),
        (f"phone\n{A}\n{B}\n", 2),
        (f"\nCell Phone\n{A}\n{B}\n", 3),
    ],
)
def test_plain_lists(data: str, first: int) -> None:
    """A column copied out of a spreadsheet could not be used, or its first number would be taken for a header."""
    contacts = opened(data)
    assert contacts.kind == "plain"
    assert [(row.row, row.phone) for row in contacts] == [(first, A), (first + 1, B)]


def test_damaged_numbers_do_not_make_a_plain_list_something_else() -> None:
    """2,03E+09 would be taken for two columns and the file refused instead of the row."""
    assert [row.phone for row in opened(f"2,03E+09\n{A}\nAnn\n")] == ["2,03E+09", A, "Ann"]
    assert [row.phone for row in opened("12345\n")] == ["12345"]


def test_batches_are_full_and_the_fingerprint_is_that_of_the_bytes(tmp_path: Path) -> None:
    """A resume would take another list for the same one."""
    path = tmp_path / "voters.txt"
    path.write_bytes(b"name,phone\r\n" + b"".join(b"Ann,%d\r\n" % (2025550000 + n) for n in range(50_001)))
    with open_list(path) as contacts:
        assert not contacts.fingerprint
        sizes = [len(batch) for batch in contacts.batches(1000)]
        assert sizes == [1000] * 50 + [1]
        assert contacts.fingerprint == fingerprint(path) == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        with pytest.raises(RuntimeError, match="read once"):
            contacts.batches()
    assert str(path) in repr(contacts)


def test_a_pipe_is_read_as_it_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    """`psql ... | rumbleup send -` would not work."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb") as end:
        end.write(f"name,phone\nAnn,{A}\nBob,{B}\n".encode())
        end.close()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        assert [row.phone for row in open_list("-")] == [A, B]


def test_a_file_that_fails_halfway_is_named() -> None:
    """A failing disk would look like the end of the list."""

    class Failing(io.BytesIO):
        name = "voters.csv"
        left = 2

        def read(self, size: int | None = -1, /) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(ListError, match=r"^voters\.csv: cannot be read on: Input/output error$"):
        list(open_list(Failing(b"phone,name\n" + f"{A},Ann\n".encode() * 20_000)))


@dataclasses.dataclass
class Voter:
    phone: str
    first_name: str


class Pair(NamedTuple):
    cell: str
    first_name: str


class Row(msgspec.Struct):
    mobile: str
    first_name: str


ADA = {"first_name": "Ada"}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (A, Contact(7, A, {})),
        (2025550101, Contact(7, A, {})),
        (2025550101.0, Contact(7, f"{A}.0", {})),
        ({"Phone": A, "First Name": "Ada", "n": None, 3: "x"}, Contact(7, A, ADA)),
        ({"phone": 2025550101, "first_name": Decimal("1.50")}, Contact(7, A, {"first_name": "1.50"})),
        ({"phone": float("nan"), "first_name": float("inf")}, Contact(7, "", {})),
        ({"phone": A, "first_name": object()}, Contact(7, A, {})),
        ({"phone": 10**5000}, Contact(7, "", {})),
        ({"phone": A, "cell": B}, Skipped(7, "", because("unreadable row: two phones in one row"))),
        (Voter(A, "Ada"), Contact(7, A, ADA)),
        (Pair(A, "Ada"), Contact(7, A, ADA)),
        (Row(A, "Ada"), Contact(7, A, ADA)),
        (Contact(1, A, {"first_name": "Ada", "cell": B}), Contact(7, A, ADA)),
        (Skipped(1, A, because("suppressed")), Skipped(7, A, because("suppressed"))),
        ((A, "Ada"), Skipped(7, "", because("unreadable row: a tuple is not a contact"))),
        (None, Skipped(7, "", because("unreadable row: a NoneType is not a contact"))),
    ],
)
def test_items_of_an_iterable(item: object, expected: Contact | Skipped) -> None:
    """A service would have to turn its rows into ours first, and a bad one would end its run."""
    assert contact_of(item, 7, fields={"first_name"}) == expected


def test_the_phone_field_of_an_item_is_a_name_in_any_form() -> None:
    """The column that the caller named would not be found, and everybody skipped."""
    assert contact_of({"Home Phone": A, "phone": B}, 7, "home-phone") == Contact(7, A, {"home_phone": A, "phone": B})


def test_an_iterable_is_numbered_and_read_lazily() -> None:
    """A cursor over five million rows would be loaded into memory."""
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    cursor = database.execute(f"select '{A}' as Cell, 'Ada' as name union all select '{B}', 'Bob'")
    assert list(from_iterable(cursor)) == [
        Contact(1, A, {"cell": A, "name": "Ada"}),
        Contact(2, B, {"cell": B, "name": "Bob"}),
    ]
    database.close()
    assert list(from_iterable([{"Home Phone": A, "phone": B}], phone_field="home phone", fields=["Phone"])) == [
        Contact(1, A, {"phone": B})
    ]


@pytest.mark.parametrize("items", ["voters.csv", b"x", {"phone": A}, [(A, "Ada")], [None]])
def test_what_is_no_list_of_contacts_is_the_callers_mistake(items: Any) -> None:
    """The letters of a path, or the keys of a mapping, would be taken for contacts."""
    with pytest.raises(ListError):
        list(from_iterable(items))


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["", '"', "a,b", "x\ny", A])
phones = st.integers(2_025_550_000, 2_025_559_999).map(str)


@given(st.lists(st.tuples(cells, phones, cells), min_size=1, max_size=30), st.sampled_from(",;\t|"), st.booleans())
def test_what_the_csv_module_wrote_comes_back_row_by_row(
    people: list[tuple[str, str, str]], delimiter: str, quoted: bool
) -> None:
    """A contact would be lost, doubled, or texted under the name of another.

    A row may be refused (its cells can look like other rows), but then every line of it is accounted for.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([("name", "phone", "city"), *people])
    got = list(opened(file.getvalue()))
    texted = [row.phone for row in got if isinstance(row, Contact)]
    assert len(got) >= len(people)
    if len(got) == len(people):
        for row, (name, phone, city) in zip(got, people, strict=True):
            if isinstance(row, Contact):
                assert (row.phone, row.fields["name"].split()) == (phone, clean(name).split())
                assert row.fields["city"].split() == clean(city).split()
    assert len(texted) <= len(people)


@given(st.binary(max_size=300) | st.text(alphabet=f'",\n\r {A}abc|;', max_size=300).map(str.encode), st.booleans())
def test_no_bytes_break_the_reader(data: bytes, headed: bool) -> None:
    """One strange byte would end the run of a million contacts with a traceback."""
    try:
        got = list(opened(b"phone,name\n" + data if headed else data))
    except ListError:
        return
    numbers = [row.row for row in got]
    assert numbers == sorted(set(numbers))


@given(st.lists(st.tuples(phones, st.text(alphabet='ab," ', max_size=6)), min_size=1, max_size=60))
def test_no_line_vanishes_however_quotes_are_strewn(people: list[tuple[str, str]]) -> None:
    """Contacts would be neither texted nor reported."""
    got = list(opened("phone,name\n" + "".join(f"{phone},{name}\n" for phone, name in people)))
    if len(got) < len(people):
        # Lines that were joined are lines of one properly quoted cell, which no line of a number can be in.
        raise AssertionError(f"{len(people)} lines, {len(got)} rows")
    for row in got:
        if isinstance(row, Contact):
            assert row.phone in {phone for phone, _ in people}


_LINES = st.lists(st.text(st.sampled_from('a,; "\r\t|\0é'), max_size=8), min_size=1, max_size=5)


@given(st.lists(_LINES, min_size=1, max_size=4), st.sampled_from(",;\t|"))
def test_lines_that_are_only_cut_are_those_the_csv_module_would_only_cut(pieces: list[list[str]], delimiter: str) -> None:
    """A shorter way through plain lines that reads one of them in another way would text people under others' names."""

    def fed(records: Records) -> list[object]:
        entries = [entry for piece in pieces for entry in records.feed(piece)] + records.feed([], last=True)
        return [entry.reason if isinstance(entry, Fault) else entry for entry in entries]

    class ByTheModule(Records):
        def _is_plain(self, text: str) -> bool:
            del text
            return False

    assert fed(Records(delimiter, 2)) == fed(ByTheModule(delimiter, 2))


def test_a_cell_too_long_for_the_csv_module_is_no_plain_line() -> None:
    """What a file that is no list has in a cell would be merged into a text."""
    with open_list(io.BytesIO(b"phone,name\n2025550101," + b"a" * 200_000 + b"\n2025550102,Ada\n")) as source:
        long, short = source
    assert isinstance(long, Skipped)
    assert long.reason == "unreadable row: a cell or line is too long"
    assert isinstance(short, Contact)
