"""Which server and account a ledger belongs to: however it is written, and before anybody is asked."""

import asyncio
from pathlib import Path

import pytest

from rumbleup_async.errors import LedgerMismatch
from rumbleup_async.ledger import Consent, MemoryLedger, SqliteLedger, identity_of
from rumbleup_async.ledger.identity import is_here, server
from rumbleup_async.lookups import Resolution
from rumbleup_async.messaging import Closed, Identity, Plan, State
from rumbleup_async.reasons import ABSENT
from rumbleup_async.reasons import from_words as because
from tests.books import exchange, open_ledger

from .crashing import PLAN, rows

MINE = identity_of("rumbleup", "https://app.example.org/api", "KEY")
OTHER_KEY = identity_of("rumbleup", "https://app.example.org/api", "ANOTHER")
OTHER_SERVER = identity_of("rumbleup", "https://staging.example.org/api", "KEY")
REHEARSAL = identity_of("rumbleup", "http://127.0.0.1:8025/api", "KEY")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://app.example.org/api", "https://APP.Example.org./api/"),
        ("https://app.example.org/api", "https://app.example.org:443//api"),
        ("https://app.example.org/api", "https://app.example.org/x/../api"),
        ("https://app.example.org", "https://app.example.org:443/"),
        ("http://localhost:8025/api", "http://127.0.0.1:8025/api"),
        ("http://localhost:8025/api", "http://[::1]:8025/api"),
        ("http://localhost:8025/api", "http://LOCALHOST.:8025/api"),
        ("http://localhost:8025/api", "http://a.localhost:8025/api"),
        ("http://localhost:8025/api", "http://0.0.0.0:8025/api"),
        ("http://localhost:8025/api", "http://2130706433:8025/api"),
        ("http://localhost:8025/api", "http://0x7f.1:8025/api"),
        ("http://localhost:8025/api", "http://[::ffff:127.0.0.1]:8025/api"),
        ("https://bücher.example/api", "https://xn--bcher-kva.example/api"),
    ],
)
def test_an_address_is_the_same_however_it_is_written(one: str, other: str) -> None:
    """A run could not be gone on with because somebody has written a slash at the end of the address."""
    assert server(one) == server(other)


@pytest.mark.parametrize(
    "other",
    [
        "http://app.example.org/api", "https://app.example.org:8443/api", "https://app.example.org/v2", "https://example.org/api",
        "https://app.example.org.evil/api",
    ],
)  # fmt: skip
def test_another_server_is_another(other: str) -> None:
    """A campaign would be taken for done because it was sent to another server under nearly the same address."""
    assert server("https://app.example.org/api") != server(other)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.9.9.9:1/api", True), ("http://127.1/api", True), ("http://[::]:1", True), ("https://ip6-localhost", True),
        ("https://localhost.example.org", False), ("https://128.0.0.1", False), ("https://1.127.0.0", False),
    ],
)  # fmt: skip
def test_this_machine_is_told_from_elsewhere(address: str, here: bool) -> None:
    """What was rehearsed would count as sent, under a spelling of this machine that nobody thought of."""
    assert is_here(server(address)) is here


def test_the_key_does_not_stand_in_a_ledger() -> None:
    """Whoever reads a ledger would have half of the key."""
    assert "SECRETKEY" not in repr(identity_of("rumbleup", "https://app.example.org", "SECRETKEY"))
    assert identity_of("rumbleup", "https://x.example", "K").account != identity_of("sendblue", "https://x.example", "K").account


async def sent(ledger: SqliteLedger | MemoryLedger) -> None:
    """One of three texts is sent, and the process ends."""
    await open_ledger(ledger, PLAN)
    await ledger.add(rows(1, 3))
    (text,) = await exchange(ledger, [], 1)
    await exchange(ledger, [Closed(text.row, State.SENT, 1, because(""), "rl_1", 5)], 0)
    await ledger.aclose()


@pytest.mark.parametrize("plan", [PLAN, None], ids=["send", "resume"])
@pytest.mark.parametrize(
    ("now", "consent", "words"),
    [
        (OTHER_KEY, Consent(), "another API key"),
        (OTHER_KEY, Consent(same_server=True), "another API key"),
        (OTHER_SERVER, Consent(), "https://staging.example.org/api"),
        (OTHER_SERVER, Consent(same_account=True), "--same-server"),
        (REHEARSAL, Consent(same_account=True, same_server=True), "never share a ledger"),
        (identity_of("sendblue", "https://app.example.org/api", "KEY"), Consent(), "over rumbleup"),
    ],
)
async def test_texts_of_one_account_are_not_gone_on_with_by_another(
    tmp_path: Path, plan: Plan | None, now: Identity, consent: Consent, words: str
) -> None:
    """The real campaign would not happen because its rehearsal did; or a stranger's log would say that nobody was texted."""
    path = tmp_path / "run.ledger"
    await sent(SqliteLedger(path, identity=MINE))
    before = path.read_bytes()
    with pytest.raises(LedgerMismatch, match=words):
        await open_ledger(SqliteLedger(path, identity=now, consent=consent), plan)
    assert path.read_bytes() == before
    ledger = SqliteLedger(path, identity=MINE)
    await open_ledger(ledger, None)
    assert ledger.notes == []
    await ledger.aclose()


