"""The commands of the API's resources: tables for people, JSON for scripts, a question before what cannot be undone."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from rumbleup_async.cli.app import app
from rumbleup_async.cli.output import plain
from rumbleup_async.rumbleup.account_reports import AccountReport
from rumbleup_async.rumbleup.project_models import Project
from rumbleup_async.simulator import Simulator

from .conftest import Rumbleup

TEXT = "Hi. Reply STOP to opt out"


@pytest.fixture
def voters(tmp_path: Path) -> str:
    """A list of three."""
    file = tmp_path / "voters.csv"
    file.write_text("phone,first_name\n2025550101,Ada\n2025550102,Ben\n2025550103,Cleo\n")
    return str(file)


async def _json(command: Rumbleup, *arguments: str) -> Any:
    done = await command(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


async def test_the_life_of_a_project(command: Rumbleup, voters: str, tmp_path: Path) -> None:
    """A project could not be run from a shell."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    made = await _json(
        command, "projects", "create", "--name", "Ward 7", "--message", TEXT, "--group-file", voters, "--media", str(picture),
        "--flag", "outsourced", "--outsource-start", "2026-03-05T10:00-05:00", "--shorturl-tracking",
    )  # fmt: skip
    assert (made["name"], made["status"], made["contact_count"]) == ("Ward 7", "Draft", 3)
    project = made["id"]
    assert (await _json(command, "projects", "update", project, "--name", "Ward 8"))["name"] == "Ward 8"
    assert (await _json(command, "projects", "test", project, "--phone", "2025550100", "--yes"))["status"] == "Testing"
    assert (await _json(command, "projects", "send", project, "--yes"))["status"] == "Live"
    shown = await command("projects", "get", project)
    assert "Ward 8" in shown.stdout
    assert "Live" in shown.stdout
    table = await command("projects", "stats", "--days", "1")
    assert table.stdout.splitlines()[0].split()[:3] == ["id", "name", "status"]
    assert "Ward 8" in table.stdout
    out = tmp_path / "stats.csv"
    assert (await command("projects", "stats", "--csv", "--out", str(out))).exit_code == 0
    assert "Ward 8" in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert (await _json(command, "projects", "stop", project, "-y"))["status"] == "Testing"


async def test_submitting_needs_the_terms(command: Rumbleup, voters: str) -> None:
    """Terms would be agreed to by a habit of typing --yes."""
    project = (await _json(command, "projects", "create", "--name", "N", "--message", TEXT, "--group-file", voters))["id"]
    await command("projects", "test", project, "--phone", "2025550100", "--yes")
    refused = await command("projects", "submit", project, "--yes")
    assert refused.exit_code == 2
    assert "--terms-agree" in refused.stderr
    done = await command("projects", "submit", project, "--yes", "--terms-agree", "--contacts", "3")
    assert done.exit_code == 0
    assert "rumbleup: warning: 3 contacts" in done.stderr


@pytest.mark.parametrize("arguments", [
    ("projects", "test", "125", "--phone", "2025550100"), ("projects", "submit", "125", "--terms-agree"),
    ("projects", "send", "125"), ("projects", "stop", "125"), ("account-reports", "delete", "rp1"),
    ("proxies", "send", "--phone", "2025550101", "--text", TEXT),
])  # fmt: skip
async def test_nothing_is_done_unasked(command: Rumbleup, simulator: Simulator, arguments: tuple[str, ...]) -> None:
    """A slip of the hand would reach people, or end a campaign."""
    done = await command(*arguments)
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert simulator.requests.count() == 0


async def test_contacts_and_groups(command: Rumbleup, voters: str, tmp_path: Path) -> None:
    """A list could not be brought in, looked at or taken out from a shell."""
    group = (await _json(command, "contacts", "import", voters))["id"]
    assert (await _json(command, "contacts", "group", group))["id"] == group
    contact = await _json(command, "contacts", "sync", "2025550109", "--set", "first_name=Dora", "--flag", "optin")
    assert contact["phone"] == "2025550109"
    lines = (await command("contacts", "select", "--group", group, "--json")).stdout.splitlines()
    assert sorted(json.loads(line)["first_name"] for line in lines) == ["Ada", "Ben", "Cleo"]
    table = await command("contacts", "select", "--group", group, "--limit", "2")
    assert len(table.stdout.splitlines()) == 3
    out = tmp_path / "group.csv"
    done = await command("contacts", "download", group, "--out", str(out))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "2025550103" in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "2025550103" in (await command("contacts", "download", group)).stdout


