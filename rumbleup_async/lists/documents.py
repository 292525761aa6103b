"""What a file is that somebody gives for a list of contacts, and what can be done about it.

Lives here: the marks of formats, and a remedy for each. Pure. The name of a file says nothing here: what is called .csv
or .xls may be any of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rumbleup_async.patterns import when_used

_SAVE: Final = "save it as CSV UTF-8"
_UNPACK: Final = "unpack it first; gzip, zstd and zip are read as they are"

OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an old document of Office begins, a workbook among them."""

_PICTURE: Final = "not text but a picture; ask for the list itself, as a spreadsheet or as CSV"

_BINARY: Final = (
    (b"PK\x03\x04", f"an Excel workbook (or one of Numbers or OpenDocument, or another zip archive); {_SAVE}"),
    (b"\xd0\xcf\x11\xe0", f"an old Excel workbook (or another document of Office); {_SAVE}"),
    (b"\x1f\x8b", "compressed; unpack it first, as in `gunzip -c list.csv.gz | ... -`"),
    *((b"BZh%d1AY&SY" % level, f"compressed by bzip2; {_UNPACK}") for level in range(1, 10)),
    (b"\xfd7zXZ", f"compressed by xz; {_UNPACK}"),
    (b"\x04\x22\x4d\x18", f"compressed by lz4; {_UNPACK}"),
    (b"\xff\x06\x00\x00sNaPpY", f"compressed by snappy; {_UNPACK}"),
    (b"\x1f\x9d", f"compressed by compress; {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_UNPACK}"),
    (b"Rar!\x1a\x07", f"a RAR archive; {_UNPACK}"),
    (b"FEA1\x00", "an old Feather file; write it as Parquet or CSV"),
    (b"\x00\x01\x00\x00Standard ", "a database of Access; export the table as CSV or as a workbook of Excel"),
    (b"$FL2@(#)", "a file of SPSS; export it as CSV"),
    (b"<stata_dta>", "a file of Stata; export it as CSV"),
    (b"\x89HDF\r\n", "an HDF5 file; write it as Parquet or CSV"),
    (b"\x93NUMPY", "an array of NumPy; write it as CSV"),
    (b"\x80\x04\x95", "a pickle of Python; write the list as CSV, or as Parquet"),
    *((magic, "a file of R; write the list as CSV") for magic in (b"RDX2\n", b"RDX3\n")),
    (b"X\n\x00\x00\x00", "a file of R; write the list as CSV"),
    (b"%PDF", "a PDF document; export the list as CSV"),
    (b"%!PS", "a PostScript document; export the list as CSV"),
    (b"{\\rtf", "a rich text document; save it as plain text or CSV"),
    (b"SQLite format 3", "an SQLite database, perhaps the ledger of a run; if it holds the list, give it as sqlite:FILE"),
    (b"\xff\xfe\x00\x00", f"UTF-32; {_SAVE}, or name it with --encoding utf-32"),
    (b"PAR1", "a Parquet file; export it as CSV or JSON lines"),
    (b"ARROW1", "an Arrow file; export it as CSV or JSON lines"),
    *((magic, _PICTURE) for magic in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"RIFF", b"BM6")),
    *((b"\x00\x00\x00" + size + b"ftyp", _PICTURE) for size in (b"\x18", b"\x1c", b"\x20", b"\x24")),
    (b"Obj\x01", "an Avro file; export it as CSV or JSON lines"),
)


def of_bytes(head: bytes) -> str:
    """What the beginning of a file says that it is, if that is no text, or ""."""
    for magic, what in _BINARY:
        if head.startswith(magic):
            return what
    return "a tar archive; unpack it first" if head[257:262] == b"ustar" else ""


