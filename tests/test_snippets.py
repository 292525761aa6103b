"""Every block of Python in the docs, run as it stands, against the simulator; test_docs.py has those that need no server."""

import asyncio
import types
from pathlib import Path
from typing import Any

import prometheus_client
import pytest

from rumbleup_async import RumbleUp
from rumbleup_async.simulator import Server, Simulator
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
