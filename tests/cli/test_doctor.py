"""`rumbleup doctor` says in plain words what is wrong, and never shows the key."""

import datetime as dt
import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rumbleup_async.cli import doctor
from rumbleup_async.people import Book, Pull
from rumbleup_async.rules import zones
from rumbleup_async.session.exchange import Response
from rumbleup_async.simulator import Server

from .conftest import Rumbleup


async def test_all_is_well(command: Rumbleup) -> None:
    """A good set-up would look like a bad one."""
    done = await command("doctor")
    assert done.exit_code == 0
    assert "all is well" in done.stderr
    assert "WRONG" not in done.stdout
    found = json.loads((await command("doctor", "--json")).stdout)
    assert found["fine"] is True
    assert {check["check"] for check in found["checks"]} >= {"key", "address", "connection", "account", "time zones"}


async def test_how_old_the_data_of_time_zones_is(command: Rumbleup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of Canada would be texted an hour early all winter, and nobody would know why."""
    year = int(zones.load().version[:4])
    the_year_after = dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC).timestamp()
    monkeypatch.setattr(doctor, "time", SimpleNamespace(time=lambda: the_year_after))
    assert re.search(r"ok +time zones: version 20\d\d[a-z]+, ", (await command("doctor")).stdout)
    monkeypatch.setattr(zones.load(), "version", "2019a")
    done = await command("doctor")
    assert done.exit_code == 0
    assert "time zones: warning: the time-zone data (version 2019a" in done.stdout
    assert "is more than a year old; update it: pip install -U tzdata" in done.stdout


@pytest.mark.parametrize(("environ", "code", "words"), [
    ({"RUMBLEUP_API_KEY": ""}, 2, "is not set"),
    ({"RUMBLEUP_API_KEY": "hunter2"}, 2, "pair KEY:SECRET"),
    ({"RUMBLEUP_API_KEY": "KEY:hunter2"}, 3, "refused (401)"),
    ({"RUMBLEUP_BASE_URL": "http://example.com/api"}, 2, "plain http"),
    ({"RUMBLEUP_BASE_URL": "https://KEY:hunter2@example.com/api"}, 2, "must not contain credentials"),
    ({"RUMBLEUP_BASE_URL": "http://127.0.0.1:1/api"}, 3, "no connection"),
])  # fmt: skip
async def test_what_is_wrong_is_said(
    command: Rumbleup, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], code: int, words: str
) -> None:
    """Somebody would search for hours for a missing half of a key."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = await command("doctor")
    assert done.exit_code == code
    assert words in done.stdout
    assert "hunter2" not in done.output
    assert "SECRET" not in done.output.replace("KEY:SECRET", "")


async def test_an_address_without_api_is_noticed(command: Rumbleup, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """The most likely slip in an address would show as a bare 404."""
    monkeypatch.setenv("RUMBLEUP_BASE_URL", server.origin)
    done = await command("doctor")
    assert done.exit_code == 3
    assert "/api" in done.stdout


@pytest.mark.parametrize(("status", "body", "words"), [
    (403, {"status": 403, "message": "Not enabled"}, "ask support"),
    (404, {}, "should end in /api"),
    (200, "<html>", "is not the API's"),
    (200, {}, "names no account"),
    (200, {"hello": "world"}, "names no account"),
    (200, {"status": 401, "message": "Invalid credentials"}, "is refused (401)"),
    (429, {}, "wait a little"),
    (503, {}, "try again later"),
    (418, {"message": "teapot"}, "teapot"),
    (200, {"cid": "c_demo1", "status": "Suspended"}, "is Suspended"),
    (200, {"cid": "c_demo1", "status": "Active", "balance": -1.5}, "-1.50 US dollars"),
])  # fmt: skip
async def test_every_answer_has_its_remedy(monkeypatch: pytest.MonkeyPatch, status: int, body: Any, words: str) -> None:
    """A status would be shown where a person needs a sentence."""

    async def answer(*_: object) -> Response:
        return Response(status, {}, body.encode() if isinstance(body, str) else json.dumps(body).encode())

    async def at_once(_: float) -> None: ...

    monkeypatch.setattr("rumbleup_async.session.client.AiohttpExchange.__call__", answer)
    monkeypatch.setattr("rumbleup_async.provider.retrying.sleep", at_once)
    findings = await doctor.examine({"RUMBLEUP_API_KEY": "KEY:SECRET"})
    wrong = [finding for finding in findings if not finding.fine]
    assert len(wrong) == 1
    assert words in wrong[0].says


async def test_a_proxy_of_the_environment_is_pointed_out(command: Rumbleup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a company's proxy curl works, this does not, and nothing says why."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:8080")
    done = await command("doctor")
    assert done.exit_code == 0
    assert "HTTPS_PROXY is set and not used; a proxy is given by --proxy" in done.stdout
    monkeypatch.setenv("RUMBLEUP_BASE_URL", "http://127.0.0.1:1/api")
    assert "--proxy" in (await command("doctor")).stdout.partition("no connection")[2]
    for other in (("account",), ("projects", "get", "125")):
        done = await command(*other)
        assert done.exit_code == 3
        assert "HTTPS_PROXY is set and not used" in done.stderr


async def test_the_command_goes_through_a_proxy(command: Rumbleup, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is behind one could send nothing."""
    # The simulator takes requests in the form in which a proxy gets them.
    monkeypatch.setenv("RUMBLEUP_BASE_URL", "http://127.0.0.1:1/api")
    done = await command("doctor", "--proxy", "http://127.0.0.1:1")
    assert "the proxy cannot be reached" in done.stdout
    done = await command("account", "--proxy", "http://ada:word@127.0.0.1:1")
    assert done.exit_code == 2
    assert "RUMBLEUP_PROXY_AUTH" in done.stderr
    done = await command("messages", "log", "--phone", "2025550101", "--http-proxy", "http://127.0.0.1:1")
    assert "the proxy cannot be reached" in done.stderr


async def test_a_key_in_quotes_is_told(command: Rumbleup, monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker --env-file` keeps the quotes, and the key seemed to be mistyped, deleted or another's."""
    monkeypatch.setenv("RUMBLEUP_API_KEY", '"KEY:SECRET"')
    done = await command("doctor")
    assert done.exit_code == 2
    assert "begins with a quote" in done.stdout
    assert "SECRET" not in done.output


async def test_a_book_that_no_run_could_use_is_found(command: Rumbleup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its key is another one, and that comes out when the campaign is to begin."""
    monkeypatch.setenv("RUMBLEUP_BOOK", str(tmp_path / "b"))
    assert "none yet; the first run makes it" in (await command("doctor")).stdout
    monkeypatch.setenv("RUMBLEUP_BOOK_KEY", "a key of sixteen or more")
    book = Book(tmp_path / "b", key="a key of sixteen or more")
    book.open_now()
    book.add_opt_outs_now([], Pull("rumbleup dnd", int(time.time()) - 7200))
    book.close_now()
    assert f"book of people: {tmp_path / 'b'}; opt-outs last read 2 h 0 min ago" in (await command("doctor")).stdout
    monkeypatch.delenv("RUMBLEUP_BOOK_KEY")
    done = await command("doctor")
    assert done.exit_code == 2
    assert "WRONG  book of people" in done.stdout
    assert "set RUMBLEUP_BOOK_KEY" in done.stdout
