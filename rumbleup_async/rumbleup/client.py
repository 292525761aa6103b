"""The RumbleUp client: owns the session and hands out the resources.

Lives here: set-up, and the doors to the resources and to fast mode.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import credentials
from rumbleup_async.provider.client import USER_AGENT, Client, Connecting, address, given
from rumbleup_async.retry import Policy
from rumbleup_async.rumbleup import answers, wire
from rumbleup_async.rumbleup.account import Accounts
from rumbleup_async.rumbleup.account_reports import AccountReports
from rumbleup_async.rumbleup.contacts import Contacts
from rumbleup_async.rumbleup.messages import Messages
from rumbleup_async.rumbleup.projects import Projects
from rumbleup_async.rumbleup.proxies import Proxies
from rumbleup_async.rumbleup.tcr import Tcr
from rumbleup_async.session import proxy as proxies
from rumbleup_async.session.exchange import Exchange
from rumbleup_async.session.limits import Timeouts

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from rumbleup_async.engine import ports
    from rumbleup_async.engine.options import Options
    from rumbleup_async.engine.pace import Pace
    from rumbleup_async.engine.ports import Observer
    from rumbleup_async.engine.texters import Locks, Writer
    from rumbleup_async.messaging import Plan
    from rumbleup_async.rumbleup.gateway import RumbleUpGateway
    from rumbleup_async.rumbleup.log_search import LogSearch
    from rumbleup_async.runs.planning import Settings
    from rumbleup_async.runs.run import Run


class RumbleUp(Client):
    """The RumbleUp API.

        async with RumbleUp(api_key="KEY:SECRET") as rumbleup:
            message = await rumbleup.messages.send(phone="2025550101", action=125, text="Hi Ada. STOP to opt out")

    `api_key`: the pair `KEY:SECRET` (legacy: `CID:KEY`), from Integrations, API Keys in the portal. `base_url`: https, or
    plain http to loopback. `auth`: `basic` or `bearer`. `session`: your own aiohttp session, used and left open. `exchange`:
    another way of carrying requests altogether, such as `ScriptedExchange` in tests. `ssl`: a context of your own;
    certificates are always verified. `trace_configs`: aiohttp's hooks for tracing. `transport`: with `auto`, runs
    go over a pool of connections of our own, where httptools is installed, and all else over aiohttp; `pool` and `aiohttp`
    take one of them for everything. `proxy`: the URL of an HTTP proxy, through which https is tunnelled; its `proxy_auth` is
    `NAME:PASSWORD`. The proxies of the environment are not used.

    Raises ConfigurationError for a key or an address that cannot be meant, such as one with quotes around it.

    Resources: `messages`, `projects` (and `actions`, the same under the API's other name for it), `tcr`, `account`, `contacts`,
    `proxies`, `account_reports`; one method an endpoint, see docs/api-map.md. Every method takes `timeout=`, seconds to wait for
    the next bytes of its answer in place of `timeouts.read`; `raw()` shows the answers as they came.
    """

    PROVIDER = "rumbleup"

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
        transport: str = "auto",
        proxy: str | None = None,
        proxy_auth: str | None = None,
    ) -> None:
        headers = {"Authorization": wire.auth_header(api_key, auth), "Accept": "application/json", "User-Agent": USER_AGENT}
        connecting = Connecting(
            base_url=base_url,
            headers=headers,
            timeouts=timeouts,
            connections=connections,
            session=session,
            exchange=exchange,
            ssl=ssl,
            trace_configs=tuple(trace_configs),
            transport=transport,
            proxy=proxy,
            proxy_auth=proxy_auth,
        )
        self._again: dict[str, Any] = {"api_key": api_key, "base_url": base_url, "auth": auth, "transport": transport}
        if proxy is not None:
            self._again |= {"proxy": proxy, "proxy_auth": proxy_auth}
        # In no error: the pair, its secret half, and the pair as it travels, which gateways quote.
        hide = (api_key, api_key.partition(":")[2], headers["Authorization"].partition(" ")[2])
        super().__init__(connecting, answers.DIALECT, hide=hide, public=api_key.partition(":")[0])
        caller = self._caller
        self.messages = Messages(caller)
        self.projects = Projects(caller, "project")
        self.actions = Projects(caller, "action")
        self.tcr = Tcr(caller)
        self.account = Accounts(caller)
        self.contacts = Contacts(caller)
        self.proxies = Proxies(caller)
        self.account_reports = AccountReports(caller)

    @property
    def reports(self) -> AccountReports:
        """The former name of `account_reports`; it goes with the next version."""
        warnings.warn("rumbleup.reports is called rumbleup.account_reports now", DeprecationWarning, stacklevel=2)
        return self.account_reports

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """A client set up from RUMBLEUP_API_KEY and, if set, RUMBLEUP_BASE_URL. `options` as for the constructor."""
        environ = os.environ if environ is None else environ
        api_key = environ.get("RUMBLEUP_API_KEY", "").strip()
        if not api_key:
            raise ConfigurationError("RUMBLEUP_API_KEY is not set; it holds the pair KEY:SECRET from the portal")
        credentials.check(api_key, "RUMBLEUP_API_KEY")
        base_url = address(environ, "RUMBLEUP_BASE_URL", "RumbleUp")
        if base_url is not None:
            options.setdefault("base_url", base_url)
        if options.setdefault("proxy", proxies.chosen.get()) is not None:
            options.setdefault("proxy_auth", environ.get("RUMBLEUP_PROXY_AUTH") or None)
        return cls(api_key, **options)

    def fast_mode(
        self,
        *,
        action: str | int,
        text: str,
        ledger: str | os.PathLike[str] | None = None,
        rate: float | None = None,
        concurrency: int | None = None,
        processes: int | None = None,
        limit: int | None = None,
        phone_field: str | None = None,
        encoding: str | None = None,
        skip_if: Iterable[str] = (),
        keep: str | Iterable[str] = (),
        flags: Iterable[str] = (),
        group: str | int | None = None,
        max_segments: int = 10,
        literal: bool = False,
        suppress: Container[str] | Iterable[str] = (),
        countries: Iterable[str] = ("US", "CA"),
        policy: Policy | None = None,
        observer: Observer | None = None,
        same_account: bool = False,
        same_server: bool = False,
        original: bool = False,
    ) -> Run:
        """A run that texts a list of your own through message/send alone (fast mode; RumbleUp's support enables it per account).

            async with rumbleup.fast_mode(action=125, text="Hi {first_name}. STOP to opt out", ledger="run.ledger") as run:
                async for result in run.send(contacts): ...
                run.summary

        `text`: `{field}` and `{field|default}` are filled from each contact; a contact that lacks a field is skipped. It
        must tell people how to opt out, as in "STOP to opt out".
        `literal`: send signs of other programs' merge fields (`[First Name]`), a typed `\\n` and HTML as they are; without it
        such a text is refused, and a contact with such a value skipped.
        `ledger`: a file; the run can be resumed from it after any crash. None keeps the books in memory: a crash forgets them.
        `rate`: texts per second at most; 0 leaves it to the provider. `concurrency`: requests in flight at most, in each
        process, 64. `processes`: that send, over the one ledger and at the one rate; a list is then read to its end before the
        first text leaves. These, `policy` and `suppress` are kept in the ledger: where one is not given, what the run was given
        before holds; suppressed phones add up.
        `limit`: texts of this run at most. `phone_field`: the column with the phone, where its name does not say so. `flags`:
        tags for every message beside the run's own. `group`: for contacts the sends create.
        `max_segments`: a text that would take more SMS parts is skipped. `suppress`: phones never to be texted, each counted for
        every number that it can mean; of a container that can only be asked, the ten digits are asked for.
        `encoding`: of a list file, as Python calls it; None: UTF-8, UTF-16 or what it seems to be (`run.list_notes` says so).
        `skip_if`: columns that say who must not be texted, each `column` or `column=value`; a cell that does not say no counts.
        `keep`: columns of the list that go into the ledger and out again in its report; "*" for all.
        `countries`: those of +1 that are texted, by their two letters; US has its territories with it. "toll-free" beside them
        texts toll-free numbers, too.
        `observer`: is told of results and holds as they happen. `same_account`, `same_server`: the ledger's run was begun with
        another key of this account, under another address of this server. `original`: the file is no copy, or the one to go on
        with.

        Raises ConfigurationError and its kin, now or on entering, before anything is sent: TemplateError for the text,
        LedgerMismatch for a ledger of another text, project, server or account, LedgerLocked for one that is in use, LedgerError
        for one that cannot be gone on with. A list is refused by `run.send`, with ListError.
        """
        from rumbleup_async.engine.options import Options
        from rumbleup_async.runs.planning import Settings
        from rumbleup_async.screening.suppression import suppression

        settings = Settings(
            provider=self.PROVIDER,
            action=wire.project_id(action),
            text=text,
            phone_field=phone_field,
            encoding=encoding,
            skip_if=skip_if,
            keep=keep,
            max_segments=max_segments,
            countries=countries,
            literal=literal,
            details={"flags": list(wire.tags(flags)), "group": None if group is None else str(group)},
        )
        options = Options(
            limit=limit,
            suppress=suppression(suppress),
            observer=observer,
        )
        care = given(rate=rate, concurrency=concurrency, processes=processes, policy=policy)
        books = self._ledger(ledger, same_account=same_account, same_server=same_server, original=original)
        return self._begin(settings, options, books, care)

    def concurrent_mode(
        self,
        *,
        action: str | int,
        text: str | Writer,
        texters: int | None = None,
        ledger: str | os.PathLike[str] | None = None,
        rate: float | None = None,
        limit: int | None = None,
        flags: Iterable[str] = (),
        max_segments: int = 10,
        literal: bool = False,
        suppress: Container[str] | Iterable[str] = (),
        countries: Iterable[str] = ("US", "CA"),
        policy: Policy | None = None,
        locks: Locks | Mapping[str, Any] | None = None,
        observer: Observer | None = None,
        same_account: bool = False,
        same_server: bool = False,
        original: bool = False,
    ) -> Run:
        """A run that texts the contacts of a project as the server hands them out: message/next, then message/send, by many
        texters.

            async with rumbleup.concurrent_mode(action=125, text="Hi {first_name}. STOP to opt out", texters=16) as run:
                async for result in run.send(): ...

        Any number of such runs, in any number of processes, may work on one project: the server hands a contact to one at a time.
        `text`: a template as in fast mode, or a function, plain or async, that is given the `Contact` and returns its text,
        or None to leave it alone. `texters`: contacts worked on at a time, at most, 16; fewer after the server says 440.
        `locks`: for how long a contact that was handed out counts as ours, and how patiently "none this time" is asked
        again; a mapping has only those of its fields that are given. `rate`, `texters`, `policy`, `locks` and `suppress` are
        kept in the ledger. The rest is as in fast mode, the errors with it.

        Contacts that are skipped come back at the server: nothing is documented that takes them off its hands.
        """
        from rumbleup_async.engine.options import Options
        from rumbleup_async.runs.planning import CONCURRENT, WRITTEN, Settings
        from rumbleup_async.screening.suppression import suppression

        settings = Settings(
            provider=self.PROVIDER,
            action=wire.project_id(action),
            text=WRITTEN if callable(text) else text,
            writer=text if callable(text) else None,
            max_segments=max_segments,
            countries=countries,
            literal=literal,
            details={"mode": CONCURRENT, "flags": list(wire.tags(flags)), "group": None},
        )
        options = Options(concurrency=16, limit=limit, suppress=suppression(suppress), observer=observer)
        care = given(rate=rate, concurrency=texters, policy=policy, locks=locks)
        books = self._ledger(ledger, same_account=same_account, same_server=same_server, original=original)
        return self._begin(settings, options, books, care, is_drawing=True)

    def resume(
        self,
        ledger: str | os.PathLike[str],
        *,
        rate: float | None = None,
        concurrency: int | None = None,
        processes: int | None = None,
        limit: int | None = None,
        suppress: Container[str] | Iterable[str] = (),
        policy: Policy | None = None,
        locks: Locks | Mapping[str, Any] | None = None,
        observer: Observer | None = None,
        reconcile: bool = True,
        settle: float = 900.0,
        same_account: bool = False,
        same_server: bool = False,
        original: bool = False,
        log_lost: bool = False,
    ) -> Run:
        """The run of a ledger file, to be gone on with: `async with rumbleup.resume("run.ledger") as run: await run.send()`.

        What was open when an earlier process died is `unknown` and is not sent again; what is queued is sent, except to the
        phones in `suppress`: people may have opted out since. What is not given of rate, concurrency, processes, policy and
        locks is as it was given before, and the phones suppressed before still are.
        `reconcile`: look what is `unknown` up in the message log before the first text; `run.reconcile()` says what came of it.
        `settle`: seconds from a text's intent until its absence from the log counts. `same_account`, `same_server`, `original`:
        as for `fast_mode`. `log_lost`: the ledger's `-wal` file is lost for good, so whoever is queued becomes unknown.

        Raises on entering, before anything is sent, what `fast_mode` does for a ledger, and ConfigurationError where the texts of
        a concurrent run were chosen by a function: go on with that by `concurrent_mode`.
        """
        from rumbleup_async.engine.options import Options
        from rumbleup_async.screening.suppression import suppression

        options = Options(
            limit=limit,
            suppress=suppression(suppress),
            observer=observer,
            settle=settle if reconcile else None,
        )
        care = given(rate=rate, concurrency=concurrency, processes=processes, policy=policy, locks=locks)
        books = self._ledger(ledger, same_account=same_account, same_server=same_server, original=original, log_lost=log_lost)
        return self._begin(None, options, books, care)

    def _begin(
        self,
        settings: Settings | None,
        options: Options,
        ledger: ports.Ledger,
        care: Mapping[str, Any],
        *,
        is_drawing: bool = False,
    ) -> Run:
        pace = self._pace(care.get("rate"))

        def heed(now: Mapping[str, Any], options: Options) -> None:
            rate = now.get("rate")
            if rate and options.locks is not None and rate * options.locks.send_within < 2:
                raise ConfigurationError("the rate is so low that a contact's lock would end before its turn; use a higher rate")
            pace.limit(rate)

        def elsewhere(now: Mapping[str, Any]) -> Callable[..., ports.Sends]:
            from rumbleup_async.fleet.channel import Recipe

            timeouts = msgspec.to_builtins(self._connecting.timeouts)
            longest = (self._connecting.timeouts or Timeouts()).longest
            recipe = Recipe(f"{__name__}:remade", {**self._again, "timeouts": timeouts}, longest)
            return self._fleet(recipe, now.get("rate"))

        if is_drawing:
            from rumbleup_async.engine.texters import Locks

            options = msgspec.structs.replace(options, locks=Locks())
            heed(care, self._careful(options, care))
        return self._run(
            settings,
            options,
            ledger,
            pace=pace,
            gateway=self._gateway,
            given=care,
            heed=heed,
            elsewhere=elsewhere,
            log=self._log_search,
        )

    def _log_search(self, plan: Plan) -> LogSearch:
        from rumbleup_async.rumbleup.log_search import LogSearch

        return LogSearch(self._caller, plan)

    def sending(self, plan: Plan, concurrency: int, rate: float | None) -> tuple[Pace, RumbleUpGateway]:
        """What an engine in a sending process sends with: its pace and its gateway."""
        return self._pace(rate), self._gateway(plan, self._connecting.connect(concurrency), True)

    def _gateway(self, plan: Plan, exchange: Exchange, owned: bool) -> RumbleUpGateway:
        from rumbleup_async.rumbleup.gateway import RumbleUpGateway

        return RumbleUpGateway(
            exchange,
            action=plan.action,
            flags=(plan.tag, *plan.details.get("flags", ())),
            group=plan.details.get("group"),
            owns_exchange=owned,
            hide=self._hide,
            address=self._connecting.whence("RUMBLEUP_BASE_URL"),
        )


def remade(*, timeouts: dict[str, float] | None, **arguments: Any) -> RumbleUp:
    """The client of a sending process, by the recipe of the one that the run was begun with."""
    return RumbleUp(timeouts=None if timeouts is None else msgspec.convert(timeouts, Timeouts), **arguments)
