"""The Sendblue client: owns the session, hands out the messages and fast mode.

Lives here: set-up, and the doors to the resources and to fast mode.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import credentials
from rumbleup_async.provider.client import USER_AGENT, Client, address
from rumbleup_async.provider.connecting import Connecting
from rumbleup_async.retry import Policy
from rumbleup_async.sendblue import answers, requests
from rumbleup_async.sendblue.limits import LineLimits
from rumbleup_async.sendblue.messages import Messages
from rumbleup_async.session import proxy as proxies

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from rumbleup_async.engine.options import Options
    from rumbleup_async.engine.ports import Gateway
    from rumbleup_async.engine.texters import Writer
    from rumbleup_async.messaging import Plan
    from rumbleup_async.provider.client import Books
    from rumbleup_async.runs.keywords import RunKeywords
    from rumbleup_async.runs.options import RunOptions
    from rumbleup_async.runs.planning import Settings
    from rumbleup_async.runs.run import Run
    from rumbleup_async.sendblue.line import LinePace
    from rumbleup_async.sendblue.opt_outs import OptOuts
    from rumbleup_async.session.exchange import Exchange
    from rumbleup_async.session.limits import Timeouts

_MOST_SEGMENTS = requests.LONGEST // 153
"""A segment has 153 characters at most."""


class Sendblue(Client):
    """The Sendblue API.

        async with Sendblue(api_key="...", api_secret="...") as sendblue:
            message = await sendblue.messages.send(number="+12025550101", from_number="+12025550199", content="Hi Ada")

    `base_url`: https, or plain http to loopback; Sendblue answers under api.sendblue.co and api.sendblue.com. The other options
    are those of `RumbleUp`. Every method takes `timeout=`; `raw()` shows the answers as they came.
    """

    PROVIDER = "sendblue"
    SAME_HOST: ClassVar[Mapping[str, str]] = {"api.sendblue.com": "api.sendblue.co"}

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        *,
        base_url: str = requests.DEFAULT_BASE_URL,
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
        headers = {**requests.headers(api_key, api_secret), "Accept": "application/json", "User-Agent": USER_AGENT}
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
        super().__init__(connecting, answers.DIALECT, redact=(api_key, api_secret), public=api_key)
        self.messages = Messages(self._caller)
        self._opt_outs: OptOuts | None = None
        self._line_paces: dict[str, LinePace] = {}
        """By number: all runs of this client go by it."""

    @property
    def opt_outs(self) -> OptOuts:
        """Who has written that they do not want texts: `await sendblue.opt_outs.pull(book)` before a run, `look()` during one."""
        if self._opt_outs is None:
            from rumbleup_async.runs.people import scope_of
            from rumbleup_async.sendblue.opt_outs import OptOuts

            self._opt_outs = OptOuts(self._caller, self.messages, self.identity, scope_of(self.identity, "").world)
        return self._opt_outs

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """A client set up from SENDBLUE_API_KEY, SENDBLUE_API_SECRET and, if set, SENDBLUE_BASE_URL. `options` as for the
        constructor."""
        environ = os.environ if environ is None else environ
        api_key, api_secret = (environ.get(name, "").strip() for name in ("SENDBLUE_API_KEY", "SENDBLUE_API_SECRET"))
        if not api_key or not api_secret:
            raise ConfigurationError("SENDBLUE_API_KEY and SENDBLUE_API_SECRET must both be set; the dashboard shows them")
        credentials.check(api_key, "SENDBLUE_API_KEY")
        credentials.check(api_secret, "SENDBLUE_API_SECRET")
        base_url = address(environ, "SENDBLUE_BASE_URL", "Sendblue")
        if base_url is not None:
            options.setdefault("base_url", base_url)
        if options.setdefault("proxy", proxies.chosen.get()) is not None:
            options.setdefault("proxy_auth", environ.get("RUMBLEUP_PROXY_AUTH") or None)
        return cls(api_key, api_secret, **options)

    def fast_mode(
        self,
        *,
        from_numbers: Iterable[str],
        text: str | Writer,
        ledger: Books = None,
        limits: LineLimits | Mapping[str, Any] | None = None,
        send_style: str | None = None,
        status_callback: str | None = None,
        require_opt_out: bool = True,
        options: RunOptions | None = None,
        **keywords: Unpack[RunKeywords],
    ) -> Run:
        """A run that texts a list of your own over your lines, used in turn.

            async with sendblue.fast_mode(from_numbers=["+12025550199"], text="Hi {first_name}. STOP to opt out",
                                          ledger="run.ledger") as run:
                async for result in run.send(contacts): ...

        Results and report name the line of each text ("line 2"). A line that is used up or refused rests, the others go on; when
        all are used up for longer than `policy.wait_ceiling`, the run stops and says when to resume. A line belongs to one run at
        a time: what other runs or programs send over it is not known here.

        Args:
            from_numbers: The lines.
            text: The message, with `{field}` and `{field|default}` filled from each contact, or a function as for
                `RumbleUp.fast_mode`.
            ledger: As for `RumbleUp.fast_mode`.
            limits: The pace of each line; a mapping has only those fields of `LineLimits` that are given. Kept in the ledger.
            send_style: An effect of iMessage.
            status_callback: The address that Sendblue posts the status of each text to.
            require_opt_out: Whether the text must mention STOP; Sendblue does not demand it, the law may.
            options: How the run goes about its work; see `RunOptions`.
            **keywords: The fields of `RunOptions` one by one, in place of `options`.

        Returns:
            The run. It begins when you enter it: `async with`.

        Raises:
            ConfigurationError: As for `RumbleUp.fast_mode`, and for `rate` and `processes`: lines have limits, and one process
                keeps them.
            TemplateError, LedgerMismatch, LedgerLocked, LedgerError, TypeError: As for `RumbleUp.fast_mode`.
        """
        from rumbleup_async.runs.options import run_options
        from rumbleup_async.runs.planning import PREFIX

        chosen = run_options("fast_mode", options, keywords)
        numbers = _lines(from_numbers)
        if chosen.max_segments > _MOST_SEGMENTS:
            raise ConfigurationError(f"max_segments is {_MOST_SEGMENTS} at most: Sendblue takes {requests.LONGEST:,} characters")
        details: dict[str, Any] = {PREFIX: requests.PREFIX, "from_numbers": numbers}
        if send_style is not None:
            details["send_style"] = requests.style(send_style)
        if status_callback is not None:
            details["status_callback"] = requests.link(status_callback, "status_callback")
        action = f"{len(numbers)} line" + ("s" if len(numbers) > 1 else "")
        settings = self._settings(chosen, action=action, text=text, details=details, require_opt_out=require_opt_out)
        return self._begin(settings, chosen, ledger, limits)

    @staticmethod
    def place(plan: Plan) -> str:
        """As `Client.place`: the lines, in whatever order they were named."""
        return f"lines {','.join(sorted(plan.details.get('from_numbers', ())))}"

    def resume(
        self,
        ledger: Books,
        *,
        limits: LineLimits | Mapping[str, Any] | None = None,
        options: RunOptions | None = None,
        **keywords: Unpack[RunKeywords],
    ) -> Run:
        """The run of a ledger, to be gone on with: `async with sendblue.resume("run.ledger") as run: await run.send()`.

        What was open when an earlier process died is `unknown` and is not sent again; what is queued is sent, except to the
        phones in `suppress`. What the lines have sent in this hour and day is read from the ledger.

        Args:
            ledger: The ledger's file, or the ledger itself.
            limits: The pace of each line; what is not given is as it was given before.
            options: How this part of the run goes about its work; see `RunOptions`. `reconcile` searches the message list.
            **keywords: The fields of `RunOptions` one by one, in place of `options`.

        Returns:
            The run. It begins when you enter it: `async with`.

        Raises:
            ConfigurationError, LedgerMismatch, LedgerLocked, LedgerError, TypeError: As for `fast_mode`.
        """
        from rumbleup_async.runs.options import run_options

        return self._begin(None, run_options("resume", options, keywords), ledger, limits)

    def _begin(
        self,
        settings: Settings | None,
        chosen: RunOptions,
        ledger: Books,
        limits: LineLimits | Mapping[str, Any] | None,
    ) -> Run:
        from rumbleup_async.runs.option_checks import check_fields
        from rumbleup_async.runs.options import refuse
        from rumbleup_async.sendblue.gateway import SendblueGateway
        from rumbleup_async.sendblue.lines import Lines
        from rumbleup_async.sendblue.list_search import ListSearch
        from rumbleup_async.sendblue.shared_lines import HasLines, SharedLines

        refuse(
            "Sendblue",
            chosen,
            rate="each line has limits of its own; give limits=LineLimits(per_second=...)",
            processes="one process keeps the limits of the lines",
            locks="it hands out no contacts",
        )
        if limits is not None:
            check_fields("limits", limits, LineLimits, "per_second=1")
        is_resume = settings is None
        care = chosen.care(limits=limits)
        options = chosen.for_engine(settle=chosen.settle if is_resume and chosen.reconcile else None)
        books = self._books(ledger, chosen, is_resume=is_resume)
        policy = msgspec.convert(care.get("policy", {}), Policy)
        ceiling = policy.wait_ceiling
        make = functools.partial(SharedLines, books.lines) if isinstance(books, HasLines) else Lines
        lines = make(_limits(care), hold=self._hold, rows=books.rows, wait_ceiling=ceiling, paces=self._line_paces)

        def heed(now: Mapping[str, Any], options: Options) -> None:
            lines.heed(_limits(now), options.policy.wait_ceiling)

        def gateway(plan: Plan, exchange: Exchange, owned: bool) -> Gateway:
            lines.begin(plan.details["from_numbers"])
            return SendblueGateway(
                exchange,
                lines,
                send_style=plan.details.get("send_style"),
                status_callback=plan.details.get("status_callback"),
                address=self._connecting.whence("SENDBLUE_BASE_URL"),
                owns_exchange=owned,
                redact=self._redact,
            )

        run = self._run(
            settings,
            options,
            books,
            chosen=chosen,
            pace=lines,
            gateway=gateway,
            given=care,
            heed=heed,
            log=lambda _: ListSearch(self.messages),
        )
        lines.attach(run.stop, run.tell_held)
        return run


def _limits(care: Mapping[str, Any]) -> LineLimits:
    try:
        return msgspec.convert(care.get("limits", {}), LineLimits).checked()
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the limits of a line cannot be meant: {error}") from None


def _lines(numbers: Iterable[str]) -> list[str]:
    """The lines of a run, each once, in the order given."""
    if isinstance(numbers, (str, bytes)):
        raise ConfigurationError("from_numbers is a list of numbers, not one")
    found = list(dict.fromkeys(requests.line(number) for number in numbers))
    if not found:
        raise ConfigurationError("from_numbers must name at least one of your lines")
    return found
