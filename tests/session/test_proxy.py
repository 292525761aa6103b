"""The way through a proxy, over real sockets: what the proxy sees, and that its own answers mean that nothing has left."""

import asyncio
import contextlib
import json
import ssl
from pathlib import Path

import pytest

from rumbleup_async import RumbleUp, Sendblue
from rumbleup_async.errors import ConfigurationError, MaybeSentError, NotSentError
from rumbleup_async.retry import Policy
from rumbleup_async.session import AiohttpExchange, Request, Timeouts, proxy

from .servers import Line, closed_port, serving

PEM = Path(__file__).with_name("untrusted.pem")
SEND = Request("POST", "/message/send", b'{"phone":"2025550101","text":"Hi. STOP"}')
QUICK = Timeouts(connect=2, sock_connect=2, read=2, answer=2)


async def takes(line: Line) -> None:
    while request := await line.request():
        phone = json.loads(request.partition(b"\r\n\r\n")[2])["phone"]
        body = b'{"logid":"rl_%b","phone":"%b"}' % (phone.encode(), phone.encode())
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def tunnels(line: Line) -> None:
    """An HTTP proxy that knows CONNECT."""
    head = await line.request()
    port = int(head.split()[1].rpartition(b":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await line.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                line.server.bodies.append(data)
                sink.write(data)
                await sink.drain()

    pumps = [asyncio.create_task(pump(line.reader, writer)), asyncio.create_task(pump(reader, line.writer))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in pumps:
            one.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def secure() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # asyncio of 3.11, of the tunnel's own streams
async def test_a_run_goes_through_a_tunnel_and_the_proxy_sees_no_key() -> None:
    """From many an office nothing could be sent, and a proxy that reads along would have the key and everybody's phone."""
    trust = ssl.create_default_context(cafile=str(PEM))
    async with serving(takes, tls=secure()) as server, serving(tunnels) as way:
        client = RumbleUp(
            "KEY:SECRET",
            base_url=f"https://localhost:{server.port}/api",
            ssl=trust,
            proxy=f"http://127.0.0.1:{way.port}",
            proxy_auth="ada:open sesame",
        )
        async with client, client.fast_mode(action=125, text="Hi. STOP to opt out", concurrency=4) as run:
            summary = await run.send([f"20255501{number:02d}" for number in range(20)])
    assert summary.sent == 20
    assert server.posts == 20
    assert way.heads
    assert all(head.startswith(b"CONNECT localhost:") for head in way.heads)
    assert all(b"Proxy-Authorization: Basic YWRhOm9wZW4gc2VzYW1l" in head for head in way.heads)
    assert not any(b"Proxy-Authorization" in head for head in server.heads)
    seen = b"".join([*way.heads, *way.bodies])
    assert b"S0VZOlNFQ1JFVA" not in seen
    assert b"20255501" not in seen


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "RUMBLEUP_PROXY_AUTH"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", r"did not reach the server \(502\)"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", r"\(503\)"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "does not let this through"),
        (b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", "answered 429"),
        (b"", "the proxy broke off"),
        (b"220 mail.example.org\r\n\r\n", "the proxy broke off"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "TLS|reset|broke off|certificate"),
    ],
)
async def test_what_the_proxy_says_of_itself_means_that_nothing_left(answer: bytes, said: str) -> None:
    """Everybody would be unknown, or refused, whom the server has never heard of."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.write(answer)

    async with serving(behaviour) as way:
        carrier = AiohttpExchange("https://localhost:9/api", {}, timeouts=QUICK, proxy=f"http://127.0.0.1:{way.port}")
        with pytest.raises(NotSentError, match=said):
            await carrier(SEND)
        await carrier.aclose()


async def test_a_proxy_that_is_not_there_means_that_nothing_left() -> None:
    """The same for one that is down."""
    carrier = AiohttpExchange("https://localhost:9/api", {}, timeouts=QUICK, proxy=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(NotSentError, match="proxy"):
        await carrier(SEND)
    await carrier.aclose()


async def test_a_plain_server_on_this_machine_is_reached_through_a_proxy_on_it() -> None:
    """A rehearsal against the simulator could not try the proxy's credentials."""
    async with serving(takes) as way:
        client = RumbleUp("K:S", base_url="http://127.0.0.1:9/api", proxy=f"http://127.0.0.1:{way.port}", proxy_auth="ada:x")
        async with client:
            assert (await client.messages.send(phone="2025550101", action=125, text="Hi. STOP to opt out")).logid
    assert way.heads[0].startswith(b"POST http://127.0.0.1:9/api/message/send ")
    assert b"Proxy-Authorization: Basic YWRhOng=" in way.heads[0]


async def test_what_a_proxy_says_in_place_of_a_plain_server_leaves_doubt() -> None:
    """Without a tunnel nobody can tell a proxy's 502 from the server's, which may have taken the text."""

    async def behaviour(line: Line) -> None:
        await line.request()
        await line.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    async with serving(behaviour) as way:
        client = RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9/api", proxy=f"http://127.0.0.1:{way.port}")
        policy = Policy(first_errors=1)
        async with client, client.fast_mode(action=125, text="Hi. STOP to opt out", policy=policy) as run:
            summary = await run.send(["2025550101"])
    assert summary.unknown == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("http://ada:word@127.0.0.1:8080", "RUMBLEUP_PROXY_AUTH"),
        ("http://ada@127.0.0.1:8080", "RUMBLEUP_PROXY_AUTH"),
        ("socks5://127.0.0.1:1080", "SOCKS"),
        ("https://127.0.0.1:8080", "http://host:port"),
        ("127.0.0.1:8080", "http://host:port"),
        ("http://", "http://host:port"),
        ("http://127.0.0.1:8080/x", "http://host:port"),
        ("http://127.0.0.1:8080?x", "http://host:port"),
        ("http://127.0.0.1:0", "http://host:port"),
        ("http://127.0.0.1:99999", "http://host:port"),
        ("", "http://host:port"),
    ],
)
def test_an_address_that_is_no_proxy_is_refused(given: str, said: str) -> None:
    """A password would stand in the list of processes, or texts would go where nobody meant them to."""
    for make in (lambda: RumbleUp("KEY:SECRET", proxy=given), lambda: Sendblue("KEY", "SECRET", proxy=given)):
        with pytest.raises(ConfigurationError, match=said) as raised:
            make()
        assert "ada" not in str(raised.value)


