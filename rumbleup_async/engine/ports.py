"""What the bulk engine asks of others. They fit these protocols by shape; none of them is imported here.

Lives here: protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from rumbleup_async.admission import Admit, Verdict
from rumbleup_async.events import EventObserver
from rumbleup_async.lookups import Known, LookUpResult, Resolution, UnknownText
from rumbleup_async.messaging import (
    NONE_SHUT,
    Closed,
    Kept,
    Owner,
    Plan,
    Planned,
    Result,
    Second,
    Skipped,
    State,
    Step,
    Text,
)
from rumbleup_async.money import Money
from rumbleup_async.outcomes import Draw, Outcome
from rumbleup_async.pauses import Pause, Request
from rumbleup_async.reasons import Reason
from rumbleup_async.stops import Stop

if TYPE_CHECKING:
    from rumbleup_async.engine.entries import Entry
    from rumbleup_async.engine.lease import Lease
    from rumbleup_async.engine.sharing import Sharing
    from rumbleup_async.engine.window import Window


class Permit(msgspec.Struct, frozen=True, gc=False):
    """Leave for one attempt to deliver one text. Nothing is awaited between it and the delivery, so no hold begins in between.

    `line`: which of the run's lines sends the text, counted from 1; 0 where a provider has no lines. `at`: when the permit was
    given, on the clock of the pace that gave it; 0 where that pace does not ask.
    """

    line: int = 0
    at: float = 0.0


class Gateway(Protocol):
    """A provider: takes one text, says what became of it. Never raises for what network or provider do."""

    async def deliver(self, text: Text, permit: Permit, /) -> Outcome:
        """One attempt to deliver one text, over the line of its permit."""

    async def aclose(self) -> None: ...


class Pauses(Protocol):
    """The pauses of a run, kept with it, and what is asked of it from outside."""

    @property
    def now(self) -> Pause | None:
        """The pause that holds; None if none does."""

    @property
    def is_shared(self) -> bool:
        """Whether others can ask at all."""

    async def heed(self, request: Request) -> None:
        """Begin or end a pause, durably, and note who asked for it. A stop is only noted."""

    async def asked(self) -> Sequence[Request]:
        """What others ask of this run, in its order; the same until `answered`."""

    async def answered(self) -> None:
        """All that `asked` has told last is heeded."""


@runtime_checkable
class KeepsAudit(Protocol):
    """Pauses of a ledger that keeps what people do with it."""

    async def note(self, what: str, detail: str) -> None:
        """Keep that somebody does this now."""


@runtime_checkable
class WatchesClock(Protocol):
    """A gateway whose answers say what time it is."""

    def watch_clock(self, wall_clock: Callable[[], float], off: Callable[[Stop], None], /) -> None:
        """From now on compare this clock with that of the answers, and tell `off` if they are more than a minute apart."""


class Trials(Protocol):
    """What a ledger knows of the texts that somebody sends to phones of their own before a run."""

    async def first(self) -> Text | None:
        """The first contact that is queued, who stays so; None if nobody is."""

    async def is_open(self, about: str) -> bool:
        """Whether the last note of the audit about this test text says that it is about to leave: nobody knows whether it has."""

    async def spend(self, amount: int) -> None:
        """So many micro-dollars more were spent, or reserved, on such texts: a budget counts them. Fewer if it is negative."""


class Prices(Protocol):
    """What a ledger knows of the money of its run."""

    @property
    def trials(self) -> Trials:
        """What it knows of test texts."""

    async def known(self) -> Money:
        """What is known so far; from now on the prices that answers name are kept with the steps that close their texts."""

    async def since(self, moment: float) -> Money:
        """`reserved` and `most` as of `known`, of texts alone that left since this Unix second, or may have. Nothing is kept for
        it."""


class Trial(Protocol):
    """What a ledger does for a canary."""

    @property
    def waiting(self) -> int:
        """Contacts that were drawn and have not been opened yet, in this process."""

    @property
    def is_drawing(self) -> bool:
        """Whether nobody is opened but those who were drawn."""

    async def begin(self) -> Mapping[str, int]:
        """Make ready. What was heard so far: of how many contacts what."""

    async def draw(self, number: int, seed: str, now: float, shut: Mapping[int, float]) -> int:
        """Have so many contacts go, drawn by chance among those whose places are open. How many there are.

        Nobody else is opened until lots are drawn again and there are none, as when 0 are drawn. Nobody is drawn who was tried
        before, or who is put off. Whoever was drawn in an earlier part of the run comes first."""

    async def texted(self) -> Sequence[str]:
        """The phones of those who were drawn and have been texted, or may have been."""

    async def hear(self, what: str, phones: Sequence[tuple[str, str]]) -> Mapping[str, int]:
        """Note this of those of these phones that the run has texted, durably, each once; then as `begin`. A phone may have the
        logid of the text that is meant; "" for whatever text of the run."""


@runtime_checkable
class HasTrial(Protocol):
    """A ledger whose run may have a canary."""

    @property
    def trial(self) -> Trial: ...


class Ledger(Protocol):
    """The durable record of one run: the only place where its truth lives.

    Whatever a method has returned is durable. One run writes at a time.
    """

    @property
    def counts(self) -> Mapping[State, int]:
        """Contacts by state, now."""

    async def open(self, plan: Plan | None) -> Plan:
        """Begin a run, or continue the one that is there; None: continue whatever is there.

        Opening touches no entry: see `owners` and `expire`. Raises LedgerMismatch, LedgerLocked, LedgerError.
        """

    @property
    def lease(self) -> float:
        """Seconds for which an owner may send after a step of its own; `math.inf` where only its death can end that."""

    async def enlist(self, name: str) -> Owner:
        """A new owner, who may open entries. There may be several at the same time; `name` is for people."""

    async def owners(self) -> list[Owner]:
        """The owners that have open entries, or may still open some."""

    async def expire(self, owner: int) -> list[Result]:
        """Fence this owner, durably: it opens nothing any more, and what it has open becomes `unknown`. Returns what became of
        its entries. An owner that is fenced already, or that nobody knows, is left as it is."""

    @property
    def prices(self) -> Prices:
        """What texts have cost."""

    @property
    def pauses(self) -> Pauses:
        """Whether the run is to rest, and who says so."""

    @property
    def notes(self) -> Sequence[str]:
        """What is to be told of the ledger, once it is open."""

    @property
    def is_used(self) -> bool:
        """Whether any text of it may ever have left."""

    @property
    def kept(self) -> Kept:
        """How careful the run was told to be so far."""

    async def keep(self, kept: Kept) -> None:
        """From now on it was told to be so careful. Suppressed phones are only ever added."""

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the list once it is in the ledger to its end, else None. "" for a list without one."""

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = ...) -> None:
        """Take in a whole list in one go, beginning anew if an earlier load was cut off. Iterates in a thread of its own.

        `left_out`: reasons by phone, read once all batches are in: these phones are skipped in whatever row they stand.
        """

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        """Take in some rows while the run is under way; returns those that are not to be texted, duplicates among them.

        Rows that are there already are compared and passed over: LedgerMismatch if they differ.
        """

    async def complete(self, fingerprint: str) -> None:
        """The list is in to its end."""

    async def step(
        self,
        owner: int,
        done: Sequence[Closed],
        want: int,
        now: float,
        shut: Mapping[int, float] = NONE_SHUT,
        *,
        admit: Admit | None = None,
        second: Second | None = None,
    ) -> Step:
        """In one durable step: close these entries of the owner, and open up to `want` queued contacts for it (their intent).

        `now`: Unix seconds. `shut`: for places with opening times, the Unix second at which they are shut; contacts of the place
        that is shut soonest are opened first, those of a place that is shut by `now` not at all. Contacts that were put off are
        opened once they are due.

        `admit` is asked of every text before its intent is written; what it answers is durable in this very step.
        `second`: what is kept of the second that has just passed.

        Of what a fenced owner brings only proof counts: an entry of its own that is in doubt becomes `sent` if it has a logid.
        LedgerError if an entry to be closed is not open for this owner, or may not go there; then nothing at all is done.
        """

    async def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        """In one durable step: these contacts, queued since they were refused, stay refused. Those that are refused now: where
        others send the run, too, one of them may have opened a contact meanwhile. Else LedgerError if one is not queued."""

    async def again(self) -> bool:
        """Begin the queue anew, for those who were queued again. False if nobody is queued."""

    async def left(self) -> list[tuple[Reason, int]]:
        """Why contacts are queued: reasons, and for how many each, the commonest first; `NO_REASON` for those never tried."""

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        """How many contacts are in each state for each kind of reason."""

    async def claim(
        self,
        owner: int,
        done: Sequence[Closed],
        drawn: Sequence[Planned | Skipped],
        now: float,
        *,
        waits: Mapping[int, Reason] = ...,
    ) -> list[Text | Result]:
        """In one durable step: close these entries, take in contacts just drawn, and open those that may be texted.

        `waits`: why contacts of these rows are not opened now: they are queued for this reason, and their answer is a result.
        Answers in the order of `drawn`. A phone that the ledger knows is opened again only if nothing of it can have left;
        else it is skipped as a duplicate. `done` and `now` are as for `step`. LedgerFenced, after its proof has been noted, if
        the owner is fenced.
        """

    @property
    def last_row(self) -> int:
        """The highest row in the ledger, 0 if it is empty."""

    async def places(self, why: Mapping[int, Reason] = ...) -> dict[int, int]:
        """How many contacts are queued at each place.

        `why`: in the same durable step the contacts of these places, 0 left out, are queued for these reasons from now on, but
        for those that have another reason than one of `reasons.OF_HOURS`.
        """

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        """Note how this process ended its part of the run."""

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        """Contacts in the order of their rows, those with a row above `after`."""

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        """The `unknown` contacts in the order of their rows; `absent`: those found to be absent from the log instead."""

    async def settle(self, settled: Sequence[Resolution]) -> Sequence[Resolution]:
        """In one durable step, all or none: note what the log has decided. Those that are noted: where others send the run, too,
        one of them may have proved meanwhile that a contact is `sent`, which stands.

        What was absent and is `queued` again may be opened by this process alone, and for a quarter of an hour: after that, and
        for the next process, it is absent from the log as before, and must be looked up anew.

        LedgerError if one of them is neither `unknown` nor absent from the log, or may not go there.
        """

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        """When each of these was first looked up, by row: `now`, a time of the provider's clock, for those that never were since
        their doubt arose."""

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        """The `sent` contacts that have a logid, in the order of their rows, those with a row above `after`."""

    async def known(self, phones: Sequence[str]) -> list[Known]:
        """Of these phones those that have a contact in the ledger."""

    async def aclose(self) -> None: ...


