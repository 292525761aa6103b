"""The examples, run as a reader would run them: each in a process of its own, over TCP, against the simulator."""

import asyncio
import os
import re
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import aiohttp
import yaml  # type: ignore[import-untyped]

from rumbleup_async.postgres.address import parse
from rumbleup_async.simulator import Server, Simulator
from tests.observe.test_gallery import begun

FOLDER = Path(__file__).parents[1] / "examples"
MINE = ("send_list", "service", "single_message", "texters", "read_log", "sendblue_list", "watch_asgi")
LIST = """First Name,Cell Phone,City
Ada,(202) 555-0101,Springfield
Grace,202-555-0102,Dayton
,2.03E+09,Dayton
Ada,+1 202 555 0101,Springfield
"""


def test_the_server_to_try_with_serves_this_machine_alone() -> None:
    """A database of phones that lets anybody in without a password would be open to the network, or would not start at all."""
    path = FOLDER / "postgres" / "compose.yaml"
    (service,) = yaml.safe_load(path.read_text())["services"].values()
    assert service["ports"] == ["127.0.0.1:5432:5432"]
    found = re.findall(r"'(postgresql://.*)'", path.read_text())
    address = parse(found[0])
    assert len(found) == 2
    assert set(found) == {str(address)}
    database, user = service["environment"]["POSTGRES_DB"], service["healthcheck"]["test"][3]
    assert f"postgresql://{user}@127.0.0.1:5432/{database}?run=try" == str(address)
    assert database in service["healthcheck"]["test"]


class Ended(NamedTuple):
    code: int | None
    out: str
    err: str


async def start(server: Server, name: str, *arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        FOLDER / f"{name}.py",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ.get("PATH", ""),
            "PYTHONUNBUFFERED": "1",
            "RUMBLEUP_API_KEY": "KEY:SECRET",
            "RUMBLEUP_BASE_URL": server.url,
            "SENDBLUE_API_KEY": "KEY",
            "SENDBLUE_API_SECRET": "SECRET",
            "SENDBLUE_BASE_URL": server.origin,
        },
    )


async def ended(process: asyncio.subprocess.Process) -> Ended:
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


async def call(server: Server, name: str, *arguments: str | Path) -> Ended:
    return await ended(await start(server, name, *arguments))


def phones(simulator: Simulator) -> list[str]:
    return sorted(simulator.truth.phones)


async def test_send_list(server: Server, simulator: Simulator, tmp_path: Path) -> None:
    """Otherwise the first thing people copy does not work, or loses a row without a word."""
    source, ledger = tmp_path / "voters.csv", tmp_path / "voters.ledger"
    source.write_text(LIST)
    simulator.fault("2025550102", "landline")

    first = await call(server, "send_list", source, "125", ledger)

    assert (first.code, first.err) == (0, "")
    assert "row 5: skipped: duplicate of row 2" in first.out
    assert "row 4: skipped: invalid phone: a spreadsheet rounded it" in first.out
    assert "row 3: refused: 400 LANDLINE" in first.out
    assert first.out.endswith("1 of 4 sent, 0 unknown\n")
    assert [text.text for text in simulator.truth] == ["Hi Ada, the polls are open until 8 pm today. STOP to opt out"]

    again = await call(server, "send_list", source, "125", ledger)

    assert (again.code, again.out) == (0, "1 of 4 sent, 0 unknown\n")
    assert phones(simulator) == ["2025550101"]


async def test_single_message(server: Server, simulator: Simulator) -> None:
    """Otherwise a text that may have left is reported as not sent, and somebody sends it again."""
    fine = await call(server, "single_message", "+1 (202) 555-0101", "125", "Hi Ada. STOP to opt out")
    assert (fine.code, fine.out) == (0, f"scheduled as {simulator.truth[0].logid}\n")

    simulator.fault("2025550102", "502-after")
    doubtful = await call(server, "single_message", "2025550102", "125", "Hi Grace. STOP to opt out")
    assert doubtful.code == 1
    assert doubtful.err.startswith("may have been sent: /message/send: 502")

    refused = await call(server, "single_message", "2025550103", "125", "Hi Alan")
    assert refused.code == 3
    assert refused.err.startswith("not sent: /message/send: 403")
    assert phones(simulator) == ["2025550101", "2025550102"]


async def test_texters(server: Server, simulator: Simulator, tmp_path: Path) -> None:
    """Otherwise the text function is given something else than the page says, or a contact is texted against its word."""
    contacts = [
        {"phone": "2025550101", "first_name": "Ada", "city": "Springfield"},
        {"phone": "2025550102", "first_name": "Grace", "city": "Dayton", "language": "es"},
    ]
    simulator.add_contacts("125", contacts)

    done = await call(server, "texters", "125", tmp_path / "texters.ledger")

    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("2 sent, 0 skipped, 0 unknown, 0 answers lost\n")
    assert sorted(str(text.text) for text in simulator.truth) == [
        "Hi Ada, your polling place is 12 Main St. STOP to opt out",
        "Hola Grace, your polling place is the library. STOP to opt out",
    ]


async def test_texters_leave_a_contact_alone(server: Server, simulator: Simulator, tmp_path: Path) -> None:
    """Otherwise None from the function is a text, or an error that ends the run."""
    simulator.add_contacts("125", [{"phone": "2025550103", "first_name": "Alan", "city": "Elsewhere"}])

    done = await call(server, "texters", "125", tmp_path / "texters.ledger")

    assert done.out == "1: skipped no text was chosen\n0 sent, 1 skipped, 0 unknown, 0 answers lost\n"
    assert (done.code, len(simulator.truth)) == (0, 0)


