"""The steps of the owners of one process, in their order: what is asked for next, and what is known after each.

Lives here: the state between steps. What one step does in the database stands in `steps`, `asking` and `functions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rumbleup_async.admission import Admit
from rumbleup_async.ledger.closing import Closing
from rumbleup_async.ledger.looks import Looks
from rumbleup_async.messaging import NONE_SHUT, Closed, Second, Step
from rumbleup_async.pauses import Heard
from rumbleup_async.postgres import asking, owning, reads, settling, steps
from rumbleup_async.postgres.connections import Connections
from rumbleup_async.postgres.opened import Opened
from rumbleup_async.postgres.queue import Read
from rumbleup_async.postgres.spending import Prices
from rumbleup_async.postgres.steps import Answer, Doing
from rumbleup_async.postgres.together import Together
from rumbleup_async.postgres.trial import Trial
from rumbleup_async.shielding import run_shielded


class Stepping:
    """Of one run that is open. `prices`: whether those of answers are kept. `trial`: who alone may go, while a canary does."""

    def __init__(self, to: Connections, run: Opened, prices: Prices, trial: Trial) -> None:
        self._to = to
        self._run = run
        self._prices = prices
        self._trial = trial
        self.looks = Looks()
        self.together = Together()
        self._again: set[int] = set()
        """Rows that were absent from the log, and that this process alone may open."""

    def queued_again(self, rows: Sequence[int]) -> None:
        """These were absent from the log, and are queued."""
        self.looks.note(rows)
        self._again.update(rows)

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
        """As the port of a ledger."""
        closing = await self.closing(owner, done)
        if want > 0:
            self._run.check_loaded(self._to.address)
            await self._forget_stale()
            await reads.find_places(self._to, self._run)
        doing = self.doing(owner, closing, want, now, shut, second)
        if admit is None or want <= 0:
            answer = await run_shielded(self._do(doing))
        else:
            answer = await asking.ask_and_do(self._to, doing, admit, self.note)
        step = steps.step_of(answer, doing)
        if not step.is_fenced:
            await owning.look_after(self._to, self._run)
        return step

    async def closing(self, owner: int, done: Sequence[Closed]) -> Closing:
        """What of this is still to be closed."""
        closing = Closing(done)
        closing.check()
        return await steps.after_loss(self._to, self._run, owner, closing) if owner in self._run.unsure else closing

    def doing(
        self, owner: int, closing: Closing, want: int, now: float, shut: Mapping[int, float], second: Second | None
    ) -> Doing:
        """A step of this owner that is to be done now."""
        run, asked, first = self._run, self._run.cursors.ask(now, shut), sorted(self._again)
        is_drawn = self._trial.is_drawing and want > 0
        if is_drawn:
            asked, first = asked.only_first(now, shut), self._trial.lots
        run.unsure.add(owner)
        return Doing(
            run=run.id,
            owner=owner,
            number=run.steps.get(owner, 0) + 1,
            lease=self._to.address.lease,
            same_text=run.same_text,
            closing=closing,
            want=max(0, want),
            now=now,
            asked=asked,
            first=first,
            hold=self.together.to_tell(),
            learned=self.together.learned,
            is_drawn=is_drawn,
            second=second,
            prices=closing.prices if self._prices.are_kept else {},
        )

    async def _do(self, doing: Doing) -> Answer:
        answer = await self._to.patiently(lambda connection: steps.do(connection, doing))
        self.note(doing, answer, [(doing.asked, answer.cursors, answer.cursor)] if doing.want > 0 else [])
        return answer

    def note(self, doing: Doing, answer: Answer, read: Sequence[Read]) -> None:
        """Take note of a step that is on the disk."""
        run = self._run
        run.unsure.discard(doing.owner)
        if not answer.fenced:
            run.steps[doing.owner] = doing.number
        run.count(answer.counts)
        if answer.senders < run.senders:
            run.cursors.reset()  # whoever has left may have given somebody back
        run.senders = answer.senders
        if not answer.fenced:
            rate, number = answer.others
            self.together.told(doing.hold, Heard(answer.hold or 0.0, rate or 0.0, number), answer.senders)
        if answer.texts:
            run.is_used = True
            self._again.difference_update(text.row for text in answer.texts)
        if doing.is_drawn:
            found = answer.texts if doing.turned is None else doing.turned.texts
            self._trial.came_to([text.row for text in found], are_all=len(answer.texts) < doing.want and not answer.is_repeated)
        elif not answer.is_repeated:
            for asked, cursors, cursor in read:
                run.cursors.read(asked, cursors, cursor)

    async def _forget_stale(self) -> None:
        """Whoever was looked up in the log too long ago is absent from it as before."""
        if stale := [row for row in self._again if self.looks.is_stale(row)]:
            await settling.put_back(self._to, self._run, stale)
            self._again.difference_update(stale)
