"""Every block of Python in the docs and in the reference, run as it stands, against the simulator; test_docs.py has those that
need no server."""

import ast
import asyncio
import functools
import importlib.util
import inspect
import re
import textwrap
import types
from pathlib import Path
from typing import Any

import prometheus_client
import pytest

import rumbleup_async
from rumbleup_async import RumbleUp, Sendblue, session, webhooks
from rumbleup_async.rumbleup.webhooks import MessageReceived
from rumbleup_async.simulator import Server, Simulator
from tests import site
from tests.test_docs import RUNNABLE, snippets

TEXT = "Hi {first_name}. STOP to opt out"
GIVEN = {"user": "user", "password": "password"}
"""What a page says is the reader's own."""


@pytest.fixture
async def _place(server: Server, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "RUMBLEUP_API_KEY": "KEY:SECRET",
        "RUMBLEUP_BASE_URL": server.url,
        "SENDBLUE_API_KEY": "KEY",
        "SENDBLUE_API_SECRET": "SECRET",
        "SENDBLUE_BASE_URL": server.origin,
    }.items():
        monkeypatch.setenv(name, value)
    Path("voters.csv").write_text("first_name,phone\nAda,2025550101\nGrace,2025550102\n")
    Path("ledgers").mkdir()
    simulator.add_contacts("125", [{"phone": "2025550103", "first_name": "Alan", "language": "es"}])
    async with RumbleUp.from_env() as rumbleup, rumbleup.fast_mode(action=125, text=TEXT, ledger="voters-125.ledger") as run:
        await run.send([{"phone": "2025550104", "first_name": "Edsger"}])


@pytest.mark.usefixtures("_place")
@pytest.mark.parametrize("code", [param for param in snippets() if param not in RUNNABLE])
async def test_every_block_runs(code: str) -> None:
    """Somebody would paste it and meet an error before anything of their own is in it."""
    mounted: list[Any] = []
    page = types.SimpleNamespace(asgi=lambda: "an application")
    app = types.SimpleNamespace(mount=lambda *arguments: mounted.append(arguments))
    names: dict[str, Any] = {"__name__": "snippet", "page": page, "app": app, **GIVEN}
    # In a thread, for most of them run a loop of their own.
    await asyncio.to_thread(lambda: exec(compile(code, "snippet", "exec"), names))
    if "REGISTRY.register(metrics)" in code:
        prometheus_client.REGISTRY.unregister(names["metrics"])
    assert bool(mounted) is ("app.mount(" in code)


@pytest.mark.usefixtures("_place")
async def test_the_block_of_the_readme_texts_whom_it_says(simulator: Simulator) -> None:
    """The first program that people run would text nobody, or somebody twice."""
    (code,) = [param.values[0] for param in snippets() if param.id == "README.md-0"]
    await asyncio.to_thread(lambda: exec(compile(str(code), "snippet", "exec"), {"__name__": "snippet"}))
    assert sorted(simulator.truth.phones) == ["2025550101", "2025550102", "2025550103", "2025550104"]


def of_the_reference() -> list[Any]:
    """The examples in docstrings, as docs/conf.py marks them for the site."""
    spec = importlib.util.spec_from_file_location("conf", site.DOCS / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    found: dict[str, str] = {}
    for name, value in site.public().items():
        inside = site.members(value) if isinstance(value, type) else []
        for path, one in [(name, value), *((f"{name}.{member}", getattr(value, member, None)) for member in inside)]:
            if doc := inspect.getdoc(one):
                conf.docstring(None, "", path, one, None, lines := doc.splitlines())
                for code in re.findall(r"^::\n\n((?:    .*\n|\n)+)", "\n".join(lines), re.MULTILINE):
                    found.setdefault(textwrap.dedent(code), path.removeprefix("rumbleup_async."))
    return [pytest.param(code, id=path) for code, path in found.items()]


ARGUMENTS = {
    "fast_mode(...": f"fast_mode(action=125, text={TEXT!r}",
    "messages.send(...": "messages.send(phone='2025550101', action=125, text='Hi Ada. STOP to opt out'",
    'api_key="...", api_secret="..."': 'api_key="KEY", api_secret="SECRET"',
}
"""What stands in an example for arguments of the reader's own."""


@pytest.mark.usefixtures("_place")
@pytest.mark.parametrize("code", of_the_reference())
async def test_every_example_of_the_reference_runs(code: str, server: Server) -> None:
    """Whoever takes it from an editor or from the site would meet a name that is no longer there."""
    here = functools.partial(RumbleUp, base_url=server.url)
    names: dict[str, Any] = vars(rumbleup_async) | vars(session) | vars(webhooks) | GIVEN
    names |= {name: getattr(rumbleup_async, name) for name in rumbleup_async.__all__} | {"MessageReceived": MessageReceived}
    names |= {"RumbleUp": here, "Sendblue": functools.partial(Sendblue, base_url=server.origin), "text": TEXT}
    names |= {"contacts": [{"phone": "2025550101", "first_name": "Ada"}], "opted_out": {"2025550102"}}
    for short, whole in ARGUMENTS.items():
        code = code.replace(short, whole)
    async with here("KEY:SECRET") as client, names["Sendblue"]("KEY", "SECRET") as sendblue:
        names |= {"client": client, "sendblue": sendblue} | ({} if "rumbleup.webhooks" in code else {"rumbleup": client})
        waiting = eval(compile(code, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(waiting):
            await waiting
