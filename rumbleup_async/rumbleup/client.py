"""The RumbleUp client: owns the session and hands out the resources.

Lives here: set-up, and the doors to the resources and to fast mode.
May import: errors, messaging, session, ledger, bulk, rumbleup.*.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

from rumbleup_async.errors import ConfigurationError, LedgerMismatch
from rumbleup_async.rumbleup import wire
from rumbleup_async.rumbleup.account import Accounts
from rumbleup_async.rumbleup.caller import Caller
from rumbleup_async.rumbleup.contacts import Contacts
from rumbleup_async.rumbleup.messages import Messages
from rumbleup_async.rumbleup.projects import Projects
from rumbleup_async.rumbleup.proxies import Proxies
from rumbleup_async.rumbleup.reports import Reports
from rumbleup_async.rumbleup.tcr import Tcr
from rumbleup_async.session.client import AiohttpExchange, Timeouts
from rumbleup_async.session.exchange import Exchange, Response
from rumbleup_async.session.pace import Hold, Pace

if TYPE_CHECKING:
    import ssl as ssl_module
    from types import TracebackType

    import aiohttp

    from rumbleup_async.bulk.ports import Observer
    from rumbleup_async.bulk.run import Run, Settings
    from rumbleup_async.bulk.texters import Locks, Writer
    from rumbleup_async.messaging import Plan
    from rumbleup_async.retry import Policy
    from rumbleup_async.rumbleup.gateway import RumbleUpGateway
    from rumbleup_async.rumbleup.log_search import LogSearch

USER_AGENT = "rumbleup_async"
PROVIDER = "rumbleup"


class RumbleUp:
    """The RumbleUp API.

        async with RumbleUp(api_key="KEY:SECRET") as rumbleup:
            message = await rumbleup.messages.send(phone="2025550101", action=125, text="Hi Ada. STOP to opt out")

    `api_key`: the pair `KEY:SECRET` (legacy: `CID:KEY`), from Integrations, API Keys in the portal. `base_url`: https, or
    plain http to loopback. `auth`: `basic` or `bearer`. `session`: your own aiohttp session, used and left open. `exchange`:
    another way of carrying requests altogether, such as `ScriptedExchange` in tests. `ssl`: a context of your own;
    certificates are always verified. `trace_configs`: aiohttp's hooks for tracing.

    Resources: `messages`, `projects` (and `actions`, the same under the API's other name for it), `tcr`, `account`, `contacts`,
    `proxies`, `reports`; one method an endpoint, see docs/api-map.md. Every method takes `timeout=`, seconds to wait for the next
    bytes of its answer in place of `timeouts.read`; `raw()` shows the answers as they came.
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
        # In no error: the pair, and its secret half.
        self._hide = (api_key, api_key.partition(":")[2])
        self._base_url = base_url
        self._timeouts = timeouts or Timeouts()
        self._session = session
        self._ssl = ssl
        self._trace_configs = tuple(trace_configs)
        self._given = exchange
        self._exchange = exchange or self._connect(connections)
        self._hold = Hold()
        self._caller = caller = Caller(self._exchange, self._hold, hide=self._hide)
        self.messages = Messages(caller)
        self.projects = Projects(caller, "project")
        self.actions = Projects(caller, "action")
        self.tcr = Tcr(caller)
        self.account = Accounts(caller)
        self.contacts = Contacts(caller)
        self.proxies = Proxies(caller)
        self.reports = Reports(caller)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """A client set up from RUMBLEUP_API_KEY and, if set, RUMBLEUP_BASE_URL. `options` as for the constructor."""
        environ = os.environ if environ is None else environ
        api_key = environ.get("RUMBLEUP_API_KEY", "").strip()
        if not api_key:
            raise ConfigurationError("RUMBLEUP_API_KEY is not set; it holds the pair KEY:SECRET from the portal")
        base_url = environ.get("RUMBLEUP_BASE_URL")
        if base_url is not None:
            if not base_url.strip():
                # Whoever meant a simulator and lost its address on the way must not text real people.
                raise ConfigurationError("RUMBLEUP_BASE_URL is set but empty; unset it to use RumbleUp itself")
            options.setdefault("base_url", base_url.strip())
        return cls(api_key, **options)

    def __repr__(self) -> str:
        return f"RumbleUp(base_url={self._base_url!r})"

    def raw(self) -> AbstractContextManager[list[Response]]:
        """The answers behind the results: status, headers and body of each, in order, those of failed attempts included.

            with rumbleup.raw() as answers:
                project = await rumbleup.projects.get(125)
            answers[-1].status, answers[-1].headers, answers[-1].body

        Holds for whatever this task and the tasks it starts call inside, pages of a list and calls that raise among them.
        """
        return self._caller.recording()

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
        observer: Observer | None = None,
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
        `observer`: is told of results and holds as they happen.

        Raises ConfigurationError and its kin on entering, before anything is sent.
        """
        from rumbleup_async.bulk.run import Settings

        settings = Settings(
            provider=PROVIDER,
            action=wire.project_id(action),
            text=text,
            phone_field=phone_field,
            max_segments=max_segments,
            details={"flags": list(wire.tags(flags)), "group": None if group is None else str(group)},
        )
        return self._run(settings, ledger, rate, concurrency, limit, policy, suppress=suppress, observer=observer)

    def concurrent_mode(
        self,
        *,
        action: str | int,
        text: str | Writer,
        texters: int = 16,
        ledger: str | os.PathLike[str] | None = None,
        rate: float | None = None,
        limit: int | None = None,
        flags: Iterable[str] = (),
        max_segments: int = 10,
        suppress: Iterable[str] = (),
        policy: Policy | None = None,
        locks: Locks | None = None,
        observer: Observer | None = None,
    ) -> Run:
        """A run that texts the contacts of a project as the server hands them out: message/next, then message/send, by many
        texters.

            async with rumbleup.concurrent_mode(action=125, text="Hi {first_name}. STOP to opt out", texters=16) as run:
                async for result in run.send(): ...

        Any number of such runs, in any number of processes, may work on one project: the server hands a contact to one at a time.
        `text`: a template as in fast mode, or a function, plain or async, that is given the `Contact` and returns its text,
        or None to leave it alone. `texters`: contacts worked on at a time, at most; fewer after the server says 440.
        `locks`: for how long a contact that was handed out counts as ours, and how patiently "none this time" is asked
        again. The rest is as in fast mode.

        Contacts that are skipped come back at the server: nothing is documented that takes them off its hands.
        """
        from rumbleup_async.bulk.run import CONCURRENT, WRITTEN, Settings
        from rumbleup_async.bulk.texters import Locks

        locks = locks or Locks()
        if rate and rate * locks.send_within < 2:
            raise ConfigurationError("the rate is so low that a contact's lock would end before its turn; use a higher rate")

        settings = Settings(
            provider=PROVIDER,
            action=wire.project_id(action),
            text=WRITTEN if callable(text) else text,
            writer=text if callable(text) else None,
            max_segments=max_segments,
            details={"mode": CONCURRENT, "flags": list(wire.tags(flags)), "group": None},
        )
        return self._run(settings, ledger, rate, texters, limit, policy, locks, suppress, observer)

    def resume(
        self,
        ledger: str | os.PathLike[str],
        *,
        rate: float | None = None,
        concurrency: int = 64,
        limit: int | None = None,
        suppress: Iterable[str] = (),
        policy: Policy | None = None,
        locks: Locks | None = None,
        observer: Observer | None = None,
        reconcile: bool = True,
        settle: float = 900.0,
    ) -> Run:
        """The run of a ledger file, to be gone on with: `async with rumbleup.resume("run.ledger") as run: await run.send()`.

        What was open when an earlier process died is `unknown` and is not sent again; what is queued is sent, except to the
        phones in `suppress`: people may have opted out since.
        `reconcile`: look what is `unknown` up in the message log before the first text; `run.reconcile()` says what came of it.
        `settle`: seconds from a text's intent until its absence from the log counts.
        """
        return self._run(None, ledger, rate, concurrency, limit, policy, locks, suppress, observer, settle if reconcile else None)

    def _run(
        self,
        settings: Settings | None,
        ledger: str | os.PathLike[str] | None,
        rate: float | None,
        concurrency: int,
        limit: int | None,
        policy: Policy | None,
        locks: Locks | None = None,
        suppress: Iterable[str] = (),
        observer: Observer | None = None,
        settle: float | None = None,
    ) -> Run:
        from rumbleup_async.bulk.run import Run
        from rumbleup_async.ledger import MemoryLedger, SqliteLedger

        _check_count("concurrency", concurrency)
        if limit is not None:
            _check_count("limit", limit)
        if rate is not None and not 0 <= rate < math.inf:
            raise ConfigurationError("rate must be a number of texts per second, 0 for no limit of ours")
        if self._session is not None and self._session.connector is not None:
            # What waits for a connection of the caller's pool counts as in flight, but has not left: stop and pace would not
            # bind it.
            pool = self._session.connector
            concurrency = min(concurrency, *(size for size in (pool.limit, pool.limit_per_host, concurrency) if size))
        return Run(
            settings,
            gateway=lambda plan: self._gateway(plan, concurrency),
            ledger=MemoryLedger() if ledger is None else SqliteLedger(ledger, keep_empty=False),
            pace=Pace(rate, self._hold),
            concurrency=concurrency,
            limit=limit,
            policy=policy,
            locks=locks,
            suppress=frozenset(suppress),
            observer=observer,
            log=self._log_search,
            settle=settle,
        )

    def _log_search(self, plan: Plan) -> LogSearch:
        from rumbleup_async.rumbleup.log_search import LogSearch

        return LogSearch(self._caller, plan)

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
            hide=self._hide,
        )


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1")
