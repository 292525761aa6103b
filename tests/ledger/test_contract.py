"""One contract for every ledger: what the engine and the promise rely on."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError, LedgerMismatch
from rumbleup_async.ledger import MemoryLedger, SqliteLedger, looks, states
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import Closed, Kept, Plan, Planned, Result, Skipped, State, Text
from rumbleup_async.reasons import ABSENT, NO_REASON, Code, Reason
from rumbleup_async.reasons import from_words as because
from tests import virtual_time
from tests.books import claim, exchange, open_ledger

PLAN = Plan(
    run="0123456789ab", provider="rumbleup", action="125", text="Hi {name}. STOP", details={"flags": ["spring"], "group": None}
)


def planned(row: int, phone: str | None = None, text: str | None = None) -> Planned:
    return Planned(row, phone or f"202234{row:04d}", text or f"Hi {row}. STOP", f"Ada {row}", 1)


def close(row: int, state: State = State.SENT, **fields: object) -> Closed:
    why = because(str(fields.pop("reason", "")))
    return Closed(row, state, **{"attempts": 1, "why": why, **fields})  # type: ignore[arg-type]


async def pages(ledger: Ledger, size: int = 100, *, skipped_only: bool = False) -> list[Result]:
    found: list[Result] = []
    while page := await ledger.rows(found[-1].row if found else -1, size, skipped_only=skipped_only):
        assert len(page) <= size
        found += page
    return found


Reopen = Callable[[Ledger], Ledger]


@pytest.fixture(params=["memory", "sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ledger(kind: str, tmp_path: Path) -> Ledger:
    return MemoryLedger() if kind == "memory" else SqliteLedger(tmp_path / "run.ledger")


@pytest.fixture
def reopened(kind: str, tmp_path: Path) -> Reopen:
    """The same run in the hands of the next process, as far as there can be one."""
    return lambda ledger: ledger if kind == "memory" else SqliteLedger(tmp_path / "run.ledger")


def test_a_new_ledger_takes_the_plan_as_it_is(ledger: Ledger, reopened: Reopen) -> None:
    """A resume would send another text, or into another project, than was planned."""

    async def main() -> tuple[Plan, Plan]:
        first = await open_ledger(ledger, PLAN)
        await ledger.aclose()
        again = reopened(ledger)
        second = await open_ledger(again, None)
        await again.aclose()
        return first, second

    assert virtual_time.run(main()) == (PLAN, PLAN)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"provider": "sendblue"}, "provider"),
        ({"action": "126"}, "action"),
        ({"text": "Hello. STOP"}, "text"),
        ({"details": {"flags": [], "group": None}}, "flags"),
        ({"details": {"flags": ["spring"], "group": "26"}}, "group"),
        ({"details": {"flags": ["spring"], "group": None, "more": 1}}, "more"),
    ],
)
def test_another_plan_is_refused_once_a_text_may_have_left(
    ledger: Ledger, reopened: Reopen, change: dict[str, object], word: str
) -> None:
    """People would get half of one campaign and half of another."""

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(1), planned(2)])
        await exchange(ledger, [], 1)
        await ledger.aclose()
        again = reopened(ledger)
        other = Plan(**{**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}, "run": "ffffffffffff", **change})
        with pytest.raises(LedgerMismatch, match=word):
            await open_ledger(again, other)
        # The refusal changes nothing.
        last = reopened(again)
        same = Plan(**{**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__}, "run": "ffffffffffff"})
        assert await open_ledger(last, same) == PLAN
        await last.aclose()

    virtual_time.run(main())


def test_how_careful_it_is_to_be_is_kept(ledger: Ledger, reopened: Reopen) -> None:
    """A resume would be faster than its run, or text whom the run was told to leave out."""

    def cut_off() -> Iterator[Sequence[Planned | Skipped]]:
        yield [planned(1)]
        raise RuntimeError("the list broke off")

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        assert ledger.kept == Kept()
        await ledger.keep(Kept({"rate": 20, "policy": {"max_errors": 7}}, frozenset({"2022340001"}), True))
        await ledger.keep(Kept({"rate": 30}, frozenset({"2022340002"})))
        with pytest.raises(RuntimeError):
            await ledger.load(cut_off())
        await ledger.aclose()
        again = reopened(ledger)
        await open_ledger(again, PLAN)
        await again.load([[planned(1), planned(2)]])
        await again.complete("f")
        await again.aclose()
        again = reopened(again)
        await open_ledger(again, None)
        assert again.kept == Kept({"rate": 30}, frozenset({"2022340001", "2022340002"}), True), "phones are only ever added"
        assert not again.is_used, "nothing can have left"
        await again.aclose()
        again = reopened(again)
        await open_ledger(again, msgspec.structs.replace(PLAN, text="Other. STOP"))
        assert again.kept == Kept(), "another run in its place is told anew"
        await again.add([planned(1)])
        await exchange(again, [], 1)
        await exchange(again, [close(1, State.UNKNOWN)], 0)
        await again.aclose()
        again = reopened(again)
        await open_ledger(again, None)
        assert again.is_used
        await again.aclose()

    virtual_time.run(main())


def test_nothing_to_resume_is_said(ledger: Ledger) -> None:
    """`resume` with a wrong path would make an empty run and report success."""

    async def main() -> None:
        with pytest.raises(LedgerError):
            await open_ledger(ledger, None)

    virtual_time.run(main())


@pytest.mark.parametrize("way", ["add", "load"])
def test_the_first_row_of_a_phone_wins(ledger: Ledger, way: str) -> None:
    """Somebody who is on the list twice would be texted twice."""
    rows: list[Planned | Skipped] = [
        Skipped(1, "2022340007", because("empty merge field name")),
        planned(2, "2022340007"),
        planned(3),
        planned(4, "2022340007"),
        Skipped(5, "bad", because("invalid phone: empty")),
        planned(6),
        planned(7, "2022340003"),
        Skipped(8, "bad", because("invalid phone: empty")),
    ]

    async def main() -> tuple[list[Text], list[Result], list[Result]]:
        await open_ledger(ledger, PLAN)
        skipped: list[Result] = []
        if way == "load":
            await ledger.load([rows[:3], rows[3:]])
        else:
            skipped = [*await ledger.add(rows[:3]), *await ledger.add(rows[3:])]
        await ledger.complete("abc")
        assert ledger.fingerprint == "abc"
        everything = await pages(ledger)
        only = await pages(ledger, skipped_only=True)
        opened = await exchange(ledger, [], 100)
        await ledger.aclose()
        assert only == [row for row in everything if row.state is State.SKIPPED]
        return opened, skipped, only

    opened, skipped, only = virtual_time.run(main())
    assert [text.row for text in opened] == [2, 3, 6]
    reasons = {row.row: row.reason for row in only}
    assert (reasons[1], reasons[4], reasons[7]) == ("empty merge field name", "duplicate of row 2", "duplicate of row 3")
    assert (reasons[5], reasons[8], len(reasons)) == ("invalid phone: empty", "invalid phone: empty", 5)
    assert way == "load" or skipped == only


def test_the_same_rows_again_are_passed_over_and_others_refused(ledger: Ledger) -> None:
    """A list that is sent again after a crash would be texted again, or a changed list be taken for the same."""

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        rows: list[Planned | Skipped] = [
            planned(1),
            Skipped(2, "bad", because("invalid phone")),
            planned(3, "2022340001"),
            planned(4),
        ]
        assert len(await ledger.add(rows)) == 2
        before = await pages(ledger)
        assert await ledger.add(rows) == []
        assert before == await pages(ledger)
        assert len(await exchange(ledger, [], 10)) == 2
        assert await ledger.add(rows) == []
        others: list[Planned | Skipped] = [
            planned(1, "2022349999"),
            planned(1, text="Other. STOP"),
            planned(2),
            Skipped(4, "2022340004", because("empty merge field x")),
            Skipped(2, "worse", because("invalid phone")),
        ]
        for other in others:
            with pytest.raises(LedgerMismatch):
                await ledger.add([other])
        await ledger.aclose()

    virtual_time.run(main())


def test_queued_contacts_are_opened_in_order_and_once(ledger: Ledger) -> None:
    """A text would be handed to two workers, or the order of the list be lost."""

    async def main() -> list[Text]:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 1301)])
        opened: list[Text] = []
        closing: list[Closed] = []
        while True:
            some = await exchange(ledger, closing, 7)
            if not some:
                break
            opened += some
            closing = [close(text.row, logid=f"rl_{text.row}") for text in some]
        assert ledger.counts[State.SENT] == 1300
        assert ledger.counts[State.QUEUED] == ledger.counts[State.INTENT] == 0
        assert await exchange(ledger, [], 5) == []
        await ledger.aclose()
        return opened

    opened = virtual_time.run(main())
    assert list(range(1, 1301)) == [text.row for text in opened]
    assert Text(7, "2022340007", "Hi 7. STOP", "Ada 7", 0) == opened[6]


@pytest.mark.parametrize("state", sorted(states.CLOSES))
def test_how_an_entry_is_closed_is_kept(ledger: Ledger, reopened: Reopen, state: State) -> None:
    """The report would show another state, reason or id than what happened."""

    async def main() -> Result:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(1), planned(2)])
        await exchange(ledger, [], 1)
        assert ledger.counts[State.INTENT] == 1
        await exchange(ledger, [Closed(1, state, 3, because("because"), "rl_1", 1_700_000_000_000)], 0)
        assert ledger.counts[State.INTENT] == 0
        counts = dict(ledger.counts)
        await ledger.aclose()
        again = reopened(ledger)
        await open_ledger(again, PLAN)
        assert counts == dict(again.counts)
        (found,) = await again.rows(0, 1)
        await again.aclose()
        return found

    assert virtual_time.run(main()) == Result(1, "2022340001", state, because("because"), "rl_1", 3, 1_700_000_000_000)


def test_given_back_a_contact_is_opened_by_the_next_process_only(ledger: Ledger, reopened: Reopen) -> None:
    """A text that cannot get through would spin for ever in one run, or be lost for the next."""

    async def main() -> tuple[list[int], list[Text]]:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 6)])
        await exchange(ledger, [], 3)
        now = await exchange(ledger, [close(2, State.QUEUED, attempts=8, reason="refused"), close(1), close(3)], 10)
        await exchange(ledger, [close(text.row) for text in now], 10)
        await ledger.aclose()
        again = reopened(ledger)
        if again is ledger:
            return [text.row for text in now], [Text(2, "2022340002", "Hi 2. STOP", "Ada 2", 8, because("refused"))]
        await open_ledger(again, None)
        then = await exchange(again, [], 10)
        await again.aclose()
        return [text.row for text in now], then

    now, then = virtual_time.run(main())
    assert now == [4, 5]
    assert then == [Text(2, "2022340002", "Hi 2. STOP", "Ada 2", 8, because("refused"))]


def test_given_back_a_contact_comes_again_when_the_queue_is_begun_anew(ledger: Ledger) -> None:
    """Whoever met one sick node would wait for a resume, or come again and again without end."""

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 6)])
        assert await ledger.left() == [(NO_REASON, 5)]
        await exchange(ledger, [], 5)
        aside = [close(row, State.QUEUED, attempts=1, reason=reason) for row, reason in ((2, "404"), (3, "403"), (5, "404"))]
        await exchange(ledger, [close(1), close(4), *aside], 0)
        assert await exchange(ledger, [], 5) == []
        assert await ledger.left() == [(because("404"), 2), (because("403"), 1)]
        assert await ledger.again()
        opened = await exchange(ledger, [], 5)
        assert [(text.row, text.attempts, str(text.why)) for text in opened] == [(2, 1, "404"), (3, 1, "403"), (5, 1, "404")]
        await exchange(ledger, [close(text.row) for text in opened], 5)
        assert not await ledger.again()
        assert await exchange(ledger, [], 5) == []

    virtual_time.run(main())


def test_a_refusal_that_was_held_back(ledger: Ledger, reopened: Reopen) -> None:
    """Somebody would be written off who may be texted, or a text that left be called refused."""

    async def main() -> tuple[list[Result], dict[State, int]]:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 6)])
        await exchange(ledger, [], 4)
        held = [close(row, State.QUEUED, attempts=1, reason="400 no") for row in (1, 2)]
        await exchange(ledger, [*held, close(3, logid="rl_3")], 0)
        sure = [Result(row, f"202234000{row}", State.REFUSED, because("400 no\ud83d"), "", 1, 7) for row in (1, 2)]
        for wrong in (3, 4, 99):
            with pytest.raises(LedgerError):
                await ledger.refuse([sure[0], Result(wrong, "", State.REFUSED)])
        await ledger.refuse(sure)
        with pytest.raises(LedgerError):
            await ledger.refuse(sure[:1])
        counts = dict(ledger.counts)
        await exchange(ledger, [close(4)], 0)
        await ledger.aclose()
        again = reopened(ledger)
        if again is not ledger:
            await open_ledger(again, None)
        rows = await again.rows(0, 10)
        await again.aclose()
        return rows, counts

    rows, counts = virtual_time.run(main())
    assert [row.state for row in rows] == [State.REFUSED, State.REFUSED, State.SENT, State.SENT, State.QUEUED]
    assert [(row.attempts, row.reason[:6], row.time) for row in rows[:2]] == [(1, "400 no", 7)] * 2
    assert counts == {**dict.fromkeys(State, 0), State.REFUSED: 2, State.SENT: 1, State.INTENT: 1, State.QUEUED: 1}


@pytest.mark.parametrize(
    "closing",
    [
        pytest.param([close(4)], id="queued"),
        pytest.param([close(5, State.UNKNOWN)], id="skipped"),
        pytest.param([close(1), close(1)], id="twice at once"),
        pytest.param([close(3, State.REFUSED)], id="closed already"),
        pytest.param([close(1, State.INTENT)], id="to intent"),
        pytest.param([close(1, State.SKIPPED)], id="to skipped"),
        pytest.param([close(99)], id="no such row"),
        pytest.param([close(1), close(4)], id="one right, one wrong"),
    ],
)
def test_moves_that_the_table_does_not_have_are_refused_and_change_nothing(ledger: Ledger, closing: list[Closed]) -> None:
    """A mistake of ours could turn "sent" into something that is sent again."""

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        await ledger.add([*[planned(row) for row in range(1, 5)], Skipped(5, "bad", because("invalid phone"))])
        await exchange(ledger, [], 3)
        await exchange(ledger, [close(3)], 0)
        before, counts = await pages(ledger), dict(ledger.counts)
        with pytest.raises(LedgerError):
            await exchange(ledger, closing, 1)
        assert before == await pages(ledger)
        assert counts == dict(ledger.counts)
        # And the ledger can still be used.
        opened = await exchange(ledger, [close(1), close(2)], 5)
        assert [text.row for text in opened] == [4]
        await ledger.aclose()

    virtual_time.run(main())


def test_what_was_open_when_the_process_died_is_unknown(ledger: Ledger, reopened: Reopen) -> None:
    """Somebody whose text was under way at the crash would be texted again."""

    async def main() -> tuple[list[Result], list[Text]]:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 6)])
        await exchange(ledger, [], 3)
        await exchange(ledger, [close(1)], 0)
        await ledger.aclose()
        again = reopened(ledger)
        await open_ledger(again, PLAN)
        assert again.counts[State.INTENT] == 0
        assert again.counts[State.UNKNOWN] == 2
        rows = await pages(again)
        opened = await exchange(again, [], 10)
        with pytest.raises(LedgerError):
            await exchange(again, [close(2)], 0)
        await again.aclose()
        return rows, opened

    rows, opened = virtual_time.run(main())
    assert [row.state for row in rows] == [State.SENT, State.UNKNOWN, State.UNKNOWN, State.QUEUED, State.QUEUED]
    assert {"interrupted before its result was known"} == {row.reason for row in rows if row.state is State.UNKNOWN}
    assert [text.row for text in opened] == [4, 5]


def test_pages_have_every_row_once(ledger: Ledger) -> None:
    """A report would lose rows at the edges of its pages."""

    async def main() -> list[list[int]]:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) if row % 3 else Skipped(row, "bad", because("invalid phone")) for row in range(2, 50, 2)])
        found = [[row.row for row in await pages(ledger, size)] for size in (1, 2, 5, 1000)]
        assert [row for row in range(2, 50, 2) if row % 3 == 0] == [row.row for row in await pages(ledger, 3, skipped_only=True)]
        await ledger.aclose()
        return found

    assert virtual_time.run(main()) == [list(range(2, 50, 2))] * 4


def test_a_list_of_nothing_and_a_step_of_nothing(ledger: Ledger) -> None:
    """The edges must not fail: an empty batch, an empty list, an empty step."""

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        assert await ledger.add([]) == []
        await ledger.load([])
        assert await exchange(ledger, [], 0) == []
        assert await exchange(ledger, [], 5) == []
        assert await ledger.rows(-1, 10) == []
        await ledger.complete("")
        await ledger.finish(None, 0.0)
        assert set(ledger.counts.values()) == {0}
        assert set(ledger.counts) == set(State)
        await ledger.aclose()
        await ledger.aclose()

    virtual_time.run(main())


def test_many_at_once(ledger: Ledger) -> None:
    """A concurrency of a thousand would meet a limit of the database."""

    async def main() -> int:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 3001)])
        opened = await exchange(ledger, [], 3000)
        await exchange(ledger, [close(text.row, logid="rl_" + "0" * 32) for text in reversed(opened)], 1000)
        sent = ledger.counts[State.SENT]
        await ledger.aclose()
        return sent

    assert virtual_time.run(main()) == 3000


# ---- two ways in, one result ----

_lists = st.lists(
    st.one_of(
        st.integers(0, 12).map(lambda number: ("planned", number)),
        st.integers(0, 12).map(lambda number: ("skipped", number)),
    ),
    max_size=60,
)


def _rows(drawn: Sequence[tuple[str, int]]) -> list[Planned | Skipped]:
    rows: list[Planned | Skipped] = []
    for row, (what, number) in enumerate(drawn, 1):
        phone = f"202234{number:04d}"
        rows.append(planned(row, phone) if what == "planned" else Skipped(row, phone, because("suppressed")))
    return rows


def _cut(rows: Sequence[Planned | Skipped], size: int) -> Iterator[Sequence[Planned | Skipped]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


@given(drawn=_lists, size=st.integers(1, 20))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_that_is_loaded_and_one_that_is_added_come_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int]], size: int
) -> None:
    """The same file would text other people through a path than through a generator, or without a file for the ledger."""
    rows = _rows(drawn)
    folder = tmp_path_factory.mktemp("ledgers")

    async def use(ledger: Ledger, way: str) -> tuple[list[Result], list[int]]:
        await open_ledger(ledger, PLAN)
        if way == "load":
            await ledger.load(_cut(rows, size))
        else:
            for batch in _cut(rows, size):
                await ledger.add(batch)
        everything = await pages(ledger)
        opened = [text.row for text in await exchange(ledger, [], 100)]
        await ledger.aclose()
        return everything, opened

    async def main() -> None:
        expected = await use(MemoryLedger(), "add")
        assert expected == await use(MemoryLedger(), "load")
        assert expected == await use(SqliteLedger(folder / "a"), "add")
        assert expected == await use(SqliteLedger(folder / "b"), "load")

    virtual_time.run(main())


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    name=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=10)),
)
@settings(max_examples=40, deadline=None)
def test_the_text_comes_back_as_it_went_in(tmp_path_factory: pytest.TempPathFactory, text: str, name: str | None) -> None:
    """An emoji, a quote or a line break would be lost between the plan and the person."""
    folder = tmp_path_factory.mktemp("ledger")
    plan = Plan(run="0" * 12, provider="rumbleup", action="125", text="t", same_text="one and the same")

    async def main() -> list[Text]:
        ledger = SqliteLedger(folder / "run.ledger")
        await open_ledger(ledger, plan)
        await ledger.add([Planned(1, "2022340001", text, name), Planned(2, "2022340002", "one and the same", None)])
        opened = await exchange(ledger, [], 2)
        await ledger.aclose()
        return opened

    first, second = virtual_time.run(main())
    assert (text, name) == (first.text, first.name)
    assert (second.text, second.name) == ("one and the same", None)


def test_a_cancelled_step_is_still_one_step(tmp_path: Path) -> None:
    """Cancelled while the disk works, nobody would know whether the intent is there; the text might leave without it."""

    async def main() -> None:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(row) for row in range(1, 41)])
        for number in range(8):
            step = asyncio.create_task(exchange(ledger, [], 5))
            for _ in range(number):
                await asyncio.sleep(0)
            step.cancel()
            await asyncio.wait([step])
        opened = ledger.counts[State.INTENT]
        assert opened % 5 == 0
        assert opened == sum(row.state is State.INTENT for row in await pages(ledger))
        await ledger.aclose()

    asyncio.run(main())


# ---- what the provider's log decides ----


async def doubted(ledger: Ledger, count: int) -> None:
    """Rows 1 to `count`, all unknown since moment `row`."""
    await open_ledger(ledger, PLAN)
    await ledger.add([planned(row) for row in range(1, count + 1)])
    opened = await exchange(ledger, [], count)
    await exchange(ledger, [close(text.row, State.UNKNOWN, reason="timed out", time=text.row) for text in opened], 0)


async def all_doubts(ledger: Ledger, size: int, *, absent: bool = False) -> list[UnknownText]:
    found: list[UnknownText] = []
    while page := await ledger.doubts(found[-1].row if found else -1, size, absent=absent):
        assert len(page) <= size
        found += page
    return found


def test_doubts_come_by_pages(ledger: Ledger) -> None:
    """A text could not be looked for, or not all of them, or with other words than it was sent with."""

    async def main() -> None:
        await doubted(ledger, 7)
        await ledger.add([planned(8), Skipped(9, "bad", because("invalid phone: empty"))])
        (text,) = await exchange(ledger, [], 1)
        await exchange(ledger, [close(text.row, State.SENT, logid="rl_8")], 0)
        assert await all_doubts(ledger, 3) == [
            UnknownText(row, f"202234{row:04d}", f"Hi {row}. STOP", row, row) for row in range(1, 8)
        ]
        assert await all_doubts(ledger, 3, absent=True) == []
        await ledger.aclose()

    virtual_time.run(main())


def test_a_doubt_of_a_dead_process_bears_the_time_of_its_intent(ledger: Ledger, reopened: Reopen) -> None:
    """Its absence would count at once, while the log has not shown it yet; or a text of yesterday would be taken for it."""

    async def main() -> list[UnknownText]:
        await open_ledger(ledger, PLAN)
        await ledger.add([planned(1)])
        await exchange(ledger, [], 1)
        await ledger.aclose()
        again = reopened(ledger)
        await open_ledger(again, None)
        found = await again.doubts(-1, 10)
        await again.aclose()
        return found

    before = int(time.time() * 1000)
    (doubt,) = virtual_time.run(main())
    assert before <= doubt.time <= int(time.time() * 1000)


def test_the_same_text_of_all_comes_with_a_doubt(tmp_path: Path) -> None:
    """A run without merge fields could never be reconciled: an empty text matches nothing."""

    async def main() -> list[UnknownText]:
        ledger = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(
            ledger, Plan(run="0123456789ab", provider="rumbleup", action="125", text="Hi. STOP", same_text="Hi. STOP")
        )
        await ledger.add([planned(1, text="Hi. STOP")])
        await exchange(ledger, [], 1)
        await exchange(ledger, [close(1, State.UNKNOWN)], 0)
        found = await ledger.doubts(-1, 10)
        await ledger.aclose()
        return found

    (doubt,) = virtual_time.run(main())
    assert doubt.text == "Hi. STOP"


def test_what_is_settled_stays_so(ledger: Ledger, reopened: Reopen) -> None:
    """What the log has said would be forgotten, or noted for another contact."""

    async def main() -> list[Result]:
        await doubted(ledger, 450)
        settled = [
            Resolution(row, State.SENT, because("found"), f"rl_{row}") if row % 2 else Resolution(row, State.NOT_SENT, ABSENT)
            for row in range(1, 441)
        ]
        await ledger.settle(settled)
        assert {state: number for state, number in ledger.counts.items() if number} == {
            State.SENT: 220,
            State.NOT_SENT: 220,
            State.UNKNOWN: 10,
        }
        await ledger.aclose()
        again = reopened(ledger)
        await open_ledger(again, None)
        assert again.counts[State.UNKNOWN] == 10
        assert [doubt.row for doubt in await all_doubts(again, 7)] == list(range(441, 451))
        assert [doubt.row for doubt in await all_doubts(again, 77, absent=True)] == list(range(2, 441, 2))
        assert await exchange(again, [], 10) == [], "nothing of this is to be sent"
        found = await pages(again)
        await again.aclose()
        return found

    results = virtual_time.run(main())
    assert results[0] == Result(1, "2022340001", State.SENT, because("found"), "rl_1", 1, 1)
    assert results[1] == Result(2, "2022340002", State.NOT_SENT, ABSENT, "", 1, 2)


def test_the_absent_are_queued_again_only_as_asked_for(ledger: Ledger) -> None:
    """They would be texted without anybody's wish, or never again, or somebody else with them."""

    async def main() -> None:
        await doubted(ledger, 5)
        await ledger.add([planned(6)])
        await exchange(ledger, [], 1)
        await exchange(ledger, [close(6, State.NOT_SENT, reason="suppressed")], 0)
        await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in (2, 3, 4)])
        assert await exchange(ledger, [], 10) == []
        await ledger.settle(
            [Resolution(2, State.QUEUED), Resolution(3, State.SENT, because("found"), "rl_3"), Resolution(4, State.QUEUED)]
        )
        assert [(text.row, text.text, text.attempts) for text in await exchange(ledger, [], 10)] == [
            (2, "Hi 2. STOP", 1),
            (4, "Hi 4. STOP", 1),
        ]
        await exchange(ledger, [close(2, logid="rl_2"), close(4, logid="rl_4")], 0)
        words = [(result.row, result.state, result.reason, result.logid) for result in await pages(ledger)]
        assert words[1:4] == [
            (2, State.SENT, "", "rl_2"),
            (3, State.SENT, "found", "rl_3"),
            (4, State.SENT, "", "rl_4"),
        ]
        await ledger.aclose()

    virtual_time.run(main())


