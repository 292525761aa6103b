"""The promise, kept in hundreds of simulated worlds; and the worlds themselves, which must be the same each time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prove import faults, hours, machines, owners, runner
from tests.prove.__main__ import main
from tests.prove.registry import ALL, KINDS
from tests.prove.world import World

WORLDS = 1_800
TEXTS = 144_000
OWNERS = 400
HOURS = 100
MACHINES = 12


@pytest.mark.timeout(600)
def test_the_promise_is_kept_in_every_world() -> None:
    """Somebody would be texted twice, or lost, when things go wrong in an order that nobody thought of (at scale:
    python -m tests.prove --seeds 4500 --sends 360000)."""
    jobs = os.cpu_count() or 1
    common = ["--seeds", str(WORLDS), "--sends", str(TEXTS)]
    total = runner.spread([[*common, "--part", str(part), str(jobs)] for part in range(jobs)])
    assert total.wrongs == []
    assert total.worlds == WORLDS >= 500
    assert total.texts >= 120_000
    rare = {kind: total.met[kind] for kind in faults.KINDS if total.met[kind] < 40}
    assert rare == {}, "kinds of faults that were not met often enough to have proved anything"


@pytest.mark.timeout(300)
def test_the_promise_is_kept_by_several_bookkeepers_of_one_ledger() -> None:
    """A process that was stalled, and taken for dead, would text people of whom another one keeps the books by now."""
    jobs = os.cpu_count() or 1
    total = runner.spread([["--owners", "--seeds", str(OWNERS), "--part", str(part), str(jobs)] for part in range(jobs)])
    assert total.wrongs == []
    assert total.worlds == OWNERS
    rare = {kind: total.met[kind] for kind in owners.KINDS if total.met[kind] < 100}
    assert rare == {}, "what was not met often enough to have proved anything"


@pytest.mark.timeout(600)
def test_the_promise_is_kept_by_several_machines_over_a_database() -> None:
    """A machine that slept, was cut off, or whose database went away, would text whom another one has texted (at scale:
    python -m tests.prove --machines --seeds 1500)."""
    jobs = os.cpu_count() or 1
    total = runner.spread([["--machines", "--seeds", str(MACHINES), "--part", str(part), str(jobs)] for part in range(jobs)])
    assert total.wrongs == []
    assert total.worlds == MACHINES
    rare = {kind: total.met[kind] for kind in machines.KINDS if total.met[kind] < 3}
    assert rare == {}, "what was not met often enough to have proved anything"


@pytest.mark.timeout(300)
def test_nobody_is_texted_outside_their_hours() -> None:
    """Somebody would be texted at night, when clocks jump, machines sleep, a hold goes over an evening, or a run is resumed."""
    jobs = os.cpu_count() or 1
    common = ["--hours", "--seeds", str(HOURS), "--size", "60"]
    total = runner.spread([[*common, "--part", str(part), str(jobs)] for part in range(jobs)])
    assert total.wrongs == []
    assert total.worlds == HOURS
    rare = {kind: total.met[kind] for kind in (*hours.KINDS, *faults.SET_CLOCKS) if total.met[kind] < 5}
    assert rare == {}, "what was not met often enough to have proved anything"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "number", "least"), [("money", 80, 5), ("people", 60, 5), ("canary", 80, 5), ("campaign", 40, 1)]
)
def test_the_rules_of_a_campaign_hold(name: str, number: int, least: int) -> None:
    """money: more would be spent than somebody has allowed, or texts would leave while the run is paused. people: two runs would
    text the same person, or whoever has just answered STOP. canary: more would be texted before
    anybody knows whether that is well. campaign: one of these rules would be forgotten where another one holds the run up."""
    jobs = os.cpu_count() or 1
    common = [f"--{name}", "--seeds", str(number), "--size", "60"]
    total = runner.spread([[*common, "--part", str(part), str(jobs)] for part in range(jobs)])
    assert total.wrongs == []
    assert total.worlds == number
    rare = {kind: total.met[kind] for kind in KINDS[name].kinds if total.met[kind] < least}
    assert rare == {}, "what was not met often enough to have proved anything"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the dead, once they are collected
@pytest.mark.parametrize("seed", [3, 8])
def test_a_seed_of_several_bookkeepers_is_the_same_world_each_time(seed: int) -> None:
    """A failure found at night could not be looked at in the morning."""
    assert owners.Owners(seed).play().hash == owners.Owners(seed).play().hash


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the dead, once they are collected
@pytest.mark.parametrize(
    ("name", "seed"),
    [("machines", 4), ("hours", 3), ("hours", 7), ("hours", 15), ("money", 2), ("money", 24), ("people", 2), ("campaign", 6)],
)
def test_a_seed_of_a_campaign_is_the_same_world_each_time(name: str, seed: int) -> None:
    """As above."""
    make = KINDS[name].make
    assert make(seed, 60, None).play().hash == make(seed, 60, None).play().hash


@pytest.mark.parametrize("seed", [4, 11, 19])
def test_a_seed_is_the_same_world_in_every_process(seed: int) -> None:
    """A failure found at night could not be looked at in the morning."""
    mine = World(seed, 150).play().hash
    assert World(seed, 150).play().hash == mine
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.prove", "--size", "150", "--seed", str(seed)],
            env={**os.environ, "PYTHONHASHSEED": salt},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1].endswith(f"trace {mine}")


def test_a_replay_shows_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    """A failing seed would be a number and nothing to look at."""
    assert main(["--seeds", "10", "--sends", "1000", "--seed", "3"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) > 100
    assert said[-1].startswith("seed 3: ")


def test_the_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The figures in the documents would name kinds that nobody can look up."""
    assert main(["--kinds"]) == 0
    kinds = capsys.readouterr().out.splitlines()
    assert kinds == list(ALL)
    assert len(set(kinds)) == len(kinds) >= 25


def test_the_report_says_what_was_met_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    """A recorded run could not be repeated by anybody."""
    assert main(["--seeds", "4", "--sends", "200", "--jobs", "2"]) == 0
    said = capsys.readouterr().out
    for words in ("4 worlds", "Python ", "SQLite ", "promises broken: 0", "connection refused"):
        assert words in said
