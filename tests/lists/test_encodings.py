"""Encodings: a name is read as it was written, and where that is a guess, it is said with an example."""

from __future__ import annotations

import io

import pytest

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.lists.contacts import ContactList, open_list
from rumbleup_async.messaging import Contact

A, B, C, D = "2025550101", "2025550102", "2025550103", "2025550104"


def read(data: bytes, encoding: str | None = None) -> tuple[list[str], list[str]]:
    """The names of a list and what is said of it."""
    contacts = open_list(io.BytesIO(data), encoding=encoding)
    names = [row.fields["name"] if isinstance(row, Contact) else row.reason for row in contacts]
    return names, contacts.notes


def listed(names: list[str], end: str = "\n") -> str:
    return f"name,phone{end}" + "".join(f"{name},20255501{number:02d}{end}" for number, name in enumerate(names))


ACCENTED = ["José", "María", "Björn", "Zoë", "Müller", "Núñez", "Çelik", "Émile", "Françoise", "Åsa", "Jürgen", "Inês"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "names", [ACCENTED, *([name] for name in ("José", "Müller", "Françoise", "Núñez", "Zoë", "Émile", "Inês"))]
)
@pytest.mark.parametrize("name", ["cp1252", "mac_roman"])
def test_what_excel_writes_on_windows_and_on_a_mac_is_told_apart(name: str, names: list[str], end: str) -> None:
    """Everybody with an accent would be greeted as JosŽ."""
    got, notes = read(listed(names, end).encode(name))
    assert got == names
    called = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"}[name]
    lines = "1 line is" if len(names) == 1 else f"{len(names)} lines are"
    assert notes == [
        f"{lines} not UTF-8; read as {called}, e.g. line 2: {names[0]}; if that is wrong, name the encoding with --encoding"
    ]


def test_only_the_end_of_lines_tells_a_name_of_both() -> None:
    """`Mar\\x92a` is María on a Mac and something else on Windows; lone carriage returns are a Mac's."""
    assert read(listed(["María", "Björn"], "\r").encode("mac_roman"))[0] == ["María", "Björn"]


@pytest.mark.parametrize(
    "names", [["O’Neil", "D’Angelo"], ["Miloš", "Žižek", "Šimek"], ["Smith–Jones"], ["“Bob”"], ["Ann…"], ["5 €"]]
)
def test_quotes_dashes_and_slavic_letters_of_windows_are_no_mac(names: list[str]) -> None:
    """An Irish name would be greeted with an accent for its apostrophe."""
    assert read(listed(names).encode("cp1252"))[0] == names


def test_a_legacy_line_far_down_is_guessed_by_itself() -> None:
    """Megabytes of plain names would make the first accent a guess by nothing."""
    names = ["Ada"] * 20_000 + ["José", "Müller"]
    data = b"name,phone\n" + b"".join(f"{name},{A}\n".encode("mac_roman") for name in names)
    got, notes = read(data)
    assert got[-2:] == ["José", "Müller"]
    assert notes[0].startswith("2 lines are not UTF-8; read as Mac Roman, e.g. line 20,002: José;")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf8_needs_no_word(mark: bytes) -> None:
    """A note about every good list is a note that nobody reads."""
    assert read(mark + listed(ACCENTED).encode()) == (ACCENTED, [])


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("names", [ACCENTED, ["Ada", "Grace"]])
def test_utf16_is_known_with_its_mark_and_without(name: str, names: list[str]) -> None:
    """ "Unicode text" of a spreadsheet has a mark, what a database writes has none."""
    assert read(listed(names).encode(name)) == (names, [])


def test_a_damaged_line_of_utf8_is_not_guessed_at() -> None:
    """José with half a letter would be greeted as JosÃ."""
    data = f"name,phone\nJosé M\xff\xff,{A}\n".encode("latin-1").replace(b"\xe9", "é".encode()) + f"Ann,{B}\n".encode()
    got, notes = read(data)
    assert got == ["José M\ufffd\ufffd", "Ann"]
    assert notes == [
        "1 line is damaged, with characters that are not of UTF-8, e.g. line 2; no text that would hold one is sent",
    ]


@pytest.mark.parametrize(
    ("garbled", "shown"), [("JosÃ©", "JosÃ©"), ("Donâ€™t", "Donâ€™t"), ("Jos√©", "Jos√©"), ("BjÃ¶rn", "BjÃ¶rn")]
)
def test_garbled_names_are_pointed_out(garbled: str, shown: str) -> None:
    """The program before us has read UTF-8 as something else, and half of the list is greeted by it."""
    got, notes = read(listed(["Ann", garbled, garbled]).encode())
    assert got == ["Ann", garbled, garbled]
    assert len(notes) == 1
    assert notes[0].startswith("2 lines are garbled, as of UTF-8 that was read as something else")
    assert f", e.g. line 3: {shown};" in notes[0]


@pytest.mark.parametrize("name", ["São Paulo", "JOÃO", "ÂNGELA", "Ana & Bo", "AT&T", "R&D; x", "Â la carte", "√2"])
def test_names_that_are_meant_so_are_no_trouble(name: str) -> None:
    """João in capitals is a name."""
    assert read(listed([name]).encode()) == ([name], [])


@pytest.mark.parametrize("name", ["O&#39;Neil", "Tom &amp; Ann", "Jos&eacute;", "O&#x27;Neil"])
def test_codes_of_web_pages_are_pointed_out(name: str) -> None:
    """O&#39;Neil is what an export of a web application makes of an apostrophe."""
    assert read(listed([name]).encode())[1][0].startswith("1 line is written with codes of web pages, e.g. line 2: &")


@pytest.mark.parametrize(
    "name", ["mac_roman", "MacRoman", "cp437", "latin-1", "cp1250", "utf-8", "UTF-16", "utf-32", "utf-8-sig"]
)
def test_a_named_encoding_is_taken(name: str) -> None:
    """What is guessed wrongly could not be put right."""
    names = ["José", "Müller"]
    assert read(listed(names).encode(name), name) == (names, [])


def test_what_is_not_of_the_named_encoding_is_said() -> None:
    """A wrong name would make question marks of every accent."""
    got, notes = read(listed(["José", "Ann"]).encode("cp1252"), "utf-8")
    assert got == ["Jos\ufffd", "Ann"]
    assert notes == ["1 line is damaged, with characters that are not of utf-8, e.g. line 2; no text that would hold one is sent"]


@pytest.mark.parametrize("name", ["no such", "", "base64", "rot13", "zip", "idna", "unicode_escape", "undefined", "a\x00b"])
def test_a_name_that_is_no_encoding_is_refused(name: str) -> None:
    """A traceback, or a list of nobody's names."""
    with pytest.raises(ConfigurationError, match="is no encoding"):
        open_list(io.BytesIO(b"phone\n1\n"), encoding=name)


def test_a_picture_is_no_list_in_any_encoding() -> None:
    """Naming an encoding must not make a list of a workbook."""
    with pytest.raises(ListError, match="an Excel workbook"):
        open_list(io.BytesIO(b"PK\x03\x04rest"), encoding="latin-1")


def test_no_note_shows_a_phone() -> None:
    """Notes go to the screen and into logs."""
    contacts: ContactList = open_list(io.BytesIO(f"phone,name\n{A},\xe9{B}\xe9\n{C},x&#39;{D}\n".encode("latin-1")))
    assert list(contacts)
    assert not any(phone in note for note in contacts.notes for phone in (A, B, C, D))
