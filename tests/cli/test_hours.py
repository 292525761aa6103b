"""The command by hours. It has no clock of its own choosing, so the lists name zones in which it is day or evening now."""

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.cli.hours import HoursOptions
from rumbleup_async.messaging import Identity
from rumbleup_async.simulator import Simulator
from tests.cli.conftest import Process

TEXT = "Hi. STOP to opt out"
ZONES = (
    *("Pacific/Honolulu", "America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Atlantic/Azores", "Europe/London"),
    *("Europe/Moscow", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok", "Asia/Manila", "Asia/Tokyo"),
    *("Australia/Brisbane", "Pacific/Guadalcanal", "Pacific/Auckland", "Pacific/Tongatapu"),
)
DAY = ("--hours", "8-19", "--sunday", "8-19", "--purpose", "political", "--margin", "0")


def zone(first: int, last: int, now: dt.datetime | None = None) -> str:
    """A zone in which it is between these hours now."""
    now = now or dt.datetime.now(dt.UTC)
    return next(name for name in ZONES if first <= now.astimezone(ZoneInfo(name)).hour <= last)


def day() -> str:
    """A zone in which it is day, and stays so for hours."""
    return zone(9, 16)


def evening() -> str:
    """A zone in which the day is over, and the next one far."""
    return zone(19, 22)


def test_it_is_day_and_evening_somewhere_at_any_hour() -> None:
    """These tests would fail at some hour, or in some month."""
    for hours in range(0, 366 * 24, 5):
        now = dt.datetime(2027, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hours)
        assert zone(9, 16, now) != zone(19, 22, now)


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    """Somebody who may be texted now, and somebody who may not be any more today."""
    path = tmp_path / "voters.csv"
    path.write_text(f"phone,time zone\n2125550101,{day()}\n3125550102,{evening()}\n")
    return path


def send(path: Path, *options: str) -> tuple[str, ...]:
    return ("send", str(path), "--action", "125", "--text", TEXT, "--yes", "--json", *options)


async def test_only_those_are_texted_whose_day_it_is(process: Process, voters: Path, simulator: Simulator) -> None:
    """Somebody would be texted in the night; and a script would believe that everybody was texted."""
    done = await process(*send(voters, *DAY))
    assert [text.phone for text in simulator.truth] == ["2125550101"]
    found = json.loads(done.stdout)
    assert (found["sent"], found["not_sent"], found["stop_cause"]) == (1, 1, "not_after")
    assert found["reasons"]["not_sent"] == {"too_late": 1}
    assert done.returncode == 3
    assert "open now 1; later today 0; not today 1" in done.stderr
    ledger = voters.with_name("voters-125.ledger")
    for again in (("resume", str(ledger), "--yes", "--json"), send(voters)):
        done = await process(*again)
        assert json.loads(done.stdout)["stop_cause"] == "not_after"
        assert done.returncode == 3
    assert "stopped: not after: next opens" in done.stderr
    assert len(simulator.truth) == 1


async def test_nobody_open_asks_nothing_and_ends(process: Process, tmp_path: Path, simulator: Simulator) -> None:
    """A person would say yes to a run that does nothing, or that texts people in the morning."""
    path = tmp_path / "voters.csv"
    path.write_text(f"phone,timezone\n3125550102,{evening()}\n")
    done = await process(*send(path, *DAY, "--quiet"))
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["stop_cause"] == "outside_hours"
    assert found["stopped"].startswith("outside hours: next opens ")
    assert found["stopped"].endswith(", 1 left; resume then, or give --not-before")
    assert len(simulator.truth) == 0


async def test_sendblue_minds_hours_too(process: Process, voters: Path, simulator: Simulator) -> None:
    """A list over Sendblue would go out in one go, whatever time it is where people are."""
    lines = ("--provider", "sendblue", "--from", "+12025550199", "--per-second", "0", "--ledger", "blue.ledger")
    done = await process("send", str(voters), *lines, "--text", TEXT, "--yes", "--json", *DAY)
    found = json.loads(done.stdout)
    assert (found["sent"], found["not_sent"], found["stop_cause"]) == (1, 1, "not_after"), done.stderr
    assert [text.phone[-10:] for text in simulator.truth] == ["2125550101"]
    done = await process("resume", "blue.ledger", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["stop_cause"]) == (3, "not_after")
    assert len(simulator.truth) == 1


async def test_processes_mind_hours_too(process: Process, voters: Path, simulator: Simulator) -> None:
    """Several processes would text at night what one would not."""
    done = await process(*send(voters, *DAY, "--processes", "2"))
    assert [text.phone for text in simulator.truth] == ["2125550101"]
    assert json.loads(done.stdout)["stop_cause"] == "not_after"


async def test_a_server_on_this_machine_is_a_rehearsal(process: Process, voters: Path, simulator: Simulator) -> None:
    """Nobody could try anything in the evening; and who takes a rehearsal for a campaign texts people at night."""
    done = await process(*send(voters, "--quiet"))
    assert done.returncode == 0
    assert len(simulator.truth) == 2
    assert json.loads(done.stdout)["rehearsal"] is True
    said = "rehearsal: the server is on this machine, so hours and the book of people are off"
    assert done.stderr.startswith(said)


async def test_a_relay_is_as_good_as_the_provider(process: Process, voters: Path, simulator: Simulator) -> None:
    """Whoever sends through a program on this machine would text people at night."""
    options = ("--rehearsal", "no", "--no-book", "--purpose", "political", "--hours", "8-19", "--sunday", "8-19")
    done = await process(*send(voters, *options))
    assert json.loads(done.stdout)["rehearsal"] is False
    assert "rehearsal" not in done.stderr
    assert [text.phone for text in simulator.truth] == ["2125550101"]


async def test_the_plan_is_in_the_json_of_a_dry_run(process: Process, voters: Path) -> None:
    """A script could not see before sending that half of the list has gone to bed."""
    done = await process(
        "send", str(voters), "--action", "125", "--text", TEXT, "--dry-run", "--json", *DAY, env={"RUMBLEUP_API_KEY": ""}
    )
    plan = json.loads(done.stdout)["hours"]
    assert json.loads(done.stdout)["rehearsal"] is True
    assert (plan["open_now"], plan["later_today"], plan["not_today"]) == (1, 0, 1)
    assert plan["by_source"] == {"zone": 2}
    assert plan["zone_data"][:2] == "20"
    assert plan["first_closing"].endswith("+00:00")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--until", "2026-01-01T20:00-05:00"), "and none would be now: not after: the run was to end"),
        (DAY, "and none would be now: outside hours: next opens"),
    ],
)
async def test_a_dry_run_says_that_nobody_would_be_texted(
    process: Process, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """A person would read how many texts leave, plan with that, and none would."""
    path = tmp_path / "voters.csv"
    path.write_text(f"phone,timezone\n3125550102,{evening()}\n")
    done = await process("send", str(path), "--action", "125", "--text", TEXT, "--dry-run", *options)
    assert done.returncode == 0
    assert f"dry run: nothing was sent, {words}" in done.stderr, done.stderr


async def test_a_run_through_a_relay_stays_one(
    process: Process, tmp_path: Path, simulator: Simulator, rumbleup: RumbleUp
) -> None:
    """A resume would count as a rehearsal, and would not read who has opted out since."""
    path = tmp_path / "voters.csv"
    path.write_text(f"phone,timezone\n2125550101,{day()}\n2125550102,{day()}\n2125550103,{evening()}\n")
    await rumbleup.contacts.sync(phone="2125550102")
    options = (*DAY, "--book", "b", "--rehearsal", "no", "--limit", "1")
    assert (await process(*send(path, *options))).returncode == 0
    simulator.tag("2125550102", "dnd")
    ledger = str(path.with_name("voters-125.ledger"))
    for again in (("resume", ledger, "--yes", "--json"), send(path)):
        done = await process(*again)
        assert json.loads(done.stdout)["rehearsal"] is False
        assert "rehearsal" not in done.stderr
    assert [text.phone for text in simulator.truth] == ["2125550101"]
    done = await process("resume", ledger, "--yes", "--json", "--rehearsal", "yes")
    assert json.loads(done.stdout)["rehearsal"] is True


async def test_a_run_through_a_relay_without_a_book_stays_one(process: Process, voters: Path) -> None:
    """A resume would be called a rehearsal, and what it has sent would be taken for nothing."""
    done = await process(*send(voters, *DAY, "--no-book", "--rehearsal", "no"))
    assert json.loads(done.stdout)["rehearsal"] is False
    done = await process("resume", str(voters.with_name("voters-125.ledger")), "--yes", "--json")
    assert json.loads(done.stdout)["rehearsal"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--hours", "7-20"), "--hours-anyway"),
        (("--hours", "nine"), "write them as 9-20"),
        (("--until", "2026-12-01T20:00"), "add the offset"),
        (("--margin", "10"), "90s, 10m"),
        (("--purpose", "war"), "the purposes are commercial, political, nonprofit"),
        (("--not-in", "XX"), "is no state"),
        (("--hours", "9-20", "--zip-field", "zip"), "voters.csv: there is no column 'zip' for the ZIP code"),
        (("--zone-field", "zone"), "voters.csv: there is no column 'zone' for the time zone"),
    ],
)
async def test_what_cannot_be_meant(process: Process, voters: Path, options: tuple[str, ...], words: str) -> None:
    """A run would go by other hours than its user believes."""
    done = await process(*send(voters, *options))
    assert done.returncode == 2
    assert words in " ".join(done.stderr.replace("│", " ").split())
    assert not voters.with_name("voters-125.ledger").exists()


