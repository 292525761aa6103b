"""Texts on the command line: what is refused, what is noted, and what a preview shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rumbleup_async.simulator import Server

from .conftest import Process

LIST = "phone,first_name,city\n2025550101,Ada,Paris\n2025550102,Grace,[City]\n2025550103,Alan,Zo\u00eb on the hill\n"


@pytest.fixture
def voters(tmp_path: Path) -> str:
    path = tmp_path / "voters.csv"
    path.write_text(LIST, encoding="utf-8")
    return str(path)


def texts(server: Server) -> list[str]:
    return [sent.text or "" for sent in server.simulator.truth]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi {{first_name}}. STOP to opt out", "write {first_name} instead"),
        ("Hi [First Name]. STOP to opt out", "write {first_name} instead"),
        ("Hi %city%. STOP to opt out", "write {city} instead"),
        ("One\\nTwo. STOP to opt out", "in --text-file"),
        ("Hi<br>Ada. STOP to opt out", "a line break"),
        ("Hi {first_name|upper}. STOP to opt out", "no filters"),
        ("Stop by our office today!", "not as a way to opt out"),
    ],
)
async def test_a_text_for_another_program_leaves_for_nobody(
    process: Process, server: Server, voters: str, text: str, said: str
) -> None:
    """Everybody on the list would read the signs, and the run would end well."""
    for more in (["--yes"], ["--dry-run"]):
        result = await process("send", voters, "--action", "125", "--text", text, *more)
        assert result.returncode == 2, result.stderr
        assert said in result.stderr
    texters = await process("texters", "--action", "125", "--text", text, "--yes", "--ledger", voters + ".ledger")
    assert (texters.returncode, said in texters.stderr) == (2, True)
    assert texts(server) == []


async def test_the_columns_of_the_list_are_asked_before_the_question(process: Process, server: Server, tmp_path: Path) -> None:
    """`[Kittens]` is a word until the list says that it is a column; JSON lines say so as well."""
    table = tmp_path / "a.csv"
    table.write_text("phone,kittens\n2025550101,two\n")
    lines = tmp_path / "b.jsonl"
    lines.write_text('{"phone": "2025550101", "Kittens": "two"}\n')
    for path in (table, lines):
        result = await process("send", str(path), "--action", "125", "--text", "Hi [Kittens]. STOP to opt out", "--yes")
        assert (result.returncode, "write {kittens} instead" in result.stderr) == (2, True)
    assert texts(server) == []


async def test_literal_lets_signs_pass_and_a_resume_keeps_it(process: Process, server: Server, voters: str) -> None:
    """Who means such signs could not send them, or would be asked again on the way."""
    send = ["send", voters, "--action", "125", "--text", "[Name] {city}. STOP to opt out", "--literal", "--yes"]
    assert (await process(*send, "--limit", "1")).returncode == 0
    assert (await process("resume", voters.replace(".csv", "-125.ledger"), "--yes")).returncode == 0
    assert texts(server) == [f"[Name] {city}. STOP to opt out" for city in ("Paris", "[City]", "Zo\u00eb on the hill")]
    other = await process(*(part for part in send if part != "--literal"))
    assert other.returncode == 2


async def test_a_value_that_was_never_filled_in_is_skipped_with_its_reason(process: Process, server: Server, voters: str) -> None:
    """Grace would be told that her city is [City]."""
    result = await process("send", voters, "--action", "125", "--text", "Hi {city}. STOP to opt out", "--yes", "--json")
    assert json.loads(result.stdout)["skipped"] == 1
    assert "the value of city holds a merge field that was never filled in" in result.stderr
    assert texts(server) == ["Hi Paris. STOP to opt out", "Hi Zo\u00eb on the hill. STOP to opt out"]


async def test_what_is_sent_as_it_is_and_what_costs_is_noted(process: Process, voters: str) -> None:
    """Nobody would see it before the bill, or before the answers come."""
    text = 'Hi {first_name|"friend"}, don\u2019t %s miss [[this]]. STOP to opt out'
    result = await process("send", voters, "--action", "125", "--text", text, "--dry-run")
    assert result.returncode == 0
    assert "note: [[this]] at position" in result.stderr
    assert "note: %s at position" in result.stderr
    assert "note: the fallback of {first_name} is used without its quotes: friend" in result.stderr
    assert "note: the \u2019 at position 30 (U+2019; ' would do) makes it 70/67 characters a segment" in result.stderr


async def test_a_preview_shows_the_first_the_longest_and_others(process: Process, tmp_path: Path) -> None:
    """A mistake in the text would be seen by everybody on the list first."""
    rows = "".join(f"20255501{n:02},N{'x' * (n == 41)}{n}\n" for n in range(60))
    path = tmp_path / "many.csv"
    path.write_text("phone,first_name\n" + rows)
    show = ["send", str(path), "--action", "125", "--text", "Hi {first_name},\nvote. STOP to opt out", "--dry-run"]
    result = await process(*show, "--preview", "3", "--json")
    preview = json.loads(result.stdout)["preview"]
    assert [(one["row"], one["why"]) for one in preview if one["why"] != "random"] == [(2, "first"), (43, "longest")]
    assert len(preview) == 5
    assert preview[0] == {
        "row": 2, "why": "first", "phone": "********00", "segments": 1, "text": "Hi N0,\nvote. STOP to opt out"
    }  # fmt: skip
    assert "  row 43 (longest), ********41, 1 segment:\n    Hi Nx41,\n    vote. STOP to opt out\n" in result.stderr
    again = await process(*show, "--preview", "3", "--json")
    assert json.loads(again.stdout)["preview"] == preview
    some = await process(*show, "--preview", "9", "--limit", "2", "--json")
    assert [one["row"] for one in json.loads(some.stdout)["preview"]] == [2, 3]
    assert "--preview 3" in (await process(*show)).stderr


async def test_a_preview_comes_before_the_question_and_cannot_steer_the_terminal(process: Process, tmp_path: Path) -> None:
    """A name from a list would clear the screen under the question, or the texts be seen only when they have left."""
    path = tmp_path / "one.csv"
    path.write_text("phone,first_name\n2025550101,A\u001b[2Jda\u2063\U0001fffe\n", encoding="utf-8")
    result = await process(
        "send", path, "--action", "125", "--text", "Hi {first_name}. STOP to opt out", "--preview", "1", "--yes"
    )
    assert "\x1b" not in result.stderr
    assert result.stderr.index("row 2 (first)") < result.stderr.index("1 sent")


@pytest.mark.parametrize(
    "text", ["Hi {first_name}", "Hi [Name]", "Hi *|FNAME|*", "a\\nb", "a<br>b", "Hi&nbsp;you", "@first_name@"]
)
async def test_a_single_text_holds_no_field_either(process: Process, server: Server, text: str) -> None:
    """A person would read `Hi {first_name}`, because a single text is not merged."""
    text += ". STOP to end"
    to = ["--phone", "2025550101", "--text", text, "--yes"]
    single = [
        ["messages", "send", "--action", "125", *to],
        ["proxies", "send", *to],
        ["sendblue", "messages", "send", "--number", "2025550101", "--from", "+12025550199", "--text", text, "--yes"],
    ]
    for arguments in single:
        result = await process(*arguments)
        assert (result.returncode, "--literal" in result.stderr) == (2, True), result.stderr
    assert texts(server) == []
    assert (await process(*single[0], "--literal")).returncode == 0
    assert texts(server) == [text]
