"""Calling an endpoint: a read is tried again, a write only if nothing of it left, a list comes page by page.

Lives here: what all resources of all providers share; what a provider's replies mean is handed in as its `Dialect`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import msgspec

from rumbleup_async.engine.pace import Hold
from rumbleup_async.errors import (
    ApiError,
    ConfigurationError,
    ExchangeError,
    MaybeSentError,
    NotSentError,
    RateLimited,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.provider import arguments
from rumbleup_async.provider.belonging import Answers, Sent
from rumbleup_async.provider.replies import Dialect
from rumbleup_async.provider.retrying import again
from rumbleup_async.session import reasons
from rumbleup_async.session.exchange import Exchange, Fit, Request, Response

T = TypeVar("T")

_recorders: ContextVar[tuple[tuple[object, list[Response]], ...]] = ContextVar("rumbleup_async_recorders", default=())
"""Who wants to see the answers, and of which caller."""


_LONGEST_WAIT = 60.0
"""Seconds that a single call waits for a hold; beyond, its caller is told."""


_STALE_PAGES = 50
"""After so many pages without a new row a list is taken for one that never ends."""


_WORTH_A_SECOND_READ = (ExchangeError, RateLimited, ServerFailed)
"""Errors after which a read is tried again. A write is tried again only after NotSentError."""


ABROAD = "a client belongs to the event loop it was first used in; make one for each asyncio.run() (nothing was sent)"


class Caller:
    """Calls endpoints over an exchange. Any error status becomes an exception of the tree in `errors`."""

    def __init__(
        self,
        exchange: Exchange,
        hold: Hold,
        dialect: Dialect,
        *,
        read_attempts: int = 4,
        write_attempts: int = 3,
        redact: tuple[str, ...] = (),
        bound: bool = True,
    ) -> None:
        """`bound`: whether the exchange belongs to the event loop of its first call."""
        self.exchange = exchange
        self.hold = hold
        self.dialect = dialect
        self._read_attempts = read_attempts
        self._write_attempts = write_attempts
        self.redact = redact
        """What no error repeats: the key."""
        self.is_closed = False
        self._bound = bound
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def recording(self) -> Iterator[list[Response]]:
        """Every answer to a call made inside, by this task and those it starts."""
        found: list[Response] = []
        token = _recorders.set((*_recorders.get(), (self, found)))
        try:
            yield found
        finally:
            _recorders.reset(token)

    async def once(self, request: Request, redact: tuple[str, ...] = ()) -> Response:
        """One call. Raises ApiError for any status but 2xx, NotSentError and MaybeSentError for none.

        While the provider has asked for more than a minute of rest, RateLimited without asking again.
        ConfigurationError in another event loop than that of the first call: the connections of that one
        would carry the request, and lose the answer.
        """
        if not self.is_at_home:
            raise ConfigurationError(ABROAD)
        if self.is_closed:
            raise NotSentError("the client is closed", endpoint=request.path)
        self._loop = asyncio.get_running_loop()
        if (remaining := self.hold.remaining) > _LONGEST_WAIT:
            raise RateLimited("the provider has asked to be left alone", status=429, endpoint=request.path, after=remaining)
        response = await self.exchange(request)
        for caller, found in _recorders.get():
            if caller is self:
                found.append(response)
        if response.alone is not None and not await response.alone():
            raise MaybeSentError(reasons.SEVERAL, endpoint=request.path)
        if 200 <= response.status < 300:
            return response
        error = self.dialect.error_of(response, request.path, (*redact, *self.redact))
        if isinstance(error, RateLimited) and error.after:
            self.hold.hold(error.after)
        raise error

    @property
    def is_at_home(self) -> bool:
        """Whether this is the event loop of the calls so far."""
        return not self._bound or self._loop is None or self._loop is asyncio.get_running_loop()

    async def write(self, request: Request, redact: tuple[str, ...] = ()) -> Response:
        """A call with a side effect: tried again only when nothing of it left. No error repeats what is in `redact`."""
        return await self._tried(request, redact, (NotSentError,), self._write_attempts, pause=0.5)

    async def send(self, request: Request, answers: Answers, sent: Sent, redact: tuple[str, ...]) -> Response:
        """A call that texts somebody: as `write`, and UnreadableReply for an answer that is not about this text."""
        judge = answers.to(sent, (*redact, *self.redact))
        try:
            response = await self.write(msgspec.structs.replace(request, judge=judge), redact)
        except ApiError:
            judge.check(None, request.path)
            raise
        judge.check(response, request.path)
        return response

    async def read(self, request: Request) -> Response:
        """A call without side effects: tried again with growing pauses on connection trouble, 429, 440 and 5xx."""
        return await self._tried(request, (), _WORTH_A_SECOND_READ, self._read_attempts, pause=0.1)

    async def _rested(self, request: Request, redact: tuple[str, ...]) -> Response:
        if self.hold.remaining <= _LONGEST_WAIT:
            await self.hold.wait()
        return await self.once(request, redact)

    async def _tried(
        self, request: Request, redact: tuple[str, ...], on: tuple[type[Exception], ...], attempts: int, *, pause: float
    ) -> Response:
        try:
            return await self._rested(request, redact)
        except on as error:
            return await again(lambda: self._rested(request, redact), error, on=on, attempts=attempts, pause=pause)

    def pages(self, path: str, filters: Mapping[str, str | None], *, timeout: float | None = None) -> Pages[Any]:
        """The rows of a list as they came."""
        return Pages(self, path, filters, _as_it_is, timeout, to_the_end=True)

    def select(
        self,
        path: str,
        filters: Mapping[str, str | None],
        read: Callable[..., T],
        *,
        key: Callable[[T], object] | None = None,
        start: str | None = None,
        timeout: float | None = None,
        to_the_end: bool = False,
    ) -> Pages[T]:
        """The rows of a list, each read by `read(row, endpoint=path)`. Rows of a `key` that came
        before are left out. `start`: the token of the first page. `to_the_end`: what the list does not
        show is believed not to be; see `Pages`."""
        return Pages(self, path, filters, read, timeout, key, start, to_the_end)


def _as_it_is(row: Any, *, endpoint: str) -> Any:  # noqa: ARG001 - the shape of a reader
    return row


class Pages(Generic[T]):
    """A list of the API, fetched page by page while it is iterated over; each `async for` begins at the first page.

        async for campaign in rumbleup.tcr.campaigns(): ...

    Only the server's token says whether there is a further page: pages may be empty in between. Raises UnreadableReply
    on a token that comes back, and, of a list whose rows are known by a key, on pages of nothing new.
    """

    def __init__(
        self,
        caller: Caller,
        path: str,
        filters: Mapping[str, str | None],
        read: Callable[..., T],
        timeout: float | None,
        key: Callable[[T], object] | None = None,
        start: str | None = None,
        to_the_end: bool = False,
    ) -> None:
        """`to_the_end`: a page that ends the list is believed only if no other answer comes behind it on its
        connection. It may be the page of another search, which has been answered twice."""
        self._to_the_end = to_the_end
        self._caller = caller
        self._path = path
        self._filters = filters
        self._read = read
        self._timeout = arguments.seconds(timeout)
        self._key = key
        self._start = start
        self._total: int | None = None
        self.most = 0
        """The most rows that a page has spoken of."""
        self.cut = ""
        """Why the pages so far may not hold all rows, if one of them said so."""
        self.date: str | None = None
        """The `Date` of the last page's answer."""
        self.next_token: str | None = None
        """Where the list goes on behind the last page; None at its end."""

    @property
    def total(self) -> int | None:
        """How many rows the server speaks of, for a progress bar; None until it
        does. Not to be relied on: it may not add up."""
        return self._total

    async def all(self) -> list[T]:
        """Every row of every page."""
        return [row async for row in self]

    def __aiter__(self) -> AsyncIterator[T]:
        return self._rows()

    def __repr__(self) -> str:
        return f"Pages({self._path!r}, total={self._total})"

    async def _rows(self) -> AsyncIterator[T]:
        async for rows in self.by_page():
            for row in rows:
                yield row

    async def by_page(self) -> AsyncIterator[list[T]]:
        """The same a page at a time, empty pages among them."""
        dialect = self._caller.dialect
        tokens: set[str] = set()
        keys: set[object] = set()
        token = self._start
        stale = 0
        while True:
            judge = functools.partial(self._judge, token) if self._to_the_end else None
            query = dialect.query(self._filters, token)
            request = Request("GET", self._path, query=query, read=True, timeout=self._timeout, judge=judge)
            response = await self._caller.read(request)
            self.date = response.headers.get("Date")
            page = dialect.page(response, self._path, self._caller.redact, token)
            self.cut, self.next_token = self.cut or page.cut, page.next_token
            if page.total is not None:
                self._total = page.total
                self.most = max(self.most, page.total)
            rows: list[T] = []
            for raw in page.rows:
                row = self._read(raw, endpoint=self._path)
                if self._key is not None and (key := self._key(row)) is not None:
                    if key in keys:
                        continue
                    keys.add(key)
                rows.append(row)
            yield rows
            stale = stale + 1 if page.rows and not rows else 0
            if stale >= _STALE_PAGES:
                raise UnreadableReply(
                    "the same pages come again and again; the list cannot be read to its end", endpoint=self._path
                )
            token = page.next_token
            if token is None:
                return
            if token in tokens:
                raise UnreadableReply("the server repeats a page token; the list cannot be read to its end", endpoint=self._path)
            tokens.add(token)

    def _judge(self, token: str | None, response: Response) -> Fit:
        page = self._caller.dialect.page(response, self._path, (), token)
        return Fit.DENIED if page.next_token is None else Fit.LIKELY
