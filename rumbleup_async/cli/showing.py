"""What else shows a run while it goes: lines of JSON, a page, metrics. `send`, `texters` and `resume` share these options.

Lives here: the options, and what is started beside a run for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar

import msgspec
import typer

from rumbleup_async import child
from rumbleup_async.cli.console import say
from rumbleup_async.errors import ConfigurationError

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from rumbleup_async.observe.metrics import Metrics
    from rumbleup_async.observe.telemetry import Telemetry
    from rumbleup_async.postgres.address import Address

T = TypeVar("T")


class Collects(Protocol):
    """What tells metrics to a registry of `prometheus_client`."""

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""


MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics", min=0, max=65535, metavar="PORT", help="Serve metrics for Prometheus on this machine's port."),
]


class Showing(msgspec.Struct, frozen=True, kw_only=True):
    """How a command was asked to show its run."""

    progress: Annotated[
        Literal["auto", "json"],
        typer.Option("--progress", help="json: one JSON object a second on standard error, in place of words or a bar."),
    ] = "auto"
    watch: Annotated[bool, typer.Option("--watch", help="Show the run on a live page meanwhile; its links are printed.")] = False
    metrics: MetricsPort = None
    telemetry: Annotated[
        bool,
        typer.Option(
            "--telemetry",
            help="Tell OpenTelemetry of the run: metrics and a trace, by the SDK of the process.",
        ),
    ] = False


BESIDE = "RUMBLEUP_WATCH_BESIDE"
"""In the environment of a page beside a run: the process whose end is its own, however that comes."""

LAST_LINK = "to steer: "
"""How the last line begins that a page says before it is looked at."""
_LONGEST_WAIT = 15.0
"""Seconds that a run waits for its page to be there; then it sends without."""

chosen: ContextVar[Showing] = ContextVar("showing", default=Showing())  # noqa: B039 - it is frozen
"""How the command that runs was asked to show its run."""
_counting: ContextVar[Metrics | None] = ContextVar("metrics", default=None)


def with_showing(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options of `Showing`. It is not handed them: they change nothing of what it does."""
    hints = inspect.get_annotations(Showing, eval_str=True)
    names = Showing.__struct_fields__
    defaults = dict(zip(names, Showing.__struct_defaults__, strict=True))

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> T:
        token = chosen.set(Showing(**{name: kwargs.pop(name) for name in names if name in kwargs}))
        try:
            return command(*args, **kwargs)
        finally:
            chosen.reset(token)

    shape = inspect.signature(command, eval_str=True)
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=hints[name]) for name in names
    ]
    run.__signature__ = shape.replace(parameters=[*shape.parameters.values(), *more])  # type: ignore[attr-defined]
    return run


def as_mode() -> dict[str, Any]:
    """The options of a run for them: the observers of `--metrics` and `--telemetry`. ConfigurationError where a package is
    missing."""
    observers: list[Metrics | Telemetry] = []
    if chosen.get().metrics is not None:
        check_metrics()
        from rumbleup_async.observe.metrics import Metrics

        metrics = Metrics()
        _counting.set(metrics)
        observers.append(metrics)
    if chosen.get().telemetry:
        from rumbleup_async.observe.telemetry import Telemetry

        try:
            observers.append(Telemetry())
        except ImportError:
            raise ConfigurationError(_missing("--telemetry")) from None
    return {"observer": observers} if observers else {}


def check_metrics() -> None:
    """ConfigurationError where the package behind `--metrics` is missing."""
    try:
        import prometheus_client as _  # noqa: F401
    except ImportError:
        raise ConfigurationError(_missing("--metrics")) from None


def _missing(option: str) -> str:
    return f"{option} needs the extra observe: pip install 'rumbleup_async[observe]'"


@asynccontextmanager
async def beside(ledger: Path | Address) -> AsyncIterator[None]:
    """Have the page and the metrics served while the context is open."""
    async with AsyncExitStack() as stack:
        port, metrics = chosen.get().metrics, _counting.get()
        if port is not None and metrics is not None:
            url = await stack.enter_async_context(metrics_of(metrics, port))
            say(f"metrics: {url}")
        if chosen.get().watch:
            await stack.enter_async_context(page(str(ledger)))
        yield


@asynccontextmanager
async def page(where: str) -> AsyncIterator[None]:
    """The page over a ledger, or a folder of them, in a process of its own: it reads, and a run has better things to do.

    Its links have been said when the context is entered, so that whoever is to look does not miss the beginning. A page that
    does not come up holds nobody for long.
    """
    command = child.command("rumbleup_async.__main__", "watch", where, "--port", "0")
    # A Ctrl-C of the terminal is for the run; the page is shown until that has ended.
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**child.environment(), BESIDE: str(os.getpid())},
    )
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    is_there = asyncio.Event()
    telling = asyncio.create_task(_tell(process.stderr, is_there))
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(is_there.wait(), _LONGEST_WAIT)
        yield
    finally:
        telling.cancel()
        if process.returncode is None:
            process.kill()
        await asyncio.gather(process.wait(), telling, return_exceptions=True)


async def _tell(stream: asyncio.StreamReader, is_there: asyncio.Event) -> None:
    try:
        async for line in stream:
            words = line.decode("utf-8", "replace").rstrip()
            say(words)
            if words.startswith(LAST_LINK):
                is_there.set()
    finally:
        is_there.set()  # or it never will be


@asynccontextmanager
async def metrics_of(metrics: Collects, port: int) -> AsyncIterator[str]:
    """Serve these metrics on this machine while the context is open; their URL. ConfigurationError for a port that is taken."""
    from aiohttp import web
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

    registry = CollectorRegistry()
    registry.register(metrics)

    async def tell(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", tell)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            raise ConfigurationError(f"cannot serve metrics on port {port}: {error.strerror or error}") from None
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    finally:
        await runner.cleanup()
