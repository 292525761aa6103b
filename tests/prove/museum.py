"""A museum of published faults: each recreated on our engine, sender, gateway or ledger, for the length of a test.

It tests the tests: a harness that lets one of these pass proves nothing. Each exhibit says where such a fault was seen: in what
kind of program, not in whose.
"""

import asyncio
import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from rumbleup_async import retry
from rumbleup_async.engine import engine as engine_module
from rumbleup_async.engine import queue
from rumbleup_async.engine import sender as sender_module
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.held import Held
from rumbleup_async.engine.lease import Lease
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import Permit
from rumbleup_async.engine.schedule import Schedule
from rumbleup_async.engine.sender import Sender
from rumbleup_async.engine.texters import Texters
from rumbleup_async.engine.throttles import Throttles
from rumbleup_async.engine.window import Window
from rumbleup_async.engine.workers import Workers
from rumbleup_async.ledger import MemoryLedger, marks, standing
from rumbleup_async.ledger import identity as identity_module
from rumbleup_async.ledger import settling as settling_module
from rumbleup_async.ledger.contacts import Contacts, Entry
from rumbleup_async.ledger.run_file import RunFile
from rumbleup_async.lookups import LookUpResult
from rumbleup_async.messaging import Closed, Owner, Planned, Result, Skipped, State, Step, Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, Draw, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.provider import evidence, times
from rumbleup_async.provider.belonging import Answers, Sent
from rumbleup_async.provider.caller import Pages
from rumbleup_async.reasons import from_words as because
from rumbleup_async.retry import Decision, Policy, decide
from rumbleup_async.rules import gates, places, states
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.hours import Schedule as HourSchedule
from rumbleup_async.rules.zones import ZoneData
from rumbleup_async.rumbleup import log_pass, requests, wire
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from rumbleup_async.rumbleup.log_matching import Matcher, Verdict
from rumbleup_async.rumbleup.log_search import LogSearch
from rumbleup_async.runs import care
from rumbleup_async.runs import execution as execution_module
from rumbleup_async.runs import reconcile as reconcile_module
from rumbleup_async.runs.execution import Execution
from rumbleup_async.runs.reconcile import Reconciled
from rumbleup_async.runs.run import Run
from rumbleup_async.session.exchange import Fit, MaybeSentError, Request, Response
from tests.prove.exhibit import Exhibit, built_in
from tests.prove.museum_of_canaries import EXHIBITS as OF_CANARIES
from tests.prove.museum_of_machines import EXHIBITS as OF_MACHINES
from tests.prove.museum_of_money import EXHIBITS as OF_MONEY
from tests.prove.museum_of_people import EXHIBITS as OF_PEOPLE
from tests.prove.owners import Leased
from tests.prove.provider import Provider
from tests.prove.storage import Disk
from tests.prove.world import Wrong
from tests.rules import by_hand

WORLDS = 60
"""In so many worlds the harness must have nothing against our own code, and in those where it has caught an exhibit."""


FIRST = {
    "a hold ends early": 28,
    "a 429 may have left": 33,
    "the next answer on a kept connection is this text's": 8,
    "a no is believed although another answer comes behind it": 8,
    "a send is retried after a timeout": 31,
    "a reset connection is repeated below": 16,
    "a redirect of a send is followed": 43,
    "a slow send is hedged by a second one": 25,
    "the last write is cancelled with its task": 896,
    "the limit counts for each worker": 8,
    "the rate counts for each worker": 53,
    "twice the rate in the first second": 81,
    "no witness is needed": 142,
    "the witness is what the log shows": 96,
    "one witness stands for all": 169,
    "the total is not heeded": 167,
    "a text of the run to a stranger is nobody's": 59,
    "the log is asked from our clock on": 22,
    "our clock says how old a text is": 125,
    "a row is another text by its time": 227,
    "queued again without a further look": 31,
    "what was tried and is not known as sent is forgotten": 37,
    "a resume forgets the rate": 106,
    "a resume forgets the suppression list": 84,
    "the refusals that stopped the run stay": 13,
    "a run leaves texts behind in silence": 13,
    "a rule is asked before the claim only": 30,
    "the last contact of a batch is lost": 31,
    "the offset is kept instead of the zone": 2,
    "hours are looked at when a text is fetched": 22,
    "what is left goes on in the morning": 10,
    "the end of an hour is in it": 25,
    "a holiday on a Sunday has no Monday": 40,
    "a text counts for the day of its claim": 18,
    "a list is as old as its last page": 520,
    "opt-outs that cannot be read count as none": 91,
    "who is claimed is asked no more": 152,
    "a claim is made after the wire": 30,
    "people are looked up when the list comes in": 9,
    "an event is new if its number is": 93,
    "a pause lets the queue run out": 13,
    "others are heard now and then": 31,
    "who comes next is read and then claimed": 8,
    "a lease is counted while nobody sleeps": 2,
    "a lease ends by the worker's clock": 20,
    "a result after the lease needs no proof": 14,
    "a commit does not wait for the disk": 2,
}
"""Exhibit -> the world that caught it when somebody last looked (`python -m tests.prove --museum`), where the hunt begins: worlds
that are drawn in another way shift it, and then the hunt is longer, not another. Who is not here is caught within a moment."""


