"""The account's list of contacts and its log, as far as they tell who has opted out; and when one process was told of it.

A look is whole once both flags were read to their end. What a whole look must have shown is what could be read when it began.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

from rumbleup_async.rumbleup import contacts, requests
from rumbleup_async.session.exchange import MaybeSentError, NotSentError, Request, Response
from tests.prove.loop import Loop

OPT_OUTS_FAIL: Final = "opt-outs not told"
_JSON = {"Content-Type": "application/json"}
_PATIENCE = 4.0
"""Seconds after which a client gives up, shorter than the real one."""
_FLAGS = ("dnd", "bad")


class Account:
    """As one process sees it. `opted_out`: when somebody did so, when the log shows it, and by which flag, by phone. `troubles`:
    when nothing is told. `slow`: seconds that an answer takes."""

    def __init__(
        self,
        wall: Callable[[], float],
        loop: Loop,
        opted_out: Mapping[str, tuple[float, float, str]],
        troubles: Sequence[tuple[float, float]],
        seed: int,
        met: Counter[str],
        slow: float,
    ) -> None:
        self._wall = wall
        self._loop = loop
        self._opted_out = opted_out
        self._troubles = troubles
        self._random = random.Random(seed)
        self._met = met
        self._slow = slow
        self._page = self._random.choice((1, 3, 40))
        self.odds = self._random.choice((0.0, 0.05, 0.2))
        self.failed_at = 0.0
        """When something of a look failed last."""
        self.looks: list[tuple[float, float]] = []
        """When each whole look began, and when it was answered."""
        self.read_at = 0.0
        """When the last one was answered."""
        self._begun: dict[str, float] = {}
        self._read: dict[str, float] = {}

    @staticmethod
    def is_for(request: Request) -> bool:
        """Whether this is asked of the account, and not of the project."""
        return request.path in {contacts.SELECT, requests.LOG}

    async def __call__(self, request: Request) -> Response:
        query = {name: values[0] for name, values in parse_qs(request.query or "").items()}
        began, flag = self._loop.now, query.get("flags", "")
        await self._fail_perhaps(request)
        await asyncio.sleep(0.05 + self._slow * self._random.random())
        rows = self._contacts(query) if request.path == contacts.SELECT else self._replies(query)
        key = str(query.get("_start", ""))
        size = min(self._page, int(query.get("_count", "40")))
        left = [row for row in rows if str(row["key"]) > key]
        page = left[:size]
        found: dict[str, object] = {"count": len(page), "data": [{**row, "key": None} for row in page]}
        self._note(
            f"{request.path} {flag}", began, is_first=not key, is_last=len(left) <= size, is_log=request.path == requests.LOG
        )
        if len(left) > size:
            found["next_token"] = page[-1]["key"]
        return Response(200, _JSON, json.dumps(found).encode())

    def _note(self, name: str, began: float, *, is_first: bool, is_last: bool, is_log: bool) -> None:
        if is_first:
            self._begun[name] = began
            self._read.pop(name, None)
        if not is_last:
            return
        # One that was broken off goes on in another process: nobody can say when that began.
        self._read[name] = self._begun.get(name, 0.0)
        if name.endswith(_FLAGS[-1]) and (first := self._read.get(name.removesuffix(_FLAGS[-1]) + _FLAGS[0])):
            self.read_at = self._loop.now
            if is_log:
                self.looks.append((first, self._loop.now))

    async def _fail_perhaps(self, request: Request) -> None:
        now = self._loop.now
        is_out = any(begins <= now < ends for begins, ends in self._troubles)
        if not (is_out or self._random.random() < self.odds):
            return
        self._met[OPT_OUTS_FAIL] += 1
        self.failed_at = now
        kind = self._random.choice(("refused", "slow", "lost"))
        if kind == "slow":
            await asyncio.sleep(_PATIENCE)
        self.failed_at = self._loop.now
        if kind == "refused":
            raise NotSentError("the connection was refused", endpoint=request.path)
        raise MaybeSentError("no answer in time", endpoint=request.path)

    def _contacts(self, query: Mapping[str, str]) -> list[dict[str, object]]:
        """Contacts with this flag. `since` is heeded by the last change by hand, which a STOP is not."""
        now, flag = self._loop.now, query["flags"]
        if "since" in query:
            return []
        return [
            {"key": phone, "phone": phone, "flags": [flag]}
            for phone, (at, _, how) in sorted(self._opted_out.items())
            if how == flag and at <= now
        ]

    def _replies(self, query: Mapping[str, str]) -> list[dict[str, object]]:
        """Replies with this flag since then, as far as the log shows them by now."""
        now, flag, off = self._loop.now, query["flags"], self._wall() - self._loop.now
        since = float(query.get("since", "0")) / 1000 - off
        return [
            {
                "key": f"{number:06d}",
                "logid": f"rl_in_{number}",
                "phone": phone,
                "sender": phone,
                "status": "received",
                "flags": [flag],
                "sent_time": f"{dt.datetime.fromtimestamp(at + off, dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            }
            for number, (phone, (at, shown, how)) in enumerate(self._opted_out.items(), 1)
            if how == flag and at >= since and shown <= now
        ]