async def test_two_columns_that_could_be_meant(process: Process, tmp_path: Path) -> None:
    """The ZIP code of an office would say when people are texted at home."""
    path = tmp_path / "voters.csv"
    path.write_text("phone,zip,zip_code\n2125550101,10001,60601\n")
    done = await process(*send(path, "--hours", "9-20"))
    assert done.returncode == 2
    assert "the ZIP code may be in zip or zip_code; name the column with --zip-field" in done.stderr


def test_which_options_switch_hours_on() -> None:
    """A run towards the provider would forget people's hours."""
    here = Identity("rumbleup", "http://127.0.0.1:8080", "a")
    there = Identity("rumbleup", "https://app.rumbleup.com", "a")
    assert HoursOptions().as_mode(here) == {}
    assert HoursOptions().as_mode(there) == {"hours": {}}
    assert HoursOptions().as_mode(None) == {"hours": {}}
    assert HoursOptions(rehearsal="no").as_mode(here) == {"hours": {}}
    assert HoursOptions(window="9-18").as_mode(here) == {"hours": {"window": "9-18"}}
    assert HoursOptions(until="2026-12-01T20:00-05:00").as_mode(here) == {"schedule": {"until": "2026-12-01T20:00-05:00"}}
    assert HoursOptions(not_in=["none"]).as_mode(there) == {"hours": {"not_in": []}}