def hunt(exhibit: Exhibit) -> tuple[int, str] | None:
    """In which world the harness catches it, and how; None if it does not in any of them."""
    first = FIRST.get(exhibit.name, 0)
    for seed in (*range(first, exhibit.worlds), *range(first)):
        with built_in(exhibit):
            try:
                exhibit.play(seed)
            except Wrong as error:
                if exhibit.rule in str(error):
                    return seed, str(error)
    return None


# ---- retries that are none of their business ----

_deliver = RumbleUpGateway.deliver
_draw = RumbleUpGateway.draw
_decide = retry.decide
_call = Provider.__call__


def _retries(again: Callable[[Outcome], bool], times: int = 2) -> list[Any]:
    async def deliver(self: RumbleUpGateway, text: Text, permit: Permit) -> Outcome:
        for _ in range(times):
            outcome = await _deliver(self, text, permit)
            if not again(outcome):
                return outcome
        return await _deliver(self, text, permit)

    return [patch.object(RumbleUpGateway, "deliver", deliver)]


def _retry_on_timeout() -> list[Any]:
    return _retries(lambda outcome: isinstance(outcome, Unknown) and outcome.reason == "no answer in time")


def _retry_on_5xx() -> list[Any]:
    return _retries(lambda outcome: isinstance(outcome, Unknown) and outcome.status >= 500)


def _retry_wrapper() -> list[Any]:
    return _retries(lambda outcome: not isinstance(outcome, Accepted), times=3)


def _retry_unreadable() -> list[Any]:
    return _retries(lambda outcome: isinstance(outcome, Unknown) and outcome.status == 200)


def _reset_connection_repeated() -> list[Any]:
    async def call(self: Provider, request: Request) -> Response:
        try:
            return await _call(self, request)
        except MaybeSentError as error:
            if "reset" not in error.reason:
                raise
            return await _call(self, request)

    return [patch.object(Provider, "__call__", call)]


def _redirect_followed() -> list[Any]:
    async def call(self: Provider, request: Request) -> Response:
        response = await _call(self, request)
        return await _call(self, request) if response.status == 307 else response

    return [patch.object(Provider, "__call__", call)]


def _next_repeated() -> list[Any]:
    async def call(self: Provider, request: Request) -> Response:
        try:
            return await _call(self, request)
        except MaybeSentError:
            if request.path != requests.NEXT:
                raise
            return await _call(self, request)

    return [patch.object(Provider, "__call__", call)]


def _hedged() -> list[Any]:
    async def call(self: Provider, request: Request) -> Response:
        first = asyncio.ensure_future(_call(self, request))
        done, _ = await asyncio.wait([first], timeout=0.3)
        if done or request.path != requests.SEND:
            return await first
        second = asyncio.ensure_future(_call(self, request))
        done, left = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        for one in left:
            one.cancel()
        await asyncio.wait([first, second])
        return next(iter(done)).result()

    return [patch.object(Provider, "__call__", call)]


# ---- what an answer is taken for ----


def _mistaken(outcome_for: Callable[[Outcome], Outcome]) -> list[Any]:
    async def deliver(self: RumbleUpGateway, text: Text, permit: Permit) -> Outcome:
        return outcome_for(await _deliver(self, text, permit))

    return [patch.object(RumbleUpGateway, "deliver", deliver)]


def _timeout_is_not_sent() -> list[Any]:
    return _mistaken(lambda one: NotSent(one.why) if isinstance(one, Unknown) and not one.status else one)


def _throttled_is_sent() -> list[Any]:
    return _mistaken(lambda one: Accepted("rl_unknown") if isinstance(one, Throttled) else one)


def _any_200_is_sent() -> list[Any]:
    return _mistaken(lambda one: Accepted("") if isinstance(one, Unknown) and one.status == 200 else one)


def _doubt_is_refused() -> list[Any]:
    def decide(outcome: Outcome, attempt: int, policy: Policy, *, proven: bool) -> Decision:
        if isinstance(outcome, Unknown):
            return retry.Done(State.REFUSED, outcome.why)
        return _decide(outcome, attempt, policy, proven=proven)

    return [patch.object(sender_module, "decide", decide)]


def _doubt_is_queued() -> list[Any]:
    def decide(outcome: Outcome, attempt: int, policy: Policy, *, proven: bool) -> Decision:
        if isinstance(outcome, Unknown):
            return retry.Park(outcome.why)
        return _decide(outcome, attempt, policy, proven=proven)

    return [patch.object(sender_module, "decide", decide)]


