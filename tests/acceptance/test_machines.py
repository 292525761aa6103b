"""One run, several machines: the ledger in a database, senders that come, go and die, and the database with them."""

import contextlib
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.reader import Reader
from tests import database
from tests.acceptance.lists import TEXT, phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.shell import Forked, Shell
from tests.acceptance.stage import Stage
from tests.database import Database
from tests.kills.machines import CRASH, KILL, ZOMBIE, storm

LEASE = 2


@pytest.fixture
def run(stage: Stage, postgres: Database) -> Stage:
    """A stage whose ledger is a run of its own in the shared database."""
    name = uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))  # ten digits would be taken for a phone
    stage.use_database(postgres.address(f"machines-{name}", lease=str(LEASE)))
    return stage


def join(stage: Stage, *arguments: object) -> Forked:
    """One more machine."""
    return stage.begin("join", stage.ledger, "--json", *arguments)


def planned(rows: int) -> dict[str, str]:
    return {phone(n): text_for("Ada") for n in range(rows)}


def senders(stage: Stage) -> int:
    """Processes that hold the lock of an owner of the run."""
    server, _, name = str(stage.ledger).partition("run=")
    with psycopg.connect(server.rstrip("?&")) as db:
        found = db.execute(
            """SELECT count(*) FROM rumbleup.owner o JOIN rumbleup.run r ON r.id = o.run JOIN pg_locks l
                ON l.locktype = 'advisory' AND l.objid = o.session::oid AND l.classid = 1381318995 AND l.granted
            WHERE r.name = %s AND NOT o.fenced""",
            (name.partition("&")[0],),
        ).fetchone()
    return 0 if found is None else int(found[0])


