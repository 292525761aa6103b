"""`--plan FILE` and `--approved FILE`: what a second person has looked at is sent, and nothing else."""

import json
from pathlib import Path

import pytest

from rumbleup_async.cli.approval import require_approved
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_expecting import listed

TEXT = "Hi. Reply STOP to opt out"
SEND = ("--action", "125", "--yes", "--json")


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv", 6)


async def planned(process: Process, voters: Path, *more: str) -> dict[str, object]:
    done = await process("send", voters, *SEND, "--text", TEXT, "--dry-run", "--plan", "plan.json", *more)
    assert done.returncode == 0, done.stderr
    assert "--approved plan.json" in done.stderr
    path = voters.parent / "plan.json"
    assert path.stat().st_mode & 0o777 == 0o600
    plan: dict[str, object] = json.loads(path.read_text())
    return plan


async def test_the_very_plan_is_sent(process: Process, simulator: Simulator, voters: Path) -> None:
    """Whoever approves would not know of what."""
    plan = await planned(process, voters, "--rate", "50", "--budget", "1", "--price", "0.03")
    assert plan["text"] == TEXT
    assert (plan["project"], plan["segments"], plan["cost"]) == ("125", {"1": 6}, 0.18)
    assert isinstance(plan["contacts"], dict)
    assert plan["contacts"]["number"] == 6
    assert "2022340000" not in (voters.parent / "plan.json").read_text()
    money = ("--rate", "50", "--budget", "1", "--price", "0.03")
    done = await process("send", voters, *SEND, "--text", TEXT, "--approved", "plan.json", *money)
    assert done.returncode == 0, done.stderr
    assert len(simulator.truth) == 6
    again = await process("send", voters, *SEND, "--text", TEXT, "--approved", "plan.json", *money)
    assert (again.returncode, "has begun already" in again.stderr) == (2, True), again.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--text", "Ho. Reply STOP to opt out"), "the text, the contacts, or their texts"),
        (("--text", TEXT, "--limit", "5"), "the limit, the contacts"),
        (("--text", TEXT, "--rate", "60"), "the options of pace and rules"),
        (("--text", TEXT, "--flag", "x"), "how it is sent"),
        (("--text", TEXT, "--action", "126"), "the project"),
    ],
)
async def test_another_plan_is_refused(
    process: Process, simulator: Simulator, voters: Path, options: tuple[str, ...], words: str
) -> None:
    """A word could be changed after a second person has said yes."""
    await planned(process, voters, "--rate", "50")
    send = SEND if "--action" not in options else SEND[2:]
    rate = () if "--rate" in options else ("--rate", "50")
    done = await process("send", voters, *send, *options, *rate, "--approved", "plan.json")
    assert done.returncode == 2, done.stderr
    assert f"what differs is {words}" in done.stderr
    assert not simulator.truth


async def test_another_list_is_refused(process: Process, simulator: Simulator, voters: Path) -> None:
    """A list could be exchanged for another of the same length."""
    await planned(process, voters)
    voters.write_text(voters.read_text().replace("2022340003", "2022340009"))
    done = await process("send", voters, *SEND, "--text", TEXT, "--approved", "plan.json")
    assert (done.returncode, "what differs is the contacts, or their texts; 6 contacts" in done.stderr) == (2, True), done.stderr
    assert not simulator.truth


@pytest.mark.parametrize("change", ["text", "hash", "cost", "nothing", "gone"])
async def test_a_file_that_is_no_plan(process: Process, simulator: Simulator, voters: Path, change: str) -> None:
    """A plan that was changed by hand would pass for one that somebody has approved."""
    plan = await planned(process, voters)
    path = voters.parent / "plan.json"
    if change == "gone":
        path.unlink()
    else:
        made = {
            "text": {**plan, "text": "Ho. STOP"},
            "hash": {**plan, "sha256": "0"},
            "cost": {**plan, "cost": 1},
            "nothing": {},
        }[change]
        path.write_text(json.dumps(made))
    done = await process("send", voters, *SEND, "--text", TEXT, "--approved", "plan.json")
    assert done.returncode == 2, done.stderr
    assert "plan.json" in done.stderr
    assert not simulator.truth


@pytest.mark.parametrize("written", [b"\xff\xfe{", b'{"text": "\xe9"}', b"[" * 3000, b"{"])
def test_a_file_that_is_no_json_is_said_to_be_no_plan(written: bytes, tmp_path: Path) -> None:
    """Whoever names the wrong file would see a traceback."""
    path = tmp_path / "plan.json"
    path.write_bytes(written)
    with pytest.raises(ConfigurationError, match="is no plan; --plan FILE writes one"):
        require_approved(path, {}, is_begun=False)