@runtime_checkable
class Remote(Protocol):
    """What a ledger can say, besides, that is on another machine."""

    @property
    def away(self) -> float:
        """Since when it cannot be reached, on the monotonic clock; 0 if it can."""


@runtime_checkable
class Shareable(Protocol):
    """What a ledger can do, besides, that several processes may send from."""

    def send_alone(self) -> None:
        """Nobody may join while this process sends: it alone counts what may leave."""


@runtime_checkable
class HeldByFiles(Protocol):
    """What a ledger can do, besides, that its process holds by open files instead of a lease."""

    def shared_with_children(self) -> AbstractContextManager[Sequence[int]]:
        """Within it: descriptors that a child process inherits, to hold the ledger as long as it lives. Nobody else can then
        take over what the child has in its hands, even when its parent is no more."""


class Books(Protocol):
    """What a log is held against: the ledger, for reading."""

    @property
    def last_row(self) -> int: ...

    async def witnesses(self, after: int, limit: int) -> list[Known]: ...

    async def known(self, phones: Sequence[str]) -> list[Known]: ...


class Log(Protocol):
    """A provider that can say afterwards what it took for delivery."""

    async def look_up(self, doubts: Sequence[UnknownText], books: Books) -> LookUpResult:
        """What the log says of these texts. Never raises for what network or provider do: what cannot be read stays in doubt.

        An absence is believed only if the same look has shown texts that the books know as `sent`, and if everything that it
        showed could be read.
        """


