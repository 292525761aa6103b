"""The pool of connections over real sockets: who gets one, when it is not used again, and what a cancellation leaves behind."""

import asyncio
import contextlib
import random
import select
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.errors import ConfigurationError, MaybeSentError, NotSentError
from rumbleup_async.session import AiohttpExchange, Request, ScriptedExchange, Timeouts, dialing, probe
from rumbleup_async.session.exchange import Fit, Part, Response, Sink
from rumbleup_async.session.pool import PoolExchange

from .servers import OK, Line, closed_port, serving

HERE = Path(__file__).parent
SEND = Request("POST", "/message/send", b'{"phone":"2025550101","text":"Hi. STOP"}')
PATIENT = Timeouts(connect=5, sock_connect=5, read=5, answer=5)


def pool(url: str, timeouts: Timeouts = PATIENT, **options: Any) -> PoolExchange:
    options.setdefault("others", AiohttpExchange(url, {}))
    return PoolExchange(url, {"Authorization": "Basic eA=="}, timeouts=timeouts, **options)


def numbered(number: int) -> Request:
    return Request("POST", "/message/send", b"%d" % number, judge=lambda response: Fit.LIKELY)


async def echoes(line: Line) -> None:
    """Answers each request with its own body."""
    while request := await line.request():
        body = request.partition(b"\r\n\r\n")[2]
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def tls(name: str, alpn: list[str] | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / name)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


@pytest.fixture(params=[True, False], ids=["aiofastnet", "the loop's own TLS"])
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of speaking TLS."""
    if not request.param:
        monkeypatch.setattr(dialing, "_fast_network", lambda: None)


# ---- who gets a connection ----


async def test_who_waits_longest_gets_the_next_lane() -> None:
    """With a small pool somebody's text would wait until its turn is over while later ones go by."""
    order: list[bytes] = []

    async def slow(line: Line) -> None:
        while request := await line.request():
            order.append(request.partition(b"\r\n\r\n")[2])
            await asyncio.sleep(0.005)
            await line.write(OK)

    async with serving(slow) as server:
        carrier = pool(server.url, connections=1)
        await asyncio.gather(*(carrier(numbered(number)) for number in range(10)))
        assert order == [b"%d" % number for number in range(10)]
        assert server.connections == 1
        await carrier.aclose()


async def test_the_lane_used_last_is_used_next() -> None:
    """After a busy minute all connections would stay in use in turn, and each be old enough to be closed under a text."""
    async with serving(echoes) as server:
        carrier = pool(server.url, connections=4)
        await asyncio.gather(*(carrier(numbered(number)) for number in range(4)))
        before = list(carrier._idle)
        for number in range(5):
            await carrier(numbered(number))
        assert list(carrier._idle) == before
        await carrier.aclose()


async def test_an_old_lane_is_not_used() -> None:
    """A text would go out on a connection which the server closes at that moment, and be unknown."""
    async with serving(echoes) as server:
        carrier = pool(server.url, Timeouts(idle=0.06))
        await carrier(SEND)
        (connection,) = carrier._connections
        await asyncio.sleep(0.2)
        assert not connection.is_open
        await carrier(SEND)
        assert server.connections == 2
        await carrier.aclose()


async def test_a_connection_that_has_rested_is_used_again(network: None) -> None:
    """Every text of a slow run would cost a handshake: what comes after one, such as tickets, would be taken for a close."""
    async with serving(echoes, tls=tls("untrusted.pem")) as server:
        trust = ssl.create_default_context(cafile=str(HERE / "untrusted.pem"))
        carrier = pool(f"https://127.0.0.1:{server.port}", ssl=trust)
        for number in range(3):
            assert (await carrier(numbered(number))).body == b"%d" % number
            await asyncio.sleep(0.1)
        assert server.connections == 1
        await carrier.aclose()