# ---- books that are kept too early, too late, or not at all ----

_recover = Disk.recover
_step = Disk.step


def _resume_sends_what_was_in_flight() -> list[Any]:
    def recover(self: Disk) -> None:
        for entry in self._contacts.entries.values():
            if entry.state is State.INTENT:
                self._contacts.move(entry, State.QUEUED)
        _recover(self)

    return [patch.object(Disk, "recover", recover)]


def _resume_queues_unknown() -> list[Any]:
    def recover(self: Disk) -> None:
        _recover(self)
        for entry in self._contacts.entries.values():
            if entry.state is State.UNKNOWN:
                self._contacts.counts[State.UNKNOWN] -= 1
                self._contacts.counts[State.QUEUED] += 1
                entry.state = State.QUEUED
        self._queue.begin()

    return [patch.object(Disk, "recover", recover)]


def _checkpoint_at_fetch() -> list[Any]:
    def recover(self: Disk) -> None:
        # Whatever was fetched counts as done.
        for entry in self._contacts.entries.values():
            if entry.state is State.INTENT:
                self._contacts.move(entry, State.SENT)
        _recover(self)

    return [patch.object(Disk, "recover", recover)]


def _intent_not_durable() -> list[Any]:
    def late(self: Disk, row: int) -> None:
        entry = self._contacts.entries[row]
        if entry.state is State.QUEUED:
            self._contacts.move(entry, State.INTENT)

    async def step(self: Disk, *given: Any, **more: Any) -> Step:
        done = await _step(self, *given, **more)
        for text in done.texts:
            # Handed out, and written down some time later.
            entry = self._contacts.entries[text.row]
            self._contacts.counts[State.INTENT] -= 1
            self._contacts.counts[State.QUEUED] += 1
            entry.state = State.QUEUED
            asyncio.get_running_loop().call_later(0.05, late, self, text.row)
        return done

    return [patch.object(Disk, "step", step)]


def _result_before_answer() -> list[Any]:
    async def deliver(self: RumbleUpGateway, text: Text, permit: Permit) -> Outcome:
        # Sent as soon as it is handed to the network; what comes of it nobody asks.
        asyncio.ensure_future(_deliver(self, text, permit))  # noqa: RUF006 - that is the fault
        await asyncio.sleep(0)
        return Accepted("rl_soon")

    return [patch.object(RumbleUpGateway, "deliver", deliver)]


def _cancelled_is_not_sent() -> list[Any]:
    async def deliver(self: RumbleUpGateway, text: Text, permit: Permit) -> Outcome:
        try:
            return await _deliver(self, text, permit)
        except asyncio.CancelledError:
            return NotSent(because("cancelled"))

    return [patch.object(RumbleUpGateway, "deliver", deliver)]


def _final_write_cancelled() -> list[Any]:
    async def run_shielded(work: Any, on_cancel: Any = None) -> Any:
        return await work

    async def wind_up(self: Execution, task: "asyncio.Task[None]") -> None:
        # Nobody waits for what is in flight, nor for what is done and not yet written.
        task.cancel()
        await asyncio.wait([task])

    return [patch.object(engine_module, "run_shielded", run_shielded), patch.object(Execution, "wind_up", wind_up)]


def _batch_leased() -> list[Any]:
    def wanted(self: Workers) -> int:
        return 0 if self._is_stopping or not self._may_ask or self._in_hand else 1000

    return [patch.object(Workers, "_wanted", wanted)]


def _duplicates_in_memory() -> list[Any]:
    def enter(self: Contacts, planned: Any) -> Entry:
        # Known is who was seen by this process, and by row only after a resume.
        if isinstance(planned, Skipped):
            return Entry(planned, State.SKIPPED, because(planned.reason))
        self.first_row.setdefault(planned.phone, planned.row)
        return Entry(planned, State.QUEUED)

    return [patch.object(Contacts, "enter", enter)]


# ---- limits and stops that do not bind ----


def _window_ignored() -> list[Any]:
    def take(self: Window) -> bool:
        self.taken += 1
        return True

    def wanted(self: Workers) -> int:
        return 0 if self._is_stopping or not self._may_ask else 500

    return [patch.object(Window, "take", take), patch.object(Workers, "_wanted", wanted)]


