"""Reads the sample files: what a method is called with, the request it makes, the reply it gets, and what it makes of it.

A file holds `cases`. `arguments`: `{"$time": iso}` stands for a datetime, `{"$file": text}` for the bytes of a file. `request`:
method, path, and `query`, `json` or `parts`, of the first request; null if none leaves. `reply`: status, headers, and `json` or
`text`, or a list of such. `result`: attributes and their values (times as their raw text or as `{"$at": iso, "raw": text}`,
decimals as text), a list of these, `{"error": class, ...}`, `{"bytes": text}`, or plain text.
"""

import datetime as dt
import json
from collections.abc import AsyncIterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from rumbleup_async import RumbleUp, RumbleUpError
from rumbleup_async.provider.models import Model
from rumbleup_async.provider.times import Moment
from rumbleup_async.session.exchange import Request, Response, Upload
from rumbleup_async.session.scripted import ScriptedExchange

FOLDER = Path(__file__).parent.parent / "samples" / "rumbleup"
Case = dict[str, Any]


def load(name: str) -> list[Case]:
    """The cases of one sample file."""
    cases: list[Case] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return cases


def every(folder: str = "") -> list[tuple[str, Case]]:
    """Every case of the sample files of the endpoints, or of another folder, with a name for it."""
    paths = sorted((FOLDER / folder).glob("*.json"))
    return [(f"{path.stem}: {case['name']}", case) for path in paths for case in load(f"{folder}/{path.stem}".lstrip("/"))]


def response(reply: dict[str, Any]) -> Response:
    """The reply of a case as it comes over the wire."""
    body = reply["text"] if "text" in reply else json.dumps(reply["json"])
    return Response(reply["status"], reply.get("headers", {}), body.encode())


def arguments(case: Case) -> dict[str, Any]:
    """The arguments of a case's call."""
    return {name: _argument(value) for name, value in case["arguments"].items()}


def _argument(value: Any) -> Any:
    if isinstance(value, dict) and "$time" in value:
        return dt.datetime.fromisoformat(value["$time"])
    if isinstance(value, dict) and "$file" in value:
        return value["$file"].encode()
    return value


def seen(request: Request) -> dict[str, Any]:
    """A request as the sample files write it."""
    shown: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.parts:
        return {**shown, "parts": {part.name: _part(part.value) for part in request.parts}}
    if request.method == "POST":
        assert not request.query
        return {**shown, "json": json.loads(request.body)}
    assert not request.body
    return {**shown, "query": dict(parse_qsl(request.query, strict_parsing=True)) if request.query else {}}


def _part(value: str | Upload) -> Any:
    if isinstance(value, str):
        return value
    assert isinstance(value.source, bytes)
    return {"$file": value.source.decode()}


async def call(client: RumbleUp, case: Case) -> Any:
    """Make the call of a case and fetch its result, all pages of a list."""
    resource, method = case["call"].split(".")
    result = getattr(getattr(client, resource), method)(**arguments(case))
    return [row async for row in result] if isinstance(result, AsyncIterable) else await result


async def run(case: Case) -> tuple[list[Request], Any]:
    """The requests a case's call makes, and what it makes of the reply: a result or one of our errors."""
    replies = iter(case["reply"] if isinstance(case["reply"], list) else [case["reply"]] * 9)
    exchange = ScriptedExchange(lambda _: response(next(replies)))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        try:
            result = await call(client, case)
        except RumbleUpError as error:
            result = error
    return exchange.requests, result


def plain(value: Any, expected: Any) -> Any:
    """A result in the words of the sample files, as far as `expected` speaks of it."""
    if isinstance(value, Exception):
        return {name: type(value).__name__ if name == "error" else getattr(value, name) for name in expected}
    if isinstance(value, bytes):
        return {"bytes": value.decode()}
    if isinstance(value, Model) and isinstance(expected, dict):
        return {name: plain(getattr(value, name), one) for name, one in expected.items()}
    if isinstance(value, (list, tuple)) and isinstance(expected, list):
        return [plain(one, expected[index] if index < len(expected) else None) for index, one in enumerate(value)]
    if isinstance(value, Moment):
        at = None if value.at is None else value.at.isoformat()
        return {"$at": at, "raw": value.raw} if isinstance(expected, dict) else value.raw
    return str(value) if isinstance(value, Decimal) else value
