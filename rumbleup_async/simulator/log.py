"""`message/log/select`: filters, pages and tokens over the texts that left. Pure; imports only this folder.

A comma list in one filter means any of them, several filters mean all of them. Rows come oldest first. The token names the
position to go on from and where its own page began, so texts that leave meanwhile move nothing. None of this is documented
(Message API page).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from typing import Any

from . import times
from .replies import Reply, error, ok
from .state import PROXY, SENDER, TCR_CID, World, digits

__all__ = ["Log"]

_MOST = 999  # rows a page: the limit the account page names; the log's own is not documented

Params = Mapping[str, Any]


class Log:
    """Answers log requests about a world."""

    def __init__(self, world: World, stamp: times.Stamp) -> None:
        self._world = world
        self._stamp = stamp

    def select(self, params: Params, fault: str = "") -> Reply:
        """One page. `fault` is one of the log's own kinds, or empty."""
        start, total, repeats = 0, None, 0
        token = str(params.get("_start") or "")
        if token:
            try:
                start, total, previous, repeats = map(int, urlsafe_b64decode(token + "==").split(b"."))
            except ValueError:
                return _field("_start is not a token of ours")
            if fault == "log-repeat-page":
                start, repeats = previous, repeats + 1
        try:
            count = int(str(params.get("_count") or self._world.settings.page_size))
            candidates, tests = self._filters(params)
        except ValueError as problem:
            return _field(str(problem))
        if not 1 <= count <= _MOST:
            return _field(f"_count must be from 1 to {_MOST}")
        if total is None:
            total = sum(1 for _ in _matches(candidates, tests, 0)) if tests else len(candidates)
        page: list[int] = []
        following = None
        for position in _matches(candidates, tests, start):
            if len(page) == count:
                following = position
                break
            page.append(position)
        reply: dict[str, Any] = {"count": len(page), "total": total, "data": [self._row(position) for position in page]}
        if following is not None:
            reply["next_token"] = urlsafe_b64encode(b"%d.%d.%d.%d" % (following, total, start, repeats)).decode().rstrip("=")
        if fault == "log-repeat-token" and token:
            reply["next_token"] = token
        return ok(reply)

    def _filters(self, params: Params) -> tuple[Sequence[int], list[Callable[[int], bool]]]:
        """The positions to look at, ascending, narrowed by an index where there is one, and the tests each must pass."""
        texts = self._world.texts
        narrowed: list[Sequence[int]] = []
        tests: list[Callable[[int], bool]] = []
        if phones := _listed(params, "phone"):
            narrowed.append(_union(texts.of_phone(digits(phone) or phone) for phone in phones))
        if logids := _listed(params, "logid"):
            narrowed.append(sorted({place for logid in logids if (place := texts.position(logid)) is not None}))
        if (flags := _listed(params, "flags")) and "sent" not in flags:  # every row is tagged `sent`
            narrowed.append(_union(texts.of_flag(flag) for flag in flags))
        if proxies := _listed(params, "proxy"):
            wanted = {digits(proxy) or proxy for proxy in proxies}
            tests.append(lambda position: self._proxy(position) in wanted)
        if (campaigns := _listed(params, "tcr_cid")) and TCR_CID not in campaigns:
            narrowed.append([])
        since, before = _moment(params, "since"), _moment(params, "before")
        if since is not None:
            tests.append(lambda position: texts.times[position] >= since)
        if before is not None:
            tests.append(lambda position: texts.times[position] < before)
        if lag := self._world.settings.log_lag:
            visible = self._world.clock() - lag
            tests.append(lambda position: texts.times[position] <= visible)
        if not narrowed:
            return range(len(texts)), tests
        candidates = min(narrowed, key=len)
        tests.extend(_within(others) for others in narrowed if others is not candidates)
        return candidates, tests

    def _proxy(self, position: int) -> str:
        project = self._world.projects.get(self._world.texts.actions[position])
        return PROXY if project is None else project.proxy

    def _row(self, position: int) -> dict[str, Any]:
        texts = self._world.texts
        time = self._stamp(texts.times[position])
        flags = () if position in texts.untagged else texts.flags[position]
        row = {
            "logid": texts.logid(position),
            "flags": ["sent", *flags],
            "sender": SENDER,
            "proxy": self._proxy(position),
            "phone": texts.phones[position],
            "tcr_cid": TCR_CID,
            "sent_time": time,
            "text": texts.text(position) or "",
            "price": -0.05,
        }
        if not self._world.settings.sparse_log:
            row |= {"cid": self._world.cid, "action": texts.actions[position], "group": texts.groups[position]}
        return row


def _listed(params: Params, name: str) -> list[str]:
    value = params.get(name)
    if value is None:
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return [text for part in parts if (text := str(part).strip())]


def _moment(params: Params, name: str) -> float | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    try:
        moment = times.read(str(value))
    except (OverflowError, ValueError):  # far beyond any calendar
        moment = None
    if moment is None:
        raise ValueError(f"{name} is not a time")
    return moment


def _matches(candidates: Sequence[int], tests: list[Callable[[int], bool]], start: int) -> Iterator[int]:
    # A page costs its own rows, not those before it: reading a long log page by page must not be quadratic.
    first = bisect_left(candidates, start) if start else 0
    left = map(candidates.__getitem__, range(first, len(candidates)))
    return (position for position in left if all(test(position) for test in tests)) if tests else left


def _within(places: Sequence[int]) -> Callable[[int], bool]:
    def holds(position: int) -> bool:
        found = bisect_left(places, position)
        return found < len(places) and places[found] == position

    return holds


def _union(lists: Iterable[Sequence[int]]) -> Sequence[int]:
    several = list(lists)
    return several[0] if len(several) == 1 else list(dict.fromkeys(merge(*several)))


def _field(message: str) -> Reply:
    return error(400, message, "FIELD")
