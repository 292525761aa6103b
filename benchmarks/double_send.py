"""One logical send to a provider that takes the text and then hangs, closes the connection or answers 502: how many are taken?

The other clients live in a virtual environment of their own, `.bench/venv`; see `peers_env`. Everything goes to
loopback; see `others`.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks import peers_env
from benchmarks.others import CLIENTS, LINE, NUMBER, PATIENCE, TEXT
from benchmarks.results import Measured
from rumbleup_async import RumbleUp, RumbleUpError, Sendblue, Timeouts
from rumbleup_async.loopback import is_loopback

WAYS = ("hangs", "closes", "answers 502")
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


class Provider:
    """Takes every request whole, as a text, and then does not answer as it should."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                await reader.readexactly(int(lengths[0]) if lengths else 0)
                self.taken += 1
                if self.way == "hangs":
                    await reader.read()
                    break
                if self.way == "closes":
                    break
                writer.write(_BAD_GATEWAY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its address on loopback."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


async def _other(python: str, name: str, url: str) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(
        python, str(Path(__file__).with_name("others.py")), name, url, stdout=asyncio.subprocess.PIPE, env={}
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    said = json.loads(out)
    return said["told"], said["version"]


async def _ours(name: str, url: str) -> tuple[str, str]:
    """What the caller of our clients is told."""
    patience = Timeouts(read=PATIENCE)
    assert is_loopback(url.split("/")[2].partition(":")[0])
    try:
        if name == "rumbleup_async, Sendblue":
            async with Sendblue("KEY", "SECRET", base_url=url, timeouts=patience) as sendblue:
                await sendblue.messages.send(number=NUMBER, from_number=LINE, content=TEXT)
        else:
            async with RumbleUp("KEY:SECRET", base_url=url, timeouts=patience) as rumbleup:
                await rumbleup.messages.send(phone=NUMBER, action=125, text=TEXT)
    except RumbleUpError as error:
        return type(error).__name__, ""
    return "success", ""


OURS = ("rumbleup_async, Sendblue", "rumbleup_async, RumbleUp")


async def measure(python: str | None) -> list[list[str]]:
    """A row for each client: its name, then for each way the texts taken and what the caller is told."""
    rows = []
    for name in [*(CLIENTS if python is not None else ()), *OURS]:
        cells, version = [], ""
        for way in WAYS:
            provider = Provider(way)
            async with provider.listening() as url:
                told, version = await (_ours(name, url) if name in OURS or python is None else _other(python, name, url))
            cells.append(f"**{provider.taken}**, {told}")
        rows.append([f"{name} {version}".strip(), *cells])
    return rows


def main(*, quick: bool = False) -> Measured:
    """The table. `quick`: ours alone, since the others take their time."""
    notes = []
    if not quick and (trouble := peers_env.prepare()):
        notes.append(trouble)
    python = None if quick else peers_env.python()
    if python is None:
        notes.append(f"{'left out' if quick else 'not installed'}: {', '.join(CLIENTS)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = asyncio.run(measure(python))
    notes.append("texts that the provider took for one call, and what the caller is told, when it takes the text and then ...")
    lines = [f"| client | {' | '.join(WAYS)} |", "| --- " * (len(WAYS) + 1) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return Measured(notes=notes, lines=lines)
