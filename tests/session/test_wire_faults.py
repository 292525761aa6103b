"""The exchange over real sockets: what it says about a request that went wrong, and that it never sends one twice."""

import asyncio
import errno
import io
import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import aiohttp
import pytest

from rumbleup_async.errors import ConfigurationError, ExchangeError, MaybeSentError, NotSentError
from rumbleup_async.session import AiohttpExchange, Request, Timeouts, dialing, limits
from rumbleup_async.session.deadlines import Deadlines
from rumbleup_async.session.exchange import Exchange, Part, Sink
from rumbleup_async.session.pool import PoolExchange

from .servers import OK, Behaviour, Line, closed_port, serving

PHONE = "2025550101"
KEY = "Basic a2V5OnNlY3JldA=="
SEND = Request("POST", "/message/send", b'{"phone":"2025550101","text":"Hi. STOP"}')
QUICK = Timeouts(connect=1.5, sock_connect=1.5, read=0.3, answer=0.6)
PEM = Path(__file__).with_name("untrusted.pem")


class Connect(Protocol):
    def __call__(
        self, url: str, timeouts: Timeouts = QUICK, *, connections: int = 100, ssl: ssl.SSLContext | None = None
    ) -> Exchange: ...


def over_aiohttp(url: str, timeouts: Timeouts = QUICK, **options: object) -> AiohttpExchange:
    return AiohttpExchange(url, {"Authorization": KEY}, timeouts=timeouts, **options)  # type: ignore[arg-type]


def over_the_pool(url: str, timeouts: Timeouts = QUICK, **options: object) -> PoolExchange:
    others = over_aiohttp(url, timeouts, **options)
    return PoolExchange(url, {"Authorization": KEY}, others=others, timeouts=timeouts, **options)  # type: ignore[arg-type]