async def test_the_servers_own_limit_is_kept() -> None:
    """A server that says it waits two seconds would close the connection under a text after two."""

    async def says_so(line: Line) -> None:
        while await line.request():
            await line.write(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=5\r\nContent-Length: 2\r\n\r\n{}")

    async with serving(says_so) as server:
        carrier = pool(server.url)
        for _ in range(2):
            await carrier(SEND)
        assert server.connections == 1
        await asyncio.sleep(0.06)
        await carrier(SEND)
        assert server.connections == 2
        await carrier.aclose()


@pytest.fixture(params=[True, False], ids=["epoll", "poll"])
def looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of looking, as far as this system has them."""
    if not request.param:
        monkeypatch.delattr(select, "epoll", raising=False)


async def test_a_close_that_the_loop_has_not_seen_is_seen_before_writing(looks: None) -> None:
    """Whenever the loop is blocked for a moment, every idle connection that the server closes meanwhile costs an unknown."""
    gone = asyncio.Event()

    async def hangs_up(line: Line) -> None:
        await line.request()
        await line.write(OK)
        if line.number == 1:
            await gone.wait()
            return
        await line.gone()

    async with serving(hangs_up) as server:
        carrier = pool(server.url)
        await carrier(SEND)
        (connection,) = carrier._connections
        # The loop does not look at this connection any more, as if it were blocked.
        connection._transport.pause_reading()
        gone.set()
        await asyncio.sleep(0.1)
        assert (await carrier(SEND)).status == 200
        assert (server.connections, server.posts) == (2, 2)
        await carrier.aclose()


async def test_one_look_finds_every_close_and_leaves_those_alone_that_are_busy(looks: None) -> None:
    """Each idle connection that a restarted server closed would cost an unknown; a busy one that was closed with them, too."""
    gone = asyncio.Event()

    async def hangs_up(line: Line) -> None:
        await line.request()
        await line.write(OK)
        if line.number <= 3:
            await gone.wait()
            return
        while await line.request():
            await line.write(OK)

    async with serving(hangs_up) as server:
        carrier = pool(server.url)
        await asyncio.gather(*(carrier(numbered(number)) for number in range(3)))
        closed = list(carrier._connections)
        for connection in closed:
            connection._transport.pause_reading()  # as if the loop were blocked
        gone.set()
        await asyncio.sleep(0.1)
        assert (await carrier(SEND)).status == 200
        assert not any(connection.is_open for connection in closed)
        (fresh,) = carrier._idle
        # Its answer is there and not read yet while another looks.
        answer = asyncio.create_task(carrier(SEND))
        await asyncio.sleep(0)
        fresh._transport.pause_reading()
        await asyncio.sleep(0.1)
        assert (await carrier(SEND)).status == 200
        assert (await carrier(SEND)).status == 200
        fresh._transport.resume_reading()
        assert (await answer).status == 200
        assert fresh.is_open
        await carrier.aclose()


async def test_a_connection_that_ends_as_it_is_made_has_carried_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that certainly did not leave would be left unknown."""
    async with serving(echoes) as server:
        carrier = pool(server.url)
        dial = carrier._dialer.dial

        async def dies(make: Any) -> None:
            await dial(make)
            make()._transport.abort()  # the connection is told a turn of the loop later

        monkeypatch.setattr(carrier._dialer, "dial", dies)
        for _ in range(3):
            with pytest.raises(NotSentError):
                await carrier(SEND)
        assert carrier._open == 0
        monkeypatch.undo()
        assert (await carrier(SEND)).status == 200
        await carrier.aclose()
        assert server.posts == 1


async def test_a_connection_that_the_system_does_not_let_us_watch_is_used_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a low limit of the system every text of a run would fail."""
    async with serving(echoes) as server:
        carrier = pool(server.url)
        if carrier._probe._ends is None:
            pytest.skip("this system has no epoll")
        carrier._probe._ends.close()
        carrier._probe._ends = Full()  # type: ignore[assignment]
        for number in range(3):
            assert (await carrier(numbered(number))).body == b"%d" % number
        assert server.connections == 1
        await carrier.aclose()


class Full:
    """An epoll that has no room."""

    def register(self, fd: int, events: int) -> None:
        raise OSError(28, "No space left on device")

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return []

    def close(self) -> None: ...


async def test_a_look_is_not_good_for_a_lane_that_carried_something_since(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers close right behind an answer, and every second text would be unknown."""
    monkeypatch.setattr(probe, "_GOOD_FOR", 3600.0)
    closing = asyncio.Event()

    async def hangs_up(line: Line) -> None:
        await line.request()
        await line.write(OK)
        await line.request()
        await line.write(OK)
        if line.number == 1:
            await closing.wait()
            return
        await line.gone()

    async with serving(hangs_up) as server:
        carrier = pool(server.url)
        await carrier(SEND)
        await carrier(SEND)  # looked, an hour ahead
        (connection,) = carrier._connections
        connection._transport.pause_reading()
        closing.set()
        await asyncio.sleep(0.1)
        assert (await carrier(SEND)).status == 200
        assert (server.connections, server.posts) == (2, 3)
        await carrier.aclose()


async def test_numbers_of_sockets_that_are_used_again_are_watched_for_the_new_ones(looks: None) -> None:
    """A close would be missed, or a healthy connection closed for another's sake."""

    async def few(line: Line) -> None:
        for _ in range(random.Random(line.number).randint(1, 4)):
            if not await line.request():
                return
            await line.write(OK)

    async with serving(few) as server:
        carrier = pool(server.url, connections=8)

        async def texter() -> list[int]:
            answers = []
            for _ in range(40):
                answers.append((await carrier(SEND)).status)
                await asyncio.sleep(0.001)
            return answers

        assert await asyncio.gather(*(texter() for _ in range(8))) == [[200] * 40] * 8
        assert server.posts == 320
        watched = carrier._probe
        assert set(watched._sockets) == {connection for connection in carrier._connections if connection.is_open}
        assert {fd: connection.fd for fd, connection in watched._by_fd.items()} == {
            connection.fd: connection.fd for connection in watched._sockets
        }
        await carrier.aclose()
        assert not watched._sockets
        assert not watched._by_fd


async def test_a_server_that_closes_after_each_answer() -> None:
    """Every second text would be unknown."""

    async def once(line: Line) -> None:
        await line.request()
        await line.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")

    async with serving(once) as server:
        carrier = pool(server.url, connections=2)
        for _ in range(3):
            await asyncio.gather(*(carrier(SEND) for _ in range(5)))
        assert (server.connections, server.posts) == (15, 15)
        await carrier.aclose()


async def test_a_waiting_request_is_given_up_in_time_and_its_turn_passed_on() -> None:
    """Texts behind a hanging server would wait for ever, or a turn be lost with whoever left the line."""

    released = asyncio.Event()

    async def holds(line: Line) -> None:
        while await line.request():
            await released.wait()
            await line.write(OK)

    async with serving(holds) as server:
        carrier = pool(server.url, Timeouts(connect=0.2), connections=1)
        first = asyncio.create_task(carrier(SEND))
        while not server.bodies:
            await asyncio.sleep(0.005)
        with pytest.raises(NotSentError, match="no connection in time"):
            await carrier(SEND)
        left = asyncio.create_task(carrier(SEND))
        stays = asyncio.create_task(carrier(SEND))
        await asyncio.sleep(0)
        left.cancel()
        released.set()
        assert (await first).status == (await stays).status == 200
        assert server.posts == 2
        await carrier.aclose()


# ---- cancellation ----


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("turns", range(14))
async def test_a_cancellation_at_any_moment_leaves_the_pool_whole(turns: int, secure: bool, network: None) -> None:
    """A worker that is cancelled would take a connection with it, or leave its answer to the next."""
    async with serving(echoes, tls=tls("untrusted.pem") if secure else None) as server:
        url = f"https://127.0.0.1:{server.port}" if secure else server.url
        carrier = pool(url, connections=1, ssl=ssl.create_default_context(cafile=str(HERE / "untrusted.pem")))
        for warm in range(3):
            task = asyncio.create_task(carrier(numbered(1000 + warm)))
            line = [asyncio.create_task(carrier(numbered(2000 + number))) for number in range(2)]
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            line[0].cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert (await task).body == b"%d" % (1000 + warm)
            assert (await line[1]).body == b"2001"
            await asyncio.wait(line)
            for number in range(3):
                assert (await carrier(numbered(number))).body == b"%d" % number
        assert carrier._open == len(carrier._connections) == 1
        await carrier.aclose()
        assert carrier._open == 0


@pytest.mark.parametrize("seed", range(6))
async def test_nobody_gets_the_answer_to_another_whatever_the_server_does(seed: int) -> None:
    """A text would be recorded as sent with another's logid, and its own be lost."""
    dice = random.Random(seed)

    def moods(body: bytes) -> list[tuple[bytes, ...]]:
        """What a server may write; it hangs up after an empty piece."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        at = dice.randrange(1, len(answer))
        return [
            *[(answer,)] * 4,
            (answer[:at], answer[at:]),
            (b"HTTP/1.1 100 Continue\r\n\r\n" + answer,),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),),
            (answer + answer,),
            (answer + b"\r\n",),
            (answer[:at], b""),
            (answer, b""),
            (b"",),
            (answer.replace(b"200 OK", b"200 OK\r\nContent-Length: 1"),),
        ]

    async def moody(line: Line) -> None:
        while request := await line.request():
            for piece in dice.choice(moods(request.partition(b"\r\n\r\n")[2])):
                if not piece:
                    return
                await line.write(piece)
                await asyncio.sleep(0)

    async with serving(moody) as server:
        carrier = pool(server.url, connections=5)
        sent = answered = 0

        async def send(number: int) -> None:
            nonlocal answered
            task = asyncio.create_task(carrier(numbered(number)))
            if number % 7 == 0:
                await asyncio.sleep(0.002)
                task.cancel()
            with contextlib.suppress(MaybeSentError, asyncio.CancelledError):
                assert (await task).body == b"%d" % number
                answered += 1

        for sent in range(0, 400, 20):
            await asyncio.gather(*(send(10_000 + sent + number) for number in range(20)))
        assert answered > 100
        assert len(set(server.bodies)) == len(server.bodies)
        await carrier.aclose()


async def test_closing_tells_everybody() -> None:
    """A service that shuts down would hang on texts that nobody carries any more."""

    async def holds(line: Line) -> None:
        await line.request()
        await line.gone()

    async with serving(holds) as server:
        carrier = pool(server.url, connections=1)
        flying = asyncio.create_task(carrier(SEND))
        while not server.bodies:
            await asyncio.sleep(0.005)
        waiting = asyncio.create_task(carrier(SEND))
        await asyncio.sleep(0)
        await carrier.aclose()
        with pytest.raises(MaybeSentError, match="session is closed"):
            await flying
        with pytest.raises(NotSentError, match="session is closed"):
            await waiting
        with pytest.raises(NotSentError, match="session is closed"):
            await carrier(SEND)
        assert server.posts == 1
        await carrier.aclose()


# ---- large ones ----


async def test_a_long_request_to_a_slow_server_arrives() -> None:
    """A long body would be given up while it is still going."""
    body = bytes(range(256)) * 100_000

    async def slow(line: Line) -> None:
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: %d\r\n" % len(body) in head
        got = 0
        while got < len(body):
            got += len(await line.reader.read(100_000))
            await asyncio.sleep(0.006)
        await line.write(OK)
        await line.gone()

    async with serving(slow) as server:
        carrier = pool(server.url, Timeouts(read=1, answer=0.3))
        assert (await carrier(Request("POST", "/x", body))).status == 200
        await carrier.aclose()


async def test_a_server_that_takes_no_more_is_given_up() -> None:
    """One server that stops reading would hold a worker for ever."""

    async def deaf(line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(10)

    async with serving(deaf) as server:
        carrier = pool(server.url, Timeouts(read=0.1, answer=0.1))
        async with asyncio.timeout(5):
            with pytest.raises(MaybeSentError, match="stopped taking"):
                await carrier(Request("POST", "/x", b"x" * 20_000_000))
        await carrier.aclose()


async def test_the_timeout_of_a_request_goes_before_the_exchanges_own() -> None:
    """A report that takes the server a minute could not be asked for."""

    async def slow(line: Line) -> None:
        while await line.request():
            await asyncio.sleep(0.5)
            await line.write(OK)

    async with serving(slow) as server:
        carrier = pool(server.url, Timeouts(read=0.1, answer=0.1))
        assert (await carrier(Request("GET", "/x", read=True, timeout=5))).status == 200
        with pytest.raises(MaybeSentError, match="no answer in time"):
            await carrier(Request("GET", "/x", read=True))
        await carrier.aclose()


# ---- another loop ----


async def obeys(line: Line) -> None:
    """Does what the request says, or answers with its body."""
    while request := await line.request():
        match request.partition(b"\r\n\r\n")[2]:
            case b"reset":
                line.reset()
            case b"close":
                return
            case b"half":
                await line.write(OK[:-5])
                return
            case b"mute":
                await line.gone()
            case b"until the end":
                await line.write(b"HTTP/1.1 200 OK\r\n\r\n{}")
                return
            case b"twice":
                await line.write(OK + OK)
            case body:
                await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_same_on_uvloop(scheme: str, network: None) -> None:
    """The loop that the command runs on says in other ways that a connection is refused, reset, closed or slow."""
    uvloop = pytest.importorskip("uvloop")
    secure = tls("untrusted.pem") if scheme == "https" else None

    async def main() -> None:
        assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
        trust = ssl.create_default_context(cafile=str(HERE / "untrusted.pem"))
        async with serving(obeys, tls=secure) as server:
            carrier = pool(f"{scheme}://localhost:{server.port}", Timeouts(read=0.5, answer=1), connections=2, ssl=trust)
            for number, word in enumerate((b"reset", b"close", b"half", b"twice", b"mute")):
                with pytest.raises(MaybeSentError):
                    await carrier(Request("POST", "/x", word))
                assert (await carrier(numbered(number))).body == b"%d" % number
            for word in (b"until the end", b"x" * 3_000_000):
                assert (await carrier(Request("POST", "/x", word))).status == 200
                assert (await carrier(numbered(7))).body == b"7"
            opened = server.connections
            await asyncio.sleep(0.1)
            assert (await carrier(numbered(8))).body == b"8"
            assert server.connections == opened
            for turns in range(12):
                task = asyncio.create_task(carrier(numbered(turns)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                assert (await carrier(numbered(99))).body == b"99"
            await carrier.aclose()
        refused = pool(f"{scheme}://localhost:{closed_port()}", ssl=trust)
        with pytest.raises(NotSentError, match="refused"):
            await refused(SEND)
        await refused.aclose()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


# ---- getting there ----


@pytest.mark.parametrize(
    ("certificate", "host"), [("expired.pem", "127.0.0.1"), ("elsewhere.pem", "localhost"), ("elsewhere.pem", "127.0.0.1")]
)
async def test_a_certificate_for_somebody_else_or_another_time_is_refused(certificate: str, host: str, network: None) -> None:
    """The key and everybody's phone would go to whoever sits in between."""
    async with serving(echoes, tls=tls(certificate)) as server:
        carrier = pool(f"https://{host}:{server.port}", ssl=ssl.create_default_context(cafile=str(HERE / certificate)))
        with pytest.raises(NotSentError, match="certificate"):
            await carrier(SEND)
        assert server.heads == []
        assert carrier._open == 0
        await carrier.aclose()


async def test_tls_names_the_host_and_the_protocol(network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind one address there are many hosts: without the name the wrong one would answer, without ALPN in HTTP/2."""
    monkeypatch.setenv("SSL_CERT_FILE", str(HERE / "untrusted.pem"))
    dialing._trusting_as_the_system_does.cache_clear()
    context = tls("untrusted.pem", ["h2", "http/1.1"])
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    spoken: list[str | None] = []

    async def listens(line: Line) -> None:
        spoken.append(line.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await echoes(line)

    async with serving(listens, tls=context) as server:
        carrier = pool(f"https://localhost:{server.port}")
        assert (await carrier(SEND)).status == 200
        await carrier.aclose()
    dialing._trusting_as_the_system_does.cache_clear()
    assert (names, spoken) == (["localhost"], ["http/1.1"])


async def test_a_server_that_insists_on_http2_gets_nothing(network: None) -> None:
    """The request would be noise to it, and the text unknown."""
    context = ssl.create_default_context(cafile=str(HERE / "untrusted.pem"))
    context.set_alpn_protocols(["h2"])
    async with serving(echoes, tls=tls("untrusted.pem", ["h2"])) as server:
        carrier = pool(f"https://localhost:{server.port}", ssl=context)
        with pytest.raises(NotSentError, match=r"does not speak HTTP/1\.1"):
            await carrier(SEND)
        assert server.heads == []
        await carrier.aclose()


async def test_an_address_that_does_not_answer_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with broken IPv6 nothing could be sent, although IPv4 works."""
    dead = closed_port()
    looked_up = 0

    async with serving(echoes) as server:
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))

        async def both(*args: object, **options: object) -> list[object]:
            nonlocal looked_up
            looked_up += 1
            await asyncio.sleep(0.01)
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", dead, 0, 0)), good]

        monkeypatch.setattr(dialing.Dialer, "_look_up", both)
        carrier = pool(f"http://localhost:{server.port}", connections=8)
        await asyncio.gather(*(carrier(numbered(number)) for number in range(8)))
        assert (server.connections, looked_up) == (8, 1)
        await carrier.aclose()