def _limit_by_worker() -> list[Any]:
    begin = Engine.__init__

    def init(self: Engine, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self.books.rounds.left *= arguments[3].concurrency

    return [patch.object(Engine, "__init__", init)]


def _rate_by_worker() -> list[Any]:
    begin = Pace.__init__

    def init(self: Pace, rate: float | None = None, hold: Any = None) -> None:
        begin(self, None if rate is None else rate * 8, hold)

    return [patch.object(Pace, "__init__", init)]


def _full_bucket() -> list[Any]:
    def set_to(self: Schedule, rate: float | None) -> None:
        begin(self, rate)
        if rate is not None:
            self._due, self._late, self._most = -math.inf, max(1.0, 1.0 / rate), 2 * int(rate) + 2

    begin = Schedule._set
    return [patch.object(Schedule, "_set", set_to)]


def _suppressed_abroad() -> list[Any]:
    from rumbleup_async.rules import numbers
    from rumbleup_async.screening import phones

    def strictly(entry: str) -> frozenset[str]:
        phone, _ = phones.normalise(entry)
        return frozenset((phone,)) if phone else frozenset()

    return [patch.object(numbers, "numbers_of", strictly)]


def _suppression_forgotten() -> list[Any]:
    from rumbleup_async.screening import screen

    batch = screen.Screen.batch

    def all_of(self: Any, rows: Any) -> Any:
        kept, self._suppress = self._suppress, frozenset()
        try:
            return batch(self, rows)
        finally:
            self._suppress = kept

    begin = Engine.__init__

    def init(self: Engine, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **{**options, "rules": ()})

    return [patch.object(screen.Screen, "batch", all_of), patch.object(Engine, "__init__", init)]


def _stop_unheard() -> list[Any]:
    def stop(self: Sender) -> None: ...

    return [patch.object(Sender, "stop", stop)]


def _lock_ignored() -> list[Any]:
    async def deliver(self: RumbleUpGateway, text: Text, permit: Permit) -> Outcome:
        await asyncio.sleep(40.0)
        return await _deliver(self, text, permit)

    return [
        patch.object(Texters, "lasts", lambda self, text: True),
        patch.object(RumbleUpGateway, "deliver", deliver),
    ]


def _another_text() -> list[Any]:
    async def deliver(self: RumbleUpGateway, text: Text, permit: Permit) -> Outcome:
        return await _deliver(
            self, Text(text.row, text.phone, text.text.replace("Ada", "Grace"), text.name, text.attempts), permit
        )

    return [patch.object(RumbleUpGateway, "deliver", deliver)]


def _lost_draw_forgotten() -> list[Any]:
    async def draw(self: RumbleUpGateway) -> Draw:
        found = await _draw(self)
        return NotSent(found.why) if isinstance(found, Unknown) else found

    return [patch.object(RumbleUpGateway, "draw", draw)]


def _contact_lost() -> list[Any]:
    publish = Disk._add

    def add(self: Disk, rows: Any) -> Any:
        # The last contact of a batch falls off its edge.
        return publish(self, rows[:-1] if len(rows) > 100 and isinstance(rows[-1], Planned) else rows)

    return [patch.object(Disk, "_add", add)]


# ---- a log that is believed too soon ----

_reconcile = Run.reconcile
_look_up = LogSearch.look_up


def _no_settle_delay() -> list[Any]:
    async def reconcile(self: Run) -> Reconciled:
        return await _reconcile(self, settle=0.0)

    return [patch.object(Run, "reconcile", reconcile)]


def _unreadable_is_absent() -> list[Any]:
    async def look_up(self: LogSearch, doubts: Any, books: Any) -> LookUpResult:
        found = await _look_up(self, doubts, books)
        return LookUpResult(found=found.found, absent=frozenset(doubt.row for doubt in doubts) - found.found.keys())

    return [patch.object(LogSearch, "look_up", look_up)]


# ---- a log that is believed too much ----

_take = log_pass.Pass.take
_hold = log_pass.Pass.compare_with_ledger
_read = LogSearch._read
_choose = evidence.choose
_judge = Matcher.judge


def _odd_phone_is_nobody() -> list[Any]:
    def take(self: Any, raw: Any) -> None:
        if isinstance(raw, dict) and evidence.ten_digits(raw.get("phone")):
            _take(self, raw)

    return [patch.object(log_pass.Pass, "take", take)]


def _no_witness() -> list[Any]:
    async def ask_for(self: LogSearch, phones: Any, pass_: Any) -> bool:
        return await self._read({"phone": ",".join(phones)}, pass_)

    return [patch.object(LogSearch, "_ask_for", ask_for)]


def _witness_by_the_log() -> list[Any]:
    ask_for = LogSearch._ask_for

    async def choose(books: Any, doubts: Any, is_shown: Any) -> Any:
        return [one for one in await books.witnesses(-1, 10_000) if is_shown(one.row)][:1]

    async def asked(self: LogSearch, phones: Any, pass_: Any) -> bool:
        if pass_.witnesses:
            return await ask_for(self, phones, pass_)
        return await self._read({"phone": ",".join(phones)}, pass_)

    return [patch.object(evidence, "choose", choose), patch.object(LogSearch, "_ask_for", asked)]


def _one_witness() -> list[Any]:
    async def choose(books: Any, doubts: Any, is_shown: Any) -> Any:
        return (await _choose(books, doubts))[:1]

    return [patch.object(evidence, "choose", choose)]


def _total_not_heeded() -> list[Any]:
    return [patch.object(Pages, "most", property(lambda self: 0, lambda self, rows: None), create=True)]


def _stranger_is_nobody() -> list[Any]:
    async def hold(self: Any) -> None:
        before = self.distrust
        await _hold(self)
        self.distrust = before

    return [patch.object(log_pass.Pass, "compare_with_ledger", hold)]


def _asked_by_our_clock() -> list[Any]:
    async def read(self: LogSearch, filters: Any, pass_: Any) -> bool:
        since = min(doubt.time for doubt in pass_._by_phone.values()) - 12 * 3_600_000
        return await _read(self, {**filters, "since": str(since)}, pass_)

    return [patch.object(LogSearch, "_read", read), *_no_witness()]


def _old_by_our_clock() -> list[Any]:
    async def due(ledger: Any, doubts: Any, findings: Any, settle: float, asked: float) -> dict[int, float]:
        return {doubt.row: max(doubt.time, doubt.until) / 1000 + settle - asked for doubt in doubts}

    return [patch.object(reconcile_module, "_due", due)]


def _another_by_its_time() -> list[Any]:
    def judge(self: Any, row: Any, doubt: Any, *, tagged: bool = False) -> Any:
        found = _judge(self, row, doubt, tagged=tagged)
        span = times.span(row.sent_time)
        is_far = span is not None and abs(span[0] - doubt.time) > 7_200_000
        return Verdict.OTHER if found is Verdict.PERHAPS and not tagged and is_far and row.text != doubt.text else found

    return [patch.object(Matcher, "judge", judge)]


def _queued_again_for_good() -> list[Any]:
    return [patch.object(MemoryLedger, "_put_back", lambda self: None), patch.object(settling_module, "put_back", lambda *_: 0)]


def _absent_for_good() -> list[Any]:
    async def unknown_only(ledger: Any) -> Any:
        async for unknown in reconcile_module._pages(ledger, absent=False):
            yield unknown, []

    return [patch.object(reconcile_module, "_all_texts", unknown_only)]


_LIES = "the books say not_sent"
_MANY = 3000


# ---- books that do not know whose they are, where they stand, or what was said ----


def _ledger_of_anybody() -> list[Any]:
    return [patch.object(identity_module, "check", lambda *_: None)]


def _main_file_alone() -> list[Any]:
    return [patch.object(marks, "is_log_lost", lambda *_, **__: False)]


def _copy_is_a_ledger() -> list[Any]:
    return [patch.object(standing, "check", lambda *_, **__: "")]


def _tried_is_forgotten() -> list[Any]:
    def was_sent(self: MemoryLedger) -> bool:
        return bool(self.counts[State.SENT])

    def was_used(self: RunFile) -> bool:
        return bool(self.file.db.execute("SELECT 1 FROM contact WHERE state = 2").fetchone())

    return [patch.object(MemoryLedger, "is_used", property(was_sent)), patch.object(RunFile, "was_used", was_used)]


def _rate_forgotten() -> list[Any]:
    def merged(kept: Any, given: Any) -> dict[str, Any]:
        return {**{name: value for name, value in kept.items() if name != "rate"}, **given}

    return [patch.object(care, "merged", merged)]


def _concurrency_forgotten() -> list[Any]:
    def merged(kept: Any, given: Any) -> dict[str, Any]:
        return {**{name: value for name, value in kept.items() if name != "concurrency"}, **given}

    return [patch.object(care, "merged", merged)]


def _hold_ends_early() -> list[Any]:
    return [patch.object(Throttles, "beyond", lambda self, seconds: seconds / 2)]


def _throttled_may_have_left() -> list[Any]:
    def doubts(outcome: Outcome, *arguments: Any, **options: Any) -> Decision:
        return decide(Unknown(outcome.why) if isinstance(outcome, Throttled) else outcome, *arguments, **options)

    return [patch.object(sender_module, "decide", doubts)]


def _resume_suppresses_nobody() -> list[Any]:
    return [patch.object(care, "both", lambda kept, given: given)]


# ---- people written off, or left behind in silence ----

_refusal = wire.decipher_refusal


def _page_is_refusal() -> list[Any]:
    def decipher(response: Response, redact: tuple[str, ...] = ()) -> Outcome:
        outcome = _refusal(response, redact)
        is_for_good = isinstance(outcome, Barred) and outcome.kind in {Bar.GATEWAY, Bar.ACCOUNT, Bar.OTHER}
        return Refused(outcome.why, response.status) if is_for_good else outcome

    return [patch.object(wire, "decipher_refusal", decipher)]


def _threshold_stays_refused() -> list[Any]:
    return [patch.object(Held, "sift", lambda self, done, entries: (list(done), []))]


def _left_in_silence() -> list[Any]:
    return [patch.object(execution_module, "left_over", lambda reasons: None)]


def _next_answer_is_ours() -> list[Any]:
    def outcome(self: Answers, response: Response, sent: Sent, redact: tuple[str, ...]) -> tuple[Outcome, Fit]:
        return self._read(response, redact), Fit.LIKELY

    return [patch.object(Answers, "outcome", outcome)]


def _a_no_is_believed_at_once() -> list[Any]:
    async def at_once(self: Sender, outcome: object, task: object) -> str:
        return ""

    return [patch.object(Sender, "_doubt", at_once)]


# ---- owners that are expired too early, or not fenced; rules that are asked too early ----

_expire = MemoryLedger.expire


def _lease_not_fenced() -> list[Any]:
    async def expire(self: MemoryLedger, owner: int) -> list[Result]:
        # What it has open is unknown, and it goes on as if nothing had happened.
        known = self._owners.get(owner)
        found = await _expire(self, owner)
        if known is not None:
            self._owners[owner] = known
        return found

    def close(self: Contacts, done: Sequence[Closed]) -> None:
        for one in done:
            entry = self.entries[one.row]
            self.counts[entry.state] -= 1
            self.counts[one.state] += 1
            entry.state, entry.why, entry.logid, entry.attempts, entry.time = (
                one.state,
                one.why,
                one.logid,
                one.attempts,
                one.time,
            )

    return [
        patch.object(MemoryLedger, "expire", expire),
        patch.object(Contacts, "check", lambda *_: None),
        patch.object(Contacts, "close", close),
    ]


def _expired_is_queued() -> list[Any]:
    async def expire(self: MemoryLedger, owner: int) -> list[Result]:
        for entry in self._contacts.entries.values():
            if entry.state is State.INTENT and entry.owner == owner:
                self._contacts.move(entry, State.QUEUED)
        self._queue.begin()
        return await _expire(self, owner)

    return [patch.object(MemoryLedger, "expire", expire)]


def _expired_while_alive() -> list[Any]:
    async def owners(self: Leased) -> list[Owner]:
        return [Owner(one.id, one.name, is_dead=True) for one in self._owners.values()]

    return [patch.object(Leased, "owners", owners)]


def _lease_not_looked_at() -> list[Any]:
    return [patch.object(Lease, "lasts", lambda self, text: True)]


def _asked_before_the_claim_only() -> list[Any]:
    async def ask(self: Sender, *_: Any) -> None:
        return None

    return [patch.object(Sender, "_ask", ask)]


# ---- people who have hours ----


def _offset_stored() -> list[Any]:
    offsets: dict[str, dt.timedelta] = {}

    def instant(zone: ZoneInfo, day: dt.date, minutes: int, stricter: Any) -> float:
        wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minutes)
        offset = offsets.setdefault(zone.key, wall.replace(tzinfo=zone).utcoffset() or dt.timedelta())
        return (wall - offset).replace(tzinfo=dt.UTC).timestamp()

    return [patch.object(gates, "_instant", instant)]


