"""`rumbleup follow`: what became of the texts of a run after they were sent.

Lives here: the command, and its words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from rumbleup_async.cli import delivery, options, providers
from rumbleup_async.cli.console import FINE, INTERRUPTED, finish, guarded, plural, print_json, say
from rumbleup_async.cli.durations import seconds
from rumbleup_async.cli.ledger_options import Ledger
from rumbleup_async.cli.ledger_place import Place, reading
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.showing import MetricsPort, check_metrics, metrics_of
from rumbleup_async.cli.signals import stopping
from rumbleup_async.cli.terminal import pasteable
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.ledger import Consent
from rumbleup_async.ledger import identity as identities
from rumbleup_async.messaging import Plan
from rumbleup_async.receipts.following import Follower, Source, Standing
from rumbleup_async.receipts.following import follow as following
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.sendblue.client import Sendblue
from rumbleup_async.session.limits import Timeouts

_DAY = 86_400.0
_NEAR = 2.0
"""Seconds between two looks into a file on this machine."""

ReceiptsFile = Annotated[
    Path | None,
    typer.Option("--receipts", metavar="FILE", help="Read the file of webhooks listen (SQLite or JSON lines), not the log."),
]


@guarded
def follow(
    ledger: Ledger,
    receipts: ReceiptsFile = None,
    for_: Annotated[
        float, typer.Option("--for", metavar="TIME", parser=seconds, help="How long at most, such as 2h; 0: look once.")
    ] = _DAY,
    every: Annotated[
        float | None,
        typer.Option("--every", metavar="TIME", parser=seconds, help="Time between two looks (5s, growing to 10m)."),
    ] = None,
    metrics: MetricsPort = None,
    timeout: options.Timeout = 30.0,
    same_account: options.SameAccount = False,
    same_server: options.SameServer = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Read what became of the texts of a run until all receipts are in: delivered or not and why, replies, opt-outs.

    The receipts are kept beside the ledger, in LEDGER-receipts, or in the database; report, export and the page show them. Nobody
    is texted, and a run under way is not disturbed. Ctrl-C ends it with what is there; it goes on where it was.
    """
    if every is not None and every < 1:
        raise ConfigurationError("--every is at least 1s: the provider is asked each time")
    if receipts is not None and not receipts.is_file():
        raise ConfigurationError(f"{receipts}: there is no such file; --receipts takes the file of webhooks listen")
    consent = Consent(same_account=same_account, same_server=same_server)
    course = _follow(ledger, receipts, consent, for_=for_, every=every, timeout=timeout, as_json=as_json, quiet=quiet)
    finish(run_loop(course if metrics is None else _measured(course, ledger, metrics)))


async def _measured(course: Coroutine[Any, Any, int], ledger: Place, port: int) -> int:
    try:
        check_metrics()
        from rumbleup_async.observe.deliveries import Deliveries

        async with metrics_of(Deliveries([ledger]), port) as url:
            say(f"metrics: {url}")
            return await course
    finally:
        course.close()


async def _follow(
    ledger: Place,
    receipts: Path | None,
    consent: Consent,
    *,
    for_: float,
    every: float | None,
    timeout: float,
    as_json: bool,
    quiet: bool,
) -> int:
    with reading(ledger) as reader:
        plan, identity = reader.plan, reader.identity
    if receipts is not None:
        from rumbleup_async.webhooks.receipts import FileReceipts

        return await _told(ledger, plan, FileReceipts(receipts, plan.action), for_, every or _NEAR, as_json=as_json, quiet=quiet)
    client = providers.row(plan.provider).connect(None, Timeouts(read=timeout))
    async with client:
        if identity is not None:
            identities.check(identity, client.identity, consent, str(ledger))
        source = source_of(client, plan)
        return await _told(ledger, plan, source, for_, every, as_json=as_json, quiet=quiet)


def source_of(client: object, plan: Plan) -> Source:
    """Who tells over this provider what became of texts."""
    if isinstance(client, RumbleUp):
        from rumbleup_async.rumbleup.receipts import LogReceipts

        return LogReceipts(client.messages, plan)
    if isinstance(client, Sendblue):
        from rumbleup_async.sendblue.receipts import ListReceipts

        return ListReceipts(client.messages)
    raise ConfigurationError(f"nothing tells what became of texts over {plan.provider}; give the receiver's file with --receipts")


async def _told(
    ledger: Place, plan: Plan, source: Source, for_: float, every: float | None, *, as_json: bool, quiet: bool
) -> int:
    stop = asyncio.Event()
    follower = Follower(ledger)
    last: Standing | None = None

    def heard(standing: Standing) -> None:
        nonlocal last
        is_first, last = last is None, standing
        if standing.cut:
            say(f"warning: not all could be read: {standing.cut}")
        if not quiet and for_ and (is_first or standing.changed):
            say(delivery.words(standing.counts, standing.sent))

    try:
        with stopping(stop.set, "stopping: what was read so far is kept"):
            standing = await following(
                follower,
                source,
                seconds=for_,
                every=every,
                heard=heard,
                failed=lambda problem: say(f"warning: {problem}; it is tried again"),
                stop=stop,
            )
    finally:
        follower.close()
    if as_json:
        print_json(as_dict(plan, standing))
    elif not quiet:
        _show(ledger, standing)
    return INTERRUPTED if stop.is_set() else FINE


def as_dict(plan: Plan, standing: Standing) -> dict[str, Any]:
    """The JSON object that `--json` prints."""
    return {
        "run": plan.run,
        "action": plan.action,
        "sent": standing.sent,
        **delivery.as_dict(standing.counts, standing.sent),
        "unsettled": standing.unsettled,
        "running": standing.is_running,
        "complete": standing.is_complete,
        "problem": standing.cut or None,
    }


def _show(ledger: Place, standing: Standing) -> None:
    say(delivery.words(standing.counts, standing.sent))
    for one in standing.counts.why:
        say(f"  {one.number:>11,}  {one.code or 'no reason given'}{f': {one.words}' if one.words else ''}")
    if standing.unsettled:
        say(
            f"{plural(standing.unsettled, 'text')} with a receipt, of which the ledger does not know yet that it was sent; "
            f"rumbleup reconcile {pasteable(ledger)} settles that"
        )
    if standing.waiting and not standing.is_running:
        say(f"some carriers never give a receipt; to look for more: rumbleup follow {pasteable(ledger)}")
