"""CPU of one text, by part: each part alone, in a loop of its own, and the whole run beside it.

Parts alone have warm caches, so their sum is less than the whole; it is the order that tells where the next microsecond is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from benchmarks.results import Figure, Measured
from benchmarks.running import Sender, SenderFailed, folder, loop, run
from benchmarks.senders.job import TEMPLATE
from benchmarks.server import BODY
from benchmarks.serving import Served, loops, serving
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import Ledger, Permit, SilentObserver
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.lists.contacts import contact_of, open_list
from rumbleup_async.messaging import Closed, Contact, Plan, Planned, State, Text
from rumbleup_async.outcomes import Accepted, Outcome
from rumbleup_async.provider import arguments
from rumbleup_async.reasons import from_words
from rumbleup_async.retry import Policy, decide
from rumbleup_async.rumbleup import requests, wire
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.template import Template
from rumbleup_async.session import Request, Response
from rumbleup_async.session.transport import connect, has_pool

_WORKERS = 64
_PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text=TEMPLATE)
_MERGED = TEMPLATE.replace("{first_name}", "Ada")
_REPLY = Response(200, {"Content-Type": "application/json"}, BODY)


def _loop(work: Callable[[], object], number: int) -> float:
    """CPU microseconds of one call."""
    used = time.process_time()
    for _ in range(number):
        work()
    return (time.process_time() - used) / number * 1e6


def _in_loop(work: Awaitable[float]) -> float:
    async def wait() -> float:
        return await work

    with asyncio.Runner(loop_factory=loops()[loop()]) as runner:
        return runner.run(wait())


def _phone(number: int) -> str:
    return str(2_012_000_000 + number)


def _planned(texts: int) -> list[Planned]:
    return [Planned(number + 1, _phone(number), _MERGED, "Ada") for number in range(texts)]


def _reading(path: Path, texts: int) -> float:
    used = time.process_time()
    with open_list(path, fields=Screen(TEMPLATE).needed_fields) as source:
        for _ in source.batches(1000):
            pass
    return (time.process_time() - used) / texts * 1e6


async def _exchange(served: Served, transport: str, texts: int) -> float:
    exchange = connect(served.url, {"Authorization": "Basic x"}, connections=_WORKERS, transport=transport)
    body = arguments.encode(requests.SendBody("2012000000", "125", _MERGED, (_PLAN.tag,), "Ada"))
    numbers = iter(range(texts))

    async def worker() -> None:
        for _ in numbers:
            await exchange(Request("POST", requests.SEND, body))

    used = time.process_time()
    await asyncio.gather(*(worker() for _ in range(_WORKERS)))
    used = time.process_time() - used
    await exchange.aclose()
    return used / texts * 1e6


async def _ledger(path: Path, texts: int) -> float:
    """Opened and closed, 64 a step, both durable."""
    ledger = SqliteLedger(path)
    await ledger.open(_PLAN)
    await ledger.load([_planned(texts)])
    owner = (await ledger.enlist("benchmark")).id
    used = time.process_time()
    closed: Sequence[Closed] = []
    while opened := (await ledger.step(owner, closed, _WORKERS, time.time())).texts:
        closed = [Closed(text.row, State.SENT, 1, from_words(""), "rl_00000000000000000000000000000001", 1) for text in opened]
    used = time.process_time() - used
    await ledger.aclose()
    return used / texts * 1e6


async def _claims(path: Path, texts: int) -> float:
    """As texters draw contacts: 32 a step, taken in and opened, and those of the step before closed, all durable."""
    ledger = SqliteLedger(path)
    await ledger.open(_PLAN)
    owner = (await ledger.enlist("benchmark")).id
    planned = _planned(texts)
    used = time.process_time()
    closed: Sequence[Closed] = []
    for start in range(0, texts, _WORKERS // 2):
        opened = await ledger.claim(owner, closed, planned[start : start + _WORKERS // 2], time.time())
        closed = [Closed(text.row, State.SENT, 1, from_words(""), "rl_00000000000000000000000000000001", 1) for text in opened]
    used = time.process_time() - used
    await ledger.aclose()
    return used / texts * 1e6


async def _taking_in(path: Path, texts: int, *, is_whole: bool) -> float:
    """As a feed's rows are taken in: 1,000 a step, each durable; or as those of a whole file: all durable at the end."""
    ledger = SqliteLedger(path)
    await ledger.open(_PLAN)
    planned = _planned(texts)
    groups = [planned[start : start + 1000] for start in range(0, texts, 1000)]
    used = time.process_time()
    if is_whole:
        await ledger.load(groups)
    else:
        for group in groups:
            await ledger.add(group)
    await ledger.complete("")
    used = time.process_time() - used
    await ledger.aclose()
    return used / texts * 1e6


