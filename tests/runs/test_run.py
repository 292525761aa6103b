"""A run from opening the books to the summary: lists, ledgers that are continued, and the ways to ask for results."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import (
    ConfigurationError,
    LedgerError,
    LedgerLocked,
    LedgerMismatch,
    ListError,
    Policy,
    Result,
    State,
    TemplateError,
)
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Unknown
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.run import Run
from tests import virtual_time
from tests.books import open_ledger
from tests.engine.scripted import Books, Provider, accepts, check, make_ledger, make_run, phone, phones, rows_of

LEDGERS = pytest.mark.parametrize("kind", ["memory", "sqlite"])


def write(path: Path, numbers: list[str]) -> Path:
    """A list of one number a line."""
    path.write_text("".join(f"{number}\n" for number in numbers))
    return path


def shape(kind: str, numbers: list[str], folder: Path) -> Any:
    """The same contacts in each form a caller may hand in."""
    match kind:
        case "list":
            return numbers
        case "generator":
            return (number for number in numbers)
        case "async generator":
            return later(numbers)
        case "slow source":
            return later(numbers, 0.5)
        case "mappings":
            return [{"phone": number} for number in numbers]
        case "path":
            return write(folder / "list.txt", numbers)
        case _:
            return str(write(folder / "list.txt", numbers))


async def later(numbers: list[str], pause: float = 0.0) -> AsyncIterator[str]:
    for number in numbers:
        yield number
        if pause:
            await asyncio.sleep(pause)


@LEDGERS
@pytest.mark.parametrize("form", ["list", "generator", "async generator", "mappings", "path", "text path"])
@pytest.mark.parametrize("awaited", [False, True])
def test_every_contact_comes_out_once(kind: str, form: str, awaited: bool, tmp_path: Path) -> None:
    """A contact of the list would be lost, or texted twice, depending on how the list was handed in."""
    provider = Provider()
    numbers = [*phones(300), "bad", "+44 20 7946 0101", phone(7), *phones(40, 300), phone(301)]

    async def main() -> tuple[list[Result], dict[int, Result], int]:
        async with make_run(provider, ledger=make_ledger(kind, tmp_path)) as run:
            sending = run.send(shape(form, numbers, tmp_path))
            results: list[Result] = []
            if awaited:
                await sending
            else:
                results = [result async for result in sending]
            return results, await rows_of(run._ledger), run.summary.total

    results, rows, total = virtual_time.run(main())
    check(provider)
    assert sorted(provider.left) == phones(340)
    assert total == len(numbers) == len(rows)
    states = [rows[row].state for row in sorted(rows)]
    assert states.count(State.SENT) == 340
    shown = {row: result.reason for row, result in rows.items() if result.reason}
    assert {301, 302, 303, 344} == shown.keys()
    assert (shown[303], shown[344]) == ("duplicate of row 8", "duplicate of row 305")
    assert shown[301].startswith("invalid phone")
    assert shown[302].startswith("invalid phone")
    if not awaited:
        assert {result.row: result.state for result in results} == {row: result.state for row, result in rows.items()}
        assert len(results) == len(numbers)


def test_a_field_with_another_name_is_found_as_it_is_written() -> None:
    """Somebody who names the column "Cell Phone" as it stands in their data would have every contact skipped."""
    provider = Provider()

    async def main() -> int:
        async with make_run(provider, phone_field="Work Number") as run:
            return (await run.send([{"Work Number": phone(1), "id": "2025550199"}])).sent

    assert virtual_time.run(main()) == 1
    assert provider.left == [phone(1)]


@pytest.mark.parametrize(
    "contacts",
    [
        pytest.param({"phone": phone(1)}, id="one mapping"),
        pytest.param({phone(1): {"first_name": "Ada"}}, id="mapping by phone"),
        pytest.param(b"voters.csv", id="bytes"),
        pytest.param(2025550101, id="one number"),
        pytest.param([object()], id="objects"),
    ],
)
def test_what_is_no_list_is_refused(contacts: Any) -> None:
    """The keys of a mapping, or the bytes of a file name, would be texted or skipped one by one as if they were contacts."""
    provider = Provider()

    async def main() -> None:
        async with make_run(provider) as run:
            await run.send(contacts)

    with pytest.raises(ListError):
        virtual_time.run(main())
    assert provider.calls == []


@pytest.mark.parametrize(
    ("text", "error"),
    [("Hi there", TemplateError), ("Hi {x.y}. STOP", TemplateError), ("", TemplateError), ("Hi {. STOP", TemplateError)],
)
def test_a_wrong_text_is_refused_before_a_ledger_is_made(text: str, error: type[Exception], tmp_path: Path) -> None:
    """Every text would be answered 403, or a file would be left behind that stands in the way of the corrected run."""
    provider = Provider()

    async def main() -> None:
        async with make_run(provider, text=text, ledger=SqliteLedger(tmp_path / "run.ledger")) as run:
            await run.send(phones(1))

    with pytest.raises(error):
        virtual_time.run(main())
    assert list(tmp_path.iterdir()) == []
    assert provider.calls == []


@pytest.mark.parametrize("suppress", [frozenset({phone(2)}), frozenset({"+1 (202) 234-0002"})])
def test_suppressed_phones_are_not_texted(suppress: frozenset[str]) -> None:
    """Somebody who asked never to be texted would be."""
    provider = Provider()

    async def main() -> dict[State, int]:
        async with make_run(provider, suppress=suppress) as run:
            await run.send(phones(5))
            return dict(run.counts)

    counts = virtual_time.run(main())
    assert phone(2) not in provider.left
    assert (counts[State.SENT], counts[State.SKIPPED]) == (4, 1)


# ---- the same ledger again ----


def interrupted(provider: Provider, after: int) -> Callable[[Run, Any], Any]:
    """Use a run until `after` results have come."""

    async def use(run: Run, contacts: Any) -> None:
        seen = 0
        async with run:
            async for _ in run.send(contacts):
                seen += 1
                if seen == after:
                    break

    return use


@pytest.mark.parametrize("form", ["list", "async generator", "path", "mappings"])
@pytest.mark.parametrize("ending", ["break", "limit"])
def test_the_same_list_again_goes_on_where_it_stopped(form: str, ending: str, tmp_path: Path) -> None:
    """The second attempt would text people again, or leave some out."""
    provider = Provider()
    numbers = [*phones(400), phone(3), "bad"]
    path = tmp_path / "run.ledger"
    runs: set[str] = set()

    async def main() -> dict[int, Result]:
        contacts = shape(form, numbers, tmp_path)
        if ending == "break":
            await interrupted(provider, 50)(make_run(provider, ledger=SqliteLedger(path)), contacts)
        else:
            async with make_run(provider, ledger=SqliteLedger(path), limit=100) as run:
                runs.add(run.plan.run)
                await run.send(contacts)
        assert 0 < len(provider.left) < 400
        async with make_run(provider, ledger=SqliteLedger(path)) as run:
            runs.add(run.plan.run)
            summary = await run.send(shape(form, numbers, tmp_path))
            assert (summary.sent, summary.skipped, summary.total) == (400, 2, 402)
            assert summary.stopped is None
            return await rows_of(run._ledger)

    rows = virtual_time.run(main())
    check(provider)
    assert sorted(provider.left) == phones(400)
    assert len(rows) == 402
    assert len(runs) == 1


def test_resume_needs_no_list(tmp_path: Path) -> None:
    """After a crash nobody may know any more which file it was."""
    provider = Provider(lambda text, n: accepts(text, n) if text.row != 30 else Unknown(because("reset")))
    path = tmp_path / "run.ledger"

    async def main() -> tuple[int, int, str]:
        list_file = write(tmp_path / "list.txt", phones(100))
        await interrupted(provider, 35)(make_run(provider, ledger=SqliteLedger(path), text="Hi {phone}. STOP"), list_file)
        list_file.unlink()
        async with make_run(provider, ledger=SqliteLedger(path), resume=True) as run:
            summary = await run.send()
            with pytest.raises(ConfigurationError, match="has its list"):
                await run.load(list_file)
            return summary.sent, summary.unknown, run.plan.text

    assert virtual_time.run(main()) == (99, 1, "Hi {phone}. STOP")
    check(provider)
    assert {call.text for call in provider.calls} == {f"Hi {number}. STOP" for number in phones(100)}


def other_list() -> list[tuple[str, Any]]:
    """Lists that are not the one the ledger was begun with, in ways that are easily missed."""
    same = phones(400)
    return [
        ("other people", phones(400, 5000)),
        ("one other at the end", [*same[:-1], phone(9999)]),
        ("one other in the middle", [*same[:300], phone(9999), *same[301:]]),
        ("one missing", [*same[:200], *same[201:]]),
        ("the last one missing", same[:-1]),
        ("one more in front", [phone(9999), *same]),
        ("empty", []),
    ]


_OTHERS = [
    pytest.param(numbers, form, id=f"{form}: {name}")
    for name, numbers in other_list()
    for form in ("list", "path", "slow source")
    if form != "slow source" or name in {"one other at the end", "the last one missing", "empty"}
]


@pytest.mark.parametrize(("numbers", "form"), _OTHERS)
def test_another_list_is_refused_and_nobody_is_texted(numbers: list[str], form: str, tmp_path: Path) -> None:
    """Somebody takes people off the list, sends again with the same ledger, and those people are texted all the same."""
    provider = Provider()
    path = tmp_path / "run.ledger"

    async def main() -> None:
        # Everybody from row 101 on is parked, so the list is read to its end and 300 people are still queued.
        provider.script = lambda text, n: accepts(text, n) if text.row <= 100 else NotSent(because("refused"))
        policy = Policy(connect_attempts=1, max_errors=10_000)
        async with make_run(provider, ledger=SqliteLedger(path), policy=policy) as run:
            assert (await run.send(shape(form, phones(400), tmp_path))).resumable == 300
        provider.script = accepts
        before.append(len(provider.calls))
        async with make_run(provider, ledger=SqliteLedger(path)) as run:
            await run.send(shape(form, numbers or (["# nobody"] if form == "path" else []), tmp_path))

    before: list[int] = []
    with pytest.raises((LedgerMismatch, ListError)):
        virtual_time.run(main())
    assert len(provider.calls) == before[0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"text": "Hello. STOP to opt out"}, "text"),
        ({"action": "126"}, "action"),
        ({"details": {"flags": ["spring"]}}, "flags"),
    ],
)
@LEDGERS
def test_another_text_or_project_is_refused_and_named(kind: str, changes: dict[str, Any], word: str, tmp_path: Path) -> None:
    """Half of the list would get one text and half another, or be texted into another project."""
    provider = Provider()
    books = Books(make_ledger(kind, tmp_path))

    async def main() -> int:
        async with make_run(provider, ledger=books, limit=1) as run:
            await run.send(phones(10))
        again = Books(books.ledger if kind == "memory" else make_ledger(kind, tmp_path))
        with pytest.raises(LedgerMismatch, match=word):
            async with make_run(provider, ledger=again, **changes) as run:
                await run.send(phones(10))
        return len(provider.calls)

    assert virtual_time.run(main()) == 1


@pytest.mark.parametrize("form", ["list", "path"])
def test_suppressing_somebody_between_two_attempts_is_heeded(form: str, tmp_path: Path) -> None:
    """Somebody opts out after the first attempt; the second one, told to leave them out, would text them."""
    provider = Provider()
    path = tmp_path / "run.ledger"

    async def main() -> None:
        async with make_run(provider, ledger=SqliteLedger(path), limit=10) as run:
            await run.send(shape(form, phones(100), tmp_path))
        async with make_run(provider, ledger=SqliteLedger(path), suppress=frozenset({phone(50)})) as run:
            await run.send(shape(form, phones(100), tmp_path))

    with contextlib.suppress(LedgerError):
        virtual_time.run(main())
    assert phone(50) not in provider.left


def test_a_ledger_in_use_is_refused(tmp_path: Path) -> None:
    """Two runs over one ledger would text everybody twice."""
    provider = Provider()
    path = tmp_path / "run.ledger"

    async def main() -> int:
        async with make_run(provider, ledger=SqliteLedger(path)) as run:
            with pytest.raises(LedgerLocked):
                async with make_run(provider, ledger=SqliteLedger(path)):
                    pass
            return (await run.send(phones(5))).sent

    assert virtual_time.run(main()) == 5


# ---- using a run wrongly ----


def test_what_a_dead_process_had_open_is_unknown_before_anything_is_sent(tmp_path: Path) -> None:
    """A resume would count texts that may have left as being sent for ever, and nobody would look them up."""
    path, provider = tmp_path / "run.ledger", Provider()

    async def main() -> None:
        async with make_run(provider, ledger=SqliteLedger(path), limit=1) as run:
            await run.send(phones(5))
        dying = SqliteLedger(path)
        await dying.open(None)
        assert len((await dying.step((await dying.enlist("dying")).id, [], 3, 0.0)).texts) == 3
        await dying.aclose()
        async with make_run(provider, ledger=SqliteLedger(path), resume=True) as run:
            assert (run.counts[State.INTENT], run.counts[State.UNKNOWN]) == (0, 3)
            summary = await run.send()
            assert (summary.sent, summary.unknown) == (2, 3)

    virtual_time.run(main())
    check(provider)
    assert provider.delivered == [1, 5]


def test_a_run_sends_one_list() -> None:
    """A second list in the same ledger would be taken for a part of the first."""

    async def main() -> None:
        async with make_run(Provider()) as run:
            await run.send(phones(3))
            with pytest.raises(RuntimeError, match="another run"):
                run.send(phones(3))

    virtual_time.run(main())


@pytest.mark.parametrize("when", ["before", "after"])
def test_outside_of_its_context_a_run_sends_nothing(when: str) -> None:
    """Texts would leave after the service believes the run to be closed."""
    provider = Provider()

    async def main() -> None:
        run = make_run(provider)
        if when == "before":
            await run.send(phones(3))
        with pytest.warns(RuntimeWarning, match="neither awaited nor iterated over"):
            async with run:
                sending = run.send(phones(3))
        await sending

    with pytest.raises(RuntimeError):
        virtual_time.run(main())
    assert provider.calls == []


@LEDGERS
def test_a_run_left_without_sending_leaves_a_ledger_that_can_be_used(kind: str, tmp_path: Path) -> None:
    """Looking at a list first and deciding later would lock the ledger or lose it."""
    provider = Provider()

    async def main() -> int:
        ledger = make_ledger(kind, tmp_path)
        async with make_run(provider, ledger=ledger) as run:
            assert run.summary.total == 0
        async with make_run(provider, ledger=ledger if kind == "memory" else make_ledger(kind, tmp_path)) as run:
            return (await run.send(phones(3))).sent

    assert virtual_time.run(main()) == 3


def test_stopped_before_it_begins_a_run_sends_nothing() -> None:
    """A signal that comes while the list is read would be forgotten."""
    provider = Provider()

    async def main() -> tuple[int, str | None]:
        async with make_run(provider) as run:
            run.stop("never mind")
            summary = await run.send(phones(10))
            return summary.sent, summary.stopped

    assert virtual_time.run(main()) == (0, "never mind")
    assert provider.calls == []


def test_a_list_that_was_not_read_to_its_end_is_never_sent(tmp_path: Path) -> None:
    """Killed while it reads the list, resumed: half the list would be texted, before its duplicates were found."""
    provider = Provider()
    path = tmp_path / "run.ledger"
    list_file = write(tmp_path / "list.txt", [*phones(2500), *phones(2500)])

    async def main() -> None:
        async with make_run(provider, ledger=SqliteLedger(path)) as run:
            assert await run.load(list_file, lambda rows: run.stop("enough") if rows >= 2000 else None) is False
        for resume in (True, False):
            with pytest.raises(LedgerError):
                async with make_run(provider, ledger=SqliteLedger(path), resume=resume) as run:
                    await run.send()
        assert provider.calls == []
        async with make_run(provider, ledger=SqliteLedger(path)) as run:
            summary = await run.send(list_file)
            assert (summary.sent, summary.skipped) == (2500, 2500)

    virtual_time.run(main())
    check(provider)


@LEDGERS
def test_a_list_file_is_read_beside_the_loop(kind: str, tmp_path: Path) -> None:
    """A service would not answer anybody for the minute in which it reads a million contacts, not even a signal."""
    threads: set[str] = set()
    list_file = write(tmp_path / "list.txt", phones(3000))

    async def main() -> None:
        async with make_run(Provider(), ledger=make_ledger(kind, tmp_path)) as run:
            await run.load(list_file, lambda rows: threads.add(threading.current_thread().name))

    asyncio.run(main())
    assert threads
    assert threading.main_thread().name not in threads


def test_loading_first_and_sending_then_is_the_same_as_sending(tmp_path: Path) -> None:
    """A list that is looked through before the question is asked would be sent twice or not at all."""
    provider = Provider()
    list_file = write(tmp_path / "list.txt", [*phones(30), phone(1)])

    async def main() -> tuple[bool, bool, int, int]:
        async with make_run(provider, ledger=SqliteLedger(tmp_path / "run.ledger")) as run:
            fresh = await run.load(list_file)
            again = await run.load(list_file)
            assert run.counts[State.QUEUED] == 30
            summary = await run.send()
            return fresh, again, summary.sent, summary.skipped

    assert virtual_time.run(main()) == (True, False, 30, 1)
    check(provider)


def test_the_texts_are_those_that_were_planned(tmp_path: Path) -> None:
    """A resume would merge anew, from another list, and text something nobody has looked at."""
    provider = Provider(lambda text, n: NotSent(because("refused")) if text.row > 5 else accepts(text, n))
    sent: list[Text] = []

    def records(text: Text, attempt: int) -> Outcome:
        sent.append(text)
        return Accepted("rl")

    async def main() -> None:
        contacts = [{"phone": phone(row), "first_name": f"Zoë {row}", "last_name": "O'Brien"} for row in range(20)]
        path = tmp_path / "run.ledger"
        async with make_run(provider, ledger=SqliteLedger(path), text="Hi {first_name}! STOP", concurrency=1) as run:
            async for result in run.send(contacts):
                if result.row == 5:
                    run.stop()
        provider.script = records
        async with make_run(provider, ledger=SqliteLedger(path), resume=True) as run:
            await run.send()

    virtual_time.run(main())
    check(provider)
    assert {text.row: (text.text, text.name) for text in sent} == {
        row + 1: (f"Hi Zoë {row}! STOP", f"Zoë {row} O'Brien") for row in range(20 - len(sent), 20)
    }


# ---- observers and summaries ----


@dataclasses.dataclass
class Notes:
    seen: list[Result] = dataclasses.field(default_factory=list)
    holds: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    raises: bool = False

    def results(self, results: Any) -> None:
        self.seen.extend(results)
        if self.raises:
            raise ZeroDivisionError

    def held(self, seconds: float, reason: str) -> None:
        self.holds.append((seconds, reason))
        if self.raises:
            raise ZeroDivisionError


@pytest.mark.parametrize("event", ["results", "held"])
def test_an_observer_that_fails_does_not_lose_a_contact(event: str, tmp_path: Path) -> None:
    """A bug in a progress bar would leave people unknown who were texted, or were never tried."""
    from rumbleup_async.outcomes import Throttled

    notes = Notes(raises=True)
    provider = Provider(lambda text, n: Throttled(because("told 429"), 429) if event == "held" and n == 1 else accepts(text, n))

    async def main() -> dict[int, Result]:
        try:
            async with make_run(provider, ledger=SqliteLedger(tmp_path / "run.ledger"), observer=notes) as run:
                await run.send(phones(50))
        except (Exception, BaseExceptionGroup) as error:
            assert "ZeroDivisionError" in repr(error)  # noqa: PT017 - whether it is raised at all is another question
        again = SqliteLedger(tmp_path / "run.ledger")
        await open_ledger(again, None)
        rows = await rows_of(again)
        await again.aclose()
        return rows

    rows = virtual_time.run(main())
    check(provider)
    assert State.UNKNOWN not in {result.state for result in rows.values()}
    assert {result.phone for result in rows.values() if result.state is State.SENT} == set(provider.left)


def test_an_observer_sees_what_the_reader_sees() -> None:
    """Progress would show other figures than the results."""
    notes = Notes()

    async def main() -> list[Result]:
        async with make_run(Provider(), observer=notes) as run:
            return [result async for result in run.send([*phones(50), "bad"])]

    assert virtual_time.run(main()) == notes.seen


def test_the_summary_adds_up_at_every_moment() -> None:
    """`total` would not be the sum of the states in a report that somebody has to sign."""
    sums: list[int] = []
    provider = Provider(lambda text, n: Unknown(because("reset")) if text.row % 9 == 0 else accepts(text, n))

    async def main() -> tuple[dict[str, Any], int]:
        async with make_run(provider) as run:
            async for _ in run.send([*phones(90), "bad"]):
                shown = run.summary.as_dict()
                sums.append(sum(shown[state] for state in ("sent", "refused", "skipped", "not_sent", "unknown")) - shown["total"])
            inside = run.summary
        assert run.summary == inside
        return run.summary.as_dict(), run.summary.resumable

    summary, resumable = virtual_time.run(main())
    assert set(sums) == {0}
    assert {key: summary[key] for key in ("action", "total", "sent", "skipped", "unknown", "refused", "not_sent", "stopped")} == {
        "action": "125",
        "total": 91,
        "sent": 80,
        "skipped": 1,
        "unknown": 10,
        "refused": 0,
        "not_sent": 0,
        "stopped": None,
    }
    assert resumable == 0
    keys = "run action total sent refused skipped not_sent unknown elapsed_seconds texts_per_second stopped stop_cause "
    keys += "allowed_per_second throttled holds held_seconds"
    assert list(summary) == keys.split()


def test_reading_on_after_the_last_result_ends_again() -> None:
    """A caller who asks once more would wait for ever."""

    async def main() -> list[Result]:
        async with make_run(Provider()) as run:
            sending = run.send(phones(3))
            first = [result async for result in sending]
            return first + [result async for result in sending]

    assert len(virtual_time.run(main())) == 3


def test_some_results_one_by_one_and_then_the_summary() -> None:
    """A caller who has seen enough and awaits the rest would start the run a second time."""
    provider = Provider()

    async def main() -> int:
        async with make_run(provider) as run:
            sending = run.send(phones(50))
            async for _ in sending:
                break
            return (await sending).sent

    assert virtual_time.run(main()) == 50
    check(provider)


def test_two_readers_share_the_results() -> None:
    """Two tasks that take turns at the results would each miss some, or crash."""

    async def main() -> list[int]:
        async with make_run(Provider()) as run:
            sending = run.send(phones(60))

            async def read() -> list[int]:
                return [result.row async for result in sending]

            return [row for rows in await asyncio.gather(read(), read()) for row in rows]

    assert sorted(virtual_time.run(main())) == list(range(1, 61))


def test_a_memory_ledger_is_forgotten_with_its_run() -> None:
    """Two runs without a ledger would share one by accident."""

    async def main() -> None:
        async with make_run(Provider(), ledger=MemoryLedger()) as run:
            await run.send(phones(3))
        with pytest.raises(LedgerError):
            async with make_run(Provider(), ledger=MemoryLedger(), resume=True):
                pass

    virtual_time.run(main())


def test_a_generator_of_a_million_is_not_drawn_ahead() -> None:
    """A generator over a database would be read to its end, into memory, before the first hundred texts have left."""
    drawn = 0

    def numbers() -> Iterator[str]:
        nonlocal drawn
        for number in range(60_000):
            drawn += 1
            yield phone(number)

    async def main() -> int:
        async with make_run(Provider(latency=1.0), concurrency=4) as run:
            async for _ in run.send(numbers()):
                return drawn
        return 0

    assert virtual_time.run(main()) <= 21_500


@LEDGERS
@pytest.mark.parametrize("shape_", [list, iter, None])
def test_names_in_what_a_caller_hands_in_are_columns_too(kind: str, tmp_path: Path, shape_: Any) -> None:
    """`[Kittens]` would go out to everybody, because no header says that it is a column."""
    people = [{"phone": phone(n), "Kittens": "two"} for n in range(3)]

    async def coming() -> AsyncIterator[dict[str, str]]:
        for one in people:
            yield one

    async def main() -> list[str]:
        provider = Provider()
        async with make_run(provider, ledger=make_ledger(kind, tmp_path), text="Hi [Kittens]. STOP to opt out") as run:
            with pytest.raises(TemplateError, match=r"write \{kittens\} instead"):
                await run.send(shape_(people) if shape_ else coming())
        async with make_run(provider, text="Hi [Kittens]. STOP to opt out", literal=True) as run:
            await run.send(people)
        return [call.text for call in provider.calls]

    assert virtual_time.run(main()) == ["Hi [Kittens]. STOP to opt out"] * 3


@LEDGERS
def test_the_same_text_from_another_editor_is_the_same_text(kind: str, tmp_path: Path) -> None:
    """A run could not be gone on with, because a file was saved with other line ends, or its accents came apart."""

    async def main() -> list[State]:
        ledger, provider = make_ledger(kind, tmp_path), Provider()
        async with make_run(provider, ledger=ledger, text="José\nvote. STOP to opt out", limit=1) as run:
            await run.send(phones(2))
        if kind == "sqlite":
            ledger = make_ledger(kind, tmp_path)
        async with make_run(provider, ledger=ledger, text="Jose\u0301\r\nvote. STOP to opt out") as run:
            return [result.state async for result in run.send(phones(2))]

    assert virtual_time.run(main()) == [State.SENT]
