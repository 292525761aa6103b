"""The command over a ledger's lifetime: who may go on with it, how carefully, and what stands beside it."""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.simulator import Server, Simulator, serve

from .conftest import Process

TEXT = "Hi. Reply STOP to opt out"
SEND = ("--action", "125", "--text", TEXT, "--yes")
KEYS = {"RUMBLEUP_API_KEY": "OTHER:SECRET", "SENDBLUE_API_KEY": "OTHER", "SENDBLUE_API_SECRET": "SECRET"}
LINES = ("--provider", "sendblue", "--from", "+12025550199", "--text", TEXT, "--yes", "--per-second", "0")


def listed(path: Path, number: int = 6, first: int = 1) -> Path:
    """A list of so many phones."""
    path.write_text("phone\n" + "".join(f"20255501{n:02d}\n" for n in range(first, first + number)))
    return path


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv")


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return {"rumbleup": SEND, "sendblue": LINES}[getattr(request, "param", "rumbleup")]


BOTH = pytest.mark.parametrize("provider", ["rumbleup", "sendblue"], indirect=True)


@BOTH
async def test_a_rehearsal_is_not_the_campaign(
    process: Process, simulator: Simulator, voters: Path, provider: tuple[str, ...]
) -> None:
    """The same list, text and project, rehearsed on a simulator: the real campaign would not happen, and the books say it did."""
    assert (await process("send", voters, *provider, "--limit", "4", "--ledger", "x.ledger")).returncode == 0
    async with serve(Simulator()) as other:
        there = {"RUMBLEUP_BASE_URL": other.url, "SENDBLUE_BASE_URL": other.url.removesuffix("/api")}
        for words in (
            ("send", voters, *provider, "--ledger", "x.ledger"),
            ("resume", "x.ledger", "--yes"),
            ("reconcile", "x.ledger"),
            ("resume", "x.ledger", "--yes", "--resend-absent"),
        ):
            done = await process(*words, env=there)
            assert done.returncode == 2, done.stderr
            assert "--same-server" in done.stderr
        assert (len(other.simulator.truth), len(simulator.truth)) == (0, 4)
        real = {"RUMBLEUP_BASE_URL": "https://app.example.invalid/api", "SENDBLUE_BASE_URL": "https://api.example.invalid"}
        done = await process("resume", "x.ledger", "--yes", "--same-server", env=real)
        assert done.returncode == 2
        assert "never share a ledger" in done.stderr
        done = await process("resume", "x.ledger", "--yes", "--same-server", env=there)
        assert (done.returncode, len(other.simulator.truth)) == (0, 2), done.stderr


@BOTH
async def test_another_account_does_not_go_on_with_it(
    process: Process, simulator: Simulator, voters: Path, provider: tuple[str, ...]
) -> None:
    """Another client's log shows none of the texts: all unknown would be absent, and be texted again by that client."""
    assert (await process("send", voters, *provider, "--limit", "4", "--ledger", "x.ledger")).returncode == 0
    for words in (
        ("send", voters, *provider, "--ledger", "x.ledger"),
        ("resume", "x.ledger", "--yes"),
        ("reconcile", "x.ledger"),
        ("reconcile", "x.ledger", "--same-server"),
    ):
        done = await process(*words, env=KEYS)
        assert done.returncode == 2, done.stderr
        assert "--same-account" in done.stderr
        assert "OTHER" not in done.stderr
    assert len(simulator.truth) == 4
    simulator.change(api_key="OTHER:SECRET")
    done = await process("resume", "x.ledger", "--yes", "--same-account", env=KEYS)
    assert (done.returncode, len(simulator.truth)) == (0, 6), done.stderr


async def test_concurrent_mode_knows_its_server_too(process: Process, simulator: Simulator) -> None:
    """The ledger of one project's texters would be gone on with against another server's project of that number."""
    simulator.add_contacts(125, [{"phone": "2025550101"}, {"phone": "2025550102"}])
    words = ("texters", "--action", "125", "--text", TEXT, "--yes", "--patience", "0", "--texters", "2", "--rate", "50")
    done = await process(*words, "--limit", "1")
    assert done.returncode == 0, done.stderr
    async with serve(Simulator()) as other:
        done = await process(*words, env={"RUMBLEUP_BASE_URL": other.url})
        assert done.returncode == 2
        assert "--same-server" in done.stderr
    done = await process("texters", "--action", "125", "--text", TEXT, "--yes")
    assert done.returncode == 0, done.stderr
    assert "50 texts a second at most" in done.stderr
    assert "0 s of patience" in done.stderr
    assert len(simulator.truth) == 2


