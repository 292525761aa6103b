"""The Sendblue client: owns the session, hands out the messages and fast mode.

Lives here: set-up, and the doors to the resources and to fast mode.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import credentials
from rumbleup_async.provider.client import USER_AGENT, Client, Connecting, address, given
from rumbleup_async.retry import Policy
from rumbleup_async.sendblue import wire
from rumbleup_async.sendblue.limits import LineLimits
from rumbleup_async.sendblue.messages import Messages
from rumbleup_async.session import proxy as proxies

if TYPE_CHECKING:
    import ssl as ssl_module

    import aiohttp

    from rumbleup_async.engine.options import Options
    from rumbleup_async.engine.ports import Gateway, Ledger, Observer
    from rumbleup_async.messaging import Plan
    from rumbleup_async.runs.planning import Settings
    from rumbleup_async.runs.run import Run
    from rumbleup_async.session.exchange import Exchange
    from rumbleup_async.session.limits import Timeouts

_MOST_SEGMENTS = wire.LONGEST // 153
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
        base_url: str = wire.DEFAULT_BASE_URL,
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
        headers = {**wire.headers(api_key, api_secret), "Accept": "application/json", "User-Agent": USER_AGENT}
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
        super().__init__(connecting, wire.DIALECT, hide=(api_key, api_secret), public=api_key)
        self.messages = Messages(self._caller)

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
        text: str,
        ledger: str | os.PathLike[str] | None = None,
        limits: LineLimits | Mapping[str, Any] | None = None,
        concurrency: int | None = None,
        limit: int | None = None,
        phone_field: str | None = None,
        encoding: str | None = None,
        skip_if: Iterable[str] = (),
        keep: str | Iterable[str] = (),
        send_style: str | None = None,
        status_callback: str | None = None,
        max_segments: int = 10,
        require_opt_out: bool = True,
        literal: bool = False,
        suppress: Container[str] | Iterable[str] = (),
        countries: Iterable[str] = ("US", "CA"),
        policy: Policy | None = None,
        observer: Observer | None = None,
        same_account: bool = False,
        same_server: bool = False,
        original: bool = False,
    ) -> Run:
        """A run that texts a list of your own over your lines, used in turn.

            async with sendblue.fast_mode(from_numbers=["+12025550199"], text="Hi {first_name}. STOP to opt out",
                                          ledger="run.ledger") as run:
                async for result in run.send(contacts): ...

        `from_numbers`: the lines. `limits`: the pace of each; see `LineLimits`; a mapping has only those of its fields that are
        given. A line that is used up or refused rests, the others go on; when all are used up for longer than
        `policy.wait_ceiling`, the run stops and says when to resume. `limits`, `concurrency`, `policy` and `suppress` are kept in
        the ledger.
        `send_style`: an effect of iMessage. `status_callback`: the address that Sendblue posts the status of each text to.
        `require_opt_out`: whether the text must mention STOP; Sendblue does not demand it, the law may.
        Results and report name the line of each text ("line 2"). The rest is as for `RumbleUp.fast_mode`, the errors with it.

        A line belongs to one run at a time: what other runs or programs send over it is not known here.
        """
        from rumbleup_async.engine.options import Options
        from rumbleup_async.runs.planning import PREFIX, Settings
        from rumbleup_async.screening.suppression import suppression

        numbers = _lines(from_numbers)
        segments: object = max_segments
        if isinstance(segments, int) and segments > _MOST_SEGMENTS:
            raise ConfigurationError(f"max_segments is {_MOST_SEGMENTS} at most: Sendblue takes {wire.LONGEST:,} characters")
        details: dict[str, Any] = {PREFIX: wire.PREFIX, "from_numbers": numbers}
        if send_style is not None:
            details["send_style"] = wire.style(send_style)
        if status_callback is not None:
            details["status_callback"] = wire.link(status_callback, "status_callback")
        settings = Settings(
            provider=self.PROVIDER,
            action=f"{len(numbers)} line" + ("s" if len(numbers) > 1 else ""),
            text=text,
            phone_field=phone_field,
            encoding=encoding,
            skip_if=skip_if,
            keep=keep,
            max_segments=max_segments,
            require_opt_out=require_opt_out,
            countries=countries,
            literal=literal,
            details=details,
        )
        options = Options(limit=limit, suppress=suppression(suppress), observer=observer)
        care = given(concurrency=concurrency, policy=policy, limits=limits)
        books = self._ledger(ledger, same_account=same_account, same_server=same_server, original=original)
        return self._begin(settings, options, books, care)

    def resume(
        self,
        ledger: str | os.PathLike[str],
        *,
        limits: LineLimits | Mapping[str, Any] | None = None,
        concurrency: int | None = None,
        limit: int | None = None,
        suppress: Container[str] | Iterable[str] = (),
        policy: Policy | None = None,
        observer: Observer | None = None,
        reconcile: bool = True,
        settle: float = 900.0,
        same_account: bool = False,
        same_server: bool = False,
        original: bool = False,
        log_lost: bool = False,
    ) -> Run:
        """The run of a ledger file, to be gone on with: `async with sendblue.resume("run.ledger") as run: await run.send()`.

        What was open when an earlier process died is `unknown` and is not sent again; what is queued is sent, except to the
        phones in `suppress`. What the lines have sent in this hour and day is read from the ledger. `reconcile`, `settle`: as for
        `RumbleUp.resume`; the message list is what is searched. What is not given of limits, concurrency and policy is as it was
        given before, and the phones suppressed before still are. `same_account`, `same_server`, `original`, `log_lost` and the
        errors are as for `RumbleUp.resume`.
        """
        from rumbleup_async.engine.options import Options
        from rumbleup_async.screening.suppression import suppression

        options = Options(
            limit=limit,
            suppress=suppression(suppress),
            observer=observer,
            settle=settle if reconcile else None,
        )
        care = given(concurrency=concurrency, policy=policy, limits=limits)
        books = self._ledger(ledger, same_account=same_account, same_server=same_server, original=original, log_lost=log_lost)
        return self._begin(None, options, books, care)

    def _begin(self, settings: Settings | None, options: Options, ledger: Ledger, care: Mapping[str, Any]) -> Run:
        from rumbleup_async.sendblue.gateway import SendblueGateway
        from rumbleup_async.sendblue.lines import Lines
        from rumbleup_async.sendblue.list_search import ListSearch

        policy = msgspec.convert(care.get("policy", {}), Policy)
        lines = Lines(_limits(care), hold=self._hold, rows=ledger.rows, wait_ceiling=policy.wait_ceiling)

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
                hide=self._hide,
            )

        run = self._run(
            settings, options, ledger, pace=lines, gateway=gateway, given=care, heed=heed, log=lambda _: ListSearch(self.messages)
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
    found = list(dict.fromkeys(wire.line(number) for number in numbers))
    if not found:
        raise ConfigurationError("from_numbers must name at least one of your lines")
    return found
