"""A text for each kind of people on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rumbleup_async.simulator import Server

from .conftest import Process

LIST = """phone,first_name,Language
2025550101,Ada,English
2025550102,Ana,Spanish
2025550103,Li,chinese
2025550104,Eva,SPANISH
2025550102,Ana,Spanish
2025550105,Bo,
"""
PLAIN = "Hi {first_name}. STOP to opt out"


@pytest.fixture
def voters(tmp_path: Path) -> str:
    path = tmp_path / "voters.csv"
    path.write_text(LIST)
    (tmp_path / "hola.txt").write_text("Hola {first_name}. STOP to opt out\n")
    return str(path)


def when(voters: str) -> list[str]:
    folder = Path(voters).parent
    conditions = {"Language=Spanish": "hola.txt", "Language=French": "hola.txt", "first_name=Li": "hola.txt"}
    return [part for words, name in conditions.items() for part in ("--text-when", f"{words}:{folder / name}")]


def texts(server: Server) -> dict[str, str]:
    return {sent.phone: sent.text or "" for sent in server.simulator.truth}


async def test_each_gets_the_text_that_was_planned_and_a_resume_sends_that(process: Process, server: Server, voters: str) -> None:
    """Half of the list would be texted in a language that it does not read, or a changed file would be sent by a resume."""
    send = ["send", voters, "--action", "125", "--text", PLAIN, *when(voters)]
    plan = await process(*send, "--dry-run", "--preview", "0", "--json")
    found = json.loads(plan.stdout)
    assert found["texts"] == [
        {"when": "Language=Spanish", "number": 2},
        {"when": "Language=French", "number": 0},
        {"when": "first_name=Li", "number": 1},
        {"when": None, "number": 2},
    ]
    assert [(one["why"], one["text"][:5]) for one in found["preview"]][2:] == [("first_name=Li", "Hola ")]
    assert "          2  get the text for Language=Spanish\n" in plan.stderr
    assert "note: nobody who is to be texted meets Language=French;" in plan.stderr
    assert (await process(*send, "--yes", "--limit", "1")).returncode == 0
    (Path(voters).parent / "hola.txt").write_text("Changed. STOP to opt out")
    other = await process(*send, "--yes")
    assert (other.returncode, "another text_when (--text-when)" in other.stderr) == (2, True)
    assert (await process("resume", voters.replace(".csv", "-125.ledger"), "--yes")).returncode == 0
    assert texts(server) == {
        "2025550101": "Hi Ada. STOP to opt out",
        "2025550102": "Hola Ana. STOP to opt out",
        "2025550103": "Hola Li. STOP to opt out",
        "2025550104": "Hola Eva. STOP to opt out",
        "2025550105": "Hi Bo. STOP to opt out",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "Lang=Spanish:{at}/hola.txt",
            "voters.csv: there is no column 'lang' for text-when; did you mean 'language'? it has the columns",
        ),
        ("Language=Spanish", "names no file; write COLUMN=VALUE:FILE"),
        ("Language=Spanish:", "names no file"),
        ("hola.txt:Language=Spanish", "'hola.txt' is no condition"),
        ("Language=Spanish:{at}/none.txt", "none.txt: No such file"),
        ("Language=Spanish:{at}", "Is a directory"),
        ("Language!=Spanish:{at}/hola.txt", "compares in a way that is not known"),
        ("Language=Spanish:{at}/voters.csv", "the text for Language=Spanish: the text holds first_name"),
    ],
)
async def test_what_cannot_be_meant_texts_nobody(process: Process, server: Server, voters: str, given: str, said: str) -> None:
    """A misspelt column would give everybody the plain text."""
    given = given.replace("{at}", str(Path(voters).parent))
    result = await process("send", voters, "--action", "125", "--text", PLAIN, "--text-when", given, "--yes")
    assert (result.returncode, said in result.stderr) == (2, True), result.stderr
    assert texts(server) == {}