async def test_texters_that_were_stopped_say_how_to_go_on(process: Process, simulator: Simulator) -> None:
    """Their contacts are at the server, so nothing seems to be left, and the second half is never texted."""
    simulator.add_contacts(125, [{"phone": "2025550101"}, {"phone": "2025550102"}])
    done = await process("texters", "--action", "125", "--text", TEXT, "--yes", "--patience", "0", "--limit", "1")
    assert done.returncode == 0, done.stderr
    (command,) = [line for line in done.stderr.splitlines() if line.startswith("go on with: ")]
    assert command in (await process("status", "texters-125.ledger")).stderr
    done = await process(*shlex.split(command.removeprefix("go on with: rumbleup ")), "--yes")
    assert (done.returncode, len(simulator.truth)) == (0, 2), done.stderr
    assert "go on with:" not in done.stderr


async def test_options_of_the_list_that_come_too_late_are_told(process: Process, simulator: Simulator, voters: Path) -> None:
    """The report would lack the column without a word; and nobody knows what "another countries" is."""
    voters.write_text("phone,town\n2025550101,Troy\n2025550102,Rome\n")
    assert (await process("send", voters, *SEND, "--limit", "1")).returncode == 0
    for options in (("--country", "US"), ("--skip-if", "town=Rome")):
        done = await process("send", voters, *SEND, *options)
        assert done.returncode == 2
        assert f"({options[0]})" in done.stderr
    done = await process("send", voters, *SEND, "--keep", "town")
    assert (done.returncode, len(simulator.truth)) == (0, 2), done.stderr
    assert "--keep is heeded when a list is first read" in done.stderr


async def test_standard_input_is_read_once_under_all_its_names(process: Process, simulator: Simulator, voters: Path) -> None:
    """The list would be its own suppression list, or the suppression list be read as empty."""
    for source, suppress in (("-", "/dev/stdin"), ("/dev/stdin", "-"), ("/dev/fd/0", "/dev/stdin")):
        with voters.open() as stdin:
            done = await process("send", source, *SEND, "--suppress", suppress, stdin=stdin)
        assert done.returncode == 2, done.stderr
        assert "cannot both come from standard input" in done.stderr
    assert not simulator.truth


async def test_a_resume_is_as_careful_as_its_run(process: Process, simulator: Simulator, voters: Path, tmp_path: Path) -> None:
    """`--rate 20`, stopped by Ctrl-C: what the command says to go on with would send at eight thousand a second, to those on the
    suppression list as well."""
    listed(voters, 60)
    stop = tmp_path / "stop.csv"
    stop.write_text("phone\n2025550140\n")
    given = ("--rate", "200", "--concurrency", "3", "--suppress", stop)
    done = await process("send", voters, *SEND, *given, "--limit", "5", "--ledger", "my run.ledger")
    assert done.returncode == 0, done.stderr
    (command,) = [line for line in done.stderr.splitlines() if line.startswith("go on with: ")]
    words = shlex.split(command.removeprefix("go on with: rumbleup "))
    assert words == ["resume", "my run.ledger"]
    stop.write_text("phone\n2025550141\n")
    done = await process(*words, "--yes", "--limit", "5", "--suppress", stop, "--json")
    assert done.returncode == 0, done.stderr
    for said in ("200 texts a second at most", "concurrency 3", "1 suppressed phone"):
        assert said in done.stderr
    kept = json.loads((await process("status", "my run.ledger", "--json")).stdout)["kept"]
    assert kept == {"rate": 200.0, "concurrency": 3, "suppressed": 2}
    assert "200 texts a second" in (await process("status", "my run.ledger")).stderr
    began = time.monotonic()
    done = await process("resume", "my run.ledger", "--yes")
    assert time.monotonic() - began >= 48 / 200  # the rate is that of the first call
    assert len({text.phone for text in simulator.truth}) == 58
    assert not {"2025550140", "2025550141"} & {text.phone for text in simulator.truth}