@pytest.mark.parametrize("way", ["untouched", "given back", "twice"])
def test_what_is_queued_again_is_looked_up_anew_in_the_next_process(ledger: Ledger, reopened: Reopen, way: str) -> None:
    """The log was asked yesterday, the run was stopped before the text left; today the log shows the earlier one, and the person
    would be texted twice without anybody having looked."""

    async def main() -> None:
        await doubted(ledger, 3)
        await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in (1, 2, 3)])
        await ledger.settle([Resolution(row, State.QUEUED, ABSENT) for row in (1, 2)])
        if way != "untouched":
            assert [text.row for text in await exchange(ledger, [], 1)] == [1]
            await exchange(ledger, [close(1, State.QUEUED, reason="key refused")], 0)
        await ledger.aclose()
        again = ledger
        for _ in range(2 if way == "twice" else 1):
            again = reopened(again)
            await open_ledger(again, PLAN)
            assert await exchange(again, [], 10) == [], "nobody has looked"
            drawn = await claim(again, [], [msgspec.structs.replace(planned(2), row=again.last_row + 1)])
            assert [type(answer) for answer in drawn] == [Result], "nobody has looked"
            assert [(doubt.row, doubt.time) for doubt in await all_doubts(again, 2, absent=True)] == [(1, 1), (2, 2), (3, 3)]
            assert [(one.state, one.why) for one in await pages(again)][:3] == [(State.NOT_SENT, ABSENT)] * 3
            assert again.counts[State.QUEUED] == 0
            await again.settle([Resolution(1, State.QUEUED)])
            if way == "twice":
                (text,) = await exchange(again, [], 10)
                await exchange(again, [close(text.row, State.QUEUED, reason="429")], 0)
            await again.settle([Resolution(2, State.SENT, because("found"), "rl_2")] if way != "twice" else [])
            await again.aclose()

    virtual_time.run(main())


