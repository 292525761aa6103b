"""What is kept of receipts, in a file and in a database: counted once, whoever is interrupted and however often it is told."""

import random
import sqlite3
import stat
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from rumbleup_async import receipts
from rumbleup_async.errors import LedgerError
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.receipts.file import ReceiptFile, beside
from rumbleup_async.receipts.opening import open_store
from rumbleup_async.receipts.store import Store
from rumbleup_async.receipts.told import Fact, Receipt, Told, What, masked
from tests.books import open_ledger
from tests.database import Database
from tests.observe.test_gallery import PLAN, begun

Open = Callable[[], Store]


@pytest.fixture(params=["file", "table"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """The store of one run, as often as it is asked for."""
    if request.param == "file":
        return lambda: ReceiptFile(tmp_path / "a.ledger", PLAN.run, makes=True)
    database: Database = request.getfixturevalue("postgres")
    address = parse(database.address(f"receipts-{uuid.uuid4().hex}"))
    ledger = PostgresLedger(address)
    await open_ledger(ledger, PLAN)
    await ledger.aclose()

    def open_it() -> Store:
        store = open_store(address, PLAN.run, makes=True)
        assert store is not None
        return store

    return open_it


def fact(row: int, what: What, *, is_open: bool = False, **more: object) -> Fact:
    return Fact(row, Told("2025550101", what, **more), is_open)  # type: ignore[arg-type]


async def test_what_is_told_twice_counts_once(opened: Open) -> None:
    """Every look into the log tells everything again."""
    told = [
        fact(1, What.DELIVERED, logid="L1"),
        fact(2, What.UNDELIVERED, logid="L2", code="landline", words="The destination 202-555-0102 is a landline"),
        fact(2, What.REPLIED, at=5),
        fact(3, What.REPLIED, at=7),
        fact(3, What.OPTED_OUT, at=7),
    ]
    store = opened()
    assert store.take(told, {"place": "4"}) == 3
    store.close()
    store = opened()
    assert store.take(told) == 0
    found = store.counts()
    assert (found.delivered, found.undelivered, found.replied, found.opted_out) == (1, 1, 2, 1)
    assert [(one.code, one.words, one.number) for one in found.why] == [("landline", "The destination \u202602 is a landline", 1)]
    assert store.note("place") == "4"
    assert store.between(2, 3)[2].why == "landline: The destination \u202602 is a landline"
    store.close()


async def test_a_later_receipt_takes_the_place_of_an_earlier_one(opened: Open) -> None:
    """A carrier may say no and then yes; what comes late of what was before changes nothing."""
    store = opened()
    store.take([fact(1, What.UNDELIVERED, logid="L1", code="unreachable", at=100)])
    store.take([fact(1, What.DELIVERED, logid="L1", at=200)])
    store.take([fact(1, What.UNDELIVERED, logid="L1", code="unreachable", at=150)])
    assert (store.counts().delivered, store.counts().undelivered, store.counts().why) == (1, 0, [])
    store.close()


async def test_a_text_that_the_ledger_does_not_know_counts_once_it_does(opened: Open) -> None:
    """A receipt may be there before the run has noted the answer to its text."""
    store = opened()
    store.take([
        fact(1, What.DELIVERED, logid="L1", is_open=True),
        fact(2, What.DELIVERED, logid="X", is_open=True),
        fact(2, What.REPLIED, at=1),
    ])  # fmt: skip
    assert (store.counts().delivered, store.counts().replied) == (0, 1)
    (some,) = store.open_rows()
    assert [receipt.row for receipt in some] == [1, 2]
    assert store.settle({1: "L1", 2: "L2"}) == 1
    assert [*store.open_rows()] == []
    assert (store.counts().delivered, store.counts().replied, store.between(2, 2)[2].delivery) == (1, 1, "")
    store.close()


async def test_the_counts_are_those_of_the_rows(opened: Open) -> None:
    """The page would show numbers of which no row knows."""
    random.seed(20)
    store = opened()
    for _ in range(60):
        store.take([
            fact(random.randrange(20), random.choice([*What]), logid=random.choice("ab"), code=random.choice("xyz"),
                 at=random.randrange(5), is_open=random.random() < 0.2)
            for _ in range(random.randrange(6))
        ])  # fmt: skip
        if random.random() < 0.2:
            store.settle({row: random.choice("ab") for row in range(20)})
        rows = [*store.between(0, 99).values()]
        found = store.counts()
        assert found.delivered == sum(row.delivery == "delivered" and not row.is_open for row in rows)
        assert found.undelivered == sum(row.delivery == "undelivered" and not row.is_open for row in rows)
        assert sum(one.number for one in found.why) == found.undelivered
        assert found.replied == sum(row.replied is not None for row in rows)
        assert found.opted_out == sum(row.opted_out is not None for row in rows)
    store.close()


async def test_nothing_is_known_of_a_run_that_nobody_followed(tmp_path: Path, postgres: Database) -> None:
    """The page asks of every ledger, and makes no file by that."""
    await (await begun(tmp_path / "a.ledger", 1)).aclose()
    assert receipts.counts(tmp_path / "a.ledger") == receipts.Counts()
    assert not beside(tmp_path / "a.ledger").exists()
    address = postgres.address(f"nobody-{uuid.uuid4().hex}")
    ledger = PostgresLedger(parse(address))
    await open_ledger(ledger, PLAN)
    await ledger.aclose()
    assert receipts.counts(address) == receipts.Counts()


async def test_the_file_is_private_and_of_one_run(tmp_path: Path) -> None:
    """Receipts of a run that stood at this place before would be told of people of another."""
    await (await begun(tmp_path / "a.ledger", 1)).aclose()
    store = ReceiptFile(tmp_path / "a.ledger", "abcdefghij", makes=True)
    store.take([fact(1, What.DELIVERED, logid="L1")])
    store.close()
    assert stat.S_IMODE(beside(tmp_path / "a.ledger").stat().st_mode) == 0o600
    assert receipts.counts(tmp_path / "a.ledger") == receipts.Counts()
    store = ReceiptFile(tmp_path / "a.ledger", PLAN.run, makes=True)
    assert store.between(0, 9) == {}
    store.take([fact(1, What.DELIVERED, logid="L9")])
    store.close()
    assert receipts.counts(tmp_path / "a.ledger").delivered == 1


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    """Somebody's database would be written to because of its name."""
    with sqlite3.connect(tmp_path / "a.ledger-receipts") as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    (tmp_path / "b.ledger-receipts").write_text("no database at all, but words and more words\n" * 30)
    (tmp_path / "c.ledger-receipts").symlink_to(tmp_path / "a.ledger-receipts")
    for name in "abc":
        with pytest.raises(LedgerError, match=r"receipts"):
            ReceiptFile(tmp_path / f"{name}.ledger", PLAN.run, makes=True)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("call 202-555-0101\nnow\x1b[31m", "call \u202601 now [31m"),
        ("+1 (202) 555 0101", "\u202601"),
        ("x" * 900, "x" * 200),
        ("code 30003", "code 30003"),
    ],
)
def test_words_of_a_carrier_hold_no_phone(words: str, shown: str) -> None:
    """They are shown to everybody who sees a report."""
    assert masked(words) == shown


def test_a_receipt_says_why_only_of_what_was_not_delivered() -> None:
    """Carriers send a code with what was delivered, too."""
    assert Receipt(1, "L", "delivered", "0", "fine").why == ""
    assert Receipt(1, "L", "undelivered", "spam").why == "spam"
