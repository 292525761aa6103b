"""Bulk sending inside a FastAPI service: several runs side by side over one client, and a clean shutdown.

pip install fastapi uvicorn
RUMBLEUP_API_KEY=KEY:SECRET LEDGERS=ledgers uvicorn --app-dir examples fastapi_service:app

It texts for real. To try it out: `rumbleup simulate` in another terminal, RUMBLEUP_BASE_URL=http://127.0.0.1:8025/api here.

    curl -X POST localhost:8000/runs/friday -H 'content-type: application/json' \\
        -d '{"action": 125, "text": "Hi {name}. STOP to opt out", "contacts": [{"phone": "2025550101", "name": "Ada"}]}'
    curl localhost:8000/runs
    curl -X DELETE localhost:8000/runs/friday

This file is examples/fastapi_service.py. A stop of the server lets nothing more leave, waits for what is in flight and closes
the ledgers. The same POST again goes on. Run one worker: a ledger belongs to one process.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from fastapi import Path as FromPath
from pydantic import BaseModel

from rumbleup_async import RumbleUp, RumbleUpError, Run, Summary


class Campaign(BaseModel):
    """What a POST brings."""

    action: int
    text: str
    contacts: list[dict[str, str]]


class Campaigns:
    """The runs of this service, by name."""

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("LEDGERS", "ledgers"))
        self.client: RumbleUp
        self.runs: dict[str, Run] = {}
        self.done: dict[str, Summary] = {}
        self.failed: dict[str, str] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def work(self, name: str, campaign: Campaign) -> None:
        ledger = self.folder / f"{name}.ledger"
        try:
            async with self.client.fast_mode(
                action=campaign.action, text=campaign.text, ledger=ledger, rate=50, concurrency=16
            ) as run:
                self.runs[name] = run
                self.done[name] = await run.send(campaign.contacts)
        except RumbleUpError as error:
            self.failed[name] = str(error)
            print(f"{name}: {error}", file=sys.stderr)
        finally:
            self.runs.pop(name, None)


campaigns = Campaigns()
Name = Annotated[str, FromPath(pattern=r"^\w+$")]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    campaigns.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with RumbleUp.from_env() as campaigns.client:
        yield
        for run in campaigns.runs.values():
            run.stop("shutdown")
        await asyncio.gather(*campaigns.tasks.values(), return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.post("/runs/{name}", status_code=202)
async def start(name: Name, campaign: Campaign) -> dict[str, str]:
    if name in campaigns.tasks and not campaigns.tasks[name].done():
        raise HTTPException(409, "it is under way")
    campaigns.failed.pop(name, None)
    campaigns.tasks[name] = asyncio.create_task(campaigns.work(name, campaign))
    return {"started": name}


@app.get("/runs")
async def show() -> dict[str, Any]:
    under_way = {name: {**run.summary.as_dict(), "under_way": True} for name, run in campaigns.runs.items()}
    failed = {name: {"error": words} for name, words in campaigns.failed.items()}
    return {**{name: summary.as_dict() for name, summary in campaigns.done.items()}, **failed, **under_way}


@app.delete("/runs/{name}", status_code=202)
async def stop(name: Name) -> dict[str, str]:
    if name not in campaigns.runs:
        raise HTTPException(404, "no such run is under way")
    campaigns.runs[name].stop("asked for")
    return {"stopping": name}
