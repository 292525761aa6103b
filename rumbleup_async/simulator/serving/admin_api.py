"""The admin API: shows the truth and the counts and sets faults, for tests and demos in other processes.

It speaks JSON and takes no credentials. Like its server it is on loopback only.

    GET  /_simulator/truth      every text that left, one JSON object a line; ?fields=phone,time  ?start=N  ?count=N
    GET  /_simulator/summary    counts of texts, requests and faults; ?flag=TAG counts only texts with this tag
    GET  /_simulator/locks      the contacts that are locked now
    GET  /_simulator/settings   the settings, the fault rates and the fault kinds
    POST /_simulator/settings   {"latency": 0.05, ...}
    POST /_simulator/faults     {"rates": {"hang": 0.01}, "phones": {"2025550101": ["502-after", null]}}
    POST /_simulator/contacts   {"action": "125", "contacts": [{"phone": ...}], "tags": {"2025550101": ["dnd"]}}
    POST /_simulator/projects   {"action": "126", "live": true, "group": "26"}
    POST /_simulator/groups     {"gid": "26", "status": "Pending"}
    POST /_simulator/campaigns  {"campaign": "C1", "brand": "B1", "proxies": ["2025550190"], "cap": 1000}
    POST /_simulator/replies    {"phone": "2025550101", "text": "STOP"}
    POST /_simulator/receipts   {"phone": "2025550101", "outcome": "landline"}
    POST /_simulator/webhooks   {"url": "http://127.0.0.1:9/", "user": "u", "password": "p", "events": ["MESSAGE_RECEIVED"]}
    POST /_simulator/events     {"type": "PROXY_PROVISIONED", "data": {"proxy": "2025550197"}}
    GET  /_simulator/webhooks   the hooks, and counts of deliveries
    GET  /_simulator/quirks     every quirk with its meaning, and those that are on
    POST /_simulator/quirks     {"quirks": ["data-object", "staztus"]}: these on, all others off
    POST /_simulator/stall      and /_simulator/resume
    POST /_simulator/lines      {"number": "+12025550190", "blocked": true}: a Sendblue line
    POST /_simulator/reset      everything as when the simulator was started
"""

from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from rumbleup_async.simulator.trouble.faults import KINDS
from rumbleup_async.simulator.trouble.quirks import QUIRKS
from rumbleup_async.simulator.world.texts import Texts

from .simulator import Simulator

__all__ = ["PREFIX", "AdminApi"]

PREFIX = "/_simulator"

_FIELDS = ("phone", "action", "text", "flags", "logid", "time")
_LINES = 2000
"""Lines of the truth that are written at one time."""

_encode = msgspec.json.Encoder().encode