async def test_campaigns_numbers_account_and_reports(command: Rumbleup, simulator: Simulator) -> None:
    """What an account has could not be seen from a shell."""
    assert "campaign_id" in (await command("tcr", "campaigns")).stdout
    assert (await _json(command, "tcr", "brands"))["brand_id"]
    assert "proxy" in (await command("proxies", "select", "--status", "ok")).stdout
    assert (await _json(command, "proxies", "send", "--phone", "2025550107", "--text", TEXT, "--yes"))["logid"]
    assert (await _json(command, "account"))["cid"]
    assert "cid" in (await command("account", "--all")).stdout
    report = (await _json(command, "account-reports", "create", "Conversations", "--set", "filter=all"))["id"]
    assert report in (await command("account-reports", "list")).stdout
    assert (await _json(command, "account-reports", "get", report))["status"] == "done"
    assert "2025550107" in (await command("account-reports", "download", report)).stdout
    assert (await command("account-reports", "delete", report, "--yes")).exit_code == 0
    assert "nothing was found" in (await command("account-reports", "list")).stderr
    assert [text.phone for text in simulator.truth] == ["2025550107"]


async def test_the_former_name_of_the_account_s_reports(command: Rumbleup) -> None:
    """A script would break from one version to the next, or `reports` go on being taken for `report`."""
    done = await command("reports", "list", "--json")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "`rumbleup account-reports` now" in done.stderr
    done = await command("reports", "voters-125.ledger")
    assert done.exit_code == 2
    assert "`rumbleup report LEDGER`" in done.stderr
    assert " reports " not in (await command("--help")).stdout


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("projects", "get", "999"), 3, "404"),
    (("projects", "create", "--name", "N", "--message", "Hi"), 3, "opt-out"),
    (("projects", "create", "--name", "N", "--message", TEXT, "--outsource-start", "2026-03-05T10:00"), 2, "zone"),
    (("projects", "create", "--name", "N", "--message", TEXT, "--outsource-start", "soon"), 2, "look like"),
    (("projects", "create", "--name", "N", "--message", TEXT, "--media", "no.png"), 2, "no.png"),
    (("projects", "create", "--name", "N", "--message", TEXT, "--set", "phone=1"), 2, "deprecated"),
    (("projects", "create", "--name", "N", "--message", TEXT, "--set", "odd"), 2, "NAME=VALUE"),
    (("projects", "update", "125"), 2, "nothing to change"),
    (("projects", "stats", "--csv", "--json"), 2, "one of"),
    (("contacts", "download", "26", "--out", "/nowhere/x.csv"), 2, "no such folder"),
    (("account", "--all", "--cid", "c"), 2, "either"),
])  # fmt: skip
async def test_what_is_wrong_is_a_line_and_a_code(command: Rumbleup, arguments: tuple[str, ...], code: int, words: str) -> None:
    """A person would meet a traceback, and a script a code that means something else."""
    done = await command(*arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def _commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, command in group.commands.items():
        if command.hidden:
            continue  # the former name of another
        here = (*path, name)
        found += _commands(command, here) if hasattr(command, "commands") else [(here, command)]
    return found


def test_every_command_shows_an_example_of_itself() -> None:
    """Whoever asks for help would not see how the command is used."""
    commands = _commands(typer.main.get_command(app))
    assert len(commands) > 30
    for path, command in commands:
        assert command.help, path
        assert f"Example: rumbleup {' '.join(path)}" in (command.epilog or ""), path


@pytest.mark.parametrize(("arguments", "words"), [
    (("contacts", "sync", "2025550101", "--set", "phone=2025550102"), "phone is given by PHONE"),
    (("contacts", "sync", "2025550101", "--set", "flags=optin"), "flags on: it is given by --flag"),
    (("contacts", "sync", "2025550101", "--set", "flag=optin"), "flag is given by --flag"),
    (("contacts", "sync", "2025550101", "--set", "self=x"), "self on: it means something"),
    (("contacts", "sync", "2025550101", "--set", "timeout=1"), "timeout on: it means something"),
    (("contacts", "select", "--set", "project=5"), "project is given by --action"),
    (("contacts", "select", "--set", "q=x"), "q is given by --search"),
    (("contacts", "import", "voters.csv", "--set", "path=/x"), "path on: it means something"),
    (("contacts", "download", "26", "--set", "into=x"), "into on: it means something"),
    (("contacts", "download", "26", "--set", "gid=27"), "gid on: it is given by GROUP"),
    (("account-reports", "create", "Conversations", "--set", "title=x"), "title is given by TITLE"),
    (("account-reports", "download", "rp1", "--set", "timeout=1"), "timeout is given by --timeout"),
    (("proxies", "send", "--phone", "2025550101", "--text", TEXT, "-y", "--set", "text=x"), "text is given by --text"),
    (("proxies", "send", "--phone", "2025550101", "--text", TEXT, "-y", "--set", "campaignId=x"), "it is given by --campaign"),
    (("projects", "create", "--name", "W", "--message", TEXT, "--set", "name=x"), "name is given by --name"),
    (("projects", "create", "--name", "W", "--message", TEXT, "--set", "outsource_email=x"), "given by --outsource-email"),
    (("projects", "update", "125", "--set", "flags=x"), "flags on: it is given by --flag"),
])  # fmt: skip
async def test_what_has_an_option_is_not_set_beside_it(
    command: Rumbleup, simulator: Simulator, arguments: tuple[str, ...], words: str
) -> None:
    """One of the two would win unseen, or Python's refusal would be called a mistake of this program."""
    done = await command(*arguments)
    assert words in " ".join(done.stderr.split())
    assert done.exit_code == 2
    assert simulator.requests.count() == 0


async def test_a_server_s_words_do_not_steer_the_terminal(command: Rumbleup, simulator: Simulator) -> None:
    """A name on a contact could rewrite what the screen shows."""
    await command("contacts", "sync", "2025550109", "--set", "first_name=\x1b[2JDora")
    shown = await command("contacts", "select")
    assert "Dora" in shown.stdout
    assert "\x1b" not in shown.stdout


async def test_a_direct_text_in_doubt_says_what_to_do(command: Rumbleup, simulator: Simulator) -> None:
    """It would be sent a second time, as anything that ends with an error is."""
    simulator.set_faults({"proxy:500-after": 1.0})
    done = await command("proxies", "send", "--phone", "2025550101", "--text", TEXT, "--proxy", "2025550199", "--yes")
    assert done.exit_code == 1
    assert "do not send it again" in done.stderr


def test_a_foreign_word_does_not_take_the_place_of_ours() -> None:
    """A script would read another number as the project's id."""
    shown = plain(Project.read({"action": 7, "id": 99, "colour": "red", "sent": "many"}))
    assert (shown["id"], shown["colour"], shown["sent"]) == ("7", "red", "many")


def test_what_is_inside_a_result_is_shown_like_a_result() -> None:
    """A script would find our own word `extra` in a report's files."""
    shown = plain(AccountReport.read({"rpid": "r", "files": [{"file": "a.csv", "size": None, "colour": "red"}]}))
    assert shown["files"] == [{"file": "a.csv", "colour": "red"}]


def test_what_reaches_a_provider_can_go_through_a_proxy() -> None:
    """Behind a firewall a command would be of no use, as one was that is called like a look into a ledger."""
    ways = {"--proxy", "--http-proxy"}
    without = {" ".join(path) for path, one in _commands(typer.main.get_command(app)) if not ways & set(_options(one))}
    ours = {name for name in without if name.startswith(("book ", "opt-outs "))}
    assert ours == {
        *(f"book {name}" for name in ("show", "look", "export", "import", "forget", "purge")),
        *(f"opt-outs {name}" for name in ("list", "export")),
    }
    assert without - ours == {
        "status",
        "report",
        "simulate",
        "demo",
        "export",
        "webhooks listen",
        "pause",
        "continue",
        "stop",
        "purge",
        "look",
        "ledgers",
        "watch",
    }


def _options(command: Any) -> list[str]:
    return [name for parameter in command.params for name in parameter.opts]


@pytest.mark.parametrize(
    ("arguments", "own", "heavy"),
    [
        (["status", "nowhere"], "cli.status", ["rumbleup_async.cli.send"]),
        (["--version"], "cli.version", ["sqlite3", "rumbleup_async.runs.run"]),
        (["send", "nowhere.csv", "--action", "125", "--limit", "5", "--yes", "--text", "Hi. STOP"], "cli.send", []),
    ],
)
def test_a_command_starts_without_what_only_another_needs(arguments: list[str], own: str, heavy: list[str]) -> None:
    """Each look at a run would first load a web server, a simulator, and what every other command needs."""
    script = f"import sys; from rumbleup_async.__main__ import main; sys.argv[1:] = {arguments}\ntry: main()\n"
    script += "finally: print(*sys.modules)"
    env = {"RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env={**os.environ, **env})
    loaded = done.stdout.split()
    assert f"rumbleup_async.{own}" in loaded
    ours = ("simulator", "webhooks", "sendblue.client", "cli.suppression_lists", "cli.report")
    heavy += ["aiohttp", "aiofastnet", "pydantic", "rich", *(f"rumbleup_async.{name}" for name in ours)]
    assert [name for name in heavy if name in loaded] == []
