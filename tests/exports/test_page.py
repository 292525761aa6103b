"""The page of a report: whole, harmless, and without anybody on it."""

import html.parser
import re
import sqlite3
import time
import uuid
from pathlib import Path

import pytest

from rumbleup_async.exports import outcome as outcome_of
from rumbleup_async.exports import page, words
from rumbleup_async.exports.outcome import Outcome, gather
from rumbleup_async.ledger import SqliteLedger
from rumbleup_async.messaging import State
from rumbleup_async.observe.looks import Why
from rumbleup_async.postgres.address import parse
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.receipts.opening import open_store, open_whole
from tests.books import exchange, open_ledger
from tests.database import Database
from tests.exports.made import HOSTILE, PLAN, make, phone, told

_VOID = {"meta", "link", "img", "br"}


class Read(html.parser.HTMLParser):
    """The page as a browser takes it apart. It fails where an element is not closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "action", "data", "xlink:href"}]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def follow(where: Path) -> None:
    store = open_store(where, PLAN.run, makes=True)
    assert store is not None
    store.take(told())
    store.looked()
    store.close()


async def test_everything_is_told_and_nobody_is_on_it(tmp_path: Path) -> None:
    """It is mailed to people who may not know whom was texted; it runs nothing, and asks nobody for anything."""
    await make(SqliteLedger(tmp_path / "<b>a.ledger"))
    follow(tmp_path / "<b>a.ledger")
    content = page.write([gather(tmp_path / "<b>a.ledger")])
    read = Read(content)
    assert not {"script", "iframe", "img", "form", "object", "b>a.ledger"} & set(read.tags)
    assert read.links == ["data:,"]
    assert "url(" not in content
    assert "@import" not in content
    assert not re.search(r"https?://", content.replace("http-equiv", ""))
    assert not [row for row in range(1, 17) if phone(row) in content]
    assert not [name for name in HOSTILE if name in read.text]
    assert "555-0105" not in content
    assert not [char for char in content if char in "\u202e\u2066\x00\x07"]
    for said in (
        "4 of 18 contacts were texted (22.2\u00a0%)", "2 skipped, 1 refused, 10 not sent, 1 unknown", "<b>a.ledger",
        "landline", "Opted out", "Eastern", "11:00 to 12:00", "no answer", "duplicate", "Segments of texts that were sent8",
        'the provider said "not now"',
    ):  # fmt: skip
        assert said in read.text, said


@pytest.mark.parametrize("names", [[], ["Ada", "Grace"]])
async def test_a_run_of_which_nothing_left_has_a_page(tmp_path: Path, names: list[str]) -> None:
    """No seconds, no zones, nothing to divide by."""
    await make(SqliteLedger(tmp_path / "a.ledger"), names)
    text = Read(page.write([gather(tmp_path / "a.ledger")])).text
    assert "0 of" in text
    assert text.count("Nothing was sent yet.") == 2
    assert "rumbleup follow" in text


async def test_a_ledger_without_contacts_has_a_page(tmp_path: Path) -> None:
    """A list that had only a header."""
    ledger = SqliteLedger(tmp_path / "a.ledger")
    await open_ledger(ledger, PLAN)
    await ledger.complete("list")
    await ledger.finish(None, 0.0)
    await ledger.aclose()
    assert "Nobody was to be texted." in Read(page.write([gather(tmp_path / "a.ledger")])).text


async def test_a_run_under_way_says_so(tmp_path: Path) -> None:
    """Numbers of a run that goes on are those of a moment; and the run is not held up."""
    ledger = SqliteLedger(tmp_path / "a.ledger")
    await make(ledger, ends=False)
    outcome = gather(tmp_path / "a.ledger")
    assert outcome.is_running
    assert "under way" in Read(page.write([outcome])).text
    await exchange(ledger, [], 1)
    assert gather(tmp_path / "a.ledger").counts[State.UNKNOWN] == 2
    await ledger.aclose()


async def test_seconds_that_an_older_version_did_not_keep_are_made_of_the_texts(tmp_path: Path) -> None:
    """Its ledger knows when each text was sent, by the quarter of an hour that is enough."""
    ledger = SqliteLedger(tmp_path / "a.ledger")
    await make(ledger, ends=False)
    await ledger.finish(None, 1.0)
    await ledger.aclose()
    with sqlite3.connect(tmp_path / "a.ledger") as db:
        db.execute("DELETE FROM second")
    db.close()
    (point,) = gather(tmp_path / "a.ledger").points
    assert (point.seconds, round(point.sent * point.seconds)) == (900, 4)


async def test_several_runs_are_told_together_and_each(tmp_path: Path) -> None:
    """The first table leads to each of them."""
    for name in ("a", "b"):
        await make(SqliteLedger(tmp_path / f"{name}.ledger"))
    follow(tmp_path / "a.ledger")
    read = Read(page.write([gather(tmp_path / f"{name}.ledger") for name in ("a", "b")]))
    assert read.links == ["data:,", "#run-1", "#run-2"]
    assert "Together3682220412" in "".join(read.text.split())


async def test_a_database_tells_the_same(tmp_path: Path, postgres: Database) -> None:
    """Wherever a run has its ledger, its report is the same."""
    await make(SqliteLedger(tmp_path / "a.ledger"))
    address = parse(postgres.address(f"page-{uuid.uuid4().hex}"))
    await make(PostgresLedger(address))

    def numbers(outcome: Outcome) -> tuple[object, ...]:
        reasons = [(why.state, why.words, why.number) for why in outcome.reasons]
        return outcome.counts, outcome.segments, outcome.hours, outcome.points, sorted(reasons), outcome.began, outcome.total

    assert numbers(gather(address)) == numbers(gather(tmp_path / "a.ledger"))


async def test_money_is_what_was_told_and_else_the_price_that_was_given(tmp_path: Path) -> None:
    """Nobody reads a cost that was made up."""
    await make(SqliteLedger(tmp_path / "a.ledger"))
    outcome = gather(tmp_path / "a.ledger")
    assert (outcome.cost, outcome.sent_segments) == (None, 8)
    given = {name: getattr(outcome, name) for name in outcome.__struct_fields__}
    assert Outcome(**{**given, "price": 0.03}).cost == pytest.approx(0.24)
    told_some = Outcome(**{**given, "price": 0.03, "paid": 0.5, "paid_segments": 6})
    assert told_some.cost == pytest.approx(0.56)
    assert dict(words.costs(told_some))["Cost of texts that were sent"] == "$0.56"


async def test_a_thousand_reasons_do_not_make_it_endless(tmp_path: Path) -> None:
    """A provider may write something else to each text."""
    await make(SqliteLedger(tmp_path / "a.ledger"))
    outcome = gather(tmp_path / "a.ledger")
    given = {name: getattr(outcome, name) for name in outcome.__struct_fields__}
    reasons = [Why("refused", "other", f"error {number}", "read it", 1) for number in range(1000)]
    content = page.write([Outcome(**{**given, "reasons": reasons})])
    assert "And 800 rarer ones." in Read(content).text


def test_words_of_numbers() -> None:
    """As people read them."""
    assert [words.duration(seconds) for seconds in (0.4, 90, 600, 12_000)] == ["0 s", "90 s", "10 min", "3 h 20 min"]
    assert [words.money(amount) for amount in (0.0, 0.0005, 0.56, 1234.5)] == ["$0.00", "$0.0005", "$0.56", "$1,234.50"]
    assert words.share(1, 0) == ""
    assert time.strftime("%Y", time.localtime(0)) in words.moment(0)


async def test_a_ledger_of_an_older_version_has_a_page(tmp_path: Path) -> None:
    """It is read as it is, and not upgraded for a report."""
    with sqlite3.connect(tmp_path / "old.ledger") as db:
        db.executescript((Path(__file__).parents[1] / "ledger" / "schema1.sql").read_text())
    db.close()
    text = Read(page.write([gather(tmp_path / "old.ledger")])).text
    assert "1 of 12 contacts were texted" in text


async def test_reasons_without_end_are_counted_together(tmp_path: Path) -> None:
    """A provider may write another number into each refusal; memory must not notice."""
    await make(SqliteLedger(tmp_path / "a.ledger"))
    reader = open_whole(tmp_path / "a.ledger")
    numbers, _ = outcome_of._reasons(reader, is_running=False, most=2)
    reader.close()
    assert sum(numbers.values()) == 18
    assert len(numbers) <= 2 + 6