@runtime_checkable
class Drawer(Protocol):
    """A provider that hands out contacts one at a time, each locked for a while for whoever drew it."""

    async def draw(self) -> Draw: ...


class Gates(Protocol):
    """When places may be texted. All of it in Unix seconds."""

    @property
    def may_wait(self) -> bool:
        """Whether the run was told when to send, or has sent before: then it waits until somebody opens. Else it ends where
        nobody is open at its beginning."""

    def shut(self, now: float) -> Mapping[int, float]:
        """When the present opening of each place ends. For a place that is shut at `now`, a moment that is not after `now`."""

    def opens(self, places: Collection[int], now: float) -> float | None:
        """When the first of these places opens that this run still comes to; None if none does."""


class Claims(Protocol):
    """The book of people, which all runs of an organisation share."""

    async def claim(self, texts: Sequence[Text], now: float) -> Sequence[Verdict]:
        """What the book says of these texts, in their order. Whom it lets go is claimed for this run once this returns, on the
        disk: no other run texts them. `now`: Unix seconds. BookError if it cannot say."""

    async def admit(self, text: Text, now: float) -> Verdict:
        """Whether a text that was claimed may still leave: its recipient may have opted out since. BookError if it cannot say."""

    @property
    def are_counted(self) -> bool:
        """Whether a claim that one process gives back leaves what others have claimed for the same run meanwhile."""

    async def release(self, phones: Sequence[str]) -> None:
        """These have certainly not been texted: other runs may text them."""


