"""Every point of a run of 200 texts at which a process can die."""

import os

import pytest

from tests.prove import points, runner
from tests.prove.points import Short


@pytest.mark.timeout(600)
def test_no_point_of_a_run_is_a_bad_one_to_die_at() -> None:
    """There would be one moment at which pulling the plug texts somebody twice, and no random search has to hit it."""
    jobs = os.cpu_count() or 1
    common = ["--points", "--every", "6", "--recoveries", "2"]
    total = runner.spread([[*common, "--part", str(part), str(jobs)] for part in range(jobs)])
    assert total.wrongs == []
    assert total.met["killed at a step"] > 500
    assert total.met["killed before a commit"] == total.met["killed after a commit"] > 30
    assert total.met["cancelled at a step"] > 100
    assert total.met["killed before a commit of the recovery"] > 20
    assert total.met["killed after a commit of the recovery"] > 20
    assert total.met["killed at a step of the recovery"] > 10
    assert total.met["killed before the dead are expired"] == total.met["killed after the dead are expired"] > 0
    assert total.met["killed before a commit with verdicts"] == total.met["killed after a commit with verdicts"] > 30


def test_the_door_turns_people_away_in_the_steps_of_the_run() -> None:
    """The points with verdicts would be those of a run without a rule."""
    world = Short(has_rules=True)
    world.play()
    assert sum(kept.state == "not_sent" for kept in world.kept.values()) > 20


def test_no_step_that_is_noted_beside_a_ledger_is_a_bad_one_to_die_at() -> None:
    """What was noted and not carried over would be forgotten, or come twice, by who dies between the two."""
    for found in points.noted(8):
        points.play(found, journal=True, texts=8)
