"""The live page inside a service of one's own that speaks ASGI, here one without a framework, served by uvicorn.

STEER_KEY=long-and-secret python examples/watch_asgi.py ledgers/ 8080

    http://127.0.0.1:8080/texts/                          looks
    http://127.0.0.1:8080/texts/#key=long-and-secret      pauses, continues and stops, too

In Starlette and FastAPI it is one line: app.mount("/texts", page.asgi()). Who may open the service at all stays its own matter.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import uvicorn

from rumbleup_async.observe import Keys, Page


class Service:
    """Serves the page under /texts, and a word of its own elsewhere."""

    def __init__(self, ledgers: list[str], keys: Keys) -> None:
        self.page = Page(ledgers, keys)
        self.watch = self.page.asgi()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.watch(scope, receive, send)  # lets go of the ledgers at the end
        elif scope["type"] == "http" and re.match(r"/texts(/|$)", scope["path"]):
            await self.watch({**scope, "root_path": "/texts"}, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"see /texts/\n"})


if __name__ == "__main__":
    if len(sys.argv) != 3 or not re.fullmatch(r"\d+", sys.argv[2]):
        sys.exit(__doc__)
    service = Service([sys.argv[1]], Keys(steer=os.environ.get("STEER_KEY", "")))
    uvicorn.run(service, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
