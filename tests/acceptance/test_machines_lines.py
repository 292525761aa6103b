"""One run over Sendblue, several machines: each line sends so much a second, an hour and a day, from whatever machine."""

import signal
import uuid

import psycopg
import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, must_keep_to, until
from tests.acceptance.stage import Stage
from tests.acceptance.test_machines import LEASE, senders
from tests.acceptance.test_sendblue import environment, sending, truth
from tests.database import Database

LINES, RATE, HOUR = 2, 8, 24


@pytest.fixture
def run(stage: Stage, postgres: Database) -> Stage:
    """A stage whose ledger is a run of its own in the shared database."""
    name = uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
    stage.use_database(postgres.address(f"lines-{name}", lease=str(LEASE)))
    return stage


def texted_by(stage: Stage) -> int:
    """Machines that have sent something."""
    server, _, name = str(stage.ledger).partition("run=")
    with psycopg.connect(server.rstrip("?&")) as db:
        found = db.execute(
            """SELECT count(DISTINCT c.owner) FROM rumbleup.contact c JOIN rumbleup.run r ON r.id = c.run
            WHERE c.state = 2 AND r.name = %s""",
            (name.partition("&")[0],),
        ).fetchone()
    return 0 if found is None else int(found[0])


def test_machines_share_the_lines_of_a_run(run: Stage, provider: Provider) -> None:
    """Each machine would use every line as if it were its own: twice as fast as the carriers allow, to twice as many new people
    an hour, until the line is blocked. Or a machine that died would take its lines along."""
    env = environment(run)
    limits = ("--per-second", RATE, "--new-per-hour", HOUR, "--new-per-day", 0, "--concurrency", 4)
    provider.set(latency=2.0, line_new_hour=HOUR)  # it is not done before the others have come up
    main = run.begin(*sending(run, *limits), env=env)
    provider.wait_for(4)
    others = [run.begin("join", run.ledger, "--json", "--concurrency", 4, env=env) for _ in range(2)]
    until(lambda: senders(run) == 3, "two joined")
    until(lambda: others[1].has_said("over 2 lines of Sendblue"), "it says what it joined")
    others[0].signal(signal.SIGKILL)
    provider.set(latency=0.02)
    ends = [main.wait(), others[1].wait()]
    assert {done.json["stop_cause"] for done in ends} <= {"lines_used_up", "asked"}, [done.err for done in ends]
    assert "resume after" in " ".join(done.json["stopped"] for done in ends)
    assert all(done.json["throttled"] == 0 for done in ends), "no line was asked for more than it may send"
    # What died with its machine counts: its texts may have left.
    assert LINES * HOUR - 4 <= provider.left <= LINES * HOUR
    must_keep_to(LINES * RATE, provider)
    assert texted_by(run) >= 2, "whoever joined had lines, too"
    provider.set(line_new_hour=HOUR + 4)
    again = run.run("resume", run.ledger, "--yes", "--json", "--settle-seconds", 0, "--new-per-hour", HOUR + 4, env=env)
    assert again.code == 3, again.err
    assert LINES * (HOUR + 4) - 4 <= provider.left <= LINES * (HOUR + 4), "what was sent before is known"
    planned = {f"+1{phone(n)}": text_for("Ada") for n in range(1500)}
    run.check(1500, truth=truth(run, again.json["run"]), summary=again.json, planned=planned, concurrency=4, crashes=1)
