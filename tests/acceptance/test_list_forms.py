"""Lists that are no text, and lists that are no file: killed while they are read and while they are sent, then gone on with."""

import contextlib
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.commands import Running
from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.stage import Stage
from tests.acceptance.test_dying import rows_in_the_books

PEOPLE = 200
ROWS = 20_000
"""Most of them repeat somebody, so that reading takes a while and sending does not."""
CONCURRENCY = 8

_FRAME = """
import asyncio, sys
import pyarrow.parquet as pq
from rumbleup_async import LedgerMismatch, RumbleUp

async def main(path, ledger, text):
    frame = pq.read_table(path).to_pandas().sample(frac=1)  # its rows come in another order each time
    async with RumbleUp.from_env() as rumbleup:
        async with rumbleup.fast_mode(action=125, text=text, ledger=ledger, concurrency=8) as run:
            await run.send(frame)
            print(run.summary.sent)

try:
    asyncio.run(main(*sys.argv[1:]))
except LedgerMismatch as error:
    sys.exit(str(error))
"""


def rows() -> list[tuple[str, str]]:
    return [(phone(number % PEOPLE), "Ada") for number in range(ROWS)]


def write_parquet(path: Path, people: list[tuple[str, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    phones, names = zip(*people, strict=True)
    pq.write_table(pa.table({"phone": phones, "first_name": names}), path)


def write_workbook(path: Path, people: list[tuple[str, str]]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Voters")
        for number, row in enumerate([("phone", "first_name"), *people]):
            sheet.write_row(number, 0, row)


def write_database(path: Path, people: list[tuple[str, str]]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE voters (phone TEXT, first_name TEXT)")
        db.executemany("INSERT INTO voters VALUES (?, ?)", people)
        db.commit()


FORMS: dict[str, Callable[[Path, list[tuple[str, str]]], None]] = {
    "voters.xlsx": write_workbook,
    "voters.parquet": write_parquet,
    "voters.db": write_database,
    "frame": write_parquet,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_of_any_form_survives_two_kills(form: str, stage: Stage, provider: Provider) -> None:
    """Whoever loses power with a workbook or a query would text people twice, or lose some, or have to begin anew; and another
    list would be sent as the rest of this one."""
    path = stage.folder / form
    FORMS[form](path, rows())
    source = f"sqlite:{path}" if form == "voters.db" else path
    sending = stage.sending(source, "--concurrency", CONCURRENCY)
    command: tuple[str, ...] = ()
    if form == "frame":
        sending = [path, stage.ledger, "Dear {first_name}, quokkas vote on Tuesday. STOP to opt out"]
        command = (sys.executable, "-c", _FRAME)

    def start() -> Running:
        return stage.start(*sending, command=command) if command else stage.start(*sending)

    running = start()
    until(lambda: rows_in_the_books(stage) > 0, "the list was not read")
    running.signal(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    assert provider.requests == 0, "the kill came too late to test anything"

    provider.set(latency=0.05)
    running = start()
    provider.wait_for(40)
    running.signal(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    provider.set(latency=0)

    path.rename(stage.folder / "kept")
    FORMS[form](path, [*rows()[1:PEOPLE], (phone(PEOPLE), "Grace")])
    other = start().wait()
    assert other.code != 0, other
    assert "another list" in other.err
    left = provider.left

    (stage.folder / "kept").rename(path)
    done = start().wait()
    assert done.code in (0, 1), done.err
    assert provider.left > left
    summary = stage.run("status", stage.ledger, "--json").json
    assert summary["not_sent"] == 0
    assert summary["unknown"] <= 2 * CONCURRENCY
    stage.check(
        ROWS,
        planned={phone(number): text_for("Ada") for number in range(PEOPLE)},
        concurrency=CONCURRENCY,
        crashes=1,
    )
