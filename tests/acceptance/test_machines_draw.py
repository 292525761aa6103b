"""One run in concurrent mode, several machines: each draws from the provider, and all write in the books of one database."""

import signal
import uuid

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, must_keep_to, until
from tests.acceptance.stage import Stage
from tests.acceptance.test_machines import LEASE, join, senders
from tests.acceptance.test_texters import imported, once, texting
from tests.database import Database


@pytest.fixture
def run(stage: Stage, postgres: Database) -> Stage:
    """A stage whose ledger is a run of its own in the shared database."""
    name = uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
    stage.use_database(postgres.address(f"draws-{name}", lease=str(LEASE)))
    return stage


def test_machines_draw_for_one_run(run: Stage, provider: Provider) -> None:
    """Two machines would give two people one place in the books, write down one who is left out twice, text faster together than
    was asked for, or end while another has a text under way."""
    rows, rate, left_out = 110, 60, {phone(1), phone(2)}
    provider.set(lock_seconds=1.5, latency=0.05, next_skips_tagged=False)
    phones = imported(provider, rows)
    provider.call("contacts", {"action": "125", "tags": {one: ["dnd"] for one in left_out}})
    patience = ("--patience", 2)
    main = run.begin(*texting(run.ledger, "--rate", rate, *patience))
    provider.wait_for(10)
    others = [join(run, "--concurrency", 8) for _ in range(2)]
    until(lambda: senders(run) == 3, "two joined")
    until(lambda: others[1].has_said("the server says who is left"), "it says what it joined")
    provider.wait_for(40)
    others[0].signal(signal.SIGINT)
    gone = others[0].wait()
    assert gone.code == 130, gone.err
    ends = [main.wait(), others[1].wait()]
    assert [done.code for done in ends] == [0, 0], [done.err for done in ends]
    must_keep_to(rate, provider)
    once(provider, phones - left_out)
    assert ends[0].json["skipped"] == 2, "each of those left out is told once, whoever draws them"
    run.check(ends[0].json["total"], summary=ends[0].json, planned=dict.fromkeys(phones - left_out, text_for("Ada")))


@pytest.mark.parametrize(
    ("bound", "cause", "most"),
    [(("--limit", 45), "limit", 45), (("--budget", "2.00", "--price", "0.05"), "budget", 40)],
)
def test_machines_that_draw_keep_to_a_bound_together(
    run: Stage, provider: Provider, bound: tuple[object, ...], cause: str, most: int
) -> None:
    """Three machines would each text what one of them was allowed, or end while some of it is left."""
    provider.set(lock_seconds=1.0, latency=1.0)  # it is not done before the others have come up
    imported(provider, 130)
    main = run.begin(*texting(run.ledger, "--rate", 20, "--no-book", *bound, texters=6))
    provider.wait_for(3)
    others = [join(run, "--concurrency", 6) for _ in range(2)]
    until(lambda: senders(run) == 3, "two joined")
    provider.set(latency=0.05)
    ends = [main.wait(), *(other.wait() for other in others)]
    causes = {done.json["stop_cause"] for done in ends}
    assert cause in causes <= {cause, "asked"}, [done.err for done in ends]
    assert provider.left == most, "what one gives back another sends"
    run.check(ends[0].json["total"], summary=None)


def test_machines_that_draw_and_die(run: Stage, provider: Provider) -> None:
    """Whom a dead machine had in hand would be texted again by another, or by nobody and no word of it."""
    rows, texters = 240, 8
    provider.set(lock_seconds=2.0, latency=0.3)  # it is not done before the others have come up
    imported(provider, rows)
    main = run.begin(*texting(run.ledger, "--patience", 3, texters=texters))
    provider.wait_for(10)
    others = [join(run, "--concurrency", texters) for _ in range(2)]
    until(lambda: senders(run) == 3, "two joined")
    others[0].signal(signal.SIGSTOP)
    main.signal(signal.SIGKILL)
    provider.set(latency=0.05)
    provider.wait_for(provider.left + 20)
    others[0].signal(signal.SIGCONT)
    ends = [other.wait() for other in others]
    assert {done.code for done in ends} <= {0, 1, 3}, [done.err for done in ends]
    last = run.resume("--settle-seconds", 0)
    assert last.code in {0, 1}, last.err
    left = [text["phone"] for text in provider.truth()]
    assert len(left) == len(set(left))
    run.check(last.json["total"], summary=last.json, concurrency=texters, crashes=2)