@pytest.fixture(params=["aiohttp", "pool", "pool without aiofastnet"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Each way an exchange can be carried: what is promised holds for all."""
    if request.param == "aiohttp":
        return over_aiohttp
    if request.param != "pool":
        monkeypatch.setattr(dialing, "_fast_network", lambda: None)
    return over_the_pool


def secrets_in(error: BaseException) -> list[str]:
    shown = f"{error} {error!r} {getattr(error, 'reason', '')}"
    return [secret for secret in (PHONE, KEY, "a2V5OnNlY3JldA", "Hi. STOP") if secret in shown]


# ---- nothing can have left ----


async def refused() -> str:
    return f"http://127.0.0.1:{closed_port()}/api"


async def test_a_refused_connection_is_certainly_not_sent(exchange: Connect) -> None:
    """A server that is down for a minute would leave a thousand people unknown instead of waiting."""
    carrier = exchange(await refused())
    with pytest.raises(NotSentError, match="refused"):
        await carrier(SEND)
    await carrier.aclose()


async def test_a_name_that_is_not_found_is_certainly_not_sent(exchange: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without DNS would leave everybody unknown."""
    import socket

    async def nowhere(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    carrier = exchange("https://provider.invalid/api")
    with pytest.raises(NotSentError, match="host name was not found") as raised:
        await carrier(SEND)
    assert secrets_in(raised.value) == []
    await carrier.aclose()


async def test_a_handshake_that_never_ends_is_certainly_not_sent(exchange: Connect) -> None:
    """A firewall that swallows TLS would leave everybody unknown, or hang the run."""

    async def mute(line: Line) -> None:
        await line.gone()

    async with serving(mute) as server:
        carrier = exchange(f"https://127.0.0.1:{server.port}/api", ssl=ssl.create_default_context())
        with pytest.raises(NotSentError, match="in time"):
            await carrier(SEND)
        await carrier.aclose()


async def test_an_untrusted_certificate_ends_it_before_anything_leaves(exchange: Connect) -> None:
    """The key and everybody's phone would go to whoever sits in between."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)

    async def answers(line: Line) -> None:
        await line.request()
        await line.write(OK)

    async with serving(answers, tls=context) as server:
        carrier = exchange(f"https://127.0.0.1:{server.port}/api", Timeouts(connect=5))
        with pytest.raises(NotSentError, match="certificate"):
            await carrier(SEND)
        assert server.heads == []
        await carrier.aclose()

        trusting = ssl.create_default_context(cafile=str(PEM))
        carrier = exchange(f"https://127.0.0.1:{server.port}/api", Timeouts(connect=5), ssl=trusting)
        assert (await carrier(SEND)).status == 200
        await carrier.aclose()

        # Another name than the certificate's is no better than an unknown certificate.
        wrong = exchange(f"https://localhost.localdomain:{server.port}/api", Timeouts(connect=5), ssl=trusting)
        await wrong.aclose()


async def test_tls_on_a_server_that_speaks_none_is_certainly_not_sent(exchange: Connect) -> None:
    """A wrong scheme in the address would leave everybody unknown."""

    async def plain(line: Line) -> None:
        await line.reader.read(10)
        await line.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with serving(plain) as server:
        carrier = exchange(f"https://127.0.0.1:{server.port}/api", Timeouts(connect=5))
        with pytest.raises(NotSentError):
            await carrier(SEND)
        await carrier.aclose()


async def test_no_free_connection_in_time_is_certainly_not_sent(exchange: Connect) -> None:
    """Texts that waited for a busy pool would be unknown although they never had a connection."""
    entered = asyncio.Event()

    async def holds(line: Line) -> None:
        await line.request()
        entered.set()
        await line.gone()

    async with serving(holds) as server:
        carrier = exchange(server.url, Timeouts(connect=0.2, read=5), connections=1)
        busy = asyncio.create_task(carrier(SEND))
        await entered.wait()
        with pytest.raises(NotSentError, match="in time"):
            await carrier(SEND)
        assert server.posts == 1
        busy.cancel()
        await asyncio.wait([busy])
        await carrier.aclose()


async def test_a_closed_session_of_the_caller_is_certainly_not_sent() -> None:
    """A service that shuts its session down first would leave everybody unknown whose text never left."""
    async with serving(accepts) as server:
        session = aiohttp.ClientSession()
        carrier = over_aiohttp(server.url, session=session)
        await session.close()
        with pytest.raises(NotSentError):
            await carrier(SEND)
        assert server.connections == 0


async def test_a_closed_client_is_certainly_not_sent(exchange: Connect) -> None:
    """The same for a client that is used after it was left."""
    carrier = exchange(await refused())
    await carrier.aclose()
    with pytest.raises(NotSentError):
        await carrier(SEND)


# ---- it may have left ----


async def accepts(line: Line) -> None:
    while await line.request():
        await line.write(OK)


def answers(*pieces: bytes, pause: float = 0.0, then: Callable[[Line], Awaitable[None]] | None = None) -> Behaviour:
    """Read the request, write these pieces, and then close (or do something else)."""

    async def behave(line: Line) -> None:
        await line.request()
        for piece in pieces:
            await line.write(piece)
            await asyncio.sleep(pause)
        if then is not None:
            await then(line)

    return behave


async def reset(line: Line) -> None:
    line.reset()


async def hangs(line: Line) -> None:
    await line.gone()


async def reset_unread(line: Line) -> None:
    line.reset()


async def close_unread(line: Line) -> None:
    return


async def drips_a_head(line: Line) -> None:
    await line.request()
    await line.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await line.write(b"X-Slow: 1\r\n")
        await asyncio.sleep(0.02)


async def drips_informations(line: Line) -> None:
    await line.request()
    while True:
        await line.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await asyncio.sleep(0.02)


async def drips_a_body(line: Line) -> None:
    await line.request()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await line.write(b" ")
        await asyncio.sleep(0.02)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(reset_unread, id="reset before it is read"),
        pytest.param(close_unread, id="closed before it is read"),
        pytest.param(answers(then=reset), id="read, then reset"),
        pytest.param(answers(), id="read, then closed"),
        pytest.param(answers(then=hangs), id="read, then silence"),
        pytest.param(answers(b"HTTP/1.1 2"), id="cut in the status line"),
        pytest.param(answers(b"HTTP/1.1 200 OK\r\nContent-Le"), id="cut in the headers"),
        pytest.param(answers(HEAD + b'Content-Length: 16\r\n\r\n{"logid"'), id="half a body"),
        pytest.param(answers(HEAD + b'Content-Length: 16\r\n\r\n{"logid"', then=reset), id="half a body, reset"),
        pytest.param(answers(HEAD + b'Content-Length: 16\r\n\r\n{"logid"', then=hangs), id="half a body, silence"),
        pytest.param(answers(HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"log'), id="half a chunk"),
        pytest.param(answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), id="no chunk"),
        pytest.param(answers(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), id="two lengths"),
        pytest.param(answers(HEAD + b"Content-Length: minus\r\n\r\nabc"), id="no length"),
        pytest.param(answers(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"), id="not gzip"),
        pytest.param(answers(b"hello\r\n\r\n"), id="not HTTP"),
        pytest.param(answers(b"HTTP/1.1 abc OK\r\n\r\n"), id="no status"),
        pytest.param(answers(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n"), id="an endless header"),
        pytest.param(answers(b"\x00\xff" * 50), id="noise"),
        pytest.param(answers(b"HTTP/1.1 100 Continue\r\n\r\n", then=hangs), id="only 100"),
        pytest.param(drips_a_body, id="a body that drips"),
        pytest.param(drips_a_head, id="a head that drips"),
        pytest.param(drips_informations, id="informational answers without end"),
    ],
)
async def test_without_a_whole_answer_it_may_have_been_sent(exchange: Connect, behaviour: Behaviour) -> None:
    """Somebody who has been texted would be texted again, or one dripping server would hold a worker for ever."""
    async with serving(behaviour) as server:
        carrier = exchange(server.url)
        try:
            async with asyncio.timeout(5):
                with pytest.raises(MaybeSentError) as raised:
                    await carrier(SEND)
        finally:
            await carrier.aclose()
        await asyncio.sleep(0.05)
        assert server.connections == 1
        assert server.posts <= 1
        assert secrets_in(raised.value) == []
        assert raised.value.endpoint == "/message/send"


async def test_a_body_over_the_limit_is_given_up(exchange: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken server would fill the memory of the service."""
    monkeypatch.setattr(limits, "MAX_BODY", 300_000)
    written = 0

    async def floods(line: Line) -> None:
        nonlocal written
        await line.request()
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(500):
            await line.write(b"x" * 100_000)
            written += 100_000

    async with serving(floods) as server:
        carrier = exchange(server.url, Timeouts())
        with pytest.raises(MaybeSentError):
            await carrier(SEND)
        await carrier.aclose()
    assert written < 50_000_000


async def test_words_of_the_server_do_not_reach_the_error(exchange: Connect) -> None:
    """A phone number or a key that a broken proxy echoes would stand in the log."""
    async with serving(answers(f"HTTP/1.1 {PHONE} {KEY}\r\n\r\n".encode())) as server:
        carrier = exchange(server.url)
        with pytest.raises(MaybeSentError) as raised:
            await carrier(SEND)
        assert secrets_in(raised.value) == []
        await carrier.aclose()


# ---- never twice ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("own", [True, False])
async def test_a_redirect_is_an_answer_and_is_never_followed(status: int, own: bool) -> None:
    """A 307 makes HTTP libraries send the text again, elsewhere, with the key."""

    async def redirects(line: Line) -> None:
        while await line.request():
            await line.write(f"HTTP/1.1 {status} Go\r\nLocation: /api/other\r\nContent-Length: 0\r\n\r\n".encode())

    async with serving(redirects) as server, aiohttp.ClientSession() as session:
        carrier = over_aiohttp(server.url, session=None if own else session)
        assert (await carrier(SEND)).status == status
        assert server.posts == len(server.heads) == 1
        await carrier.aclose()


@pytest.mark.parametrize("how", ["at once", "reset", "when asked"])
async def test_on_a_stale_connection_a_send_is_not_repeated(exchange: Connect, how: str) -> None:
    """The server closes the kept-alive connection as the second text arrives: repeated, somebody is texted twice."""

    async def stale(line: Line) -> None:
        await line.request()
        await line.write(OK)
        if line.number > 1 or how == "at once":
            return
        await line.request()
        if how == "reset":
            line.reset()

    async with serving(stale) as server:
        carrier = exchange(server.url)
        assert (await carrier(SEND)).status == 200
        if how == "at once":
            # The end of the connection has been seen before the second text: it goes over a new one.
            await asyncio.sleep(0.05)
            assert (await carrier(SEND)).status == 200
            assert server.connections == 2
        else:
            with pytest.raises(MaybeSentError):
                await carrier(SEND)
            await asyncio.sleep(0.05)
            assert server.connections == 1
        assert server.posts == 2
        await carrier.aclose()


async def test_a_late_answer_on_a_kept_connection_is_not_taken_for_the_next(exchange: Connect) -> None:
    """An answer to somebody else would mark a text as sent that the server has not even read."""

    async def stutters(line: Line) -> None:
        await line.request()
        await line.write(OK)
        await asyncio.sleep(0.02)
        await line.write(OK.replace(b"rl_1", b"rl_9"))
        await line.request()
        await line.write(OK.replace(b"rl_1", b"rl_2"))

    async with serving(stutters) as server:
        carrier = exchange(server.url)
        assert b"rl_1" in (await carrier(SEND)).body
        await asyncio.sleep(0.1)
        try:
            second = await carrier(SEND)
        except MaybeSentError:
            pass
        else:
            assert b"rl_9" not in second.body
        await carrier.aclose()


@pytest.mark.parametrize("status", [101, 199])
async def test_what_comes_after_no_answer_is_not_taken_for_the_next(exchange: Connect, status: int) -> None:
    """The true answer comes later, on a connection that is in the pool again: the next text would bear its logid."""

    async def switches(line: Line) -> None:
        while await line.request():
            number = len(line.server.bodies)
            if number == 1:
                await line.write(f"HTTP/1.1 {status} Switching Protocols\r\n\r\n".encode())
                await asyncio.sleep(0.05)
            await line.write(OK.replace(b"rl_1", b"rl_%d" % number))

    async with serving(switches) as server:
        carrier = exchange(server.url)
        if status == 101:
            with pytest.raises(MaybeSentError):
                await carrier(SEND)
        else:
            assert b"rl_1" in (await carrier(SEND)).body  # informational, and then the answer
        assert b"rl_2" in (await carrier(SEND)).body
        assert server.connections == (2 if status == 101 else 1)
        await carrier.aclose()


@pytest.mark.parametrize("age", [10.0, 3.9999, 0.0])
@pytest.mark.parametrize("own", [True, False])
async def test_an_unasked_answer_behind_another_connection_is_not_taken(own: bool, age: float) -> None:
    """The pool drops a connection that has been idle too long, and takes the one behind it without a look."""

    async def twice(line: Line) -> None:
        while await line.request():
            number = len(line.server.bodies)
            await asyncio.sleep(0.05)
            await line.write(OK.replace(b"rl_1", b"rl_%d" % number))
            if number == 2:
                await asyncio.sleep(0.05)
                await line.write(OK.replace(b"rl_1", b"rl_9"))

    patient = Timeouts(connect=2, sock_connect=2, read=5, answer=5, idle=4)
    async with serving(twice) as server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=4)) as session:
        carrier = over_aiohttp(server.url, patient, session=None if own else session)
        first = asyncio.create_task(carrier(SEND))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(carrier(SEND))
        assert b"rl_1" in (await first).body
        assert b"rl_2" in (await second).body
        await asyncio.sleep(0.15)
        assert carrier._session is not None
        assert isinstance(carrier._session.connector, aiohttp.TCPConnector)
        (kept,) = carrier._session.connector._conns.values()
        assert len(kept) == 2
        # Last used so many seconds ago: too old, too old in a moment, or fit.
        kept[0] = (kept[0][0], asyncio.get_running_loop().time() - age)
        for number in (3, 4):
            assert b"rl_%d" % number in (await carrier(SEND)).body
        await carrier.aclose()


@pytest.mark.parametrize("upload", [False, True])
async def test_who_waits_when_the_client_is_closed_has_certainly_not_sent(exchange: Connect, upload: bool) -> None:
    """A cancellation that nobody asked for would end the caller's tasks without a word."""
    request = Request("POST", "/contact/import", parts=(Part("name", "x"),)) if upload else SEND
    async with serving(answers(then=hangs)) as server:
        carrier = exchange(server.url, Timeouts(), connections=1)
        tasks = [asyncio.create_task(carrier(request)) for _ in range(3)]
        while not server.bodies:
            await asyncio.sleep(0.005)
        await carrier.aclose()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in ended] == [MaybeSentError, NotSentError, NotSentError]
        assert server.posts == 1


