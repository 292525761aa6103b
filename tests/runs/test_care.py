"""A resume is as careful as its run, in Python too: what is kept, what is added up, and what has to be handed in again."""

import math
import time
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import LineLimits, Locks, Policy, RumbleUp, Sendblue
from rumbleup_async.errors import ConfigurationError, LedgerMismatch
from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import Kept, State
from rumbleup_async.runs import care
from rumbleup_async.runs.run import Run
from rumbleup_async.simulator import Server, Simulator

TEXT = "Hi. STOP to opt out"
PEOPLE = [f"20255501{n:02d}" for n in range(1, 21)]


class OptedOut:
    """What a service asks of its database: it can only say whether somebody is in it."""

    def __init__(self, *phones: str) -> None:
        self.phones = set(phones)

    def __contains__(self, phone: object) -> bool:
        return phone in self.phones


def options_of(run: Run) -> tuple[Any, ...]:
    options = run._setup.options
    return run._setup.pace.rate, options.concurrency, options.processes, options.policy.max_errors


async def test_what_was_given_holds_until_it_is_given_again(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path) -> None:
    """A run that was held at twenty texts a second would go on at thousands."""
    path = tmp_path / "run.ledger"
    given: dict[str, Any] = {"rate": 400.0, "concurrency": 3, "policy": Policy(max_errors=7, wait_ceiling=math.inf)}
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, limit=2, suppress=PEOPLE[:1], **given) as run:
        assert options_of(run) == (400.0, 3, 1, 7)
        await run.send(PEOPLE)
    async with rumbleup.resume(path, limit=2, suppress=[f"+1{PEOPLE[1]}", f"+1{PEOPLE[19]}"]) as run:
        assert options_of(run) == (400.0, 3, 1, 7)
        assert run._setup.options.policy.wait_ceiling > 1e9
        assert "400 texts a second" in run.goes_on_with
        await run.send()
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, concurrency=5, rate=0) as run:
        assert options_of(run) == (None, 5, 1, 7)
        summary = await run.send(PEOPLE)
    assert summary.sent + summary.not_sent + summary.skipped == 20
    assert not {PEOPLE[0], PEOPLE[19]} & {text.phone for text in simulator.truth}
    reader = Reader(path)
    assert reader.options["rate"] == 0
    assert reader.suppressed == 3
    reader.close()


async def test_the_next_run_forgets_the_last_one(rumbleup: RumbleUp, tmp_path: Path) -> None:
    """A new run in the place of one that never sent would be held at a rate that nobody gave it."""
    path = tmp_path / "run.ledger"
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, rate=3, suppress=PEOPLE) as run:
        await run.send(PEOPLE)
    async with rumbleup.fast_mode(action=125, text=f"{TEXT}!", ledger=path) as run:
        assert run.goes_on_with == ""
        assert run._setup.pace.rate is None
        summary = await run.send(PEOPLE)
    assert summary.sent == 20


async def test_what_was_given_with_a_list_that_is_refused_is_not_kept(rumbleup: RumbleUp, tmp_path: Path) -> None:
    """A mistyped list would loosen the run that it was refused by: its resume goes at the other's speed."""
    path, list_, other = tmp_path / "run.ledger", tmp_path / "list.csv", tmp_path / "other.csv"
    list_.write_text("phone\n" + "\n".join(PEOPLE[:5]))
    other.write_text("phone\n" + "\n".join(PEOPLE[5:]))
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, limit=1, rate=400) as run:
        await run.send(list_)
    with pytest.raises(LedgerMismatch):
        async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, rate=0, suppress=PEOPLE[:1]) as run:
            await run.send(other)
    reader = Reader(path)
    assert (reader.options["rate"], reader.suppressed) == (400, 0)
    reader.close()


