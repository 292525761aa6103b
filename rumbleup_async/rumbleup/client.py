"""The RumbleUp client: owns the session and hands out the resources.

Lives here: set-up, and the doors to the resources and to fast mode.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import credentials
from rumbleup_async.provider.client import USER_AGENT, Client, address
from rumbleup_async.provider.connecting import Connecting
from rumbleup_async.rumbleup import answers, requests
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

    from rumbleup_async.engine.crew import MakeCrew
    from rumbleup_async.engine.options import Options
    from rumbleup_async.engine.pace import Pace
    from rumbleup_async.engine.texters import Writer
    from rumbleup_async.messaging import Plan
    from rumbleup_async.provider.client import Books
    from rumbleup_async.rumbleup.gateway import RumbleUpGateway
    from rumbleup_async.rumbleup.log_search import LogSearch
    from rumbleup_async.rumbleup.opt_outs import OptOuts
    from rumbleup_async.runs.keywords import RunKeywords
    from rumbleup_async.runs.options import RunOptions
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
        base_url: str = requests.DEFAULT_BASE_URL,
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
        headers = {"Authorization": requests.auth_header(api_key, auth), "Accept": "application/json", "User-Agent": USER_AGENT}
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
        self._recipe: dict[str, Any] = {"api_key": api_key, "base_url": base_url, "auth": auth, "transport": transport}
        if proxy is not None:
            self._recipe |= {"proxy": proxy, "proxy_auth": proxy_auth}
        # In no error: the pair, its secret half, and the pair as it travels, which gateways quote.
        redact = (api_key, api_key.partition(":")[2], headers["Authorization"].partition(" ")[2])
        super().__init__(connecting, answers.DIALECT, redact=redact, public=api_key.partition(":")[0])
        caller = self._caller
        self.messages = Messages(caller)
        self.projects = Projects(caller, "project")
        self.actions = Projects(caller, "action")
        self.tcr = Tcr(caller)
        self.account = Accounts(caller)
        self.contacts = Contacts(caller)
        self.proxies = Proxies(caller)
        self.account_reports = AccountReports(caller)
        self._opt_outs: OptOuts | None = None

    @property
    def opt_outs(self) -> OptOuts:
        """Whom the account knows to have opted out: `await rumbleup.opt_outs.pull(book)` before a run, `look()` during one."""
        if self._opt_outs is None:
            from rumbleup_async.rumbleup.opt_outs import OptOuts
            from rumbleup_async.runs.people import scope_of

            self._opt_outs = OptOuts(self.contacts, self.messages, self.identity, scope_of(self.identity, "").world)
        return self._opt_outs

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
        text: str | Writer,
        ledger: Books = None,
        flags: Iterable[str] = (),
        group: str | int | None = None,
        options: RunOptions | None = None,
        **keywords: Unpack[RunKeywords],
    ) -> Run:
        """A run that texts a list of your own through message/send alone (fast mode; RumbleUp's support enables it per account).

            async with rumbleup.fast_mode(action=125, text="Hi {first_name}. STOP to opt out", ledger="run.ledger") as run:
                async for result in run.send(contacts): ...
                run.summary

        Args:
            action: The id of the project to send into.
            text: The message. `{field}` and `{field|default}` are filled from each contact; a contact that lacks a field is
                skipped. It must tell people how to opt out, as in "STOP to opt out". Or a function, plain or async, that is given
                the `Contact` with all its columns and returns its text, or None to leave it alone. It is called while the list is
                read; what it returns is frozen in the ledger.
            ledger: A file; the run can be resumed from it after any crash. A ledger that you hand in is used as it is. None keeps
                the books in memory: a crash forgets them.
            flags: Tags for every message beside the run's own.
            group: For contacts the sends create.
            options: How the run goes about its work; see `RunOptions`.
            **keywords: The fields of `RunOptions` one by one, in place of `options`: `rate=50, skip_if=["opt_out"]`.

        Returns:
            The run. It begins when you enter it: `async with`.

        Raises:
            ConfigurationError: An argument cannot be meant, now or on entering; before anything is sent. So with the others:
            TemplateError: The text cannot be sent to anybody.
            LedgerMismatch: The ledger is of another text, project, server or account.
            LedgerLocked: The ledger is in use.
            LedgerError: The ledger cannot be gone on with.
            TypeError: A keyword is no option.
        """
        from rumbleup_async.runs.options import run_options

        chosen = run_options("fast_mode", options, keywords)
        details = {"flags": list(requests.tags(flags)), "group": None if group is None else str(group)}
        settings = self._settings(chosen, action=requests.project_id(action), text=text, details=details)
        return self._begin(settings, chosen, ledger)

    def concurrent_mode(
        self,
        *,
        action: str | int,
        text: str | Writer,
        texters: int | None = None,
        ledger: Books = None,
        flags: Iterable[str] = (),
        options: RunOptions | None = None,
        **keywords: Unpack[RunKeywords],
    ) -> Run:
        """A run that texts the contacts of a project as the server hands them out: message/next, then message/send, by many
        texters.

            async with rumbleup.concurrent_mode(action=125, text="Hi {first_name}. STOP to opt out", texters=16) as run:
                async for result in run.send(): ...

        Any number of such runs, in any number of processes, may work on one project: the server hands a contact to one at a time.
        Contacts that are skipped come back at the server: nothing is documented that takes them off its hands.

        Args:
            action: The id of the project whose contacts are texted.
            text: A template as in fast mode, or a function, plain or async, that is given the `Contact` and returns its text, or
                None to leave it alone.
            texters: Contacts worked on at a time, at most: another name for the option `concurrency`, 16 without either; fewer
                after the server says 440.
            ledger: As for `fast_mode`.
            flags: Tags for every message beside the run's own.
            options: How the run goes about its work; see `RunOptions`.
            **keywords: The fields of `RunOptions` one by one, in place of `options`.

        Returns:
            The run. It begins when you enter it: `async with`.

        Raises:
            ConfigurationError: As for `fast_mode`, and for `skip_if`, `consent_field` and `processes`: there is no list whose
                columns could be read, and one run is one process.
            TemplateError, LedgerMismatch, LedgerLocked, LedgerError, TypeError: As for `fast_mode`.
        """
        from rumbleup_async.runs.option_checks import check_count
        from rumbleup_async.runs.options import refuse, run_options
        from rumbleup_async.runs.planning import CONCURRENT

        chosen = run_options("concurrent_mode", options, keywords)
        refuse(
            "concurrent_mode",
            chosen,
            text_when="give a function of the contact as text=",
            skip_if="there is no list whose columns could be read; leave people out by suppress= or a function as text",
            consent_field="there is no list whose columns could be read; leave people out by suppress= or a function as text",
            processes="start it several times, each with a ledger of its own",
        )
        if texters is not None:
            if chosen.concurrency is not None:
                raise ConfigurationError("texters and concurrency are one and the same; give one of them")
            check_count("texters", texters)
            chosen = msgspec.structs.replace(chosen, concurrency=texters)
        settings = self._settings(
            chosen,
            action=requests.project_id(action),
            text=text,
            details={"mode": CONCURRENT, "flags": list(requests.tags(flags)), "group": None},
        )
        return self._begin(settings, chosen, ledger, is_concurrent=True)

    def resume(self, ledger: Books, *, options: RunOptions | None = None, **keywords: Unpack[RunKeywords]) -> Run:
        """The run of a ledger, to be gone on with: `async with rumbleup.resume("run.ledger") as run: await run.send()`.

        What was open when an earlier process died is `unknown` and is not sent again; what is queued is sent, except to the
        phones in `suppress`: people may have opted out since. `run.reconcile()` says what a look into the log came to.

        Args:
            ledger: The ledger's file, or the ledger itself.
            options: How this part of the run goes about its work; see `RunOptions`. What is not given of pace and of rules is as
                it was given before. Options of the list and the text must be those the run was begun with.
            **keywords: The fields of `RunOptions` one by one, in place of `options`.

        Returns:
            The run. It begins when you enter it: `async with`.

        Raises:
            ConfigurationError: An argument cannot be meant, or the texts of a concurrent run were chosen by a function: go on
                with that by `concurrent_mode`.
            LedgerMismatch, LedgerLocked, LedgerError, TypeError: As for `fast_mode`.
        """
        from rumbleup_async.runs.options import run_options

        return self._begin(None, run_options("resume", options, keywords), ledger)

    def _begin(self, settings: Settings | None, chosen: RunOptions, ledger: Books, *, is_concurrent: bool = False) -> Run:
        is_resume = settings is None
        care = chosen.care()
        options = chosen.for_engine(settle=chosen.settle if is_resume and chosen.reconcile else None)
        pace = self._pace(care.get("rate"))

        def heed(now: Mapping[str, Any], options: Options) -> None:
            rate = now.get("rate")
            if rate and options.locks is not None and rate * options.locks.send_within < 2:
                raise ConfigurationError("the rate is so low that a contact's lock would end before its turn; use a higher rate")
            pace.limit(rate)

        def remote_workers(now: Mapping[str, Any]) -> MakeCrew:
            from rumbleup_async.fleet.channel import Recipe

            timeouts = msgspec.to_builtins(self._connecting.timeouts)
            longest = (self._connecting.timeouts or Timeouts()).longest
            recipe = Recipe(f"{__name__}:from_recipe", {**self._recipe, "timeouts": timeouts}, longest)
            return self._fleet(recipe, now.get("rate"))

        if is_concurrent:
            from rumbleup_async.engine.locks import Locks

            options = msgspec.structs.replace(options, concurrency=16, locks=Locks())
            heed(care, self._careful(options, care))
        return self._run(
            settings,
            options,
            self._books(ledger, chosen, is_resume=is_resume),
            chosen=chosen,
            pace=pace,
            gateway=self._gateway,
            given=care,
            heed=heed,
            remote_workers=remote_workers,
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
            redact=self._redact,
            address=self._connecting.whence("RUMBLEUP_BASE_URL"),
        )


def from_recipe(*, timeouts: dict[str, float] | None, **arguments: Any) -> RumbleUp:
    """The client of a sending process, by the recipe of the one that the run was begun with."""
    return RumbleUp(timeouts=None if timeouts is None else msgspec.convert(timeouts, Timeouts), **arguments)