class AdminApi:
    """Answers requests whose path begins with PREFIX."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._get: dict[str, Callable[[dict[str, str]], Any]] = {
            "/summary": self._summary,
            "/locks": self._locks,
            "/settings": self._settings,
            "/quirks": lambda _: {"quirks": QUIRKS, "on": sorted(simulator.rumbleup.quirks.on)},
            "/webhooks": lambda _: simulator.webhooks.as_dict(),
        }
        self._post: dict[str, Callable[[dict[str, Any]], Any]] = {
            "/settings": lambda body: simulator.change(**body),
            "/faults": self._faults,
            "/contacts": self._contacts,
            "/projects": lambda body: simulator.add_project(**body),
            "/groups": lambda body: simulator.group(**body),
            "/campaigns": lambda body: simulator.add_campaign(**body),
            "/replies": lambda body: {"logid": simulator.reply(**body)},
            "/receipts": lambda body: simulator.receipt(**body),
            "/webhooks": lambda body: simulator.webhook(**body),
            "/events": lambda body: simulator.event(**body),
            "/quirks": lambda body: simulator.set_quirks(*body["quirks"]),
            "/lines": lambda body: simulator.block_line(**body),
            "/stall": lambda _: simulator.stall(),
            "/resume": lambda _: simulator.resume(),
            "/reset": lambda _: simulator.reset(),
        }

    async def answer(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        """Answer one request. 400 says what is wrong with it; an unknown path is 404."""
        path, _, query = request.raw_path.removeprefix(PREFIX).partition("?")
        try:
            asked = dict(parse_qsl(query))
            if request.method == "GET":
                if path == "/truth":
                    return await self._truth(request, asked)
                if path in self._get:
                    return _json(200, self._get[path](asked))
            elif request.method == "POST" and path in self._post:
                value = self._post[path](msgspec.json.decode(body, type=dict[str, Any]) if body else {})
                return _json(200, {"ok": True} if value is None else value)
        except (KeyError, TypeError, ValueError) as problem:
            return _json(400, {"status": 400, "message": f"{type(problem).__name__}: {problem}"})
        return _json(404, {"status": 404, "message": "Not found"})

    async def _truth(self, request: web.BaseRequest, asked: dict[str, str]) -> web.StreamResponse:
        texts = self._simulator.truth
        first, last = int(asked.get("start", 0)), len(texts)
        if "count" in asked:
            last = min(last, first + int(asked["count"]))
        names = asked["fields"].split(",") if "fields" in asked else list(_FIELDS)
        columns = [_column(texts, name) for name in names]
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for start in range(first, last, _LINES):
            lines = (
                _encode({name: column(place) for name, column in zip(names, columns, strict=True)})
                for place in range(start, min(start + _LINES, last))
            )
            await response.write(b"\n".join(lines) + b"\n")
        await response.write_eof()
        return response

    def _summary(self, asked: dict[str, str]) -> dict[str, Any]:
        texts = self._simulator.truth
        flag = asked.get("flag")
        places = range(len(texts)) if flag is None else [n for n, flags in enumerate(texts.flags) if flag in flags]
        phones = Counter(texts.phones[place] for place in places)
        per_action = Counter((texts.actions[place], texts.phones[place]) for place in places)
        per_run = Counter((texts.actions[place], texts.flags[place], texts.phones[place]) for place in places)
        times = [texts.times[place] for place in places]
        requests = self._simulator.requests
        return {
            "texts": len(places),
            "phones": len(phones),
            "duplicates": len({phone for (_, phone), n in per_action.items() if n > 1}),
            "duplicates_same_flags": len({phone for (_, _, phone), n in per_run.items() if n > 1}),
            "requests": requests.as_dict(),
            "faults": dict(requests.faults),
            "first_time": min(times, default=None),
            "last_time": max(times, default=None),
        }

    def _locks(self, _: dict[str, str]) -> dict[str, Any]:
        locks = self._simulator.world.locks()
        return {"locks": [{"action": action, "phone": phone, "expires": end} for action, phone, end in locks]}

    def _settings(self, _: dict[str, str]) -> dict[str, Any]:
        kinds = {name: {"endpoints": kind.endpoints, "left": kind.left, "is": kind.sentence} for name, kind in KINDS.items()}
        return {"settings": self._simulator.settings, "rates": self._simulator.faults.rates, "kinds": kinds}

    def _faults(self, body: dict[str, Any]) -> None:
        if "rates" in body:
            self._simulator.set_faults(body["rates"])
        for phone, kinds in body.get("phones", {}).items():
            self._simulator.fault(phone, kinds)

    def _contacts(self, body: dict[str, Any]) -> dict[str, int]:
        for phone, tags in body.get("tags", {}).items():
            self._simulator.tag(phone, *([tags] if isinstance(tags, str) else tags))
        contacts = body.get("contacts", [])
        return {"added": self._simulator.add_contacts(body["action"], contacts) if contacts else 0}


def _column(texts: Texts, name: str) -> Callable[[int], Any]:
    columns: dict[str, Callable[[int], Any]] = {
        "phone": texts.phones.__getitem__,
        "action": texts.actions.__getitem__,
        "text": texts.text,
        "text_hash": texts.text_hash,
        "flags": texts.flags.__getitem__,
        "group": texts.groups.__getitem__,
        "logid": texts.logid,
        "time": texts.times.__getitem__,
    }
    if name not in columns:
        raise ValueError(f"truth has no field {name!r}; it has {', '.join(columns)}")
    return columns[name]


def _json(status: int, value: Any) -> web.Response:
    return web.Response(status=status, body=_encode(value), content_type="application/json")
