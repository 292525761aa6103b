"""What holds for every test: no keys, no proxies, no traffic but to this machine, and no error that only a log would show."""

import inspect
import ipaddress
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse
from hypothesis import settings

from rumbleup_async import RumbleUp
from rumbleup_async.simulator import Server, Simulator, serve
from tests import tiers
from tests.acceptance.shell import Shell
from tests.database import Database, shared

_HERE = Path(__file__).parent

_FOREIGN = ("RUMBLEUP_", "SENDBLUE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "WSS_PROXY")

for _name in list(os.environ):
    # At import, so that the processes which tests start do not inherit them either.
    if _name.upper().startswith(_FOREIGN):
        del os.environ[_name]

# Each run draws the same examples, as each plays the same worlds: what fails is what a change has broken. New ones are drawn with
# HYPOTHESIS=new. How long an example takes says nothing on a machine that is busy.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS", "same"))

# No test finds, or makes, the book of people of whoever runs the tests.
os.environ["XDG_DATA_HOME"] = "/nonexistent"

for _number in (signal.SIGINT, signal.SIGHUP):
    # Under `nohup`, or behind the `&` of a script, processes that tests start would ignore them as well. A handler of ours is
    # not inherited, and ignores it here.
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)


class _Response(ClientResponse):
    """aioresponses 0.7.9 builds responses without the argument that aiohttp has demanded since 3.14."""

    def __init__(self, *args: Any, **options: Any) -> None:
        class Writer:
            output_size = 0

        options.setdefault("stream_writer", Writer())
        super().__init__(*args, **options)


if "stream_writer" in inspect.signature(ClientResponse.__init__).parameters:
    vars(aioresponses.core)["ClientResponse"] = _Response


def _stays_here(family: int, address: Any) -> bool:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return True
    try:
        return ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
    except ValueError:
        return str(address[0]) == "localhost"


def pytest_configure(config: pytest.Config) -> None:
    for name, what in tiers.TIERS.items():
        config.addinivalue_line("markers", f"{name}: {what}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        assert isinstance(item, pytest.Function)
        item.add_marker(tiers.tier(item.path.relative_to(_HERE), item.fixturenames))


@pytest.fixture(autouse=True)
def only_loopback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that would reach out of this machine fails, even if the code under test swallows the error; and so does one of the
    unit tier that connects at all."""
    strays: list[str] = []
    is_unit = request.node.get_closest_marker("unit") is not None
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def watched(call: Any) -> Any:
        def calling(self: socket.socket, address: Any) -> Any:
            if not _stays_here(self.family, address):
                strays.append(f"connect to {address}")
                raise ConnectionRefusedError("tests talk to loopback only")
            if is_unit and self.family in {socket.AF_INET, socket.AF_INET6}:
                strays.append(f"connect to {address}: a test that does is none of the unit tier (tests/tiers.py)")
            return call(self, address)

        return calling

    def resolving(host: Any, *args: Any, **options: Any) -> Any:
        if host is not None and not _stays_here(socket.AF_INET, (host.decode() if isinstance(host, bytes) else host,)):
            strays.append(f"look-up of {host}")
            raise socket.gaierror(socket.EAI_NONAME, "tests look up loopback only")
        return getaddrinfo(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", watched(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", watched(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    yield
    assert strays == []


@pytest.fixture(autouse=True)
def nothing_unheard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio tells of lost exceptions and forgotten connections by logging only; here they fail the test."""
    yield
    unheard = [record for record in caplog.get_records("call") if record.name == "asyncio" and record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in unheard] == []


@pytest.fixture
def simulator() -> Simulator:
    """The provider's state, behaviour and truth."""
    return Simulator()


@pytest.fixture
async def server(simulator: Simulator) -> AsyncIterator[Server]:
    """The provider on a loopback port."""
    async with serve(simulator) as serving:
        yield serving


@pytest.fixture
async def rumbleup(server: Server) -> AsyncIterator[RumbleUp]:
    """A client of that server, with the right key."""
    async with RumbleUp("KEY:SECRET", base_url=server.url) as client:
        yield client


@pytest.fixture(scope="session")
def shell() -> Iterator[Shell]:
    """Commands in processes that are forked, which saves each of them the half second of an interpreter and its imports."""
    shell = Shell()
    yield shell
    shell.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A real PostgreSQL server, one for all processes of this run of the tests."""
    base = tmp_path_factory.getbasetemp()
    with shared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as database:
        yield database
