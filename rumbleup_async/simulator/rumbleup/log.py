"""The message log, `message/log/select`: filters, pages and tokens over texts and replies. Pure.

A comma list in one filter means any of its items; several filters mean all of them. Rows are oldest first. A token
names the place where the next page begins and the place where its own page began, so messages that come later do not
shift the pages. The Message API page documents none of this.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from typing import Any

from rumbleup_async.simulator.trouble.quirks import EMPTY_PAGE
from rumbleup_async.simulator.world import times
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Reply, error, ok
from rumbleup_async.simulator.world.request_parsing import Params, listed
from rumbleup_async.simulator.world.world import World

from . import paging
from .history import History

__all__ = ["Log"]


class Log:
    """The endpoint of the message log."""

    def __init__(self, world: World, history: History) -> None:
        self._world = world
        self._history = history

    def select(self, params: Params, fault: str = "") -> Reply:
        """One page. `fault` is `log-repeat-page`, `log-repeat-token` or empty."""
        start, total, repeats = 0, None, 0
        token = str(params.get("_start") or "")
        is_after_last = token == EMPTY_PAGE
        if token and not is_after_last:
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
        if not 1 <= count <= paging.MOST:
            return _field(f"_count must be from 1 to {paging.MOST}")
        if total is None:
            total = sum(1 for _ in _matches(candidates, tests, 0)) if tests else len(candidates)
        if is_after_last:
            return ok({"count": 0, "total": total, "data": []})
        page: list[int] = []
        following = None
        for place in _matches(candidates, tests, start):
            if len(page) == count:
                following = place
                break
            page.append(place)
        reply: dict[str, Any] = {"count": len(page), "total": total, "data": [self._history.row(place) for place in page]}
        if following is not None:
            reply["next_token"] = urlsafe_b64encode(b"%d.%d.%d.%d" % (following, total, start, repeats)).decode().rstrip("=")
        if fault == "log-repeat-token" and token:
            reply["next_token"] = token
        return ok(reply)

    def _filters(self, params: Params) -> tuple[Sequence[int], list[Callable[[int], bool]]]:
        """The places to look at, in ascending order, and the tests that each must pass. Indexes narrow the places."""
        history = self._history
        narrowed: list[Sequence[int]] = []
        tests: list[Callable[[int], bool]] = []
        if phones := listed(params.get("phone")):
            narrowed.append(_union(history.of_phone(digits(phone) or phone) for phone in phones))
        if logids := listed(params.get("logid")):
            narrowed.append(_union(history.of_logid(logid) for logid in logids))
        if flags := listed(params.get("flags")):
            narrowed.append(_union(history.of_flag(flag) for flag in flags))
        if proxies := listed(params.get("proxy")):
            wanted = {digits(proxy) or proxy for proxy in proxies}
            tests.append(lambda place: history.proxy(place) in wanted)
        if campaigns := listed(params.get("tcr_cid")):
            tests.append(lambda place: history.campaign(place) in campaigns)
        since, before = _moment(params, "since"), _moment(params, "before")
        if since is not None:
            tests.append(lambda place: history.time(place) >= since)
        if before is not None:
            tests.append(lambda place: history.time(place) < before)
        if lag := self._world.settings.log_lag:
            visible = self._world.clock() - lag
            tests.append(lambda place: history.time(place) <= visible)
        if not narrowed:
            return range(len(history)), tests
        candidates = min(narrowed, key=len)
        tests.extend(_within(others) for others in narrowed if others is not candidates)
        return candidates, tests


def _moment(params: Params, name: str) -> float | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    moment = times.read(str(value))
    if moment is None:
        raise ValueError(f"{name} is not a time")
    return moment


def _matches(candidates: Sequence[int], tests: list[Callable[[int], bool]], start: int) -> Iterator[int]:
    # Only the rows from `start` on are looked at, so that reading a long log page by page is not quadratic.
    first = bisect_left(candidates, start) if start else 0
    left = map(candidates.__getitem__, range(first, len(candidates)))
    return (place for place in left if all(test(place) for test in tests)) if tests else left


def _within(places: Sequence[int]) -> Callable[[int], bool]:
    def holds(place: int) -> bool:
        found = bisect_left(places, place)
        return found < len(places) and places[found] == place

    return holds


def _union(lists: Iterable[Sequence[int]]) -> Sequence[int]:
    several = list(lists)
    return several[0] if len(several) == 1 else list(dict.fromkeys(merge(*several)))


def _field(message: str) -> Reply:
    return error(400, message, "FIELD")
