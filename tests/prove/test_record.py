"""The record of the long runs: what is added to it, and what is made of it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.prove import long, record, runner
from tests.prove.registry import KINDS


def entry(of: str = "plain", code: str = "now", *, seeds: tuple[int, int] = (1, 9), wrongs: Sequence[str] = ()) -> record.Entry:
    return record.Entry(
        of=of,
        code=code,
        commit=f"of-{code}",
        versions="Python",
        seeds=seeds,
        worlds=9,
        processes=20,
        texts=100,
        wrongs=list(wrongs),
        met={"outage": 3, "kills": 2},
    )


def test_long_runs_are_added_up_by_the_state_of_the_code(tmp_path: Path) -> None:
    """What was played before a change of the engine would count as a proof of the engine as it is."""
    file = tmp_path / "record.json"
    for one in (entry(code="before"), entry(), entry(seeds=(10, 19), wrongs=["seed 12: twice"]), entry("kills")):
        record.add(one, file)
    before, now, kills = record.read(file)
    assert (before.texts, now.texts, now.met["outage"], now.seeds, kills.texts) == (100, 200, 6, (1, 19), 100)
    assert record.next_seed("plain", file) == 20
    assert record.next_seed("hours", file) == record.FIRST_SEED
    lines = record.table(record.read(file)).splitlines()
    assert [line.split(" | ")[1] for line in lines if line.startswith("| one run")] == ["`now` since of-now", "older: of-before"]
    assert all("older" in line for line in record.table(record.read(file), "after").splitlines()[3:] if line)
    said = record.line(record.read(file))
    assert "300 simulated texts in 27 worlds (200 of them" in " ".join(said.split())
    assert "2 real > kills, 1 promises broken" in " ".join(said.split())


def test_the_state_is_that_of_the_code_the_promise_rests_on(tmp_path: Path) -> None:
    """A changed engine would go by the name of the one that was proved; or a changed page of the docs would undo all proofs."""
    package = tmp_path / "rumbleup_async"
    for name in (*(f"{file}.py" for file in record.FILES), "engine/sender.py", "cli/send.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("")
    first = record.state(tmp_path)
    (package / "cli/send.py").write_text("more")
    assert record.state(tmp_path) == first
    (package / "engine/sender.py").write_text("more")
    assert record.state(tmp_path) != first
    assert {file.parent.name for file in (record.ROOT / "rumbleup_async").glob("*/*.py")} >= set(record.ROOMS)


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_long_run_plays_all_kinds_in_turn_and_stops_at_what_is_broken(monkeypatch: pytest.MonkeyPatch, is_broken: bool) -> None:
    """A night would be spent on one kind of world, or a promise that was broken be forgotten by the morning."""
    recorded: list[record.Entry] = []
    monkeypatch.setattr(record, "add", recorded.append)
    monkeypatch.setattr(long, "ROUNDS", {kind: long.Round(4, 10, share) for kind, (_, _, share) in long.ROUNDS.items()})
    clock = iter(range(1_000))
    monkeypatch.setattr(long, "now", lambda: float(next(clock)))

    def spread(arguments: Sequence[Sequence[str]]) -> runner.Total:
        assert len(arguments) == 2
        wrongs = ["seed 7: twice"] if is_broken and len(recorded) == 3 else []
        return runner.Total(4, 40, 8, 0, Counter({"outage": 1}), wrongs, "", 1.0)

    code = long.play(list(long.ROUNDS), 2.0, 2, is_recorded=True, spread=spread)
    assert code == is_broken
    if is_broken:
        assert [len(one.wrongs) for one in recorded] == [0, 0, 0, 1]
    else:
        assert {one.of for one in recorded} == set(KINDS)
        assert Counter(one.of for one in recorded).most_common(1)[0][0] == "plain"
