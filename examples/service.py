"""Bulk sending inside an aiohttp.web service: several runs side by side over one client, and a clean shutdown.

RUMBLEUP_API_KEY=KEY:SECRET python examples/service.py ledgers/ 8080

    curl -X POST localhost:8080/runs/friday -d '{"action": 125, "text": "Hi {name}. STOP to opt out", "contacts": [...]}'
    curl localhost:8080/runs
    curl -X DELETE localhost:8080/runs/friday
    http://localhost:8080/watch/                 the runs on a live page

SIGTERM lets nothing more leave, waits for what is in flight and closes the ledgers. The same POST again goes on.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from rumbleup_async import RumbleUp, RumbleUpError, Run, Summary
from rumbleup_async.observe import Page


class Campaigns:
    """The runs of this service, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client: RumbleUp
        self.runs: dict[str, Run] = {}
        self.done: dict[str, Summary] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def lifetime(self, _: web.Application) -> AsyncIterator[None]:
        async with RumbleUp.from_env() as client:
            self.client = client
            yield
            for run in self.runs.values():
                run.stop("shutdown")
            await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def start(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self.tasks and not self.tasks[name].done():
            raise web.HTTPConflict(text="it is under way\n")
        campaign = await request.json()
        if not {"action", "text", "contacts"} <= campaign.keys():
            raise web.HTTPBadRequest(text="action, text and contacts are needed\n")
        self.tasks[name] = asyncio.create_task(self.work(name, campaign))
        return web.json_response({"started": name}, status=202)

    async def work(self, name: str, campaign: dict[str, Any]) -> None:
        ledger = self.folder / f"{name}.ledger"
        try:
            async with self.client.fast_mode(
                action=campaign["action"], text=campaign["text"], ledger=ledger, rate=50, concurrency=16
            ) as run:
                self.runs[name] = run
                self.done[name] = await run.send(campaign["contacts"])
        except RumbleUpError as error:
            print(f"{name}: {error}", file=sys.stderr)
        finally:
            self.runs.pop(name, None)

    async def show(self, _: web.Request) -> web.Response:
        under_way = {name: {**run.summary.as_dict(), "under_way": True} for name, run in self.runs.items()}
        return web.json_response({**{name: summary.as_dict() for name, summary in self.done.items()}, **under_way})

    async def stop(self, request: web.Request) -> web.Response:
        run = self.runs.get(request.match_info["name"])
        if run is None:
            raise web.HTTPNotFound(text="no such run is under way\n")
        run.stop("asked for")
        return web.json_response({"stopping": request.match_info["name"]}, status=202)


def application(folder: Path) -> web.Application:
    campaigns = Campaigns(folder)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.cleanup_ctx.append(campaigns.lifetime)
    app.add_routes(
        [
            web.post(r"/runs/{name:\w+}", campaigns.start),
            web.delete(r"/runs/{name:\w+}", campaigns.stop),
            web.get("/runs", campaigns.show),
        ]
    )
    app.add_subapp("/watch", Page([folder]).application())  # without keys nobody steers there
    return app


if __name__ == "__main__":
    if len(sys.argv) != 3 or not re.fullmatch(r"\d+", sys.argv[2]):
        sys.exit(__doc__)
    web.run_app(application(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]))
