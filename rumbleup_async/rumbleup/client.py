"""The RumbleUp client: owns the session and hands out the resources.

Lives here: set-up, the two ways of calling (a read is retried, a write is not), and the door to fast mode.
May import: errors, messaging, session, ledger, bulk, rumbleup.*.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import anyio

from rumbleup_async.errors import (
    ConfigurationError,
    ExchangeError,
    LedgerMismatch,
    NotSentError,
    RateLimited,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.rumbleup import wire
from rumbleup_async.rumbleup.messages import Messages
from rumbleup_async.session.client import AiohttpExchange, Timeouts
from rumbleup_async.session.exchange import Exchange, Request, Response
from rumbleup_async.session.pace import Hold, Pace

if TYPE_CHECKING:
    import ssl as ssl_module
    from types import TracebackType

    import aiohttp

    from rumbleup_async.bulk.run import Run, Settings
    from rumbleup_async.messaging import Plan
    from rumbleup_async.retry import Policy
    from rumbleup_async.rumbleup.gateway import RumbleUpGateway

USER_AGENT = "rumbleup_async"
PROVIDER = "rumbleup"


class Caller:
    """Calls endpoints over an exchange. Any error status becomes an exception of the tree in `errors`."""

    def __init__(self, exchange: Exchange, hold: Hold, *, read_attempts: int = 4, write_attempts: int = 3) -> None:
        self.exchange = exchange
        self.hold = hold
        self._read_attempts = read_attempts
        self._write_attempts = write_attempts

    async def once(self, request: Request) -> Response:
        """One call. Raises ApiError for any status but 2xx, NotSentError and MaybeSentError for none."""
        response = await self.exchange(request)
        if 200 <= response.status < 300:
            return response
        error = wire.error_of(response, request.path)
        if isinstance(error, RateLimited) and error.after:
            self.hold.hold(min(error.after, 60.0))
        raise error

    async def write(self, request: Request) -> Response:
        """A call with a side effect: tried again only when nothing of it left."""
        attempt = 1
        while True:
            await self.hold.wait()
            try:
                return await self.once(request)
            except NotSentError:
                if attempt >= self._write_attempts:
                    raise
            await anyio.sleep(random.uniform(0.5, 1.0) * 0.5 * 2**attempt)
            attempt += 1

    async def read(self, request: Request) -> Response:
        """A call without side effects: tried again with growing pauses on connection trouble, 429, 440 and 5xx."""
        await self.hold.wait()
        try:
            return await self.once(request)
        except (ExchangeError, RateLimited, ServerFailed):
            # tenacity costs about 20 us a call even when nothing fails, so it is entered only now.
            return await self._read_again(request)

    async def _read_again(self, request: Request) -> Response:
        import tenacity

        pause = tenacity.wait_random_exponential(multiplier=0.25, max=8.0)
        async for attempt in tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((ExchangeError, RateLimited, ServerFailed)),
            stop=tenacity.stop_after_attempt(self._read_attempts - 1),
            wait=pause,
            reraise=True,
        ):
            with attempt:
                await anyio.sleep(0.1)
                await self.hold.wait()
                return await self.once(request)
        raise AssertionError("tenacity ended without a result")

    async def pages(self, path: str, filters: Mapping[str, str | None]) -> AsyncIterator[Any]:
        """The rows of a select call, page by page, by token only. Raises UnreadableReply on a token that comes back."""
        seen: set[str] = set()
        token: str | None = None
        while True:
            request = Request("GET", path, query=wire.query({**filters, "_start": token}), read=True)
            page = wire.read_page(await self.read(request), path)
            for row in page.rows:
                yield row
            token = page.next_token
            if token is None:
                return
            if token in seen:
                raise UnreadableReply("the server repeats a page token; the list cannot be read to its end", endpoint=path)
            seen.add(token)


class RumbleUp:
    """The RumbleUp API.

        async with RumbleUp(api_key="KEY:SECRET") as rumbleup:
            message = await rumbleup.messages.send(phone="2025550101", action=125, text="Hi Ada. STOP to opt out")

    `api_key`: the pair `KEY:SECRET` (legacy: `CID:KEY`), from Integrations, API Keys in the portal. `base_url`: https, or
    plain http to loopback. `auth`: `basic` or `bearer`. `session`: your own aiohttp session, used and left open. `exchange`:
    another way of carrying requests altogether, such as `ScriptedExchange` in tests. `ssl`: a context of your own;
    certificates are always verified.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = wire.DEFAULT_BASE_URL,
        auth: str = "basic",
        timeouts: Timeouts | None = None,
        connections: int = 100,
        session: aiohttp.ClientSession | None = None,
        exchange: Exchange | None = None,
        ssl: ssl_module.SSLContext | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
    ) -> None:
        self._headers = {"Authorization": wire.auth_header(api_key, auth), "Accept": "application/json", "User-Agent": USER_AGENT}
        self._base_url = base_url
        self._timeouts = timeouts or Timeouts()
        self._session = session
        self._ssl = ssl
        self._trace_configs = tuple(trace_configs)
        self._given = exchange
        self._exchange = exchange or self._connect(connections)
        self._hold = Hold()
        caller = Caller(self._exchange, self._hold)
        self.messages = Messages(caller)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """A client set up from RUMBLEUP_API_KEY and, if set, RUMBLEUP_BASE_URL. `options` as for the constructor."""
        environ = os.environ if environ is None else environ
        api_key = environ.get("RUMBLEUP_API_KEY", "").strip()
        if not api_key:
            raise ConfigurationError("RUMBLEUP_API_KEY is not set; it holds the pair KEY:SECRET from the portal")
        base_url = environ.get("RUMBLEUP_BASE_URL", "").strip()
        if base_url:
            options.setdefault("base_url", base_url)
        return cls(api_key, **options)

    def __repr__(self) -> str:
        return f"RumbleUp(base_url={self._base_url!r})"

    def _connect(self, connections: int) -> AiohttpExchange:
        return AiohttpExchange(
            self._base_url,
            self._headers,
            connections=connections,
            timeouts=self._timeouts,
            session=self._session,
            ssl=self._ssl,
            trace_configs=self._trace_configs,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. A session or exchange that was handed in stays open."""
        if self._given is None:
            await self._exchange.aclose()

    def fast_mode(
        self,
        *,
        action: str | int,
        text: str,
        ledger: str | os.PathLike[str] | None = None,
        rate: float | None = None,
        concurrency: int = 64,
        limit: int | None = None,
        phone_field: str | None = None,
        flags: Iterable[str] = (),
        group: str | int | None = None,
        max_segments: int = 10,
        suppress: Iterable[str] = (),
        policy: Policy | None = None,
    ) -> Run:
        """A run that texts a list of your own through message/send alone (fast mode; RumbleUp's support enables it per account).

            async with rumbleup.fast_mode(action=125, text="Hi {first_name}. STOP to opt out", ledger="run.ledger") as run:
                async for result in run.send(contacts): ...
                run.summary

        `text`: `{field}` and `{field|default}` are filled from each contact; a contact that lacks a field is skipped. It
        must mention STOP.
        `ledger`: a file; the run can be resumed from it after any crash. None keeps the books in memory: a crash forgets them.
        `rate`: texts per second at most; None or 0 leaves it to the provider. `concurrency`: requests in flight at most.
        `limit`: texts of this run at most. `flags`: tags for every message beside the run's own. `group`: for contacts the
        sends create.
        `max_segments`: a text that would take more SMS parts is skipped. `suppress`: phones never to be texted.

        Raises ConfigurationError and its kin on entering, before anything is sent.
        """
        from rumbleup_async.bulk.run import Settings

        action = str(action).strip()
        if not action:
            raise ConfigurationError("action is the id of the project to send into")
        settings = Settings(
            provider=PROVIDER,
            action=action,
            text=text,
            phone_field=phone_field,
            max_segments=max_segments,
            suppress=frozenset(suppress),
            details={"flags": [str(flag) for flag in flags], "group": None if group is None else str(group)},
        )
        return self._run(settings, ledger, rate, concurrency, limit, policy)

    def resume(
        self,
        ledger: str | os.PathLike[str],
        *,
        rate: float | None = None,
        concurrency: int = 64,
        limit: int | None = None,
        policy: Policy | None = None,
    ) -> Run:
        """The run of a ledger file, to be gone on with: `async with rumbleup.resume("run.ledger") as run: await run.send()`.

        What was open when an earlier process died is `unknown` and is not sent again; what is queued is sent.
        """
        return self._run(None, ledger, rate, concurrency, limit, policy)

    def _run(
        self,
        settings: Settings | None,
        ledger: str | os.PathLike[str] | None,
        rate: float | None,
        concurrency: int,
        limit: int | None,
        policy: Policy | None,
    ) -> Run:
        from rumbleup_async.bulk.run import Run
        from rumbleup_async.ledger import MemoryLedger, SqliteLedger

        _check_count("concurrency", concurrency)
        if limit is not None:
            _check_count("limit", limit)
        if rate is not None and not 0 <= rate < math.inf:
            raise ConfigurationError("rate must be a number of texts per second, 0 for no limit of ours")
        return Run(
            settings,
            gateway=lambda plan: self._gateway(plan, concurrency),
            ledger=MemoryLedger() if ledger is None else SqliteLedger(ledger),
            pace=Pace(rate, self._hold),
            concurrency=concurrency,
            limit=limit,
            policy=policy,
        )

    def _gateway(self, plan: Plan, concurrency: int) -> RumbleUpGateway:
        from rumbleup_async.rumbleup.gateway import RumbleUpGateway

        if plan.provider != PROVIDER:
            raise LedgerMismatch(f"this ledger belongs to a run over {plan.provider}")
        # A pool of its own, as large as the concurrency, so that runs side by side do not wait for each other.
        shared = self._given is not None
        return RumbleUpGateway(
            self._exchange if shared else self._connect(concurrency),
            action=plan.action,
            flags=(plan.tag, *plan.details.get("flags", ())),
            group=plan.details.get("group"),
            owns_exchange=not shared,
        )


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1")