@pytest.mark.parametrize(("now", "consent"), [(OTHER_KEY, Consent(same_account=True)), (OTHER_SERVER, Consent(same_server=True))])
async def test_a_new_key_of_the_account_can_be_said_to_be_one(tmp_path: Path, now: Identity, consent: Consent) -> None:
    """Whoever changes the key in the middle of a campaign could not end it."""
    path = tmp_path / "run.ledger"
    await sent(SqliteLedger(path, identity=MINE))
    for said in (consent, Consent()):  # the second time it is known
        ledger = SqliteLedger(path, identity=now, consent=said)
        await open_ledger(ledger, None)
        await ledger.aclose()
    with pytest.raises(LedgerMismatch):
        await open_ledger(SqliteLedger(path, identity=MINE), None)


async def test_a_mistyped_address_can_be_corrected(tmp_path: Path) -> None:
    """A list would be bound to an address at which nobody was ever reached."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path, identity=OTHER_SERVER)
    await open_ledger(ledger, PLAN)
    await ledger.add(rows(1, 3))
    (text,) = await exchange(ledger, [], 1)
    await exchange(ledger, [Closed(text.row, State.QUEUED, 1, because("the host name was not found"))], 0)
    await ledger.aclose()
    await sent(SqliteLedger(path, identity=MINE))
    with pytest.raises(LedgerMismatch):
        await open_ledger(SqliteLedger(path, identity=OTHER_SERVER), None)


async def test_a_death_binds_as_well(tmp_path: Path) -> None:
    """What was open when a process died may have left: another account's log knows nothing of it."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path, identity=MINE)
    await open_ledger(ledger, PLAN)
    await ledger.add(rows(1, 3))
    await exchange(ledger, [], 1)
    await ledger.aclose()  # without a close: an intent is open
    with pytest.raises(LedgerMismatch):
        await open_ledger(SqliteLedger(path, identity=OTHER_KEY), None)


async def test_an_older_ledger_takes_the_first_one_and_says_so(tmp_path: Path) -> None:
    """After an update no run could be gone on with, or it would be by anybody."""
    path = tmp_path / "run.ledger"
    await sent(SqliteLedger(path))
    ledger = SqliteLedger(path, identity=MINE)
    await open_ledger(ledger, None)
    assert [note for note in ledger.notes if "https://app.example.org/api" in note]
    await ledger.aclose()
    with pytest.raises(LedgerMismatch):
        await open_ledger(SqliteLedger(path, identity=OTHER_KEY), None)


async def test_in_memory_it_is_the_same() -> None:
    """A service that hands its books from one client to the next would text by the wrong one."""
    ledger = MemoryLedger(identity=MINE)
    await sent(ledger)
    ledger.identity = OTHER_KEY
    with pytest.raises(LedgerMismatch):
        await open_ledger(ledger, None)
    ledger.consent = Consent(same_account=True)
    await open_ledger(ledger, None)


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
async def test_tried_stays_tried(tmp_path: Path, kind: str) -> None:
    """unknown, absent, queued again, stopped: on that ledger another list would begin anew, and those who may have been texted
    would be in no report."""
    path = tmp_path / "run.ledger"
    ledger = SqliteLedger(path) if kind == "sqlite" else MemoryLedger()
    await open_ledger(ledger, PLAN)
    await ledger.load([rows(1, 1)])
    await ledger.complete("f")
    (text,) = await exchange(ledger, [], 1)
    await exchange(ledger, [Closed(text.row, State.UNKNOWN, 1, because("no answer"), "", 5)], 0)
    await ledger.settle([Resolution(text.row, State.NOT_SENT, ABSENT)])
    await ledger.settle([Resolution(text.row, State.QUEUED)])
    assert ledger.is_used
    await ledger.aclose()
    again = SqliteLedger(path) if kind == "sqlite" else ledger
    with pytest.raises(LedgerMismatch, match="another text"):
        await open_ledger(again, Plan(run="bbbbbbbbbb", provider="rumbleup", action="125", text="Other. STOP"))
    if kind == "sqlite":
        other = SqliteLedger(path)
        await open_ledger(other, None)
        with pytest.raises(LedgerMismatch, match=r"--suppress .*run\.ledger --ledger .*run-2\.ledger"):
            await other.load([rows(5, 9)])
        await other.aclose()


def test_opening_is_one_at_a_time_whatever_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite reads `file:x.ledger` as an address: the file behind it would be written past its lock."""
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        one = SqliteLedger("x.ledger")
        await one.open(PLAN)
        other = SqliteLedger("file:x.ledger")
        await open_ledger(other, PLAN)
        await other.add(rows(1, 2))
        assert sum(one.counts.values()) == 0
        await other.aclose()
        await one.aclose()

    asyncio.run(main())
    assert (tmp_path / "file:x.ledger").is_file()