class Source(Protocol):
    """What opens entries for the bookkeeper: the ledger's queue, or contacts that a provider leases one at a time."""

    is_lease: bool
    """Whether contacts are leased: one that is given back is told at once, for it may never come again."""

    lease: Lease
    """How long the ledger lets us send."""

    sharing: Sharing
    """What the processes of the run tell each other."""

    is_cut: bool
    """The last step could have opened more if it had been paid: what is closed may leave enough for it."""

    longest_rest: float
    """Seconds after which the clock is looked at again: the machine may have slept, or its clock have been set."""

    @property
    def wants_whole(self) -> bool:
        """Whether nobody is to be opened before a list that comes in is there to its end."""

    @property
    def is_dry(self) -> bool:
        """The last look found nobody more."""

    @property
    def due(self) -> float | None:
        """When the first text that was put off comes due, in Unix seconds."""

    @property
    def is_asking(self) -> bool:
        """Whether somebody is being asked for contacts at this moment."""

    @property
    def has_news(self) -> bool:
        """Whether contacts wait to be taken into the books."""

    async def begin(self) -> None:
        """Take up the books."""

    async def step(self, done: Sequence[Closed], want: int, second: Second | None = None) -> Step:
        """In one durable step: close these, open up to `want`, and keep `second`."""

    async def renew(self, second: Second | None = None) -> None:
        """Renew the lease of the books, keep `second`, and open nobody."""

    def refill(self) -> None:
        """There may be more than at the last look."""

    async def begin_anew(self) -> bool:
        """Come once more to those who were queued again; False if there are none, or it cannot be."""

    def noted(self, done: Sequence[Closed], entries: Mapping[int, Entry]) -> Sequence[Closed]:
        """These closes, with what the source has to say of contacts that are given back."""

    def given_back(self, close: Closed, text: Text, *, is_held: bool) -> None:
        """An entry is queued again. `is_held`: for a refusal that is not believed yet."""

    def waits_for(self, due: float) -> bool:
        """Whether this run waits for a text that is due at this Unix second."""

    def put_aside(self, number: int) -> int:
        """How many were not sent after all, where so many were queued again in this round."""

    def has_more(self, put_aside: int) -> bool:
        """Whether there is somebody whom this round has not come to."""

    def stop(self) -> None:
        """Ask for nobody any more."""

    def forget(self) -> None:
        """Nobody who waits to be taken into the books is taken in any more."""


class Hold(Protocol):
    """The shared "nobody sends until then"."""

    def hold(self, seconds: float) -> None: ...

    async def wait(self) -> None:
        """Return when nothing holds any more."""

    @property
    def remaining(self) -> float:
        """Seconds until texts may leave again; 0 or less means now."""


class Pace(Protocol):
    """When a text may leave, and over which line. A wait may concern one recipient: the others go on meanwhile."""

    @property
    def rate(self) -> float | None:
        """Texts a second let through now; None for no limit."""

    @property
    def learned(self) -> float | None:
        """Texts a second that the provider was last seen to let through; None where it has not shown a limit."""

    @property
    def hold(self) -> Hold: ...

    def try_permit(self, text: Text, /) -> Permit | None:
        """The permit for this text if it may leave right now, else None. The permit is counted."""

    async def permit(self, text: Text, /) -> Permit:
        """Wait until this text may leave. The permit is counted."""

    def release(self, permit: Permit, /) -> None:
        """Take back a permit that was not used: it does not count. Once for a permit at most."""

    def stands(self, permit: Permit, /) -> bool:
        """Whether the permit still holds after something else was waited for: its line was not told to wait meanwhile."""

    def accepted(self, permit: Permit, /) -> None:
        """The provider has done its work for the text of this permit, if only to refuse it."""

    def throttled(self, permit: Permit, after: float | None = None, in_flight: int = 0, /) -> int:
        """The text of this permit was answered "not now". `after`: for so many seconds everything holds; None where the answer
        named no time. `in_flight`: how many others are under way.

        Returns the number of the pause that is to be made because the provider takes nothing at all; 0 if none is.
        """


class Observer(Protocol):
    """Is told what happens in a run; silence is `SilentObserver`."""

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for, durably."""

    def held(self, seconds: float, reason: str) -> None:
        """Nothing leaves for so long."""


@runtime_checkable
class Shared(Protocol):
    """A pace whose rate several processes can share."""

    def share(self, sharers: int) -> None:
        """The rate that is asked for is shared among so many, of whom this is one; and so is what was learned of the limit."""

    def adopt(self, limit: float) -> None:
        """Others have learned that the provider takes so many texts a second from each."""


@runtime_checkable
class Fitting(Protocol):
    """A pace that finds out whether so many at a time are the limit."""

    def fits(self, window: Window) -> None:
        """What is under way has room in this window."""


AnyObserver = Observer | EventObserver
"""Whatever can be told of a run: it is told what it has a method for."""


class SilentObserver:
    """Tells nobody."""

    def results(self, results: Sequence[Result]) -> None: ...

    def held(self, seconds: float, reason: str) -> None: ...
