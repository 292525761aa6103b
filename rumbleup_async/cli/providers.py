"""The table of providers: what `send`, `resume` and `reconcile` must know of each to work over any of them.

Lives here: one row a provider. A further provider is a row here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from rumbleup_async.cli.ledger_place import Place, as_given, open_reader
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Identity, Plan
from rumbleup_async.provider import arguments
from rumbleup_async.provider.client import Client
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.runs.run import Run
from rumbleup_async.session.limits import Timeouts

if TYPE_CHECKING:
    from rumbleup_async.sendblue.client import Sendblue


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What `send` and `resume` were asked for, as far as it is a matter between the user and the provider.

    None and empty: not asked for. `common` are the options that every provider's mode takes under the same name.
    """

    action: str | None = None
    text: str = ""
    literal: bool = False
    rate: float | None = None
    flags: list[str] = []
    group: str | None = None
    lines: list[str] = []
    send_style: str | None = None
    opt_out: bool = True
    limits: dict[str, Any] = {}
    common: dict[str, Any] = {}


class Row(msgspec.Struct, frozen=True):
    """One provider.

    `connect(environ, timeouts)` sets a client up from the environment; `dry()` one that reaches nothing. `begin`
    and `resume` make a run with it. `name(order)` is what a ledger beside a list is called after it;
    `where(plan)` says in words where the texts go, `place(plan)` as the book of people knows it.
    """

    connect: Callable[[Mapping[str, str] | None, Timeouts], Client]
    dry: Callable[[], Client]
    begin: Callable[[Any, Place, Order], Run]
    resume: Callable[[Any, Place, Order], Run]
    check: Callable[[Order], None]
    name: Callable[[Order], str]
    where: Callable[[Plan], str]
    place: Callable[[Plan], str]
    has_projects: bool = False
    """Whether an account has several that do not know of each other's texts."""

    def identity(self, environ: Mapping[str, str] | None) -> Identity | None:
        """Which server and account the environment names; None if it names none, as for a dry run."""
        try:
            return self.connect(environ, Timeouts()).identity
        except ConfigurationError:
            return None

    def would_be(self, environ: Mapping[str, str] | None) -> Identity | None:
        """The same for a dry run: where the environment has no key, the server that it names and nobody's account."""
        return self.identity(environ) or self.identity({**(os.environ if environ is None else environ), **_NOBODY})


_SENDBLUE = "sendblue"
_NOBODY = {"RUMBLEUP_API_KEY": "DRY:RUN", "SENDBLUE_API_KEY": "DRY", "SENDBLUE_API_SECRET": "RUN"}


def _refuse(provider: str, **options: object) -> None:
    """ConfigurationError for an option that was given, be it as 0, to a provider that would not heed it."""
    for name, value in options.items():
        if value is not None:
            raise ConfigurationError(f"--{name.replace('_', '-')} means nothing to {provider}")


def _in_one_process(order: Order) -> dict[str, Any]:
    """The common options without the number of processes: what each line has sent is known to one process only."""
    common = dict(order.common)
    if (common.pop("processes", None) or 1) != 1:
        raise ConfigurationError("--processes means nothing to sendblue: the pace of its lines is kept by one process")
    return common


def _rumbleup_check(order: Order) -> None:
    if not order.action:
        raise ConfigurationError("give the project to send into by --action ID")
    if order.group is not None:
        arguments.identifier(order.group, "--group")
    no_opt_out = None if order.opt_out else True
    _refuse("rumbleup", send_style=order.send_style, no_opt_out=no_opt_out, **{"from": order.lines or None}, **order.limits)


def _rumbleup_begin(client: RumbleUp, ledger: Place, order: Order) -> Run:
    return client.fast_mode(
        action=order.action or "",
        text=order.text,
        literal=order.literal,
        ledger=as_given(ledger),
        rate=order.rate,
        flags=order.flags,
        group=order.group,
        **order.common,
    )


def _sendblue() -> type[Sendblue]:
    """Its client, which a run over another provider does not import."""
    from rumbleup_async.sendblue.client import Sendblue

    return Sendblue


def _sendblue_check(order: Order) -> None:
    _refuse("sendblue", action=order.action, rate=order.rate, flag=order.flags or None, group=order.group)
    if not order.lines:
        raise ConfigurationError("give the lines to send from by --from +1..., once for each")


def _sendblue_begin(client: Sendblue, ledger: Place, order: Order) -> Run:
    return client.fast_mode(
        from_numbers=order.lines,
        text=order.text,
        literal=order.literal,
        ledger=as_given(ledger),
        limits=_limits(order),
        send_style=order.send_style,
        require_opt_out=order.opt_out,
        **_in_one_process(order),
    )


def _sendblue_resume(client: Sendblue, ledger: Place, order: Order) -> Run:
    _refuse("sendblue", rate=order.rate)
    return client.resume(as_given(ledger), limits=_limits(order), **_in_one_process(order))


def _rumbleup_resume(client: RumbleUp, ledger: Place, order: Order) -> Run:
    _refuse("rumbleup", **order.limits)
    return client.resume(as_given(ledger), rate=order.rate, **order.common)


def _limits(order: Order) -> dict[str, Any] | None:
    """The limits of a line that the command line names, where 0 stands for none."""
    return {name: value or None for name, value in order.limits.items()} or None


PROVIDERS: dict[str, Row] = {
    RumbleUp.PROVIDER: Row(
        connect=lambda environ, timeouts: RumbleUp.from_env(environ, timeouts=timeouts),
        dry=lambda: RumbleUp("DRY:RUN", base_url="http://localhost"),
        begin=_rumbleup_begin,
        resume=_rumbleup_resume,
        check=_rumbleup_check,
        name=lambda order: order.action or "",
        where=lambda plan: f"into project {plan.action}",
        place=RumbleUp.place,
        has_projects=True,
    ),
    _SENDBLUE: Row(
        connect=lambda environ, timeouts: _sendblue().from_env(environ, timeouts=timeouts),
        dry=lambda: _sendblue()("DRY", "RUN", base_url="http://localhost"),
        begin=_sendblue_begin,
        resume=_sendblue_resume,
        check=_sendblue_check,
        name=lambda _: _SENDBLUE,
        where=lambda plan: f"over {plan.action} of Sendblue",
        place=lambda plan: _sendblue().place(plan),
    ),
}
"""Every provider by the name in ledgers and on the command line."""


def row(name: str) -> Row:
    """The provider of this name; ConfigurationError if there is none."""
    if name not in PROVIDERS:
        raise ConfigurationError(f"there is no provider {name!r}; known: {', '.join(PROVIDERS)}")
    return PROVIDERS[name]


def of_ledger(ledger: Place) -> Row:
    """The provider over which a ledger's run goes. Raises LedgerError for what is no ledger."""
    reader = open_reader(ledger)
    try:
        return row(reader.plan.provider)
    finally:
        reader.close()