def test_a_key_is_not_shown_to_a_proxy_on_another_machine() -> None:
    """Over plain http the proxy reads the key."""
    with pytest.raises(ConfigurationError, match="plain http"):
        RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9/api", proxy="http://proxy.example.org:8080")


def test_proxies_of_the_environment_are_named_and_not_used() -> None:
    """Somebody would look for hours at an address that curl reaches."""
    assert proxy.hint(None, {}) == ""
    assert "HTTPS_PROXY is set and not used" in proxy.hint(None, {"HTTPS_PROXY": "http://127.0.0.1:8080"})
    assert "HTTPS_PROXY and all_proxy are set" in proxy.hint(None, {"HTTPS_PROXY": "x", "all_proxy": "y"})
    assert "proxy" in proxy.hint("http://127.0.0.1:8080", {"HTTPS_PROXY": "x"})


async def test_a_lost_connection_inside_the_tunnel_leaves_doubt() -> None:
    """Through a proxy as without one: what has left may have been taken."""

    async def hangs_up(line: Line) -> None:
        await line.request()

    trust = ssl.create_default_context(cafile=str(PEM))
    async with serving(hangs_up, tls=secure()) as server, serving(tunnels) as way:
        url = f"https://localhost:{server.port}/api"
        carrier = AiohttpExchange(url, {}, timeouts=QUICK, ssl=trust, proxy=f"http://127.0.0.1:{way.port}")
        with pytest.raises(MaybeSentError):
            await carrier(SEND)
        await carrier.aclose()
    assert server.posts == 1