def test_a_look_into_the_log_grows_old(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow run opens what it has queued again hours after the log was asked, or after the machine has slept; by then the log
    may show the earlier text, and the person would have it twice."""
    elapsed = 0.0
    monkeypatch.setattr(looks, "time", SimpleNamespace(monotonic=lambda: 5.0, time=lambda: 1e9 + elapsed))
    monkeypatch.setattr(ledger, "_looks", looks.Looks())

    async def main() -> None:
        nonlocal elapsed
        await doubted(ledger, 6)
        await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in range(1, 7)])
        await ledger.settle([Resolution(row, State.QUEUED, ABSENT) for row in range(1, 7)])
        await ledger.add([planned(row) for row in range(7, 10)])
        assert [text.row for text in await exchange(ledger, [], 2)] == [1, 2]
        elapsed = looks.FRESH + 1
        drawn = await claim(ledger, [], [msgspec.structs.replace(planned(5), row=ledger.last_row + 1)])
        assert [type(answer) for answer in drawn] == [Result]
        assert [text.row for text in await exchange(ledger, [], 10)] == [7, 8, 9]
        absent = [result.row for result in await pages(ledger) if result.why == ABSENT and result.state is State.NOT_SENT]
        assert absent == [3, 4, 5, 6]
        assert (ledger.counts[State.QUEUED], ledger.counts[State.NOT_SENT]) == (0, 4)
        await ledger.settle([Resolution(3, State.QUEUED, ABSENT)])
        assert [text.row for text in await exchange(ledger, [], 10)] == [3], "looked up anew"
        await ledger.aclose()

    virtual_time.run(main())


def test_what_a_log_is_tried_on(ledger: Ledger) -> None:
    """A log would be believed that shows nothing of what certainly left."""

    async def main() -> None:
        await doubted(ledger, 3)
        await ledger.settle([Resolution(2, State.SENT, Reason(Code.FOUND), "rl_2")])
        await ledger.add([planned(row) for row in range(4, 8)])
        await exchange(ledger, [], 4)
        await exchange(ledger, [close(4, logid="rl_4", time=44), close(5, State.REFUSED), close(6, logid="rl_6", time=66)], 0)
        await ledger.add([Skipped(8, planned(4).phone, because("duplicate of row 4"))])
        phone = {row: planned(row).phone for row in range(1, 9)}
        second = Known(2, phone[2], "rl_2", 2, True)
        fourth, sixth = Known(4, phone[4], "rl_4", 44), Known(6, phone[6], "rl_6", 66)
        assert await ledger.witnesses(-1, 10) == [second, fourth, sixth]
        assert await ledger.witnesses(3, 1) == [fourth]
        known = await ledger.known([phone[row] for row in (4, 5, 1, 2)] + ["2022349999"])
        assert sorted(known, key=lambda one: one.row)[1:3] == [second, fourth]
        assert sorted((one.row, one.logid) for one in known) == [(1, ""), (2, "rl_2"), (4, "rl_4"), (5, "")]
        await ledger.aclose()

    virtual_time.run(main())


def test_what_is_queued_again_behind_the_reading_is_sent(ledger: Ledger) -> None:
    """Contacts asked to be texted again would wait for a resume that nobody knows to be needed."""

    async def main() -> None:
        await doubted(ledger, 3)
        await ledger.settle([Resolution(row, State.NOT_SENT, ABSENT) for row in (1, 2, 3)])
        await ledger.add([planned(row) for row in range(4, 10)])
        assert [text.row for text in await exchange(ledger, [], 2)] == [4, 5]
        await ledger.settle([Resolution(2, State.QUEUED)])
        opened = await exchange(ledger, [], 10)
        assert sorted(text.row for text in opened) == [2, 6, 7, 8, 9]
        await ledger.aclose()

    virtual_time.run(main())


@pytest.mark.parametrize(
    "wrong",
    [
        Resolution(4, State.SENT, because("found"), "rl_4"),
        Resolution(5, State.SENT, because("found"), "rl_5"),
        Resolution(6, State.NOT_SENT, ABSENT),
        Resolution(7, State.NOT_SENT, ABSENT),
        Resolution(8, State.QUEUED),
        Resolution(9, State.SENT, because("found"), "rl_9"),
        Resolution(99, State.SENT, because("found"), "rl_99"),
        Resolution(2, State.QUEUED),
        Resolution(2, State.REFUSED),
        Resolution(2, State.INTENT),
        Resolution(2, State.SENT, because("found")),
        Resolution(2, State.NOT_SENT, ABSENT, "rl_2"),
        Resolution(1, State.SENT, because("found"), "rl_1"),
    ],
    ids=[
        "sent", "refused", "queued", "open", "suppressed", "skipped", "nobody", "to be sent again at once", "to be refused",
        "to be opened", "without logid", "absent with logid", "twice",
    ],
)  # fmt: skip
def test_only_the_unknown_is_settled_all_or_none(ledger: Ledger, wrong: Resolution) -> None:
    """A mistake in reading the log would overwrite what is known for certain, or text somebody twice."""

    async def main() -> None:
        await open_ledger(ledger, PLAN)
        await ledger.add([*(planned(row) for row in range(1, 9)), Skipped(9, "bad", because("invalid phone: empty"))])
        await exchange(ledger, [], 5)
        ends = [State.UNKNOWN, State.UNKNOWN, State.UNKNOWN, State.SENT, State.REFUSED]
        await exchange(ledger, [close(row, state) for row, state in enumerate(ends, 1)], 0)
        opened = await exchange(ledger, [], 3)
        assert [text.row for text in opened] == [6, 7, 8]
        await exchange(ledger, [close(6, State.QUEUED), close(8, State.NOT_SENT, reason="suppressed")], 0)
        before, counts = await pages(ledger), dict(ledger.counts)
        with pytest.raises(LedgerError):
            await ledger.settle([Resolution(1, State.SENT, because("found"), "rl_1"), wrong])
        assert await pages(ledger) == before
        assert ledger.counts == counts
        await ledger.aclose()

    virtual_time.run(main())