async def test_what_is_given_again_replaces_what_was_kept(process: Process, voters: Path) -> None:
    """A rate could never be changed; or a no at the question would have changed it all the same."""
    assert (await process("send", voters, *SEND, "--rate", "5", "--limit", "1", "--ledger", "x.ledger")).returncode == 0
    assert (await process("resume", "x.ledger", "--rate", "900")).returncode == 2  # nobody was there to ask
    kept = json.loads((await process("status", "x.ledger", "--json")).stdout)["kept"]
    assert kept["rate"] == 5
    done = await process("resume", "x.ledger", "--rate", "0", "--limit", "1", "--yes")
    assert "as before" not in done.stderr
    kept = json.loads((await process("status", "x.ledger", "--json")).stdout)["kept"]
    assert kept["rate"] == 0


async def test_the_pace_of_lines_is_kept(process: Process, voters: Path) -> None:
    """A line would be blocked for what a resume has sent over it in its first second."""
    words = ("--provider", "sendblue", "--from", "+12025550199", "--text", TEXT, "--yes")
    done = await process("send", voters, *words, "--per-second", "0", "--new-per-hour", "2", "--ledger", "x.ledger")
    assert done.returncode == 3, done.stderr
    done = await process("resume", "x.ledger", "--yes", "--new-per-day", "40")
    assert done.returncode == 3, done.stderr
    assert "2 new contacts of each line in any hour" in done.stderr
    kept = json.loads((await process("status", "x.ledger", "--json")).stdout)["kept"]
    assert kept["limits"] == {"per_second": None, "new_per_hour": 2, "new_per_day": 40}


async def test_a_second_download_of_the_list_is_told(process: Process, simulator: Simulator, voters: Path) -> None:
    """The browser calls it `voters (1).csv`: another ledger, and everybody is texted again without a word."""
    assert (await process("send", voters, *SEND)).returncode == 0
    second = voters.with_name("voters (1).csv")
    second.write_bytes(voters.read_bytes())
    done = await process("send", second, *SEND[:-1], "--dry-run")
    assert done.returncode == 0
    assert "has texted 6 people of these into project 125" in done.stderr
    done = await process("send", second, *SEND)
    assert (done.returncode, len(simulator.truth)) == (2, 6)
    assert "--again" in done.stderr
    assert "voters-125.ledger" in done.stderr
    done = await process("send", second, *SEND, "--suppress", voters.with_name("voters-125.ledger"), "--ledger", "none.ledger")
    assert (done.returncode, len(simulator.truth)) == (0, 6), done.stderr
    second.unlink()
    done = await process("send", listed(voters.with_name("half.csv"), 8, first=4), *SEND)
    assert "has texted 3 people of these" in done.stderr
    assert (done.returncode, len(simulator.truth)) == (0, 14)
    third = voters.with_name("third.csv")
    third.write_bytes(voters.read_bytes())
    done = await process("send", third, *SEND, "--again")
    assert (done.returncode, len(simulator.truth)) == (0, 20)


@pytest.mark.parametrize("how", ["another project", "another account", "damaged", "not sent"])
async def test_a_neighbour_of_another_run_is_none(process: Process, simulator: Simulator, voters: Path, how: str) -> None:
    """Somebody could not send a list because of a ledger that has nothing to do with it."""
    simulator.add_project(126)
    project = "126" if how == "another project" else "125"
    other = ["--action", project, "--text", TEXT, "--yes"]
    if how == "not sent":
        other[-1:] = ["--ledger", str(voters.with_name("never.ledger"))]
    if how == "another account":
        simulator.change(api_key="OTHER:SECRET")
    done = await process("send", voters, *other, env=KEYS if how == "another account" else None)
    assert done.returncode == (2 if how == "not sent" else 0), done.stderr
    simulator.change(api_key="KEY:SECRET")
    if how == "damaged":
        ledger = voters.with_name("voters-125.ledger")
        ledger.write_bytes(ledger.read_bytes()[:5000] + b"x" * 3000)
    second = voters.with_name("second.csv")
    second.write_bytes(voters.read_bytes())
    before = len(simulator.truth)
    done = await process("send", second, *SEND)
    assert (done.returncode, len(simulator.truth) - before) == (0, 6), done.stderr