async def test_a_container_that_can_only_be_asked_is_handed_in_again(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path
) -> None:
    """Whoever had opted out by the service's database would be texted by a resume that knows nothing of it."""
    path = tmp_path / "run.ledger"
    out = OptedOut(PEOPLE[3])
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, limit=1, suppress=out) as run:
        await run.send(PEOPLE)
    for suppress in ((), PEOPLE[4:5]):
        with pytest.raises(LedgerMismatch, match="hand the container in again"):
            async with rumbleup.resume(path, suppress=suppress) as run:
                await run.send()
    out.phones.add(PEOPLE[5])
    async with rumbleup.resume(path, suppress=out) as run:
        summary = await run.send()
    assert (summary.sent, summary.skipped, summary.not_sent) == (18, 1, 1)
    assert not out.phones & {text.phone for text in simulator.truth}


@pytest.mark.parametrize("suppress", ["2025550101", 5])
def test_what_is_no_list_of_phones_is_refused(rumbleup: RumbleUp, suppress: Any) -> None:
    """Each digit of a phone would be looked up as a phone of its own, and its owner be texted."""
    with pytest.raises(ConfigurationError):
        rumbleup.fast_mode(action=125, text=TEXT, suppress=suppress)


async def test_lines_and_locks_keep_their_pace_part_by_part(server: Server, tmp_path: Path) -> None:
    """One limit that is given anew would lift the others."""
    path = tmp_path / "run.ledger"
    async with Sendblue("KEY", "SECRET", base_url=server.url.removesuffix("/api")) as sendblue:
        lines = ["+12025550199"]
        far = (time.gmtime().tm_hour + 8) % 24  # the day must not begin anew meanwhile, wherever the zone of the limits is
        limits = LineLimits(per_second=None, new_per_hour=3, new_per_day=4, reset_hour=far)
        async with sendblue.fast_mode(from_numbers=lines, text=TEXT, ledger=path, limits=limits) as run:
            summary = await run.send(PEOPLE)
        assert (summary.sent, (summary.stopped or "")[:13]) == (3, "lines used up")
        async with sendblue.resume(path, limits={"new_per_hour": None}) as run:
            summary = await run.send()
        assert (summary.sent, (summary.stopped or "")[:13]) == (4, "lines used up")
        for wrong in ({"per_second": -1}, {"per_second": "x"}):
            with pytest.raises(ConfigurationError):
                sendblue.resume(path, limits=wrong)
    async with RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
        drawn = tmp_path / "drawn.ledger"
        server.simulator.add_contacts(125, [{"phone": phone} for phone in PEOPLE])
        locks = Locks(patience=0, held=200, send_within=150)
        async with rumbleup.concurrent_mode(action=125, text=TEXT, ledger=drawn, texters=2, locks=locks, limit=1) as run:
            await run.send()
        async with rumbleup.resume(drawn, locks={"wait": True}) as run:
            assert run._setup.options.locks == Locks(patience=0, held=200, send_within=150, wait=True)
            assert run._setup.options.concurrency == 2


async def test_processes_are_kept(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path) -> None:
    """A run over three processes would go on at a third of its speed, and nobody would know why."""
    path = tmp_path / "run.ledger"
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, processes=2, concurrency=2, limit=3) as run:
        await run.send(PEOPLE)
    async with rumbleup.resume(path) as run:
        assert options_of(run)[1:3] == (2, 2)
        summary = await run.send()
    assert summary.sent == len(simulator.truth) == 20


async def test_in_memory_nothing_is_kept_of_another_run(rumbleup: RumbleUp) -> None:
    """Runs of one client would be held at each other's rates."""
    async with rumbleup.fast_mode(action=125, text=TEXT, rate=300) as run:
        await run.send(PEOPLE[:2])
    async with rumbleup.fast_mode(action=125, text=TEXT) as run:
        assert run._setup.pace.rate is None
        assert run.counts[State.QUEUED] == 0


def test_options_that_others_add_are_told_by_their_names() -> None:
    """An option that holds from before would not be named, because nobody has thought of words for it."""
    kept = Kept({"rate": 0, "hours": "9-17", "skip_if": ["a", "b"], "locks": {"wait": True, "held": 300.0}}, frozenset({"1"}))
    said = care.told(kept, {"locks": {"held": 1.0}})
    assert said == "no limit of ours to the rate, hours 9-17, skip if a, b, waiting for locks, 1 suppressed phone"
    assert care.merged(kept.options, {"locks": {"held": 1.0}})["locks"] == {"wait": True, "held": 1.0}
