"""The provider of a simulated world, and the network before it. It owns the truth: every text it has taken, and when.

It is an `Exchange`: real HTTP answers for the real gateway, and the two errors of the session for everything that breaks.
"""

import asyncio
import heapq
import random
import zlib
from asyncio.futures import _set_result_unless_cancelled as _wake  # type: ignore[attr-defined]
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from rumbleup_async.rumbleup import requests
from rumbleup_async.session.exchange import Fit, MaybeSentError, NotSentError, Request, Response, fit_of
from tests.engine.limiters import Limiter
from tests.prove import faults
from tests.prove.faults import GATEWAY_FAULTS, SICK, Fault
from tests.prove.logs import Log, Taken
from tests.prove.loop import Dead, Loop

LOCK = 30.0
"""Seconds a contact is locked. The real five minutes would only be more asking for contacts that are not there yet."""
_JSON = {"Content-Type": "application/json"}
_THROTTLED = next(fault for fault in faults.REQUEST_FAULTS if fault.name == "429")
_END = Response(404, _JSON, b'{"status":404,"message":"no more contacts"}')
_RACE = Response(441, _JSON, b'{"status":441,"message":"nobody this time"}')


class Body(msgspec.Struct):
    """What a send must hold."""

    phone: str
    action: str
    text: str
    flags: list[str] = []
    name: str | None = None


_STRAY = 0.03
"""The share of answers before which another one comes."""

_decode = msgspec.json.Decoder(Body).decode
_nobody_is_open: Callable[[str], bool] = lambda phone: True  # noqa: E731