async def test_what_was_refused_is_not_resumed_either(process: Process, simulator: Simulator, voters: Path) -> None:
    """The refused list is in a ledger of its own by then: to resume that would text everybody a second time."""
    assert (await process("send", voters, *SEND)).returncode == 0
    second = voters.with_name("second.csv")
    second.write_bytes(voters.read_bytes())
    assert (await process("send", second, *SEND)).returncode == 2
    done = await process("resume", "second-125.ledger", "--yes")
    assert (done.returncode, len(simulator.truth)) == (2, 6), done.stderr
    assert "--again" in done.stderr
    done = await process("resume", "second-125.ledger", "--yes", "--again", "--limit", "2")
    assert (done.returncode, len(simulator.truth)) == (0, 8), done.stderr
    done = await process("resume", "second-125.ledger", "--yes")
    assert (done.returncode, len(simulator.truth)) == (0, 12), "what was begun is gone on with"


async def test_lines_of_one_account_are_neighbours(process: Process, simulator: Simulator, voters: Path) -> None:
    """Sendblue has no projects: whoever adds a line texts everybody a second time, without a word."""
    assert (await process("send", voters, *LINES)).returncode == 0
    second = voters.with_name("second.csv")
    second.write_bytes(voters.read_bytes())
    done = await process("send", second, *LINES, "--from", "+12025550198")
    assert (done.returncode, len(simulator.truth)) == (2, 6), done.stderr
    assert "has texted 6 people" in done.stderr


async def test_a_list_that_is_being_texted_is_told(process: Process, server: Server, simulator: Simulator, voters: Path) -> None:
    """Two people at two desks begin with the same list: as long as no text of the one is noted, the other hears nothing."""
    async with (
        RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup,
        rumbleup.fast_mode(action=125, text=TEXT, ledger=voters.with_name("one.ledger")) as run,
    ):
        await run.load(voters)
        second = voters.with_name("second.csv")
        second.write_bytes(voters.read_bytes())
        done = await process("send", second, *SEND)
        assert done.returncode == 2, done.stderr
        assert "is under way" in done.stderr
        assert (await run.send()).sent == 6
    assert len(simulator.truth) == 6


async def test_another_text_names_the_way_to_leave_them_out(process: Process, simulator: Simulator, voters: Path) -> None:
    """After a pilot the text is mended: whoever obeys "use a new ledger" texts the people of the pilot again."""
    assert (await process("send", voters, *SEND, "--limit", "2")).returncode == 0
    mended = ("--action", "125", "--text", f"{TEXT}!", "--yes")
    done = await process("send", voters, *mended)
    assert done.returncode == 2
    words = shlex.split(done.stderr.partition("add: ")[2])
    assert [words[0], words[2]] == ["--suppress", "--ledger"]
    done = await process("send", voters, *mended, *words)
    assert done.returncode == 0, done.stderr
    assert len(simulator.truth) == len({text.phone for text in simulator.truth}) == 6


async def test_the_second_day_s_list_from_a_pipe(process: Process, simulator: Simulator, voters: Path) -> None:
    """ "Resume it instead" is wrong for a new list, and the old list again is no new one."""
    for number, (first, code, texts) in enumerate([(1, 0, 6), (1, 0, 6), (40, 2, 6)]):
        with listed(voters.with_name(f"{number}.csv"), first=first).open() as stdin:
            done = await process("send", "-", *SEND, "--limit", "9", stdin=stdin)
        assert (done.returncode, len(simulator.truth)) == (code, texts), done.stderr
    words = shlex.split(done.stderr.partition("add: ")[2])
    with (voters.with_name("2.csv")).open() as stdin:
        done = await process("send", "-", *SEND, *words, stdin=stdin)
    assert (done.returncode, len(simulator.truth)) == (0, 12), done.stderr