_TEXTS: Final = (
    ("begin:vcard", f"a vCard file; import it into an address book or a spreadsheet, and from there {_SAVE}"),
    ("begin:vcalendar", "a calendar; export the people as CSV"),
    ("dn: ", "an LDIF file of an address book; export it as CSV"),
    ("version: 1", "an LDIF file of an address book; export it as CSV"),
    ("http/1.", "the answer of a web server with its headers; save its body alone"),
    ("http/2", "the answer of a web server with its headers; save its body alone"),
    ("version https://git-lfs", "a pointer of Git LFS in the file's place; fetch the file itself, as `git lfs pull` does"),
    ("-----begin ", "an encrypted or signed file; open it first"),
)
_mail = when_used(
    r"(?:from|to|received|return-path|delivered-to|mime-version|subject|message-id|date|content-type|x-[\w-]+): ", re.IGNORECASE
)
_tag = when_used(r"<(?:[!?]|[a-z][\w:.-]*(?:[\s>/]|$))", re.IGNORECASE)
_web = when_used(r"<(?:!doctype html|html|head|body|table|meta|div|title|style|script|tr|p|h\d|span)\b", re.IGNORECASE)
_workbook = when_used(r"excel\.sheet|<(?:\w+:)?workbook\b|office:spreadsheet", re.IGNORECASE)
_sql = when_used(
    r"(?:insert\s+into|create\s+(?:table|database|temporary)|drop\s+table|copy\s+\S+.*from\s+stdin|lock\s+tables|use\s+`)",
    re.IGNORECASE,
)
_sql_note = when_used(r"(?:--|/\*|set\s|pragma\s|begin(?:\s+transaction)?;|start\s+transaction|\\connect)", re.IGNORECASE)
_yaml = when_used(r"-\s+[\w\"'][\w \"'-]*:(?:\s|$)|%YAML", re.IGNORECASE)
_key = when_used(r"[\w\"']+:\s*$")
_drawn = when_used(r"[+\u250c\u2554\u256d][-=+\u2500-\u257f]{3,}$")
_section = when_used(r"\[{1,2}[A-Za-z_][\w .:-]*\]{1,2}$")
_array = when_used(r"\[\s*(?:[\[{\"\d\]]|$)")


def of_lines(lines: Sequence[str]) -> str:
    """What the first lines of a text, the first of them not blank, say that it is, if that is no list; or ""."""
    first = lines[0].strip()
    low = first.lower()
    if _tag.match(first):
        return _marked_up("\n".join(lines)[:20_000])
    for beginning, what in _TEXTS:
        if low.startswith(beginning):
            return what
    return _code(first, lines) or _data(first, lines)


def _code(first: str, lines: Sequence[str]) -> str:
    if (_mail.match(first) and sum(_mail.match(line) is not None for line in lines) > 1) or re.match(r"From \S+.* \d{4}$", first):
        return "an e-mail, or a web page saved as one; save what is attached to it, or the table in it, as CSV UTF-8"
    if _sql.match(first) or (_sql_note.match(first) and any(_sql.match(line.strip()) for line in lines)):
        return "an SQL dump; export the table as CSV"
    if _drawn.match(first):
        return "a table drawn with lines, as a database's client shows it; export it as CSV"
    return ""


def _data(first: str, lines: Sequence[str]) -> str:
    if first == "---" or _yaml.match(first) or (_key.match(first) and len(lines) > 1 and lines[1][:1] in (" ", "-")):
        return "a YAML file; write it as CSV or JSON lines"
    if _section.match(first):
        return "a file of settings (INI or TOML); write the list as CSV or JSON lines"
    if _array.match(first):
        return "a JSON array; write one object a line, as `jq -c '.[]'` does"
    if first == "{":
        return "JSON, and a JSON object goes over several lines; write one object a line, as `jq -c .` does"
    return ""


def _marked_up(text: str) -> str:
    if _workbook.search(text):
        return f"an Excel workbook in XML; open it and {_SAVE}"
    if _web.search(text):
        return f"a web page, whatever the file is called; if it shows a table, open it in a spreadsheet and {_SAVE}"
    return "an XML file; export the list as CSV"