async def test_all_there_is_to_know_is_in_the_head() -> None:
    """The provider would not know whom it talks to, or answer in a form that nobody asked for."""
    async with serving(echoes) as server:
        carrier = pool(server.url)
        await carrier(SEND)
        await carrier(Request("POST", "/x"))
        await carrier.aclose()
    lines = server.heads[0].split(b"\r\n")
    assert lines[:3] == [b"POST /api/message/send HTTP/1.1", b"Host: 127.0.0.1:%d" % server.port, b"Authorization: Basic eA=="]
    assert b"Accept-Encoding: identity" in lines
    assert b"Content-Length: 0\r\n" in server.heads[1]
    assert b"Content-Type" not in server.heads[1]


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/a b"),
        Request("POST", "/a\r\nX: y"),
        Request("POST", "/ü"),
        Request("GET", "/a", query="x=\n", read=True),
        Request("HEAD", "/a"),
        Request("POST /", "/a"),
    ],
)
async def test_what_would_break_the_head_never_leaves(request_: Request) -> None:
    """A line break in a path would be a second request with the key of the first."""
    async with serving(echoes) as server:
        carrier = pool(server.url)
        with pytest.raises(NotSentError):
            await carrier(request_)
        assert server.connections == 0
        await carrier.aclose()


def test_a_header_with_a_line_break_is_refused() -> None:
    """The same, by a header."""
    others = ScriptedExchange(lambda request: Response(200, {}, b""))
    for headers in ({"X-A": "b\r\nX-C: d"}, {"X\n": "b"}, {"": "b"}):
        with pytest.raises(ConfigurationError):
            PoolExchange("http://127.0.0.1:1/api", headers, others=others)


async def test_what_a_lane_does_not_carry_goes_the_other_way(tmp_path: Path) -> None:
    """An upload would go out without its files, a download fill the memory."""
    others = ScriptedExchange(lambda request: Response(200, {}, b"other"))
    carrier = pool("http://127.0.0.1:1/api", others=others)
    with (tmp_path / "x").open("wb") as file:
        for request in (Request("POST", "/x", parts=(Part("a", "b"),)), Request("GET", "/x", read=True, sink=Sink(file))):
            assert (await carrier(request)).body == b"other"
    await carrier.aclose()
    assert others.closed