async def test_a_long_file_has_the_time_it_takes(exchange: Connect) -> None:
    """A report over a thin line could never be fetched: cut off after a while, and begun anew each time."""

    async def thin(line: Line) -> None:
        await line.request()
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        for _ in range(25):
            await asyncio.sleep(0.08)
            await line.write(b"12")

    async with serving(thin) as server:
        carrier = exchange(server.url, Timeouts(connect=0.5, sock_connect=0.5, read=0.5, answer=0.1))
        file = io.BytesIO()
        await carrier(Request("GET", "/report/download/1", read=True, sink=Sink(file)))
        assert len(file.getvalue()) == 50
        await carrier.aclose()


async def test_a_full_disk_is_no_trouble_of_the_network(exchange: Connect) -> None:
    """The file would be fetched again and again, and the server be called to blame."""

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with serving(answers(OK)) as server:
        carrier = exchange(server.url)
        with pytest.raises(ConfigurationError, match="cannot be written: No space left"):
            await carrier(Request("GET", "/report/download/1", read=True, sink=Sink(Full())))
        await carrier.aclose()


async def test_a_cancelled_send_gives_its_connection_up(exchange: Connect) -> None:
    """The answer to the cancelled text would be read as the answer to the next one."""

    async def late(line: Line) -> None:
        await line.request()
        await asyncio.sleep(0.1)
        await line.write(OK.replace(b"rl_1", b"rl_%d" % line.number))
        await line.gone()

    async with serving(late) as server:
        carrier = exchange(server.url, Timeouts())
        sending = asyncio.create_task(carrier(SEND))
        while not server.bodies:
            await asyncio.sleep(0.005)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert b"rl_2" in (await carrier(SEND)).body
        assert server.posts == 2
        await carrier.aclose()