def _hours_at_the_claim_only() -> list[Any]:
    return [patch.object(queue, "bind", lambda *given: None)]


def _majority_zone() -> list[Any]:
    zips, singles, codes = places._tables()
    codes = {code: (mask & -mask, state) for code, (mask, state) in codes.items()}
    return [patch.object(places, "_tables", lambda: (zips, singles, codes))]


def _on_in_the_morning() -> list[Any]:
    return [patch.object(Gates, "_opening", lambda self, kind, now: self._ever(kind, max(now, self.begin)))]


def _by_our_own_clock() -> list[Any]:
    return [patch.object(ZoneData, "zone", lambda self, name: by_hand.zone("America/New_York"))]


def _close_inclusive() -> list[Any]:
    in_zone = Gates._in_zone

    def found(self: Gates, *given: Any) -> list[tuple[float, float]]:
        return [(opens, closes + 60.0) for opens, closes in in_zone(self, *given)]

    return [patch.object(Gates, "_in_zone", found)]


def _begins_at_once() -> list[Any]:
    return [patch.object(HourSchedule, "begins", property(lambda self: None))]


def _holiday_on_a_sunday() -> list[Any]:
    def without(state: str, year: int) -> frozenset[dt.date]:
        fixed = {dt.date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))}
        return frozenset(day for day in _holidays(state, year) if day in fixed or day.weekday() not in (0, 4))

    return [patch.object(states, "holidays", without)]


