"""The plan of a campaign: the page before the question, and the same as JSON with a dry run."""

import json
import time
from pathlib import Path

import pytest

from rumbleup_async.cli.account_facts import AccountFacts, Cap
from rumbleup_async.cli.campaign_plan import BookFacts, CampaignPlan
from rumbleup_async.ledger.sampling import Sample
from rumbleup_async.people import Book, OptOut, Pull
from rumbleup_async.simulator import Simulator

from .conftest import Process

TEXT = "Hi {first_name}. STOP to opt out"
LONG = "Zoë’s friend, whose name is longer than most of the names in this list"


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    path = tmp_path / "folder" / "voters.csv"
    names = ["Ada", f'"{LONG}"', "Al", "Grace"]
    rows = [f"20255501{n:02d},{name}" for n, name in enumerate(names, 1)]
    path.write_text("\n".join(["phone,first_name", *rows, "911,No", "2025550101,Twice"]) + "\n")
    return path


async def test_page_and_json_say_what_would_leave_and_what_it_costs(
    process: Process, simulator: Simulator, voters: Path, tmp_path: Path
) -> None:
    """Whoever presses y would not know what it costs, what makes it dear, or that the account cannot pay it."""
    simulator.add_campaign("CBIG", brand="BBIG", cap=3)
    book = Book(tmp_path / "folder" / "b.book")
    book.open_now()
    book.add_opt_outs_now([OptOut("2025550199", 1, "by hand")], Pull("rumbleup here", at=int(time.time()) - 240))
    book.close_now()
    options = ("--price", "300", "--budget", "2000", "--rate", "2", "--day-cap", "50", "--book", "b.book")
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--dry-run", "--json", *options)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)["plan"]
    assert (plan["rows"], plan["to_text"], plan["skipped"]) == (6, 4, {"invalid_phone": 1, "duplicate": 1})
    assert plan["segments"] == {"total": 5, "texts": {"1": 3, "2": 1}}
    assert plan["expensive"] == {"characters": {"ë": 1}, "more_segments": 1}
    assert (plan["price"], plan["cost"], plan["budget"], plan["balance"]) == (300, 1500, 2000, 1000)
    assert plan["caps"] == [{"campaign": "CBIG", "brand": "Brand BBIG", "a_day": 3, "a_minute": None}]
    assert plan["day_cap"] == 50
    assert (plan["book"]["opt_outs"], plan["book"]["segments_today"]) == (1, 0)
    assert [one["why"] for one in plan["samples"]] == ["first", "longest", "shortest"]
    assert plan["samples"][1]["text"] == f"Hi {LONG}. STOP to opt out"
    assert (plan["pace"]["rate"], plan["pace"]["seconds"]) == (2, 2)
    for line in (
        "balance of the account $1,000.00; that does not suffice for all at this price",
        "T-Mobile takes 3 segments a day of brand Brand BBIG; of these 5 about 1 to 2 go there",
        "opt-outs: 1 known, the provider read 4 min ago; book: 0 earlier runs",
        "at most 50 segments a Pacific day, 0 are used today",
        "pace: 2.0/s at most, 2 s; begun now it ends about",
    ):
        assert line in done.stderr
    assert LONG not in done.stderr  # which may be a log
    assert "2025550101" not in done.stdout + done.stderr
    assert not simulator.truth


async def test_a_provider_that_does_not_say_it_is_passed_over(process: Process, simulator: Simulator, voters: Path) -> None:
    """A campaign could not be planned because a read that nobody needs has failed, or without a key."""
    simulator.set_faults({"account:500": 1.0, "tcr:html": 1.0})
    show = ("send", voters, "--action", "125", "--text", TEXT, "--dry-run", "--json")
    for env in ({}, {"RUMBLEUP_API_KEY": ""}, {"RUMBLEUP_API_KEY": "KEY:WRONG"}, {"RUMBLEUP_BASE_URL": "http://127.0.0.1:9"}):
        done = await process(*show, env=env)
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)["plan"]
        assert (plan["balance"], plan["caps"], plan["to_text"]) == (None, [], 4)


async def test_a_script_asks_for_nothing_that_nobody_reads(process: Process, voters: Path) -> None:
    """Each line of cron would cost requests, and put people's names into its log."""
    done = await process("send", voters, "--action", "125", "--text", TEXT, "--yes")
    assert (done.returncode, "balance" in done.stderr, LONG in done.stderr) == (0, False, False)
    assert "pace: as fast as the provider allows" in done.stderr


def test_the_lines_of_a_plan_of_much() -> None:
    """The page would say nothing of carriers to those who text most, or speak of a list without an end."""
    plan = CampaignPlan(
        rows=10_412, to_text=9_870, skipped={}, segments={1: 1_000, 2: 7_500, 3: 1_370}, dear={}, dear_segments=0,
        price=31_000, budget=None, day_cap=None,
        account=AccountFacts(613.0, [Cap("C1", "B", 2_000, 240), Cap("C2", "", None, 75), *[Cap("C", "X", 1, None)] * 3]),
        book=BookFacts(14_233, 0, 3, 12), samples=[], rate=None,
    )  # fmt: skip
    assert (plan.total_segments, plan.cost, plan.ends) == (20_110, 623_410_000, None)
    assert plan.lines() == [
        "balance of the account $613.00; that does not suffice for all at this price",
        (
            "T-Mobile takes 2,000 segments a day of brand B; of these 20,110 about 5,028 to 8,044 go there: may be cut; "
            "AT&T takes 240 a minute"
        ),
        "AT&T takes 75 a minute",
        "T-Mobile takes 1 segment a day of brand X; of these 20,110 about 5,028 to 8,044 go there: may be cut",
        "and 2 more campaigns of the registry; see rumbleup tcr campaigns",
        "opt-outs: 14,233 known, the provider was not read; book: 3 earlier runs",
        "pace: as fast as the provider allows",
    ]


def test_a_person_sees_three_finished_texts(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty field, or a value that makes a text absurd, would be seen by nobody before all others have it."""
    samples = [Sample("first", 2, "2025550101", "Hi Ada", 1), Sample("longest", 9, "2025550109", f"Hi {LONG}", 2)]
    plan = CampaignPlan(
        rows=2, to_text=2, skipped={}, segments={1: 2}, dear={}, dear_segments=0, price=None, budget=None, day_cap=None,
        account=AccountFacts(), book=None, samples=samples, rate=None,
    )  # fmt: skip
    plan.show(has_samples=True)
    shown = capsys.readouterr().err
    assert f"row 9 (longest), ********09, 2 segments:\n    Hi {LONG}\n" in shown
    plan.show(has_samples=False)
    assert "Hi " not in capsys.readouterr().err