async def test_read_log(server: Server, simulator: Simulator, tmp_path: Path) -> None:
    """Otherwise nobody finds the texts of a run, and unknowns cannot be settled by hand."""
    source = tmp_path / "voters.csv"
    source.write_text("phone,first_name\n" + "".join(f"202555{number:04d},Ada\n" for number in range(100, 150)))
    await call(server, "send_list", source, "125", tmp_path / "run.ledger")
    tag = next(flag for flag in simulator.truth[0].flags if flag.startswith("run-"))

    by_tag = await call(server, "read_log", "flag", tag)
    assert (by_tag.code, by_tag.out.splitlines()[-1]) == (0, "50 messages")

    by_phone = await call(server, "read_log", "phone", "2025550101")
    assert by_phone.out.splitlines()[-1] == "1 messages"
    assert "2025550101" in by_phone.out


async def test_service(server: Server, simulator: Simulator, tmp_path: Path) -> None:
    """Otherwise a service that is stopped in the middle texts people twice when it comes back, or leaves them unknown."""
    lists = {name: [{"phone": f"{area}555{number:04d}"} for number in range(100, 300)] for name, area in _AREAS.items()}
    simulator.change(latency=0.02)
    process, address = await _serving(server, tmp_path)
    async with aiohttp.ClientSession(address) as session:
        await _post(session, lists)
        while len(simulator.truth) < 40:
            await asyncio.sleep(0.01)
        shown = await (await session.get("/runs")).json()
        assert {name: shown[name]["total"] for name in shown} == {"friday": 200, "saturday": 200}
        watched = await (await session.get("/watch/runs")).json()
        assert {run["name"]: run["stands"] for run in watched["runs"]} == {
            "friday.ledger": "running",
            "saturday.ledger": "running",
        }
        assert watched["steers"] is False
    process.terminate()
    assert (await ended(process)).err == ""
    assert process.returncode == 0
    left = len(simulator.truth)
    assert left < 400

    process, address = await _serving(server, tmp_path)
    async with aiohttp.ClientSession(address) as session:
        await _post(session, lists)
        while True:
            shown = await (await session.get("/runs")).json()
            if len(shown) == 2 and not any("under_way" in run for run in shown.values()):
                break
            await asyncio.sleep(0.05)
    process.terminate()
    assert (await ended(process)).code == 0

    assert {name: (run["sent"], run["unknown"]) for name, run in shown.items()} == {"friday": (200, 0), "saturday": (200, 0)}
    assert set(Counter(simulator.truth.phones).values()) == {1}
    assert len(simulator.truth) == 400


_AREAS = {"friday": "202", "saturday": "312"}


async def _post(session: aiohttp.ClientSession, lists: dict[str, list[dict[str, str]]]) -> None:
    for name, contacts in lists.items():
        body = {"action": 125, "text": "Hello. STOP to opt out", "contacts": contacts}
        async with session.post(f"/runs/{name}", json=body) as response:
            assert response.status == 202


async def _serving(server: Server, folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await start(server, "service", folder, str(port))
    assert process.stdout is not None
    async with asyncio.timeout(30):
        await process.stdout.readline()
    return process, f"http://127.0.0.1:{port}"


async def test_watch_asgi(tmp_path: Path) -> None:
    """Otherwise the page cannot be mounted as it is said, or steers whoever has no key."""
    await (await begun(tmp_path / "voters.ledger", 5)).aclose()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, FOLDER / "watch_asgi.py", tmp_path, str(port)), env={**os.environ, "STEER_KEY": "let-me"}
    )
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, asyncio.timeout(30):
        while True:
            try:
                told = await (await session.get("/texts/runs", headers={"Authorization": "Bearer let-me"})).json()
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
        assert "page.js" in await (await session.get("/texts")).text(), "by the way of a redirect"
        async with session.post("/texts/steer", json={"run": told["runs"][0]["id"], "what": "pause"}) as refused:
            assert refused.status == 403
    assert (told["steers"], told["runs"][0]["total"]) == (True, 6)
    process.terminate()
    await process.wait()


async def test_no_arguments(server: Server) -> None:
    """Otherwise a reader who tries an example bare meets a traceback instead of its usage."""
    for name, done in zip(MINE, await asyncio.gather(*(call(server, name) for name in MINE)), strict=True):
        assert done.code == 1
        assert f"examples/{name}.py" in done.err
        assert "Traceback" not in done.err


def test_every_example_says_how_it_is_called() -> None:
    """Otherwise somebody opens a file and does not know how to run it."""
    silent: Sequence[str] = [path.name for path in FOLDER.glob("*.py") if f"examples/{path.name}" not in path.read_text()]
    assert silent == []


async def test_sendblue_list_texts_everybody_once_and_goes_on(server: Server, tmp_path: Path) -> None:
    """The example would text people twice when it is called again, or not at all."""
    source, ledger = tmp_path / "voters.csv", tmp_path / "voters.ledger"
    source.write_text(LIST, encoding="utf-8")
    lines = ("+12025550198", "+12025550199")
    first = await call(server, "sendblue_list", source, ledger, *lines)
    assert first.code == 0, first.err
    assert "2 of 4 sent" in first.out
    again = await call(server, "sendblue_list", source, ledger, *lines)
    assert again.code == 0, again.err
    assert sorted(phones(server.simulator)) == ["+12025550101", "+12025550102"]


async def test_a_day_in_all_zones(server: Server, simulator: Simulator) -> None:
    """Whoever reads the example would believe that people are texted at night."""
    done = await call(server, "hours_of_a_day")
    assert (done.code, done.err) == (0, "")
    assert len(simulator.truth) == 36
    assert done.out.splitlines()[-1] == "36 of 36 texted; everybody was reached"
