"""The walk through the code in docs/architecture.md: each station is there, and a small run meets them in their order."""

import ast
import asyncio
import io
import re
import socket
import sys
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

from rumbleup_async import RumbleUp, collector
from rumbleup_async.cli import report
from rumbleup_async.fleet import supervisor, worker_process
from rumbleup_async.fleet.channel import Channel
from rumbleup_async.fleet.remote import RemoteWorker
from rumbleup_async.ledger import Reader
from rumbleup_async.simulator import Simulator, serve

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rumbleup_async"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TEXT = "Hi {first_name}. STOP to opt out"


_stations = re.compile(r"^\d+\. \[`([\w/.]+)`\]\(\S+\) `([\w.]+)`: ", re.MULTILINE).findall


class Station(NamedTuple):
    file: str
    function: str


def walks() -> dict[str, list[Station]]:
    """The stations of each walk, by its title."""
    walk = PAGE[PAGE.index("## A walk through the code") :].partition("\n## ")[0]
    parts = walk.split("\n### ")[1:]
    return {part.partition("\n")[0]: [Station(*found) for found in _stations(part)] for part in parts}


WALKS = walks()


def test_each_walk_is_short_and_whole() -> None:
    """A station that cannot be read would be held by no test, and nobody reads a walk of thirty."""
    numbers = re.findall(r"^(\d+)\. \[", PAGE, re.MULTILINE)
    assert len(numbers) == sum(map(len, WALKS.values()))
    assert list(WALKS) == [
        "One contact, from list to report",
        "One reply, to its decision",
        "One leased contact",
        "One text in a worker process",
    ]
    assert all(3 < len(stations) <= 10 for stations in WALKS.values())


@pytest.mark.parametrize("station", sorted({station for stations in WALKS.values() for station in stations}))
def test_every_station_is_there(station: Station) -> None:
    """The walk would lead past a house that was torn down."""
    tree: ast.Module | ast.ClassDef = ast.parse((PACKAGE / station.file).read_text(encoding="utf-8"))
    *classes, name = station.function.split(".")
    for outer in classes:
        (tree,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == outer)
    assert name in {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@contextmanager
def traced() -> Iterator[list[Station]]:
    """Every call of a function of the package, in all threads, in order."""
    met: list[Station] = []
    before = str(PACKAGE) + "/"

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(before):
            met.append(Station(frame.f_code.co_filename.removeprefix(before), frame.f_code.co_qualname))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield met
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def check(walk: str, met: Sequence[Station]) -> None:
    """Each station was met after the one before it."""
    place = 0
    for number, station in enumerate(WALKS[walk], 1):
        try:
            place = met.index(station, place) + 1
        except ValueError:
            pytest.fail(f"{walk}: station {number}, {station.file} {station.function}, is not met after the one before it")


def go(walk: str, run: Coroutine[Any, Any, None]) -> None:
    with traced() as met:
        asyncio.run(run)
    check(walk, met)


def test_one_contact_from_list_to_report(tmp_path: Path) -> None:
    """Whoever reads the walk would look for a contact where it never is."""
    (tmp_path / "list.csv").write_text("phone,first_name\n2025550101,Ada\n")
    path = tmp_path / "run.ledger"

    async def run() -> None:
        async with (
            serve(Simulator()) as server,
            RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup,
            rumbleup.fast_mode(action=125, text=TEXT, ledger=path) as run,
        ):
            assert (await run.send(tmp_path / "list.csv")).sent == 1
        report._write(Reader(path), None, io.BytesIO())

    go("One contact, from list to report", run())


def test_one_reply_to_its_decision() -> None:
    """Whoever wonders why a text was refused would look in the wrong place."""

    async def run() -> None:
        simulator = Simulator()
        simulator.fault("2025550102", ["400"])
        async with (
            serve(simulator) as server,
            RumbleUp("KEY:SECRET", base_url=server.url, transport="pool") as rumbleup,
            rumbleup.fast_mode(action=125, text=TEXT, ledger=None, concurrency=1) as run,
        ):
            people = [{"phone": f"202555010{n}", "first_name": "Ada"} for n in (1, 2, 3)]
            assert (await run.send(people)).refused == 1

    go("One reply, to its decision", run())


def test_one_leased_contact(tmp_path: Path) -> None:
    """Whoever looks for the lock of a contact would not find who heeds it."""

    async def run() -> None:
        simulator = Simulator()
        simulator.add_contacts(125, [{"phone": "2025550101", "first_name": "Ada"}])
        async with (
            serve(simulator) as server,
            RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup,
            rumbleup.concurrent_mode(action=125, text=TEXT, texters=1, ledger=tmp_path / "run.ledger") as run,
        ):
            assert (await run.send()).sent == 1

    go("One leased contact", run())


class InThisProcess:
    """In the place of a process: a worker process's work, done here, where it can be watched."""

    def __init__(self, work: asyncio.Task[None]) -> None:
        self.work = work
        self.returncode: int | None = None

    async def wait(self) -> int:
        await asyncio.wait([self.work])
        self.returncode = 0
        return 0

    def kill(self) -> None:
        self.work.cancel()


async def start_here(inherited: Sequence[int], longest: float) -> RemoteWorker:
    """As `fleet.remote.start`, but for the process."""
    ours, theirs = socket.socketpair()
    far = Channel(*await asyncio.open_unix_connection(sock=theirs))

    async def work() -> None:
        await worker_process.serve(far)
        await far.aclose()

    process: Any = InThisProcess(asyncio.create_task(work()))
    return RemoteWorker(process, Channel(*await asyncio.open_unix_connection(sock=ours)), longest)


def test_one_text_in_a_worker_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows a text over the socket would lose it there."""
    monkeypatch.setattr(supervisor, "start", start_here)
    monkeypatch.setattr(collector, "keep_what_is_there", lambda: None)

    async def run() -> None:
        async with (
            serve(Simulator()) as server,
            RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup,
            rumbleup.fast_mode(action=125, text=TEXT, ledger=tmp_path / "run.ledger", processes=2) as run,
        ):
            assert (await run.send([{"phone": "2025550101", "first_name": "Ada"}])).sent == 1

    go("One text in a worker process", run())
