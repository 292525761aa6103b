"""Starting, stopping and the command line's way of serving; what the folder may import; the truth's memory."""

import ast
import asyncio
import gc
import pkgutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

import rumbleup_async.simulator
from rumbleup_async.simulator import ROUTES, Server, Simulator, Texts, run, serve

from .callers import Caller, Start

FOLDER = Path(rumbleup_async.simulator.__file__).parent

PROGRAM = """
from rumbleup_async.simulator import Simulator, run
run(Simulator(), on_ready=lambda server: print(server.admin_url, flush=True))
print("ended")
"""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", ""])
async def test_only_loopback(host: str) -> None:
    """A server that knows phones and has no guard would be open to the network."""
    with pytest.raises(ValueError, match="loopback"):
        async with serve(Simulator(), host=host):
            pass
    with pytest.raises(ValueError, match="loopback"):
        run(Simulator(), host=host)


async def test_addresses() -> None:
    """Callers would be sent to an address where nothing listens."""
    async with serve(Simulator()) as server:
        assert server.url == f"http://127.0.0.1:{server.port}/api"
        assert server.admin_url == f"http://127.0.0.1:{server.port}/_simulator"
        async with Caller(server) as caller:
            assert (await caller.send())[0] == 200
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


async def test_the_old_name_of_the_admin_url() -> None:
    """Somebody's tests would break without a word on what the address is called now."""
    async with serve(Simulator()) as server:
        with pytest.warns(DeprecationWarning, match=r"Server\.admin_url"):
            assert server.side_url == server.admin_url


async def test_the_port_can_be_chosen_and_taken_again() -> None:
    """A restart of the provider in the middle of a run could not be played."""
    simulator = Simulator()
    async with serve(simulator) as server:
        port = server.port
    async with serve(simulator, port) as server, Caller(server) as caller:
        assert server.port == port
        assert (await caller.send())[0] == 200


async def test_stopping_does_not_wait_for_hung_requests(start: Start) -> None:
    """Each test of a hang would last as long as its time limit."""
    async with start(latency=0.01) as caller:
        caller.simulator.fault("2025550101", "hang-after")
        hung = asyncio.create_task(caller.send())
        while not caller.simulator.truth:
            await asyncio.sleep(0.005)
        idle = await asyncio.open_connection(caller.server.host, caller.server.port)
    idle[1].close()
    with pytest.raises(Exception, match=r"[Cc]losed|[Dd]isconnected"):
        await hung


async def test_large_and_slow_bodies(caller: Caller) -> None:
    """A body that comes in more than one piece would be read in part."""
    long = "STOP " * 60_000
    assert (await caller.send(text=long))[0] == 200
    assert caller.simulator.truth[0].text == long
    _, reply = await caller.call("message/send", data=b" " * 10 + b'{"phone":1}', headers={"Expect": "100-continue"})
    assert reply["code"] == "FIELD"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_ends_on_a_signal(number: signal.Signals) -> None:
    """`rumbleup simulate` would end with a traceback, or not at all."""
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, urllib.request.urlopen(process.stdout.readline().strip() + "/summary") as reply:
        assert reply.status == 200
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stdout.read() == "ended\n"


def test_run_in_a_thread() -> None:
    """A program could not hold a simulator beside its own event loop."""
    ready = threading.Event()
    servers: list[Server] = []

    def on_ready(server: Server) -> None:
        servers.append(server)
        ready.set()

    thread = threading.Thread(target=run, args=(Simulator(),), kwargs={"on_ready": on_ready})
    thread.start()
    assert ready.wait(20)
    with urllib.request.urlopen(servers[0].admin_url + "/summary") as reply:
        assert reply.status == 200
    servers[0].stop()
    thread.join(20)
    assert not thread.is_alive()


def test_nothing_of_the_client_is_imported_in_the_text() -> None:
    """One misreading of the API could pass on both sides."""
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, path
                assert node.level == 1 or _is_allowed(node.module or ""), path
            elif isinstance(node, ast.Import):
                assert all(_is_allowed(name.name) for name in node.names), path


def _is_allowed(module: str) -> bool:
    return not module.startswith("rumbleup_async") or f"{module}.".startswith("rumbleup_async.simulator.")


def test_nothing_of_the_client_is_loaded() -> None:
    """The same, in a fresh interpreter; the front door is left out, as it may re-export whatever it likes."""
    found = pkgutil.walk_packages(rumbleup_async.simulator.__path__, "rumbleup_async.simulator.")
    modules = ["rumbleup_async.simulator", *sorted(module.name for module in found)]
    assert len(modules) > 40
    program = f"""
import importlib, sys, types
top = types.ModuleType("rumbleup_async")
top.__path__ = [{str(FOLDER.parent)!r}]
sys.modules["rumbleup_async"] = top
for name in {modules!r}:
    importlib.import_module(name)
print(sorted(name for name in sys.modules
             if name.startswith("rumbleup_async.") and not (name + ".").startswith("rumbleup_async.simulator.")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_front_door_lists_what_it_exports() -> None:
    """A name would be documented and missing, or there and undocumented."""
    names = rumbleup_async.simulator.__all__
    assert names == sorted(names)
    assert all(hasattr(rumbleup_async.simulator, name) for name in names)


def test_the_truth_is_a_sequence() -> None:
    """A test that looks at the last text or a part of the truth would look at others."""
    texts = Texts(seed=1)
    for n in range(5):
        texts.append(phone=f"202555010{n}", action="125", text=f"text {n}", flags=("a",), group="26", time=n)
    assert [text.text for text in texts] == [f"text {n}" for n in range(5)]
    assert texts[-1].phone == "2025550104"
    assert [text.time for text in texts[1:3]] == [1.0, 2.0]
    assert texts.position(texts[3].logid) == 3
    assert texts.position("rl_" + "0" * 32) is None
    with pytest.raises(IndexError):
        texts[5]


def test_the_truth_is_small() -> None:
    """A run of a million texts would not fit beside its sender on a small machine."""
    import tracemalloc

    gc.collect()
    tracemalloc.start()
    texts = Texts(keep_texts=False)
    for n in range(20_000):
        texts.append(phone=f"202{n:07}", action="125", text=f"text {n}", flags=("a",), group="26", time=n)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 20_000 < 400


async def test_every_route_is_served(caller: Caller) -> None:
    """A row of the table would promise what the server does not have, or a path be served that no row names."""
    for route in ROUTES:
        path = route.path.removeprefix("/api/").replace("{id}", "999")
        for method in ("GET", "POST"):
            status, _ = await caller.call(path, key=None, method=method)
            assert status == (401 if method in route.methods else 405), route
        assert route.sentence.endswith(".")
    assert len({route.path for route in ROUTES}) == len(ROUTES)
