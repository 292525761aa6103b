"""The looks of a run into its provider's log: before it sends, or when the caller asks for one.

Lives here: when a run may look, and how `stop()` breaks a look off. How a look is made stands in `reconcile.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from rumbleup_async.engine.ports import Log
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Plan, State
from rumbleup_async.runs.reconcile import Reconciled, Requeued, count_absent, reconcile, requeue_absent
from rumbleup_async.runs.setup import Setup

T = TypeVar("T")

_STOPPED_LOOKING = "stopped before the log was read to its end"


class Looks:
    """Looks into the log of one run's provider. `log` makes what can be asked; None: this provider keeps no log."""

    def __init__(self, setup: Setup, log: Callable[[Plan], Log] | None) -> None:
        self._setup = setup
        self._make_log = log
        self.settle = setup.options.settle
        """Seconds, if a look is to come before the first text."""
        self._scope: anyio.CancelScope | None = None

    def cancel(self) -> None:
        """Break off the look that is under way, if there is one."""
        if self._scope is not None:
            self._scope.cancel()

    async def reconcile_before_sending(self) -> Reconciled | None:
        """Look up what is `unknown`, if that is to come before the first text; None if it was not."""
        if self.settle is None or self._make_log is None:
            return None
        return await self.reconcile(self.settle)

    async def reconcile(self, settle: float, *, is_stopped: bool = False) -> Reconciled:
        """Look up what is `unknown`. Raises LedgerError, ConfigurationError."""
        setup, log = self._setup, self._log()
        self.settle = None  # done; sending need not do it again
        before = dict(setup.ledger.counts)
        done = await self._stoppably(reconcile(setup.ledger, log, setup.plan, settle=settle), is_stopped)
        if done is not None:
            return done
        after = setup.ledger.counts
        return Reconciled(
            run=setup.plan.run,
            action=setup.plan.action,
            found=after[State.SENT] - before[State.SENT],
            absent=after[State.NOT_SENT] - before[State.NOT_SENT],
            undecided=after[State.UNKNOWN],
            unknown=after[State.UNKNOWN],
            problem=_STOPPED_LOOKING,
        )

    async def resend_absent(self, *, is_stopped: bool = False) -> Requeued:
        """Queue those again that are absent from the log. Raises LedgerError, ConfigurationError."""
        setup = self._setup
        before = dict(setup.ledger.counts)
        suppressed = setup.suppression.in_form
        done = await self._stoppably(requeue_absent(setup.ledger, self._log(), suppressed), is_stopped)
        if done is not None:
            return done
        after = setup.ledger.counts
        return Requeued(
            queued=after[State.QUEUED] - before[State.QUEUED],
            found=after[State.SENT] - before[State.SENT],
            left=await count_absent(setup.ledger),
            problem=_STOPPED_LOOKING,
        )

    async def _stoppably(self, look: Awaitable[T], is_stopped: bool) -> T | None:
        """One look into the log; None if `cancel()` broke it off. A look that is broken off changes nothing."""
        with anyio.CancelScope() as self._scope:
            if is_stopped:
                self._scope.cancel()
            return await look
        return None

    def _log(self) -> Log:
        if self._make_log is None:
            raise ConfigurationError("this provider has no log to look into")
        return self._make_log(self._setup.plan)
