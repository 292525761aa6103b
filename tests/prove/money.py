"""Worlds with a budget and with pauses: prices change, vanish or cannot be read, and people pause the run at any moment.

The checker keeps accounts of its own. Whenever intents become durable it adds up what all texts of the run may cost by then: a
text whose price is in the books costs that, each other one that has left or may have left costs the dearest segment known so far.
That sum is within the budget, whatever answers said, and whoever died. Of a pause it knows when somebody asked for it, and when
the books said that it is over; in between nothing leaves.

A pause comes from the program itself or from another process, which the run looks for four times a second. A process that dies,
or is ended, while it is paused leaves the pause to the next one, and that one texts nobody until somebody lets it go on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

from rumbleup_async.errors import LedgerError
from rumbleup_async.pauses import Request, Wish
from rumbleup_async.runs.run import Run
from rumbleup_async.stops import Cause
from tests.prove.people import Listed
from tests.prove.storage import Simulated
from tests.prove.world import World

RAISED, SPENT, DEARER, UNNAMED = "budget raised", "budget used up", "answers that cost more", "answers without a price"
PAUSED, ASKED, LASTS, BETWEEN = (
    "paused by its own program",
    "paused by another process",
    "began paused",
    "paused between processes",
)
DIED = "ended while it was paused"
KINDS: Final = (RAISED, SPENT, DEARER, UNNAMED, PAUSED, ASKED, LASTS, BETWEEN, DIED)
"""What can happen here, besides what meets all worlds."""

MICRO: Final = 1_000_000
_LOOK: Final = 1.0
"""Seconds after which a run has heard what another process asks for, if its disk is quick."""
_NONSENSE: Final = (b"null", b'"n/a"', b"true", b"{}", b"[0.03]", b"NaN", b"1e999", b"0", b'""')
_LONGEST: Final = 10
"""Segments that a text may have whose length nobody knows yet."""
_LEFT: Final = frozenset({"intent", "sent", "unknown"})


def segments(text: str) -> int:
    """Parts of a text, by a count of our own: plain letters fill 160, or 153 each of several; any other alphabet 70, or 67."""
    one, each = (160, 153) if text.isascii() else (70, 67)
    return 1 if len(text) <= one else -(-len(text) // each)


class MoneyWorld(World):
    """Drawn from `seed`, about `size` texts of one to four segments."""

    def __init__(
        self, seed: int, size: int, trace: Callable[[str], None] | None = None, *, concurrent: bool | None = None
    ) -> None:
        draw = random.Random(seed ^ 0xB0D6E7)
        super().__init__(seed, size, trace, concurrent=draw.random() < 0.15 if concurrent is None else concurrent)
        self.draw = draw
        self.befalls.is_off = True
        self.people = self._longer(self.people)
        if self.is_concurrent:
            self.provider._free.clear()
            self.provider.hand_out(self.people.handed_out)
        self.price = draw.choice((7_000, 30_000, 31_250))
        """Of a segment, in micro-dollars, as the run is told."""
        self.prices = draw.choice(("as said", "as said", "cheaper", "dearer", "dearer", "changing"))
        self.forms = draw.choice(("named", "named", "now and then", "odd", "never"))
        self.whole = sum(map(segments, self.people.planned.values())) * self.price
        self.budget = max(4 * self.price, round(self.whole * draw.choice((0.1, 0.3, 0.6, 1.0, 1.5))))
        self.billed: dict[str, int] = {}
        """What the provider takes for each text, in micro-dollars, by logid."""
        self.named: dict[str, tuple[int, int]] = {}
        """What an answer has named as the price of a text, and in which process it came, by logid."""
        self.paid: dict[str, int] = {}
        """The same of those whose result is on the disk."""
        self.most: dict[str, int] = {}
        """What each text could cost at most when it was opened, as far as anybody could know, by phone."""
        self.opened: set[str] = set()
        self.provider.priced = self._priced
        self.divide(draw.choice((1, 1, 2, 3)))
        self.pausing = draw.choice((0.0, 0.02, 0.06))
        """How many pauses there are for each text."""
        self.asked_since: float | None = None
        """When another process asked for a pause; None once it was told to go on."""
        self.is_held = False
        """The program itself has asked for a pause."""
        self.held_since = 0.0
        """When the pause that holds was first seen, by a text that left."""
        self.slept = 0.0
        self.steering: list[asyncio.Task[None]] = []
        if isinstance(self.storage, Simulated):
            self.storage.disk.asked = []
        else:
            self.pausing = 0.0  # how processes ask each other by a file is tried where there are real ones

    def _longer(self, listed: Listed) -> Listed:
        """The same people, some of whom have names that make their texts long."""
        names: dict[str, str] = {}
        rows, handed_out = [], dict[str, bytes]()
        for row in listed.rows:
            name = names.get(row["phone"]) or row["first_name"]
            if row["first_name"] and row["phone"] not in names and self.draw.random() < 0.3:
                name = self.draw.choice(("A" * 130, "A" * 320, "Łukasz", "Ł" * 60, "Ł" * 160))
            names[row["phone"]] = name
            rows.append({**row, "first_name": name if row["first_name"] else ""})
            if row["phone"] in listed.handed_out:
                old, new = f'"first_name": "{row["first_name"]}"', f'"first_name": "{name}"'
                handed_out[row["phone"]] = listed.handed_out[row["phone"]].decode().replace(old, new).encode()
        planned = {phone: f"Hi {names[phone]}, vote on Tuesday. STOP to opt out" for phone in listed.planned}
        return Listed(rows, planned, listed.suppressed, handed_out)

    # ---- what a process is told ----

    def more_given(self, *, is_told: bool) -> dict[str, Any]:
        kept = self.storage.disk.kept.options.get("budget") if isinstance(self.storage, Simulated) else None
        given = {"budget": self.budget} if kept != self.budget else {}
        return given if is_told else given | {"price": self.price, "unknown_limit": 1.0}

    def before_life(self) -> None:
        self.steering, self.is_held, self.held_since = [], False, 0.0
        self.opened = {kept.phone for kept in self.storage.kept().values() if kept.state == "intent"}
        if self.books_are_paused:
            self.met[LASTS] += 1

    # ---- what texts cost ----

    def _priced(self, logid: str) -> bytes:
        """The end of an answer: what it says of the price of this text."""
        text = self.provider.truth[int(logid.removeprefix("rl_"))]
        number, draw = segments(text.text), self.draw
        factor = {"as said": 1.0, "cheaper": 0.6, "dearer": draw.choice((1.0, 1.4, 2.0))}.get(self.prices)
        share = factor if factor is not None else (0.5, 1.0, 1.5, 1.2)[min(3, 4 * len(self.billed) // max(1, self.size))]
        cost = self.billed[logid] = round(number * self.price * share)
        form = self.forms
        if form == "never" or (form == "now and then" and draw.random() < 0.5):
            self.met[UNNAMED] += 1
            return b""
        if form == "odd" and draw.random() < 0.4:
            self.met[UNNAMED] += 1
            return b',"price":' + draw.choice(_NONSENSE)
        self.named[logid] = cost, self.lives
        self.met[DEARER] += cost > number * self.price
        amount = f"{draw.choice('- ').strip()}{cost // MICRO}.{cost % MICRO:06d}"
        return f',"price":"{amount}"'.encode() if form == "odd" and draw.random() < 0.5 else f',"price":{amount}'.encode()

    def point(self, when: str, kind: str) -> None:
        if when == "after":
            self._look_into_the_books()
        super().point(when, kind)

    def _look_into_the_books(self) -> None:
        """After a commit: what all texts may cost is within the budget, or nothing was opened by it."""
        kept = list(self.storage.kept().values())
        for one in kept:
            cost, life = self.named.get(one.logid, (0, 0))
            if one.state == "sent" and cost and life == self.lives:
                self.paid.setdefault(one.logid, cost)
        left = {one.phone: one for one in kept if one.state in _LEFT and one.text is not None}
        dearest = self._dearest(left)
        opened = {phone for phone, one in left.items() if one.state == "intent"}
        new, self.opened = opened - self.opened, opened
        may_cost = {
            phone: self.paid.get(one.logid if one.state == "sent" else "", segments(one.text or "") * dearest)
            for phone, one in left.items()
        }
        self.most.update((phone, may_cost[phone]) for phone in new)
        if new and (total := sum(may_cost.values())) > self.budget:
            self.provider.wrongs.append(f"BEYOND THE BUDGET: {total} of {self.budget} spent or reserved, and texts were opened")

    def _dearest(self, left: dict[str, Any]) -> int:
        """Micro-dollars of the dearest segment that anybody has heard of."""
        named = [-(-self.paid[one.logid] // segments(one.text)) for one in left.values() if one.logid in self.paid]
        return max([self.price, *named])

    def _check(self, crashed: int | None, *, is_settled: bool = False) -> None:
        super()._check(crashed, is_settled=is_settled)
        if crashed and not is_settled:
            sums = [min(self.billed.get(text.logid, 0), self.most[text.phone]) for text in self.provider.truth]
            assert sum(sums) <= self.budget, f"BEYOND THE BUDGET: {sum(sums)} of {self.budget} spent"

    # ---- pauses ----

    @property
    def books_are_paused(self) -> bool:
        """Whether the books say that the run is paused."""
        return isinstance(self.storage, Simulated) and self.storage.disk.pauses.now is not None

    def _on_request(self, number: int) -> None:
        super()._on_request(number)
        awake = self.loop.now - self.slept
        if self.is_held or self.books_are_paused:
            self.held_since = self.held_since or self.loop.now
            if self.several is None or self.several.has_heard(self.held_since):
                self.provider.wrongs.append("LEFT WHILE PAUSED")
        elif self.asked_since is not None and awake > self.asked_since + _LOOK + 2 * self.slow_disk:
            self.provider.wrongs.append("LEFT WHILE PAUSED: nobody has looked what others ask for")
        if self.pausing and self.asked_since is None and not self.is_held and self.draw.random() < self.pausing:
            self.loop.alarms.setdefault(self.loop.steps + 1 + int(self.draw.random() * 40), self._pause)

    def _pause(self) -> None:
        run = self.run_
        if run is None or self.has_ended or self.has_stopped or self.is_paused or self._asked:
            return  # of two who ask for the contrary at the same time, whoever is heard last is right
        if self.draw.random() < 0.5:
            self.met[PAUSED] += 1
            self._steer(self._hold(run))
        else:
            self.met[ASKED] += 1
            self._ask(Wish.PAUSE)
        self.note("paused")
        self.loop.call_later(self.draw.choice((0.01, 0.5, 3.0, 20.0)), self._end_the_pause)

    def _steer(self, work: Coroutine[Any, Any, None]) -> None:
        self.steering.append(self.loop.create_task(work))

    async def _hold(self, run: Run) -> None:
        self.is_held = True
        await run.pause("look at the replies", who="Ada")

    async def _go_on(self, run: Run) -> None:
        # Durable before the next text leaves: that is looked at by what the books say.
        self.is_held, self.held_since = False, 0.0
        await run.go_on(who="Ada")

    def _ask(self, what: Wish) -> None:
        """As another process does, in a file beside the ledger."""
        disk = self.storage.disk if isinstance(self.storage, Simulated) else None
        assert disk is not None
        assert disk.asked is not None
        disk.asked.append(Request(what, "Grace", "", int(self.wall() * 1000)))
        self.asked_since = self.loop.now - self.slept if what is Wish.PAUSE else None

    @property
    def _asked(self) -> list[Request]:
        """What other processes have asked for, and nobody has done yet."""
        return (self.storage.disk.asked or []) if isinstance(self.storage, Simulated) else []

    def _end_the_pause(self) -> None:
        run = self.run_
        if run is None or self.has_ended or self.has_stopped or not self.is_paused:
            return
        # Whoever asks while a pause is being written down may be heard before it: so it is looked again.
        self.loop.call_later(self.draw.choice((1.0, 5.0)), self._end_the_pause)
        fate = self.draw.random()
        if fate < 0.15:
            self.met[DIED] += 1
            self.crashes += 1
            self.loop.die()
        elif fate < 0.3:
            self.met[DIED] += 1
            run.stop("enough for today")
            self.has_stopped = True
        elif self.draw.random() < 0.5:
            self._ask(Wish.CONTINUE)
            self.is_held, self.held_since = False, 0.0
        else:
            self.asked_since = None
            self._steer(self._go_on(run))

    @property
    def is_paused(self) -> bool:
        """Whether somebody has paused the run, and nobody let it go on."""
        return self.is_held or self.asked_since is not None or self.books_are_paused

    async def before_closing(self) -> None:
        for done in await asyncio.gather(*self.steering, return_exceptions=True):
            if isinstance(done, BaseException) and not isinstance(done, (LedgerError, RuntimeError, asyncio.CancelledError)):
                raise done

    def _jump(self, kind: str) -> None:
        before = self.loop.now
        super()._jump(kind)
        self.slept += self.loop.now - before

    # ---- between two processes ----

    def _outcome(self, task: Any) -> bool:
        is_done = super()._outcome(task)
        stopped = self.run_._execution.stopped if isinstance(self.run_, Run) else None
        if stopped is not None and stopped.cause is Cause.BUDGET:
            self.met[SPENT] += 1
            self._look_what_is_left()
            if self.draw.random() < 0.8:
                self.budget += max(4 * self.price, round(self.whole * self.draw.choice((0.2, 0.5, 1.0))))
                self.met[RAISED] += 1
        return is_done

    def _look_what_is_left(self) -> None:
        """A run that ends for its budget has none left for the longest text that waits."""
        kept = list(self.storage.kept().values())
        left = {one.phone: one for one in kept if one.state in _LEFT and one.text is not None}
        dearest = self._dearest(left)
        spent = sum(self.paid.get(one.logid, segments(one.text or "") * dearest) for one in left.values())
        waiting = [segments(one.text) for one in kept if one.state == "queued" and one.text is not None]
        longest = _LONGEST if self.is_concurrent else max(waiting, default=_LONGEST)
        assert self.budget - spent < longest * dearest, f"ENDED WITH MONEY LEFT: {self.budget - spent} of {self.budget}"

    def _process(self) -> bool:
        is_over = super()._process()
        if not is_over and self.pausing:
            if self.asked_since is not None or self.books_are_paused or self.is_held:
                if self.draw.random() < 0.6:
                    self._ask(Wish.CONTINUE)
            elif self.provider.truth and self.draw.random() < 0.1:
                self.met[BETWEEN] += 1
                self._ask(Wish.PAUSE)
        return is_over