class _AtOnce:
    """A provider that accepts at once."""

    async def deliver(self, text: Text, permit: Permit) -> Outcome:  # noqa: ARG002 - the shape of a gateway
        await asyncio.sleep(0)
        return Accepted("rl_1")

    async def aclose(self) -> None: ...


async def _engine(texts: int) -> float:
    ledger: Ledger = MemoryLedger()
    await ledger.open(_PLAN)
    await ledger.load([_planned(texts)])
    engine = Engine(ledger, _AtOnce(), Pace(None), Options(concurrency=_WORKERS), observer=SilentObserver(), sink=lambda _: None)
    used = time.process_time()
    await engine.run()
    return (time.process_time() - used) / texts * 1e6


def _whole(served: Served, work: Path, texts: int) -> float:
    measured = run(Sender("ours", "ours", texts, ("--loop", loop())), served, work)
    return measured.cpu_seconds / texts * 1e6


def _measures(served: Served, work: Path, texts: int) -> dict[str, Callable[[], float]]:
    path = work / "list.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("phone,first_name\n")
        file.writelines(f"{_phone(number)},Ada\n" for number in range(texts))
    fields = {"first_name": "Ada"}
    contacts = [Contact(number + 1, _phone(number), fields) for number in range(texts)]
    screen, template = Screen(TEMPLATE), Template(TEMPLATE)
    accepted, policy = Accepted("rl_1"), Policy()
    taken = iter(range(1_000_000))
    measures: dict[str, Callable[[], float]] = {
        "reading a row of a CSV": lambda: _reading(path, texts),
        "understanding a row of an iterable": lambda: _loop(
            lambda: contact_of({"phone": "2012000000", "first_name": "Ada"}, 1, None, screen.needed_fields), texts
        ),
        "merging the text": lambda: _loop(lambda: template.render(fields), texts),
        "screening, merging included": lambda: _loop(lambda: screen.batch(contacts), 1) / texts,
        "encoding the body": lambda: _loop(
            lambda: arguments.encode(requests.SendBody("2012000000", "125", _MERGED, (_PLAN.tag,), "Ada")), texts
        ),
        "exchange over aiohttp": lambda: _in_loop(_exchange(served, "aiohttp", texts // 4)),
        "understanding the answer": lambda: _loop(lambda: wire.decipher_send(_REPLY, (_MERGED,)), texts),
        "deciding": lambda: _loop(lambda: decide(accepted, 1, policy, proven=True), texts),
        "ledger on disk, taking in while sending": lambda: _in_loop(
            _taking_in(work / f"{next(taken)}.ledger", texts, is_whole=False)
        ),
        "ledger on disk, taking all in first": lambda: _in_loop(_taking_in(work / f"{next(taken)}.ledger", texts, is_whole=True)),
        "ledger on disk, contacts of texters": lambda: _in_loop(_claims(work / f"{next(taken)}.ledger", texts)),
        "ledger on disk, intent and result": lambda: _in_loop(_ledger(work / f"{next(taken)}.ledger", texts)),
        "engine, with the ledger in memory": lambda: _in_loop(_engine(texts)),
        "a whole run, start and end included": lambda: _whole(served, work, texts * 2),
    }
    if has_pool():
        measures["exchange over a lane"] = lambda: _in_loop(_exchange(served, "pool", texts))
    return measures


def main(*, quick: bool = False) -> Measured:
    """Each part in turn, round by round."""
    rounds, texts = (1, 200) if quick else (5, 20_000)
    values: dict[str, list[float]] = {}
    with folder() as work, serving(work) as served:
        measures = _measures(served, work, texts)
        for _ in range(rounds):
            for name, measure in measures.items():
                try:
                    values.setdefault(name, []).append(measure())
                except SenderFailed as error:
                    raise SystemExit(f"{name}: {error}") from None
    figures = [Figure(name, "µs CPU", found) for name, found in values.items()]
    if not has_pool():
        figures.append(Figure("exchange over a lane", "µs CPU", [], "the extra fast is not installed"))
    return Measured(rounds=rounds, notes=[f"event loop: {loop()}; server: {served.name}"], figures=figures)
