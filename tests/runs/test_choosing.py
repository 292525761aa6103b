"""Texts that a function chooses for the contacts of a list."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import Contact, MemoryLedger, Response, RumbleUp, ScriptedExchange, Sendblue, SqliteLedger
from rumbleup_async.errors import ConfigurationError, LedgerMismatch
from rumbleup_async.ledger import Reader
from rumbleup_async.runs.run import Run
from rumbleup_async.simulator import Simulator

PEOPLE = [{"phone": f"20255501{n:02d}", "name": f"N{n}", "pet": "cat" if n % 2 else "dog"} for n in range(1, 41)]
STOP = "STOP to opt out"


def as_file(tmp_path: Path, people: list[dict[str, str]] = PEOPLE) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("phone,name,pet\n" + "".join(f"{one['phone']},{one['name']},{one['pet']}\n" for one in people))
    return path


@pytest.fixture(params=["file", "iterable"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return as_file(tmp_path) if request.param == "file" else PEOPLE


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_chooses_for_a_list_as_it_does_for_leased_contacts(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, given: Any, is_async: bool
) -> None:
    """Two modes would be two products; and whoever is suppressed would be asked about."""
    asked = []

    def text(contact: Contact) -> str | None:
        asyncio.get_running_loop()  # not in a thread of the list's
        asked.append(contact.fields["name"])
        number = int(contact.fields["name"][1:])
        return {1: None, 2: "No way out", 3: f"[name] stays. {STOP}"}.get(number, f"A {contact.fields['pet']}! {STOP}")

    async def later(contact: Contact) -> str | None:
        await asyncio.sleep(0)
        return text(contact)

    path = tmp_path / "run.ledger"
    options: dict[str, Any] = {"ledger": path, "suppress": [PEOPLE[4]["phone"]], "limit": 10}
    async with rumbleup.fast_mode(action=125, text=later if is_async else text, **options) as run:
        await run.send(given)
    assert "N5" not in asked
    async with rumbleup.resume(path) as run:
        summary = await run.send()
        reasons = await run.count_reasons()
    assert (summary.sent, summary.skipped) == (36, 4)
    assert reasons["skipped"] == {"no_text": 1, "no_stop": 1, "suppressed": 1, "text_unfit": 1}
    assert {sent.phone: sent.text for sent in simulator.truth} == {
        one["phone"]: f"A {one['pet']}! {STOP}" for n, one in enumerate(PEOPLE, 1) if n not in (1, 2, 3, 5)
    }


@pytest.mark.parametrize("in_memory", [True, False])
async def test_what_was_chosen_first_is_sent(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, in_memory: bool) -> None:
    """A function that draws lots would make another list of the same one, which could not be gone on with."""
    lots = itertools.count()
    ledger = MemoryLedger() if in_memory else SqliteLedger(tmp_path / "run.ledger")

    def begin() -> Run:
        return rumbleup.fast_mode(action=125, text=lambda _: f"{next(lots)} {STOP}", ledger=ledger, limit=20)

    for _ in range(2):
        async with begin() as run:
            await run.send(PEOPLE)
        ledger = ledger if in_memory else SqliteLedger(tmp_path / "run.ledger")
    assert sorted(int((sent.text or "").split()[0]) for sent in simulator.truth) == list(range(40))
    with pytest.raises(LedgerMismatch):
        async with begin() as run:
            await run.send([{"phone": "2025550199", "name": "Eve"}])


@pytest.mark.parametrize("wrong", ["raises", "number", "hangs"])
async def test_a_function_that_fails_texts_nobody(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, given: Any, wrong: str
) -> None:
    """A list would be half read, and half of it texted; or a run could not be left while its function hangs."""
    hangs = asyncio.Event()

    async def text(contact: Contact) -> Any:
        if contact.fields["name"] == "N30":
            if wrong == "raises":
                raise ZeroDivisionError
            if wrong == "hangs":
                hangs.set()
                await asyncio.Event().wait()
            return 7
        return f"Hi. {STOP}"

    async def send() -> None:
        async with rumbleup.fast_mode(action=125, text=text, ledger=tmp_path / "run.ledger") as run:
            await run.send(given)

    task = asyncio.ensure_future(send())
    if wrong == "hangs":
        await hangs.wait()
        task.cancel()
    with pytest.raises({"raises": ZeroDivisionError, "number": ConfigurationError, "hangs": asyncio.CancelledError}[wrong]):
        await task
    assert not simulator.truth


async def test_texts_of_kinds_of_people_in_python(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path) -> None:
    """They would be an option of the command line alone; a resume that names other texts would be believed."""
    path = tmp_path / "run.ledger"
    kinds = {"pet=cat": f"Meow {{name}}. {STOP}"}
    async with rumbleup.fast_mode(action=125, text=f"Hi. {STOP}", text_when=kinds, ledger=path, limit=3) as run:
        await run.send(PEOPLE)
    reader = Reader(path)
    assert [(words, number) for words, number, _ in reader.kinds()] == [("pet=cat", 18), (None, 19)]
    reader.close()
    with pytest.raises(LedgerMismatch, match="text_when"):
        async with rumbleup.resume(path, text_when={"pet=cat": f"Woof. {STOP}"}) as run:
            await run.send()
    async with rumbleup.resume(path, text_when=list(kinds.items())) as run:
        await run.send()
    assert sum((sent.text or "").startswith("Meow N") for sent in simulator.truth) == 20
    assert len(simulator.truth) == 40


def wrongs() -> Iterator[tuple[Any, str]]:
    yield "pet=cat", "text_when is a mapping"
    yield None, "text_when is a mapping"
    yield [("pet=cat",)], "text_when is a mapping"
    yield {"pet=cat": None}, "text_when is a mapping"
    yield {"pet": "Hi"}, "is no condition"


@pytest.mark.parametrize(("kinds", "said"), list(wrongs()))
async def test_what_are_no_texts_is_refused(rumbleup: RumbleUp, kinds: Any, said: str) -> None:
    """It would fail in the middle of a list."""
    with pytest.raises(ConfigurationError, match=said):
        rumbleup.fast_mode(action=125, text=f"Hi. {STOP}", text_when=kinds)
    with pytest.raises(ConfigurationError, match="concurrent_mode"):
        rumbleup.concurrent_mode(action=125, text=f"Hi. {STOP}", text_when={"pet=cat": f"Hi. {STOP}"})
    with pytest.raises(ConfigurationError, match="beside a function"):
        rumbleup.fast_mode(action=125, text=lambda _: "Hi", text_when={"pet=cat": f"Hi. {STOP}"})


async def test_phones_are_in_the_form_of_the_provider() -> None:
    """Sendblue would be given ten digits, and a text without STOP refused although nobody asks for it."""
    sendblue = Sendblue("KEY", "SECRET", exchange=ScriptedExchange(lambda _: Response(200, {}, b"{}")))
    options: dict[str, Any] = {"from_numbers": ["+12025550199"], "require_opt_out": False}
    async with sendblue, sendblue.fast_mode(text=lambda _: "Hi", limits={"per_second": None}, **options) as run:
        results = [result async for result in run.send(PEOPLE[:2])]
    assert [result.phone for result in results] == ["+12025550101", "+12025550102"]


@pytest.mark.parametrize("in_memory", [False, True])
async def test_who_is_taken_back_by_the_list_is_not_texted(
    rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path, in_memory: bool
) -> None:
    """Where a function chooses texts, whoever said no since the first part was texted all the same, without a word."""
    ledger = MemoryLedger() if in_memory else tmp_path / "run.ledger"
    people = [{"phone": f"20255501{n:02d}", "out": "no"} for n in range(1, 5)]
    options: dict[str, Any] = {"ledger": ledger, "skip_if": ["out"]}
    async with rumbleup.fast_mode(action=125, text=lambda _: f"Hi. {STOP}", **options, limit=1) as run:
        await run.send(people)
    people[2]["out"] = "yes"
    with pytest.raises(LedgerMismatch, match="row 3"):
        async with rumbleup.fast_mode(action=125, text=lambda _: f"Hi. {STOP}", **options) as run:
            await run.send(people)
    assert len(simulator.truth) == 1