def test_what_takes_a_ledger_takes_one_in_a_database(run: Stage, provider: Provider) -> None:
    """Somebody would send over a database, and find that the report, a look-up or a pause knows files only."""
    rows = 120
    source = run.list(rows)
    assert run.run("join", run.ledger).code == 2, "nobody has begun it"
    first = run.send(source, "--limit", 50, "--concurrency", 8)
    assert first.code == 0, first.err
    assert first.json["sent"] == 50
    seen = run.run("status", run.ledger, "--json").json
    assert (seen["sent"], seen["not_sent"], seen["running"], seen["total"]) == (50, 70, False, rows)
    assert run.run("pause", run.ledger, "--why", "lunch").code == 0
    paused = run.resume()
    assert (paused.code, paused.json["stop_cause"]) == (3, "paused")
    assert run.run("stop", run.ledger).code == 2, "nobody sends"
    assert run.run("continue", run.ledger).code == 0
    provider.faults(phones={phone(60): "close-after"})
    again = run.send(source, "--concurrency", 8)
    assert again.code == 1, again.err
    assert again.json["unknown"] == 1
    settled = run.run("reconcile", run.ledger, "--settle-seconds", 0, "--json")
    assert settled.code == 0, settled.err
    listed = run.run("ledgers", str(run.ledger).partition("run=")[0].rstrip("?&"), "--json").json
    (mine,) = [one for one in listed["runs"] if one["run"] in str(run.ledger)]
    assert (mine["sent"], mine["queued"], mine["senders"]) == (rows, 0, [])
    audit = run.run("status", run.ledger, "--audit")
    assert "lunch" in audit.out
    wrong = run.run("send", source, "--action", "126", "--text", "Other. STOP", "--ledger", run.ledger, "--yes")
    assert wrong.code == 2
    assert "was begun with another" in wrong.err
    elsewhere = str(run.ledger).replace("run=", "run=another-")
    same = run.run("send", source, "--action", "125", "--text", TEXT, "--ledger", elsewhere, "--yes")
    assert (same.code, "this very list has been texted" in same.err) == (2, True), same.err
    doctor = run.run("doctor", "--ledger", str(run.ledger), "--json")
    assert doctor.code == 0, doctor.out
    checks = {one["check"]: one["says"] for one in doctor.json["checks"]}
    assert checks.keys() >= {"database", "tables", "rights", "clock"}
    contacts = run.check(rows, planned=planned(rows))
    assert {contact.state for contact in contacts.values()} == {"sent"}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://mary:quokka@db.example/x?run=friday", "a password does not belong in an address"),
        ("postgresql://mary@db.example/x", "add ?run=NAME"),
        ("postgresql://mary@db.example/x?run=a%20b", "the name of a run"),
        ("postgresql://mary@127.0.0.1:1/x?run=friday", "Connection refused"),
        ("postgresql://mary@db.example/x?run=friday&lease=0", "lease= is in seconds"),
        ("mysql://mary@db.example/x?run=friday", "mysql"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(stage: Stage, address: str, words: str) -> None:
    """A password would stand in the history of a shell and in a log, or a run begin under no name."""
    sending = ["send", stage.list(1), "--action", "125", "--text", TEXT, "--yes", "--ledger", address]
    for arguments in (["status", address], sending):
        done = stage.run(*arguments)
        assert done.code == 2, done.err
        assert words in " ".join(done.err.split())
        assert "quokka" not in done.err


BOOK = ("--book", "people.book", "--opt-outs", "auto")


def test_machines_join_pause_stop_and_share_the_rate(run: Stage, provider: Provider) -> None:
    """Two machines would text one person, or twice as fast as was asked for; or a stop reach one of them."""
    rows, rate = 400, 60
    provider.set(latency=0.02)
    main = run.begin(*run.sending(run.list(rows), "--rate", rate, "--concurrency", 8, *BOOK))
    provider.wait_for(10)
    others = [join(run, "--concurrency", 8, *BOOK[2:]) for _ in range(2)]
    until(lambda: senders(run) == 3, "two joined")
    # Whoever joins goes on if the others leave, and watches whom it must not text.
    until(lambda: run.run("status", run.ledger, "--audit").out.count("read from the provider") == 3, "each reads opt-outs")
    second = run.resume()
    assert (second.code, "is being sent by another process" in second.err) == (2, True), "one process is in charge"
    until(lambda: all(other.has_said("joined run") for other in others), "they say so")
    assert run.run("pause", run.ledger).code == 0
    time.sleep(0.3)
    left = provider.left
    time.sleep(1.0)
    assert provider.left == left, "texts left in a pause"
    assert run.run("continue", run.ledger).code == 0
    provider.wait_for(left + 30)
    others[0].signal(signal.SIGINT)
    gone = others[0].wait()
    assert gone.code == 130, gone.err
    assert run.run("stop", run.ledger).code == 0
    ends = [main.wait(), others[1].wait()]
    assert [done.code for done in ends] == [3, 3], [done.err for done in ends]
    assert {done.json["stop_cause"] for done in ends} == {"asked"}
    with contextlib.closing(Reader(parse(str(run.ledger)))) as reader:
        seconds = reader.seconds()
    assert 0 < sum(second.sent for second in seconds) <= provider.left, "each noted what all have sent"
    nobody = join(run).wait()
    assert (nobody.code, "nobody sends it at this moment" in nobody.err) == (2, True), "whoever joins is not asked"
    resumed = run.resume("--rate", 0)
    assert resumed.code == 0, resumed.err
    run.check(rows, summary=resumed.json, planned=planned(rows))


@pytest.mark.parametrize(
    ("bound", "cause", "most"),
    [(("--budget", "3.75", "--price", "0.05"), "budget", 75), (("--day-cap", 70), "daily_cap", 70)],
)
def test_machines_together_keep_to_a_bound(
    run: Stage, provider: Provider, bound: tuple[object, ...], cause: str, most: int
) -> None:
    """Three machines would each text what one of them was allowed."""
    rows = 130 + most  # the same list once more would be refused
    # A book counts a day for all runs: that of the database does for all machines.
    book = ("--book", str(run.ledger).partition("&run=")[0]) if cause == "daily_cap" else ("--no-book",)
    provider.set(latency=0.05)
    main = run.begin(*run.sending(run.list(rows), "--rate", 8, "--concurrency", 8, *bound, *book))
    provider.wait_for(5)
    others = [join(run, "--concurrency", 8) for _ in range(2)]
    until(lambda: senders(run) == 3, "two joined")
    ends = [main.wait(), *(other.wait() for other in others)]
    # Whoever meets the bound has the others stop.
    causes = {done.json["stop_cause"] for done in ends}
    assert cause in causes <= {cause, "asked", "left_over"}, [done.err for done in ends]
    assert provider.left == most, "what one gives back another sends"
    run.check(rows, planned=planned(rows))


def test_machines_wait_for_a_canary(run: Stage, provider: Provider) -> None:
    """Who has joined would text the rest before the canary was looked at, or go on after it has failed."""
    rows, canary = 60, ("--canary", "10,5s", "--abort-if", "refused>10%")
    provider.set(latency=0.2)
    main = run.begin(*run.sending(run.list(rows), "--concurrency", 2, "--no-book", *canary))
    provider.wait_for(1)
    other = join(run, "--concurrency", 8)
    until(lambda: senders(run) == 2, "it joined")

    def is_watched() -> bool:
        return provider.left == 10 and "watching" in run.run("status", run.ledger).err

    until(is_watched, "it is watched")  # and so no more had left before it was asked
    ends = [main.wait(), other.wait()]
    assert [done.code for done in ends] == [0, 0], [done.err for done in ends]
    run.check(rows, planned=planned(rows))


def test_machines_that_die_or_sleep_text_nobody_twice(run: Stage, provider: Provider) -> None:
    """A machine that was killed would leave people untexted, or texted twice; one that slept would go on with what is not its
    own."""
    rows, concurrency = 900, 8
    provider.set(latency=0.02)
    main = run.begin(*run.sending(run.list(rows), "--concurrency", concurrency))
    provider.wait_for(20)
    others = [join(run, "--concurrency", concurrency) for _ in range(3)]
    until(lambda: senders(run) == 4, "three joined")
    others[0].signal(signal.SIGKILL)
    others[1].signal(signal.SIGSTOP)
    provider.wait_for(provider.left + 50)
    main.signal(signal.SIGKILL)
    provider.wait_for(provider.left + 50)
    time.sleep(LEASE + 1)
    others[1].signal(signal.SIGCONT)
    done = others[2].wait()
    assert done.code in {0, 1}, done.err
    late = others[1].wait()
    assert late.code in {0, 1, 3}, late.err
    ended = run.resume("--settle-seconds", 0)
    assert ended.code in {0, 1}, ended.err
    assert ended.json["reasons"].get("not_sent", {}).keys() <= {"absent"}, "what had been opened and never left"
    run.check(rows, summary=ended.json, planned=planned(rows), concurrency=concurrency, crashes=3)


@pytest.mark.timeout(600)
def test_a_storm(tmp_path: Path, provider: Provider, shell: Shell) -> None:
    """Some order of deaths, stalls and outages would text somebody twice, or lose them (more: python -m tests.kills.machines)."""
    done = storm(1, tmp_path, provider, shell)
    assert done[KILL] >= 20
    assert done[ZOMBIE] >= 5
    assert done[CRASH] >= 5
    assert done["connections cut by the proxy"] >= 5
    assert done["owners fenced"] >= 5


@pytest.fixture
def own(stage: Stage) -> Iterator[Database]:
    """A database server that this test may end."""
    found = database.make("-own")
    stage.use_database(found.address("friday", lease="10"))
    yield found
    with contextlib.suppress(RuntimeError):
        found.stop()
    shutil.rmtree(found.folder)


def test_the_database_goes_away_and_comes_back(stage: Stage, own: Database, provider: Provider) -> None:
    """Texts would leave that no book knows, or the results of those in flight be lost."""
    rows, concurrency = 900, 8
    provider.set(latency=0.2)  # it is not done before the other has come up
    main = stage.begin(*stage.sending(stage.list(rows), "--concurrency", concurrency))
    provider.wait_for(20)
    other = join(stage, "--concurrency", concurrency)
    until(lambda: senders(stage) == 2, "one joined")
    provider.set(latency=0.05)
    for _ in range(3):
        own.stop("immediate")
        left = provider.left
        time.sleep(1.5)
        assert provider.left <= left + 4 * concurrency, "what had been opened may leave, and nothing more"
        own.start()
        provider.wait_for(provider.left + 60)
    with psycopg.connect(own.address()) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rumbleup'")
    ends = [main.wait(), other.wait()]
    assert [done.code for done in ends] == [0, 0], [done.err + done.out for done in ends]
    assert "the database cannot be reached" in ends[0].err
    assert "the database is back" in ends[0].err
    contacts = stage.check(rows, summary=ends[0].json, planned=planned(rows))
    assert {contact.state for contact in contacts.values()} == {"sent"}, "nothing was lost, so nothing is in doubt"
