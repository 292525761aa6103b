"""A run: one list, one text, one project, one ledger, from opening the books to the summary.

Lives here: the face that a run shows to its caller. Knows no provider and no database: both are handed in.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rumbleup_async.engine.crew import MakeCrew
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.ports import Gateway, Ledger, Log, Pace
from rumbleup_async.errors import LedgerError
from rumbleup_async.events import LookedUp
from rumbleup_async.lists.batches import Contacts
from rumbleup_async.lists.lines import Writable
from rumbleup_async.messaging import Plan, State
from rumbleup_async.runs.execution import Execution
from rumbleup_async.runs.list_loading import check_contacts
from rumbleup_async.runs.looks import Looks
from rumbleup_async.runs.planning import CONCURRENT, PREFIX, WRITTEN, Settings
from rumbleup_async.runs.reconcile import GRACE, Reconciled, Requeued, check_grace, count_absent
from rumbleup_async.runs.sending import Sending
from rumbleup_async.runs.setup import Setup
from rumbleup_async.runs.summary import Summary, by_code
from rumbleup_async.runs.throughput import Throughput
from rumbleup_async.runs.trials import Tested
from rumbleup_async.shielding import run_shielded

if TYPE_CHECKING:
    from rumbleup_async.people.run_book import RunBook
    from rumbleup_async.rules.outlook import Outlook

__all__ = ["CONCURRENT", "PREFIX", "WRITTEN", "Run", "Sending", "Settings"]


class Run(Tested):
    """A run of fast mode or of concurrent mode. Use it as an async context manager; send once with it.

        async with rumbleup.fast_mode(...) as run:
            async for result in run.send(contacts): ...
            print(run.summary)

    Leaving the context early, by `break` and exit, an exception or a cancellation, stops the run as `stop()` does: nothing
    more leaves, what is in flight is waited for and closed, the rest stays queued in the ledger.
    """

    def __init__(
        self,
        settings: Settings | None,
        options: Options,
        *,
        gateway: Callable[[Plan], Gateway],
        ledger: Ledger,
        pace: Pace,
        log: Callable[[Plan], Log] | None = None,
        given: Mapping[str, Any] | None = None,
        adapt: Callable[[Mapping[str, Any]], tuple[Options, MakeCrew | None]] | None = None,
        book: Callable[[Plan, Mapping[str, Any]], RunBook | None] | None = None,
    ) -> None:
        """The arguments are those of `Setup`; `log` makes what can be asked for the texts that the provider took."""
        self._ledger = ledger
        self._setup = Setup(settings, options, gateway=gateway, ledger=ledger, pace=pace, given=given, adapt=adapt, book=book)
        self._looks = Looks(self._setup, log)
        self._execution: Execution = Execution(self._setup, self._looks)
        self._sending: Sending | None = None
        self.throughput = Throughput(self._setup, self._execution)
        """What the provider lets through, how long the run will still take, and what it waits for."""

    def __repr__(self) -> str:
        return f"Run({self._setup.plan if self._setup.has_plan else None!r})"

    async def __aenter__(self) -> Self:
        await self._setup.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._setup.is_open = False
        try:
            # A cancellation in the meantime no longer waits for what is in flight, but the books are closed all the same.
            await run_shielded(self._leave(), on_cancel=self._execution.abandon)
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"while the run was left: {failure}")
        if error is None and self._sending is not None and not self._sending.is_begun:
            warnings.warn(
                "run.send() was neither awaited nor iterated over, so nothing was sent; "
                "write `await run.send(...)` or `async for result in run.send(...)`",
                RuntimeWarning,
                stacklevel=2,
            )

    async def _leave(self) -> None:
        """Stop what is still running, wait for what is in flight, close the books."""
        execution = self._execution
        try:
            if execution.task is not None:
                await execution.wind_up(execution.task)
        finally:
            try:
                if execution.began is not None or execution.list.is_cut_short:
                    with contextlib.suppress(LedgerError):  # a ledger that failed has said so already
                        await self._ledger.finish(execution.stopped, execution.elapsed)
            finally:
                await self._setup.aclose()

    # ---- what the run is about ----

    @property
    def plan(self) -> Plan:
        """What this run is about, its id and tag among it. Raises RuntimeError before the run is entered."""
        return self._setup.plan

    @property
    def is_concurrent(self) -> bool:
        """Whether contacts are drawn from the provider instead of a list."""
        return self._setup.is_concurrent

    @property
    def has_whole_list(self) -> bool:
        """Whether the list is in the ledger to its end; without it a resume sends only what has come in."""
        return self._ledger.fingerprint is not None

    @property
    def is_used(self) -> bool:
        """Whether a text of this run may have left, now or before."""
        return self._ledger.is_used

    @property
    def goes_on_with(self) -> str:
        """In words, what holds because an earlier part of the run was given it: options, suppressed phones; "" for nothing."""
        return self._setup.care.goes_on_with

    @property
    def notes(self) -> Sequence[str]:
        """What is to be known of the ledger before anything is sent: that it seems to be a copy, or did not say whose it is."""
        return (*self._ledger.notes, *filter(None, [self._setup.options.note, self._note_of_cap]))

    @property
    def book(self) -> RunBook | None:
        """The book of people that the run asks; None where it has none."""
        return self._setup.book

    @property
    def list_notes(self) -> tuple[str, ...]:
        """What is to be said of how a list file was read, such as its encoding."""
        return self._execution.list.notes

    @property
    def text_notes(self) -> list[str]:
        """What is worth knowing of the text before it is sent: what makes it expensive, what goes out as it stands."""
        return self._execution.list.text_notes

    @property
    def absent_fields(self) -> tuple[str, ...]:
        """Merge fields that the list has no column for: their fallback is used for everybody."""
        return self._execution.list.absent_fields

    # ---- how it stands ----

    @property
    def counts(self) -> Mapping[State, int]:
        """Contacts by state, now."""
        return self._ledger.counts

    @property
    def elapsed(self) -> float:
        """Seconds spent sending so far."""
        return self._execution.elapsed

    @property
    def summary(self) -> Summary:
        """Counts, seconds and texts per second; of a run under way, as they stand now."""
        return self._execution.summary

    async def outlook(self) -> Outlook | None:
        """How many of those who are queued may be texted now, later today, and not today; None in a run without hours.

        Goes through the whole ledger. Raises LedgerError if it cannot be read.
        """
        hours = self._setup.hours
        return None if hours is None else await hours.outlook(self._ledger)

    async def count_reasons(self) -> dict[str, dict[str, int]]:
        """How many contacts of each state there are by the code of their reason, of which docs/reasons.md tells, if there is one.
        It goes through the whole ledger. Raises LedgerError if it cannot be read."""
        return by_code(await self._ledger.reasons(), stop=self._execution.stopped)

    @property
    def in_flight(self) -> int:
        """Texts being delivered at this moment."""
        engine = self._execution.engine
        return 0 if engine is None else engine.crew.in_flight

    @property
    def window(self) -> int:
        """Requests that may be in flight at this moment; in concurrent mode, the texters in use."""
        engine = self._execution.engine
        return 0 if engine is None else engine.crew.window

    @property
    def lost_draws(self) -> int:
        """Answers to message/next that were lost: each may have locked a contact for nobody."""
        texters = self._execution.texters
        return 0 if texters is None else texters.lost

    @property
    def lost_until(self) -> dt.datetime | None:
        """When the last contact locked by a lost draw comes back; None without one."""
        texters = self._execution.texters
        return None if texters is None else texters.lost_until

    @property
    def held(self) -> float:
        """Seconds until texts may leave again: the provider said "not now", or nobody is open before; 0 if nothing holds."""
        return self._execution.holding.remaining

    @property
    def held_for(self) -> str:
        """Why texts were last held back."""
        return self._execution.holding.why

    def tell_held(self, seconds: float, reason: str) -> None:
        """Pass on that nothing leaves for so long, and why."""
        self._execution.observers.held(seconds, reason)

    # ---- what the caller does with it ----

    async def note(self, what: str, detail: str = "") -> None:
        """Keep in the audit of the ledger (`rumbleup status LEDGER --audit`) what was done with the run, such as an approval. No
        phone and no text belongs there. A ledger in memory keeps none. Raises LedgerError."""
        await self._setup.note(what, detail)

    async def load(
        self,
        path: object,
        progress: Callable[[int], None] | None = None,
        *,
        copy: Writable | None = None,
    ) -> bool:
        """Read a whole list file into the ledger without sending anything; `send()` then texts what is queued.

        True if it was read, False if this very list is in the ledger already. `progress` is told, in a thread, how many rows
        are in. `copy` takes the bytes of the list as they are read.

        Raises ListError for a list that cannot be used, LedgerMismatch if the ledger was begun with another one.
        """
        return await self._execution.list.load(path, progress, copy=copy)

    def send(self, contacts: Contacts | None = None) -> Sending:
        """Text the contacts; iterate over what becomes of them, or await it for the summary. Once per run.

        `contacts`: a path (CSV, JSON lines, or one number a line), or any iterable or async iterable of mappings with a phone
        field, or of plain numbers. None sends what the ledger still has queued.

            async with rumbleup.fast_mode(...) as run:
                summary = await run.send("voters.csv")

        Every contact yields one result once it is durable; those that the run does not get to stay queued and yield none.
        Raises ListError, LedgerMismatch, LedgerError, or whatever the iterable raises; texts that left before that are in
        the ledger.
        """
        check_contacts(contacts)
        if self._sending is not None:
            raise RuntimeError("a run sends one list; open another run for another list")
        self._sending = Sending(self._execution, contacts)
        return self._sending

    async def reconcile(self, *, settle: float = GRACE) -> Reconciled:
        """Look what is `unknown` up in the provider's log: `sent` if it is there, `not_sent` if it is absent. Sends nothing.

        `settle`: seconds from a text's intent until its absence counts. What cannot be read stays `unknown`, and `problem` says
        why. Before or after sending, not meanwhile. Raises LedgerError.
        """
        check_grace(settle)
        looked = await self._looks.reconcile(settle, is_stopped=self._execution.may_not_look())
        self._execution.tell(LookedUp(looked.found, looked.absent, looked.unknown))
        return looked

    async def count_absent(self) -> int:
        """Contacts that are `not_sent` because they were absent from the provider's log."""
        return await count_absent(self._ledger)

    async def resend_absent(self) -> Requeued:
        """Queue those again that are absent from the provider's log; `send()` then texts them.

        They are looked up once more: one that has turned up since becomes `sent`. Who is suppressed by now stays absent. If the
        log cannot be read, none is queued. The look holds for this run and a quarter of an hour: who is not texted by then is
        absent as before.
        """
        return await self._looks.resend_absent(is_stopped=self._execution.may_not_look())