class Provider:
    """Outlives every process of its world."""

    def __init__(self, seed: int, latency: float) -> None:
        self._seed = seed
        self._strays = random.Random(seed ^ 0x57A1)
        self.stray_share = _STRAY
        self._has_named = False
        """An answer of this process has said whom it was about."""
        self._kept: list[tuple[deque[Response], Response | None]] = []
        """Idle connections: the answers that wait on each to be read, and the last that was."""
        self._random = random.Random(seed ^ 0x5EED)
        self._latency = latency
        self._gateway = random.Random(seed ^ 0x502)
        self.loop: Loop
        self.truth: list[Taken] = []
        self.met: Counter[str] = Counter()
        self.wrongs: list[str] = []
        """What a request itself gave away: it left when it must not."""
        self.events: list[tuple[object, ...]] = []
        self.doubtful: set[str] = set()
        """Phones whose text was given no clear answer."""
        self.share = 0.0
        self.faults: Sequence[Fault] = ()
        self.draw_share = 0.0
        self.draw_faults: Sequence[Fault] = ()
        self.always: Fault | None = None
        """What every request is answered with, if so."""
        self.always_until = 0
        self.gateway_share = 0.0
        self.limiter: Callable[[float], Limiter | None] = lambda now: None
        """Makes the limiter of a process that begins at this moment, if there is one."""
        self._limits: Limiter | None = None
        self._has_room = False
        self.held_until = 0.0
        """Until when this process was told to wait."""
        self.is_heard_by_all = True
        """Whoever sends has heard of each hold; not so where several bookkeepers send, each with a pace of its own."""
        self.is_sick = False
        """One node of three behind the balancer is ill."""
        self.said_no: set[str] = set()
        """Phones whose text the provider itself has refused."""
        self.row: list[tuple[str, int]] = []
        """Phones refused for no reason of their own, each with the requests there were by then, of this process; those before an
        accepted text that left later are gone from it."""
        self.requests: list[tuple[float, str]] = []
        """When a text left the process, whatever became of it, in this process."""
        self.flights: dict[int, Body] = {}
        """Written, and not taken yet."""
        self.in_flight = 0
        self.most = 0
        self.is_open: Callable[[str], bool] = _nobody_is_open
        """Whether a phone's intent is durable at this moment."""
        self.is_sealed: Callable[[], bool] = bool
        """Whether nothing may leave any more."""
        self.never: frozenset[str] = frozenset()
        self.on_request: Callable[[int], None] = lambda number: None
        self.priced: Callable[[str], bytes] = lambda logid: b""
        """What else the answer to an accepted text says: its price."""
        self._flight = 0
        # Concurrent mode: who is left to hand out.
        self.people: dict[str, bytes] = {}
        self._free: deque[str] = deque()
        self._locks: list[tuple[float, int, str]] = []
        self._locked: dict[str, tuple[float, int]] = {}
        self._texted: set[str] = set()
        self.log = Log()
        self.held: list[Body] = []
        """Texts that are held back on their way for days."""
        self.lost = 0
        """Contacts locked for this process by answers that it never had."""
        self._lock = 0
        self._draws = 0

    def begin(self, loop: Loop) -> None:
        """A new process calls."""
        self.loop = loop
        self._kept = []
        self._has_named = False
        self.held_until = 0.0
        self._limits = self.limiter(loop.now)
        self.requests = []
        self.row = []
        self.flights = {}
        self.in_flight = 0
        self.lost = 0
        self._draws = 0

    def hand_out(self, people: Mapping[str, bytes]) -> None:
        """The contacts of concurrent mode: answers by phone."""
        self.people = dict(people)
        self._free.extend(people)

    def coin(self, phone: str) -> float:
        """A draw that depends on the phone and the seed alone, not on who asks first."""
        return (zlib.crc32(phone.encode(), self._seed & 0xFFFFFFFF) & 0xFFFF) / 65536

    def process_died(self) -> None:
        """What was on the wire may arrive, or not."""
        for body in self.flights.values():
            if self.coin(body.phone) < 0.5:
                self._take(body)
        self.flights = {}

    async def __call__(self, request: Request) -> Response:
        if self.loop.has_died():
            raise Dead
        if request.path == requests.SEND and request.method == "POST":
            return await self._over_a_connection(request)
        if request.path == requests.NEXT and request.method == "POST":
            return await self._next()
        if request.path == requests.LOG and request.method == "GET" and request.read:
            return await self._log(request)
        raise AssertionError(f"{request.method} {request.path} is not what a run asks for")

    async def aclose(self) -> None: ...

    # ---- connections ----

    async def _over_a_connection(self, request: Request) -> Response:
        """One request over a kept connection, on which answers may wait that nobody has read. What does not come to an answer
        ends its connection."""
        unread, before = self._kept.pop() if self._kept else (deque(), None)
        true = await self._send(request)
        unread.append(true)
        if self.share and self.always is None and self._strays.random() < self.stray_share:
            self._put_before(unread, before, _decode(request.body).phone)
        got = unread.popleft()
        fit = fit_of(request, got)
        if unread or got is not true:
            self.doubtful.add(_decode(request.body).phone)
        self._has_named = self._has_named or fit is Fit.PROVEN
        if got.status == 429 and fit is not Fit.UNFIT and "Retry-After" in got.headers and self.is_heard_by_all:
            self.held_until = max(self.held_until, self.loop.now + float(got.headers["Retry-After"]))
        if fit is Fit.UNFIT:
            return got
        if fit is Fit.DENIED:
            rest = bool(unread)
            if not rest:
                self._kept.append((unread, got))

            async def alone() -> bool:
                await asyncio.sleep(self._latency)
                return not rest

            return Response(got.status, got.headers, got.body, alone)
        # What comes while nobody asks ends the connection; but it may come just behind the next request.
        if not unread or self._strays.random() < 0.5:
            self._kept.append((unread, got))
        return got

    def _put_before(self, unread: deque[Response], before: Response | None, phone: str) -> None:
        kind = self._strays.choice(faults.STRAYS)
        logid = b"rl_stray_%d" % self._strays.getrandbits(40)
        match kind:
            case "answer twice":
                if before is None:
                    return
                stray = before
            case "answer late: an empty one":
                stray = Response(200, _JSON, b"")
            case "answer late: a 429":
                stray = Response(429, _JSON, b'{"status":429,"message":"slow down"}')
            case "answer late: a refusal":
                stray = Response(400, _JSON, b'{"status":400,"message":"landline","code":"LANDLINE"}')
            case "answer for somebody else":
                other = b"2025550199" if phone != "2025550199" else b"2025550198"
                stray = Response(200, _JSON, b'{"logid":"%s","phone":"%s"}' % (logid, other))
            case _:
                if not self._has_named:
                    return  # before the first answer that names somebody nothing tells that this one is odd
                stray = Response(200, _JSON, b'{"logid":"%s"}' % logid)
        self.met[kind] += 1
        unread.appendleft(stray)

    # ---- message/send ----

    async def _send(self, request: Request) -> Response:
        body = _decode(request.body)
        phone = body.phone
        loop = self.loop
        self.requests.append((loop.now, phone))
        number = len(self.requests)
        self.on_request(len(self.requests))
        if loop.has_died():
            # Died with the request written: it may arrive.
            self.flights[0] = body
            self.process_died()
            await loop.never()
        self._look(body)
        draw = self._random.random()
        limits, self._has_room = self._limits, False
        fault = self._fault(draw)
        has_room = self._has_room
        try:
            return await (self._fail(fault, body) if fault is not None else self._deliver(body, draw, number))
        finally:
            if limits is not None and has_room:
                limits.release()

    async def _deliver(self, body: Body, draw: float, number: int) -> Response:
        phone, loop = body.phone, self.loop
        self.in_flight += 1
        if self.in_flight > self.most:
            self.wrongs.append(f"{self.in_flight} in flight, {self.most} at most")
        spread = self._random.random()
        flight = 0
        if draw < 0.5:
            # Taken as soon as it arrives; the answer takes its time. Else it is taken just before the answer.
            logid = self._take(body)
        else:
            flight = self._flight = self._flight + 1
            self.flights[flight] = body
            logid = ""
        waiting = loop.create_future()
        loop.call_at(loop.now + self._latency * (0.5 + spread), _wake, waiting, None)
        try:
            await waiting
        except asyncio.CancelledError:
            self._given_up(flight, body)
            raise
        finally:
            self.in_flight -= 1
        if flight:
            del self.flights[flight]
            logid = self._take(body)
        self.row = [(refused, seen) for refused, seen in self.row if seen >= number]
        return Response(200, _JSON, b'{"logid":"%s","phone":"%s"%s}' % (logid.encode(), phone.encode(), self.priced(logid)))

    def _given_up(self, flight: int, body: Body) -> None:
        self.doubtful.add(body.phone)
        if flight and self.flights.pop(flight, None) is not None and self.coin(body.phone) < 0.5:
            self._take(body)

    def _look(self, body: Body) -> None:
        """Whether this text may leave at all."""
        phone = body.phone
        self._has_its_intent(phone)
        self._leaves_before_the_stop(phone)
        self._leaves_outside_of_holds(phone)
        self._is_not_suppressed(phone)
        self._has_its_lock(phone)

    def _has_its_intent(self, phone: str) -> None:
        """Lemma 1: the intent is on the disk before the first byte."""
        if not self.is_open(phone):
            self.wrongs.append(f"{phone} left while its intent was not on the disk")

    def _leaves_before_the_stop(self, phone: str) -> None:
        """Lemma 6: stop means stop."""
        if self.is_sealed():
            self.wrongs.append(f"{phone} left after a stop")

    def _leaves_outside_of_holds(self, phone: str) -> None:
        """No lemma, but manners: each `Retry-After` is kept."""
        if self.loop.now < self.held_until:
            self.wrongs.append(f"{phone} left within a hold")

    def _is_not_suppressed(self, phone: str) -> None:
        """Lemma 9: the rules are asked before the wire."""
        if phone in self.never:
            self.wrongs.append(f"{phone} left although it is suppressed")

    def _has_its_lock(self, phone: str) -> None:
        """Lemma 2, in concurrent mode: no other texter has been handed this contact meanwhile."""
        if self.people:
            until, _ = self._locked.get(phone, (0.0, 0))
            if until < self.loop.now:
                self.wrongs.append(f"{phone} left after its lock had ended")

    def _fault(self, draw: float) -> Fault | None:
        if self.always is not None:
            if len(self.requests) <= self.always_until:
                return self.always
            self.always = None
        after = None if self._limits is None else self._limits.take(self.loop.now)
        self._has_room = self._limits is not None and after is None
        if after is not None:
            return _THROTTLED._replace(headers={**_JSON, "Retry-After": f"{after:g}"}) if after else _THROTTLED
        if self.is_sick and not len(self.requests) % 3:
            return SICK
        if self.gateway_share and self._gateway.random() < self.gateway_share:
            return self._gateway.choice(GATEWAY_FAULTS)
        if draw < self.share:
            return self.faults[int(draw / self.share * len(self.faults))]
        return None

    async def _fail(self, fault: Fault, body: Body) -> Response:
        self.met[fault.name] += 1
        phone = body.phone
        leaves = fault.leaves > 0 and self.coin(phone) < fault.leaves
        if fault.kind == "maybe" or fault.status >= 500 or fault.status in {200, 307, 408}:
            self.doubtful.add(phone)
        flight = 0
        if fault.name == "text taken days later":
            if leaves:
                self.held.append(body)
        elif leaves:
            if fault.seconds and self.coin(phone) < fault.leaves / 2:
                # Taken long after the caller has given up.
                self.loop.call_at(self.loop.now + 2 * fault.seconds, self._take_late, self.loop, body)
            elif self.coin(phone) < fault.leaves / 2:
                self._take(body)
            else:
                flight = self._flight = self._flight + 1
                self.flights[flight] = body
        try:
            await asyncio.sleep(fault.seconds or self._latency)
        except asyncio.CancelledError:
            if fault.kind != "nothing left":
                self._given_up(flight, body)
            elif fault.kind == "nothing left":
                self.doubtful.add(phone)
            raise
        if flight:
            del self.flights[flight]
            self._take(body)
        self._raise(fault)
        self._note_refusal(fault, phone)
        return Response(fault.status, fault.headers or _JSON, fault.body)

    def _note_refusal(self, fault: Fault, phone: str) -> None:
        if fault.name.startswith("refused"):
            self.said_no.add(phone)
            if "landline" not in fault.name:
                self.row.append((phone, len(self.requests)))

    def _raise(self, fault: Fault) -> None:
        if fault.kind == "nothing left":
            raise NotSentError(fault.words, endpoint=requests.SEND)
        if fault.kind == "maybe":
            raise MaybeSentError(fault.words, endpoint=requests.SEND)

    def _take_late(self, loop: Loop, body: Body) -> None:
        self._take(body)

    def _take(self, body: Body) -> str:
        logid = f"rl_{len(self.truth)}"
        self.truth.append(Taken(body.phone, body.text, logid, body.action, body.flags, self.loop.now))
        self.events.append((self.loop.now, body.phone))
        if self.people:
            self._texted.add(body.phone)
        return logid

    # ---- message/next ----

    async def _next(self) -> Response:
        if self.is_sealed():
            self.wrongs.append("a contact was drawn after a stop")
        draw = self._random.random()
        fault = None
        self._draws += 1
        if draw < self.draw_share and self._draws < 2 * len(self.people):
            fault = self.draw_faults[int(draw / self.draw_share * len(self.draw_faults))]
            self.met[fault.name] += 1
        answer = None
        if fault is None or (fault.leaves and draw / self.draw_share < fault.leaves):
            answer = self._pick()
            self.lost += fault is not None and answer.status == 200
        await asyncio.sleep(self._latency * (0.5 + draw) if fault is None else fault.seconds or self._latency)
        if fault is None:
            assert answer is not None
            return answer
        self._raise(fault)
        return Response(fault.status, fault.headers or _JSON, fault.body)

    def _pick(self) -> Response:
        now = self.loop.now
        locks, free = self._locks, self._free
        while locks and locks[0][0] <= now:
            _, number, phone = heapq.heappop(locks)
            if self._locked.get(phone, (0.0, 0))[1] == number and phone not in self._texted:
                free.append(phone)
        while free:
            phone = free.popleft()
            if phone in self._texted:
                continue
            self._lock += 1
            self._locked[phone] = (now + LOCK, self._lock)
            heapq.heappush(locks, (now + LOCK, self._lock, phone))
            return Response(200, _JSON, self.people[phone])
        return _RACE if any(phone not in self._texted for _, _, phone in locks) else _END

    # ---- message/log/select ----

    async def _log(self, request: Request) -> Response:
        await asyncio.sleep(self._latency)
        if self.log.trouble == "log unreadable":
            self.log.has_shown = True
            return Response(503, _JSON, b'{"status":503,"message":"no"}')
        now = self.loop.now
        return Response(200, self.log.headers(now), self.log.answer(self.truth, request.query))

    def take_late(self) -> None:
        """What was held back on its way for days arrives, unless the contact has had the text by another way."""
        texted = {text.phone for text in self.truth}
        for body in self.held:
            if body.phone not in texted:
                self._take(body)
        self.held = []