class Nosy:
    """A caller's middleware that tries each request three times."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        for _ in range(2):
            self.calls += 1
            response = await handler(request)
            response.close()
        return await handler(request)


@pytest.mark.parametrize("status", [200, 429, 500, 503])
async def test_the_callers_session_cannot_make_it_twice(status: int) -> None:
    """A session with retries, redirects and raise_for_status, as services have them, would text people three times."""

    async def fails(line: Line) -> None:
        while await line.request():
            await line.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    nosy = Nosy()
    async with (
        serving(fails) as server,
        aiohttp.ClientSession(
            raise_for_status=True, middlewares=(nosy,), headers={"X-Service": "1"}, timeout=aiohttp.ClientTimeout(total=0.001)
        ) as session,
    ):
        carrier = over_aiohttp(server.url, session=session)
        assert (await carrier(SEND)).status == status
        await carrier.aclose()
        assert not session.closed
    assert (server.posts, nosy.calls) == (1, 0)
    assert f"Authorization: {KEY}".encode() in server.heads[0]


@pytest.mark.parametrize("own", ["header", "argument"])
@pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:DeprecationWarning")
async def test_the_callers_own_credentials_do_not_get_in_the_way(own: str) -> None:
    """A session with credentials of its own would turn every text into an unknown that never left."""
    auth = aiohttp.BasicAuth("other", "user") if own == "argument" else None
    headers = {"authorization": "Bearer other"} if own == "header" else {}
    async with serving(accepts) as server, aiohttp.ClientSession(auth=auth, headers=headers) as session:
        carrier = over_aiohttp(server.url, session=session)
        try:
            assert (await carrier(SEND)).status == 200
        except ExchangeError as error:
            assert isinstance(error, NotSentError)  # noqa: PT017
        else:
            sent = [line for line in server.heads[0].split(b"\r\n") if line.lower().startswith(b"authorization")]
            assert sent == [f"Authorization: {KEY}".encode()]


async def test_a_get_with_side_effects_is_refused(exchange: Connect) -> None:
    """HTTP libraries repeat a GET by themselves: a contact drawn by GET is drawn twice."""
    async with serving(accepts) as server:
        carrier = exchange(server.url)
        with pytest.raises(AssertionError):
            await carrier(Request("GET", "/message/next"))
        assert server.connections == 0
        await carrier.aclose()


async def test_what_goes_over_the_wire(exchange: Connect) -> None:
    """The provider would not understand the request, or see more of us than it must."""
    async with serving(accepts) as server:
        carrier = exchange(server.url + "/")
        await carrier(SEND)
        await carrier(Request("GET", "/message/log/select", query="phone=2025550101%2C2025550102&_start=a%26b", read=True))
        await carrier.aclose()
    post, get = server.heads
    assert post.startswith(b"POST /api/message/send HTTP/1.1\r\n")
    assert b"Content-Type: application/json\r\n" in post
    assert SEND.body == server.bodies[0]
    assert get.startswith(b"GET /api/message/log/select?phone=2025550101%2C2025550102&_start=a%26b HTTP/1.1\r\n")
    assert b"content-type" not in get.lower()
    assert server.connections == 1


async def test_the_pool_bounds_the_connections(exchange: Connect) -> None:
    """A concurrency of 64 would open thousands of connections and be taken for an attack."""
    at_once = most = 0

    async def counts(line: Line) -> None:
        nonlocal at_once, most
        while await line.request():
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.01)
            at_once -= 1
            await line.write(OK)

    async with serving(counts) as server:
        carrier = exchange(server.url, Timeouts(), connections=3)
        await asyncio.gather(*(carrier(SEND) for _ in range(12)))
        await carrier.aclose()
    assert (most, server.connections, server.posts) == (3, 3, 12)


# ---- addresses ----


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://app.rumbleup.com/api", "https://app.rumbleup.com/api"),
        ("https://app.rumbleup.com/api/", "https://app.rumbleup.com/api"),
        ("HTTPS://APP.rumbleup.com/api", "HTTPS://APP.rumbleup.com/api"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1/api", "http://localhost:1/api"),
        ("http://LOCALHOST/api", "http://LOCALHOST/api"),
        ("http://[::1]:80/api", "http://[::1]:80/api"),
    ],
)
def test_an_address_that_is_fine(given: str, kept: str) -> None:
    """A self-hosted relay or the simulator could not be reached."""
    assert limits.check_base_url(given) == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "app.rumbleup.com/api",
        "ftp://app.rumbleup.com",
        "https://",
        "https:///api",
        "http://app.rumbleup.com/api",
        "http://127.0.0.1.evil.com/api",
        "http://localhost.evil.com",
        "http://localhost@evil.com/api",
        "http://127.0.0.1:80@evil.com/api",
        "http://evil.com\\@localhost/api",
        "http://localhost\\@evil.com/api",
        "http://evil.com#@localhost/api",
        "http://evil.com?@localhost/api",
        "http://0.0.0.0/api",
        "http://192.168.0.1/api",
        "http://2130706433/api",
        "http://[::ffff:10.0.0.1]/api",
        "https://user:secret@app.rumbleup.com/api",
        "https://user@app.rumbleup.com/api",
        "https://@app.rumbleup.com/api",
        "https://app.rumbleup.com:0/api",
        "https://app.rumbleup.com:99999/api",
        "https://app.rumbleup.com:x/api",
        "https://[::1/api",
        "https://app.rumbleup.com/api?key=1",
        "https://app.rumbleup.com/api#top",
        "https://app.rumbleup.com/api?",
        "https://app.rumbleup.com/api#",
        "https://app.rumbleup.com/a pi",
        " https://app.rumbleup.com/api",
        "https://app.rumbleup.com/api ",
        "https://app.rumbleup.com/api\r\nX-Evil: 1",
        "https://app.rumble\nup.com/api",
        "http://local\thost/api",
        "https://app.rumbleup.com/\x00",
        "https://app.rumbleup.com/ü",
    ],
)
def test_an_address_that_would_go_wrong_is_refused(address: str) -> None:
    """The key would go to a stranger, over the open network, or every request to a wrong path."""
    with pytest.raises(ConfigurationError) as raised:
        limits.check_base_url(address)
    assert "secret" not in str(raised.value)


HEAD_OF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY_OF = b'Content-Length: 16\r\n\r\n{"logid":"rl_1"}'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HEAD_OF + b"Set-Cookie: a=" + b"x" * 100_000 + b"\r\n" + BODY_OF, "head is too long"),
        (HEAD_OF + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "HTTP/1.1|chunks"),
        (HEAD_OF + b"Content-Length: 1\r\n" + BODY_OF, "HTTP/1.1"),
        (HEAD_OF + b"Content-Encoding: br\r\n" + BODY_OF, "encoded"),
        (b"220 mail.example.org ESMTP\r\n" + BODY_OF, "HTTP/1.1"),
        (HEAD_OF + b"X\x00Y: z\r\n" + BODY_OF, "HTTP/1.1|header"),
    ],
)
async def test_what_was_odd_about_an_answer_is_said(exchange: Connect, answer: bytes, said: str) -> None:
    """The report said ClientResponseError, of which nobody knows what to do about it."""
    async with serving(answers(answer)) as server:
        carrier = exchange(server.url)
        with pytest.raises(MaybeSentError, match=said) as raised:
            await carrier(SEND)
        await carrier.aclose()
    assert "Error" not in raised.value.reason


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("head", [b"Set-Cookie: a=" + b"x" * 12_000 + b"\r\n", b"".join(b"X-%d: v\r\n" % n for n in range(150))])
async def test_as_much_head_is_taken_as_over_connections_of_our_own(head: bytes, own: bool) -> None:
    """A server with a large cookie would leave everybody unknown whose text it took."""
    async with serving(answers(HEAD_OF + head + BODY_OF)) as server:
        session = aiohttp.ClientSession() if own else None
        carrier = AiohttpExchange(server.url, {}, session=session)
        assert (await carrier(SEND)).status == 200
        await carrier.aclose()
        if session is not None:
            await session.close()


async def test_what_came_while_the_process_was_stopped_is_read_before_it_is_given_up() -> None:
    """A laptop that slept, or a process that was stopped, left texts unknown whose answers lay in the socket: the loop runs its
    timers before it looks what has come."""
    asked = asyncio.Event()
    go = asyncio.Event()

    async def behaviour(line: Line) -> None:
        await line.request()
        asked.set()
        await go.wait()
        await line.write(OK)
        await line.gone()

    async with serving(behaviour) as server:
        carrier = AiohttpExchange(server.url, {})
        task = asyncio.create_task(carrier(SEND))
        await asked.wait()
        assert carrier._session is not None
        (protocol,) = carrier._session.connector._acquired  # type: ignore[union-attr]
        # As after a stop: first the timer, then what has come meanwhile.
        protocol._on_read_timeout()
        go.set()
        assert (await task).status == 200
        await carrier.aclose()


def test_a_deadline_does_not_count_the_time_for_which_the_process_was_stopped() -> None:
    """After minutes of sleep every exchange under way would be cancelled at once."""

    async def main() -> None:
        deadlines = Deadlines(1.0)
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(asyncio.sleep(0))
        deadlines.begin(task, loop, -500.0)
        deadlines._sweep_due = loop.time() - 600.0
        deadlines._sweep(loop)
        assert not deadlines.has_passed(task)
        await task
        deadlines.close()

    asyncio.run(main())