_holidays = states.holidays

EXHIBITS: tuple[Exhibit, ...] = (
    *OF_CANARIES,
    *OF_MACHINES,
    *OF_MONEY,
    *OF_PEOPLE,
    Exhibit(
        "the offset is kept instead of the zone",
        "schedulers that turn nine o'clock into UTC once",
        _offset_stored,
        "OUTSIDE HOURS",
        of="hours",
    ),
    Exhibit(
        "hours are looked at when a text is fetched",
        "queues that filter a batch and send it later",
        _hours_at_the_claim_only,
        "OUTSIDE HOURS",
        of="hours",
    ),
    Exhibit("one zone for each area code", "libraries of phone numbers", _majority_zone, "OUTSIDE HOURS", of="hours"),
    Exhibit(
        "what is left goes on in the morning",
        "campaign tools that hold texts overnight",
        _on_in_the_morning,
        "ANOTHER DAY",
        of="hours",
    ),
    Exhibit("hours by the clock of the server", "cron jobs", _by_our_own_clock, "OUTSIDE HOURS", of="hours"),
    Exhibit("a run for later begins at once", "schedulers whose zone is the server's", _begins_at_once, "TOO SOON", of="hours"),
    Exhibit("the end of an hour is in it", "dialers", _close_inclusive, "OUTSIDE HOURS", of="hours"),
    Exhibit("a holiday on a Sunday has no Monday", "calendars of holidays", _holiday_on_a_sunday, "OUTSIDE HOURS", of="hours"),
    Exhibit(
        "the next answer on a kept connection is this text's",
        "HTTP clients with connection pools",
        _next_answer_is_ours,
    ),
    Exhibit(
        "a no is believed although another answer comes behind it",
        "HTTP clients with connection pools, behind balancers that answer themselves",
        _a_no_is_believed_at_once,
    ),
    Exhibit("a send is retried after a timeout", "an official SDK of a texting provider", _retry_on_timeout),
    Exhibit("a send is retried after a 5xx", "generated API clients", _retry_on_5xx),
    Exhibit("a retry decorator around the send", "campaign scripts with a retry library", _retry_wrapper),
    Exhibit("an unreadable answer is asked for again", "webhook relays", _retry_unreadable),
    Exhibit("a reset connection is repeated below", "HTTP libraries, with idempotence guessed", _reset_connection_repeated),
    Exhibit("a redirect of a send is followed", "HTTP clients by default", _redirect_followed),
    Exhibit(
        "message/next is repeated by the library",
        "HTTP libraries, for each GET",
        _next_repeated,
        "locked for nobody",
        concurrent=True,
    ),
    Exhibit("a slow send is hedged by a second one", "latency-minded RPC clients", _hedged),
    Exhibit("a timeout counts as not sent", "clients with one total timeout", _timeout_is_not_sent),
    Exhibit("429 counts as sent", "senders that look for exceptions only", _throttled_is_sent, "the provider never saw"),
    Exhibit("any 200 counts as sent", "senders that look at the status only", _any_200_is_sent, "the provider never saw"),
    Exhibit("doubt counts as refused", "senders with two states, sent and failed", _doubt_is_refused, "the books say refused"),
    Exhibit("doubt goes back to the queue", "at-least-once job queues", _doubt_is_queued),
    Exhibit("what was in flight is sent again by a resume", "a peer-to-peer texting platform", _resume_sends_what_was_in_flight),
    Exhibit("a resume queues what is unknown", "campaign managers with a retry button", _resume_queues_unknown),
    Exhibit(
        "the checkpoint moves when contacts are fetched",
        "a newsletter and mailing list manager",
        _checkpoint_at_fetch,
        "the provider never saw",
    ),
    Exhibit(
        "the intent is not on the disk yet",
        "journals that are flushed now and then",
        _intent_not_durable,
        "intent was not on the disk",
    ),
    Exhibit(
        "the result is written before the answer", "fire-and-forget senders", _result_before_answer, "the provider never saw"
    ),
    Exhibit("a send cancelled half-way counts as not sent", "asyncio services on shutdown", _cancelled_is_not_sent),
    Exhibit(
        "the last write is cancelled with its task",
        "asyncio services without a shield",
        _final_write_cancelled,
        "can be explained",
    ),
    Exhibit("a whole batch is leased at once", "job queues with prefetch", _batch_leased, "open"),
    Exhibit(
        "duplicates are known in memory only",
        "scripts with a set of seen numbers",
        _duplicates_in_memory,
        "intent was not on the disk",
    ),
    Exhibit("as many in flight as there are rows", "gather over the whole list", _window_ignored, "open"),
    Exhibit("the limit counts for each worker", "worker pools with their own counters", _limit_by_worker, "at a limit of"),
    Exhibit("the rate counts for each worker", "worker pools with their own limiters", _rate_by_worker, "within a second"),
    Exhibit("twice the rate in the first second", "leaky buckets of a whole second", _full_bucket, "within a second"),
    Exhibit("opt-outs in another form are nobody's", "our own lists, by a hostile one", _suppressed_abroad, "suppressed"),
    Exhibit("the suppression list is read and not used", "opt-outs synchronised too late", _suppression_forgotten, "suppressed"),
    Exhibit("waiting workers do not hear a stop", "queues drained on shutdown", _stop_unheard, "after a stop"),
    Exhibit(
        "a text leaves after its lock has ended", "dialers and texter tools", _lock_ignored, "lock had ended", concurrent=True
    ),
    Exhibit("another text than the one planned", "templates rendered again at each try", _another_text, "got another text"),
    Exhibit(
        "a lost draw is forgotten", "workers that fetch and crash", _lost_draw_forgotten, "locked for nobody", concurrent=True
    ),
    Exhibit(
        "absent from the log is believed at once", "settling jobs without a delay", _no_settle_delay, "the books say not_sent"
    ),
    Exhibit(
        "no answer from the log means absent", "settling jobs that catch everything", _unreadable_is_absent, "books say not_sent"
    ),
    Exhibit(
        "a phone in another form is nobody's", "our own settling, by a hostile log", _odd_phone_is_nobody, _LIES, worlds=_MANY
    ),
    Exhibit("no witness is needed", "settling jobs that take silence for an answer", _no_witness, _LIES, worlds=_MANY),
    Exhibit("the witness is what the log shows", "our own settling, by a hostile log", _witness_by_the_log, _LIES, worlds=_MANY),
    Exhibit("one witness stands for all", "spot checks", _one_witness, _LIES, worlds=_MANY),
    Exhibit("the total is not heeded", "readers of lists that look for a token only", _total_not_heeded, _LIES, worlds=_MANY),
    Exhibit("a text of the run to a stranger is nobody's", "matching by phone alone", _stranger_is_nobody, _LIES, worlds=_MANY),
    Exhibit("the log is asked from our clock on", "searches by time", _asked_by_our_clock, _LIES, worlds=_MANY),
    Exhibit("our clock says how old a text is", "delays counted by one machine's clock", _old_by_our_clock, _LIES, worlds=_MANY),
    Exhibit("a row is another text by its time", "matching by time", _another_by_its_time, _LIES, worlds=_MANY),
    Exhibit("queued again without a further look", "a retry button that remembers", _queued_again_for_good, worlds=_MANY),
    Exhibit("absent for good", "states that are never looked at again", _absent_for_good, _LIES, worlds=_MANY),
    Exhibit(
        "the books go from account to account",
        "scripts that take their key from the environment",
        _ledger_of_anybody,
        "ledger under another account",
    ),
    Exhibit(
        "what was rehearsed counts as sent",
        "campaign tools with a sandbox and one database",
        _ledger_of_anybody,
        "ledger against another server",
    ),
    Exhibit(
        "the main file is taken for the whole ledger",
        "programs on SQLite whose files are copied one by one",
        _main_file_alone,
        "log of the ledger tidied away",
    ),
    Exhibit("a copy is as good as its original", "state files in a synchronised folder", _copy_is_a_ledger, "ledger copied"),
    Exhibit(
        "what was tried and is not known as sent is forgotten",
        "campaign tools that begin anew where nothing was delivered",
        _tried_is_forgotten,
        "another text for the ledger",
    ),
    Exhibit("a resume forgets the rate", "senders whose options live on the command line", _rate_forgotten, "within a second"),
    Exhibit("a hold ends early", "clients that retry after half of Retry-After, jittered", _hold_ends_early, "within a hold"),
    Exhibit("a 429 may have left", "senders with one class for all errors", _throttled_may_have_left, "unknown"),
    Exhibit(
        "a resume forgets how many at a time", "senders whose options live on the command line", _concurrency_forgotten, "open"
    ),
    Exhibit(
        "a resume forgets the suppression list",
        "senders that screen when a list comes in",
        _resume_suppresses_nobody,
        "suppressed",
    ),
    Exhibit("a page is a refusal", "gateways that book every error as final", _page_is_refusal, "never said no"),
    Exhibit("the refusals that stopped the run stay", "mailers with a circuit breaker", _threshold_stays_refused, "the very row"),
    Exhibit("a run leaves texts behind in silence", "upload and reminder scripts", _left_in_silence, "left over"),
    Exhibit(
        "a lease that is not fenced",
        "job queues with a visibility timeout",
        _lease_not_fenced,
        "went from unknown to",
        of="owners",
    ),
    Exhibit(
        "what an expired owner had open is queued again",
        "job queues that rescue what seems stuck",
        _expired_is_queued,
        of="owners",
    ),
    Exhibit(
        "an owner expired while it lives",
        "schedulers whose second process declares the first one dead",
        _expired_while_alive,
        "intent was not on the disk",
        of="owners",
    ),
    Exhibit(
        "whoever wakes up sends on without a look at its lease",
        "clients of distributed locks",
        _lease_not_looked_at,
        "intent was not on the disk",
        of="owners",
    ),
    Exhibit(
        "a rule is asked before the claim only",
        "senders that filter a batch when they fetch it",
        _asked_before_the_claim_only,
        "although they had opted out",
        of="owners",
    ),
    Exhibit("the last contact of a batch is lost", "pagination off by one", _contact_lost, "rows in the list"),
)