@pytest.mark.parametrize("how", ["substituted", "device", "named pipe"])
async def test_a_list_that_is_no_file(process: Process, simulator: Simulator, voters: Path, how: str) -> None:
    """`<(zcat list.gz)` passes the dry run and then wants to keep its books in /dev."""
    folder = voters.parent
    read, write = os.pipe()
    os.write(write, voters.read_bytes())
    os.close(write)
    source = {"substituted": f"/dev/fd/{read}", "device": "/dev/stdin"}.get(how, str(folder / "pipe"))
    if how == "named pipe":
        os.mkfifo(folder / "pipe")
        filling = subprocess.Popen([sys.executable, "-c", f"open({source!r}, 'wb').write(open({str(voters)!r}, 'rb').read())"])
    given = {"pass_fds": [read]} if how == "substituted" else {"stdin": read} if how == "device" else {}
    done = await process("send", source, *SEND, **given)
    os.close(read)
    if how == "named pipe":
        assert filling.wait() == 0
    assert (done.returncode, len(simulator.truth)) == (0, 6), done.stderr
    assert (folder / "stdin-125.ledger").is_file()


async def test_status_of_a_run_under_way(process: Process, server: Server, simulator: Simulator, tmp_path: Path) -> None:
    """Whoever watches would read of unknown texts that are only under way, of no seconds, and of four times the true rate."""
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    phones = [f"202{320 + n // 10_000}{n % 10_000:04d}" for n in range(4000)]
    (folder / "voters.csv").write_text("phone\n" + "\n".join(phones))
    simulator.change(latency=0.05)
    command = [sys.executable, "-m", "rumbleup_async"]
    env = {"PATH": os.environ["PATH"], "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url}
    elapsed, unknown = 0.0, 0
    for words in (("send", "voters.csv", *SEND, "--rate", "100", "--concurrency", "8"), ("resume", "voters-125.ledger", "--yes")):
        before = len(simulator.truth)
        running = await asyncio.create_subprocess_exec(*command, *words, cwd=folder, env=env, stderr=subprocess.DEVNULL)
        while len(simulator.truth) < before + 250:
            await asyncio.sleep(0.01)
        seen = json.loads((await process("status", "voters-125.ledger", "--json")).stdout)
        assert seen["running"] is True
        parts = ("sent", "refused", "skipped", "not_sent", "unknown", "in_flight")
        assert seen["total"] == sum(seen[part] for part in parts) == 4000
        assert seen["unknown"] <= unknown
        assert seen["sent"] >= before + 30  # what it shows is up to a second old, which is a hundred texts
        assert seen["elapsed_seconds"] > elapsed
        assert seen["texts_per_second"] == pytest.approx(seen["sent"] / seen["elapsed_seconds"], rel=0.02)
        assert seen["texts_per_second"] < 120
        running.send_signal(signal.SIGKILL)
        await running.wait()
        seen = json.loads((await process("status", "voters-125.ledger", "--json")).stdout)
        assert (seen["running"], seen["in_flight"]) == (False, 0)
        assert seen["stopped"].startswith("died")
        assert 0.3 < seen["elapsed_seconds"] - elapsed < 60
        elapsed, unknown = seen["elapsed_seconds"], seen["unknown"]


async def test_an_address_is_refused_as_a_ledger(process: Process, simulator: Simulator, voters: Path) -> None:
    """A folder of that name would be asked for, or the password in it be shown."""
    for words in (("send", voters, *SEND, "--ledger"), ("resume",), ("status",), ("report",), ("reconcile",)):
        for scheme, says in (("mysql", "a ledger is a file"), ("postgresql", "a password does not belong in an address")):
            done = await process(*words, f"{scheme}://ada:hunter2@db/campaigns?run=friday")
            assert done.returncode == 2
            assert "hunter2" not in done.stderr
            assert says in " ".join(done.stderr.split())
    assert not simulator.truth


async def test_a_dry_run_that_is_killed_leaves_nothing(server: Server, tmp_path: Path) -> None:
    """The phones and texts of the list would stay in the temporary folder, for whoever looks there."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(scratch), "SQLITE_TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "rumbleup_async", "send", "-", "--action", "125", "--text", TEXT, "--dry-run"]
    running = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert running.stdin is not None
    running.stdin.write(b"phone\n" + b"".join(b"202%07d\n" % (3_200_000 + n) for n in range(200_000)))
    await running.stdin.drain()  # most of it has been read, and the rest is waited for
    running.kill()
    await running.wait()
    assert list(scratch.rglob("*")) == []
    done = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=env, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    _, said = await done.communicate(b"phone\n2025550101\n")
    assert (done.returncode, list(scratch.rglob("*")), list(tmp_path.glob("*.ledger"))) == (0, [], [])
    assert b"1  to be texted" in said
