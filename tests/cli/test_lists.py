"""Lists through the command: what it says of them before the question, and what its options make of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Process

TEXT = "Hi {first_name}. STOP to opt out"


async def dry(process: Process, source: Path, *options: str, text: str = TEXT) -> tuple[str, dict[str, object]]:
    """The words and the result of a dry run."""
    ended = await process("send", str(source), "--action", "125", "--text", text, "--dry-run", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr, json.loads(ended.stdout)


async def test_other_countries_are_counted_apart_and_texted_only_where_named(process: Process, tmp_path: Path) -> None:
    """A list of members would cost many times as much, and nobody would see why before the bill."""
    source = tmp_path / "list.csv"
    source.write_text(
        "phone,first_name\n2125550101,Ada\n8765550101,Grace\n8765550102,Alan\n8095550101,Ann\n9005550101,Bob\n8005550101,Eve\n"
    )
    words, result = await dry(process, source)
    assert "2  skipped: another country: Jamaica (JM)\n" in words
    assert "1  skipped: another country: Dominican Republic (DO)\n" in words
    assert "1  skipped: invalid phone: a service or premium number, nobody's phone\n" in words
    assert "note: --country US,CA,JM," in words
    assert result["skipped"] == 5
    words, result = await dry(process, source, "--country", "us,jm", "--country", "toll-free")
    assert result["skipped"] == 2
    assert "Jamaica" not in words


async def test_a_country_that_is_none_is_refused(process: Process, tmp_path: Path) -> None:
    """A misspelt country would leave out everybody there."""
    source = tmp_path / "list.csv"
    source.write_text("phone\n2125550101\n")
    ended = await process("send", str(source), "--action", "125", "--text", "STOP", "--dry-run", "--country", "USA")
    assert ended.returncode == 2
    assert "'USA' is no country of +1" in ended.stderr


async def test_how_a_list_was_read_is_said_before_the_question(process: Process, tmp_path: Path) -> None:
    """Excel for Mac wrote it; everybody with an accent would be greeted as JosŽ without a word."""
    source = tmp_path / "list.csv"
    source.write_bytes("first_name,phone\rJosé,2125550101\rMaría,2125550102\r".encode("mac_roman"))
    words, _ = await dry(process, source)
    assert "note: 2 lines are not UTF-8; read as Mac Roman, e.g. line 2: José;" in words
    assert "2125550101" not in words
    words, _ = await dry(process, source, "--encoding", "mac_roman")
    assert "note" not in words
    ended = await process("send", str(source), "--action", "125", "--text", "STOP", "--dry-run", "--encoding", "macintosh-9")
    assert ended.returncode == 2
    assert "'macintosh-9' is no encoding" in ended.stderr


async def test_a_column_that_says_do_not_text_is_pointed_out_and_used(process: Process, tmp_path: Path) -> None:
    """The list says TRUE, and whoever opted out is texted without a word."""
    source = tmp_path / "list.csv"
    source.write_text("first_name,phone,opt_out,do_not_text\nAda,2125550101,,\nGrace,2125550102,TRUE,Y\n")
    words, result = await dry(process, source)
    assert (
        "note: the column opt_out says of 1 row not to text them, and they are texted; leave them out with --skip-if opt_out"
        in words
    )
    assert result["skipped"] == 0
    words, result = await dry(process, source, "--skip-if", "opt_out", "--skip-if", "Do Not Text")
    assert "1  skipped: skip-if opt_out" in words
    assert "note" not in words
    assert result["skipped"] == 1
    ended = await process("send", str(source), "--action", "125", "--text", "STOP", "--dry-run", "--skip-if", "optout")
    assert ended.returncode == 2
    assert "there is no column 'optout' for skip-if; did you mean 'opt_out'?" in ended.stderr
