"""The part of a provider's client that all clients share: whose connections it uses, and how it makes a run.

Lives here: set-up. Knows no provider.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec

from rumbleup_async import open_files
from rumbleup_async.engine.client_limit import ClientLimit
from rumbleup_async.engine.pace import Hold, Pace
from rumbleup_async.errors import ConfigurationError, LedgerMismatch
from rumbleup_async.provider import credentials
from rumbleup_async.provider.caller import ABROAD, Caller
from rumbleup_async.provider.connecting import Connecting
from rumbleup_async.provider.replies import Dialect
from rumbleup_async.retry import Policy
from rumbleup_async.session.exchange import Exchange, Response

if TYPE_CHECKING:
    from types import TracebackType

    from rumbleup_async.engine import ports
    from rumbleup_async.engine.crew import MakeCrew
    from rumbleup_async.engine.options import Options
    from rumbleup_async.engine.texters import Writer
    from rumbleup_async.fleet.channel import Recipe
    from rumbleup_async.messaging import Identity, Plan
    from rumbleup_async.people.run_book import RunBook
    from rumbleup_async.runs.options import RunOptions
    from rumbleup_async.runs.planning import Settings
    from rumbleup_async.runs.run import Run

    Books = str | os.PathLike[str] | ports.Ledger | None
    """Where the books of a run are: the path of a file, a ledger that is handed in, or None for books in memory."""

USER_AGENT = "rumbleup_async"


class Client:
    """What `async with` opens and closes, and what runs are made of. A provider's client adds its resources and its modes.

    `redact`: secrets that no error repeats. `public`: the half of the key that is no secret.
    """

    PROVIDER: ClassVar[str]
    """The name in ledgers and on the command line."""
    SAME_HOST: ClassVar[Mapping[str, str]] = {}
    """Names of the provider's host that stand for another one."""

    def __init__(self, connecting: Connecting, dialect: Dialect, *, redact: tuple[str, ...], public: str) -> None:
        self._connecting = connecting
        self.stands_for: Identity | None = None
        """Whose runs these are, where this client only goes through the motions and reaches nobody."""
        self._public = public
        self._redact = redact
        self._exchange = connecting.exchange or connecting.connect_for_calls()
        self._hold = Hold()
        self._limit = ClientLimit()
        self._caller = Caller(self._exchange, self._hold, dialect, redact=redact, bound=connecting.exchange is None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._connecting.base_url!r})"

    def raw(self) -> AbstractContextManager[list[Response]]:
        """The answers behind the results: status, headers and body of each, in order, those of failed attempts included.

            with client.raw() as answers:
                await client.messages.send(...)
            answers[-1].status, answers[-1].headers, answers[-1].body

        Holds for whatever this task and the tasks it starts call inside, pages of a list and calls that raise among them.
        """
        return self._caller.recording()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. A session or exchange that was handed in stays open. Nothing is sent any more, and no run made.

        In another event loop than that of its calls connections cannot be closed: they end with their own.
        """
        self._caller.is_closed = True
        if self._connecting.exchange is None and self._caller.is_at_home:
            await self._exchange.aclose()

    def _pace(self, rate: float | None) -> Pace:
        """The pace of one run; the hold and what is learned are the client's."""
        return Pace(rate, self._hold, self._limit)

    def _settings(
        self,
        options: RunOptions,
        *,
        action: str,
        text: str | Writer,
        details: dict[str, Any],
        require_opt_out: bool = True,
    ) -> Settings:
        """What a new run sends and how it reads its list. `text`: a template, or the function that chooses each text."""
        from rumbleup_async.runs.option_checks import kind_of
        from rumbleup_async.runs.planning import WRITTEN, Part, Settings

        given: object = text
        if not isinstance(given, str) and (not callable(given) or isinstance(given, type)):
            raise ConfigurationError(
                f"text is the message to send, as a string, or a function of the contact that returns it, not {kind_of(given)}"
            )
        if callable(text) and options.text_when:
            raise ConfigurationError(
                "text_when stands beside a function that chooses the texts; let the function choose them all"
            )
        return Settings(
            provider=self.PROVIDER,
            action=action,
            text=WRITTEN if callable(text) else text,
            writer=text if callable(text) else None,
            require_opt_out=require_opt_out,
            details=details,
            part=Part(sheet=options.sheet, query=options.query),
            **options.of_list(),
        )

    def _books(self, ledger: Books, options: RunOptions, *, is_resume: bool) -> ports.Ledger:
        """The ledger of a call, with what was said of its file."""
        consent = options.consent()
        if not is_resume:
            consent.pop("log_lost")  # whoever begins a run does not know what an earlier one has lost
        elif ledger is None:
            raise ConfigurationError("a resume goes on with a ledger; name its file")
        return self._ledger(ledger, journal=options.journal, **consent)

    def _ledger(self, path: Books, *, journal: bool = False, **consent: bool) -> ports.Ledger:
        """The books of one run: in a file, or in memory for None. `consent`: what was said of the file."""
        from rumbleup_async.ledger import Consent
        from rumbleup_async.runs.opening import ledger_of

        return ledger_of(path, identity=self.identity, consent=Consent(**consent), journal=journal)

    @property
    def identity(self) -> Identity:
        """Which server and account this client's runs belong to. No request is needed to know that."""
        from rumbleup_async.ledger import identity_of

        return self.stands_for or identity_of(self.PROVIDER, self._connecting.base_url, self._public, self.SAME_HOST)

    def _run(
        self,
        settings: Settings | None,
        options: Options,
        ledger: ports.Ledger,
        *,
        pace: ports.Pace,
        gateway: Callable[[Plan, Exchange, bool], ports.Gateway],
        chosen: RunOptions,
        given: Mapping[str, Any],
        heed: Callable[[Mapping[str, Any], Options], None],
        remote_workers: Callable[[Mapping[str, Any]], MakeCrew] | None = None,
        log: Callable[[Plan], ports.Log] | None = None,
    ) -> Run:
        """A run over this provider.

        `gateway(plan, exchange, owned)` is told whether it is to close the exchange. `chosen`: the options of this call; `given`:
        those of pace among them, as the ledger keeps them. `heed(care, options)` is told those that hold; `remote_workers`
        makes of them who sends from other processes. `log`: what the provider itself has noted, if it can be asked.
        """
        from rumbleup_async.runs.people import run_book, scope_of
        from rumbleup_async.runs.planning import PREFIX, require_same
        from rumbleup_async.runs.run import Run

        if self._caller.is_closed:
            raise ConfigurationError("this client is closed; make another one")
        now = self._careful(options, given)
        if remote_workers is not None and now.processes > 1:
            remote_workers(given)  # refuses at once what no other process could do

        def adapt(care: Mapping[str, Any]) -> tuple[Options, MakeCrew | None]:
            nonlocal now
            now = self._careful(options, care)
            heed(care, now)
            return now, remote_workers(care) if remote_workers is not None and now.processes > 1 else None

        def make_gateway(plan: Plan) -> ports.Gateway:
            if plan.provider != self.PROVIDER:
                raise LedgerMismatch(f"this ledger belongs to a run over {plan.provider}")
            if settings is None:
                given = {name: value for name, value in chosen.of_list().items() if name in chosen.given()}
                require_same(plan, given if chosen.sheet is None else {**given, "sheet": chosen.sheet})
            session = self._connecting.session
            if session is not None and session._loop is not asyncio.get_running_loop():  # noqa: SLF001 - `loop` is deprecated
                raise ConfigurationError(ABROAD)
            # A pool of its own, as large as the concurrency, so that runs side by side do not wait for each other.
            shared = self._connecting.exchange is not None
            exchange = self._exchange if shared else self._connecting.connect(now.concurrency)
            return gateway(plan, exchange, not shared)

        def make_book(plan: Plan, care: Mapping[str, Any]) -> RunBook | None:
            return run_book(chosen.book, care, plan, scope_of(self.identity, self.place(plan)), plan.details.get(PREFIX, ""))

        return Run(
            settings,
            now,
            gateway=make_gateway,
            ledger=ledger,
            pace=pace,
            log=log,
            given=given,
            adapt=adapt,
            book=make_book,
        )

    @staticmethod
    def place(plan: Plan) -> str:
        """Where on the account a run texts, in the words under which the book of people knows it."""
        return f"project {plan.action}"

    def _careful(self, options: Options, care: Mapping[str, Any]) -> Options:
        """The options with what was given of pace and rules; ConfigurationError if one of it cannot be meant."""
        from rumbleup_async.engine.locks import Locks
        from rumbleup_async.runs import option_checks

        known = {name: care[name] for name in ("processes", "unknown_limit") if name in care}
        if (in_flight := option_checks.in_flight(care.get("concurrency"))) is not None:
            known["concurrency"], known["starts_at"] = in_flight
        try:
            if "policy" in care:
                known["policy"] = msgspec.convert(care["policy"], Policy)
            if "locks" in care:
                known["locks"] = msgspec.convert(care["locks"], Locks)
            if "hours" in care or "schedule" in care:
                from rumbleup_async.runs.hours import read_hours, read_schedule

                known["hours"] = read_hours(care.get("hours"), options.clock)
                known["schedule"] = read_schedule(care.get("schedule"))
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"policy or locks cannot be meant: {error}") from None
        options = msgspec.structs.replace(options, **known).checked()
        pool = None if self._connecting.session is None else self._connecting.session.connector
        if pool is not None:
            # A text that waits for a connection of the caller's pool counts as in flight but has not left. Neither stop nor pace
            # would bind it.
            sizes = [size for size in (pool.limit, pool.limit_per_host, options.concurrency) if size]
            options = msgspec.structs.replace(options, concurrency=min(sizes))
        room = None if pool is not None or self._connecting.exchange is not None else open_files.room()
        if room is not None and room < options.concurrency:
            note = (
                f"this process may open {room} connections, not {options.concurrency}: so many texts are under way at a time; "
                "a higher limit of open files (ulimit -n) lets more"
            )
            options = msgspec.structs.replace(options, concurrency=room, note=note)
        if options.starts_at is not None:
            doubt = 2 * options.concurrency * options.processes
            note = (
                f"up to {options.concurrency} texts are in flight in each process, as long as more bring more; a crash leaves "
                f"{doubt:,} unknown at most"
            )
            options = msgspec.structs.replace(options, note="; ".join(filter(None, [options.note, note])))
        return options

    def _fleet(self, recipe: Recipe, rate: float | None) -> MakeCrew:
        """Sends from other processes, each with a client made by the recipe; ConfigurationError if no process can make it."""
        from rumbleup_async.fleet.supervisor import Fleet

        own = self._connecting
        if own.session is not None or own.exchange is not None or own.ssl is not None or own.trace_configs:
            raise ConfigurationError(
                "another process cannot use this client's session, exchange, ssl or trace_configs; send from one process"
            )
        return functools.partial(Fleet, recipe=recipe, rate=rate)


def address(environ: Mapping[str, str], name: str, whose: str) -> str | None:
    """The base URL of an environment variable, None if it is not set; ConfigurationError if it is set and empty."""
    value = environ.get(name)
    if value is None:
        return None
    if not value.strip():
        # A person who meant a simulator, and lost its address on the way, must not text real people.
        raise ConfigurationError(f"{name} is set but empty; unset it to use {whose} itself")
    credentials.check_address(value, name)
    return value.strip()
