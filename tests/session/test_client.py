"""The exchange against a mocked aiohttp: how it calls the library, and how each of the library's errors is read."""

import ssl

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from rumbleup_async.errors import MaybeSentError, NotSentError
from rumbleup_async.session import AiohttpExchange, Request, ScriptedExchange, Timeouts
from rumbleup_async.session.exchange import Response

BASE = "https://provider.example/api"
SEND = Request("POST", "/message/send", b"{}")
KEY = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)


def connector_error(kind: type[aiohttp.ClientConnectorError]) -> aiohttp.ClientConnectorError:
    return kind(KEY, OSError(111, "Connection refused"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (connector_error(aiohttp.ClientConnectorError), NotSentError),
        (connector_error(aiohttp.ClientConnectorDNSError), NotSentError),
        (connector_error(aiohttp.ClientConnectorSSLError), NotSentError),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("2025550101")), NotSentError),
        (aiohttp.ConnectionTimeoutError("2025550101"), NotSentError),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1), NotSentError),
        (aiohttp.InvalidURL("2025550101"), NotSentError),
        (aiohttp.SocketTimeoutError("2025550101"), MaybeSentError),
        (aiohttp.ServerTimeoutError("2025550101"), MaybeSentError),
        (aiohttp.ServerDisconnectedError("2025550101"), MaybeSentError),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), MaybeSentError),
        (aiohttp.ClientPayloadError("2025550101"), MaybeSentError),
        (aiohttp.ClientConnectionError("2025550101"), MaybeSentError),
        (aiohttp.ClientError("2025550101"), MaybeSentError),
        (TimeoutError("2025550101"), MaybeSentError),
        (BrokenPipeError(32, "Broken pipe"), MaybeSentError),
        (ConnectionResetError(104, "Connection reset by peer"), MaybeSentError),
        (ssl.SSLError(1, "[SSL: BAD_RECORD_MAC]"), MaybeSentError),
        (ValueError("2025550101"), MaybeSentError),
    ],
)
async def test_how_the_librarys_errors_are_read(error: Exception, kind: type[Exception]) -> None:
    """One error on the wrong side texts people twice; one on the other side leaves them unknown for nothing."""
    carrier = AiohttpExchange(BASE, {"Authorization": "Basic a2V5"})
    with aioresponses() as library:
        library.post(f"{BASE}/message/send", exception=error)
        with pytest.raises(kind) as raised:
            await carrier(SEND)
    assert type(raised.value) is kind
    assert "2025550101" not in f"{raised.value} {raised.value!r}"
    await carrier.aclose()


async def test_how_the_library_is_called() -> None:
    """A library that follows redirects, raises for a status or has a total timeout hides whether a text left."""
    carrier = AiohttpExchange(BASE, {"Authorization": "Basic a2V5"}, timeouts=Timeouts(connect=1, sock_connect=2, read=3))
    with aioresponses() as library:
        library.post(f"{BASE}/message/send", status=503, body=b"busy", headers={"Retry-After": "3"})
        response = await carrier(SEND)
    assert (response.status, response.body, response.headers["retry-after"]) == (503, b"busy", "3")
    ((key, (call,)),) = library.requests.items()
    assert key == ("POST", URL(f"{BASE}/message/send"))
    assert call.kwargs["allow_redirects"] is False
    assert call.kwargs["raise_for_status"] is False
    assert call.kwargs["middlewares"] == ()
    assert call.kwargs["headers"] == {"Authorization": "Basic a2V5", "Content-Type": "application/json"}
    timeout = call.kwargs["timeout"]
    assert (timeout.connect, timeout.sock_connect, timeout.sock_read) == (1, 2, 3)
    assert timeout.total is None or timeout.total >= 1 + 3 + Timeouts().answer
    await carrier.aclose()


async def test_nothing_is_opened_before_the_first_request() -> None:
    """A client made outside of the event loop would fail, and one that is never used would leak a session."""
    carrier = AiohttpExchange(BASE, {})
    await carrier.aclose()
    await carrier.aclose()


async def test_a_script_answers_and_is_remembered() -> None:
    """Users' tests, and ours, would test something else than they believe."""

    async def later(request: Request) -> Response:
        return Response(200, {}, request.body)

    now = ScriptedExchange(lambda request: Response(201, {}, b""))
    assert (await now(SEND)).status == 201
    then = ScriptedExchange(later)
    assert (await then(SEND)).body == b"{}"
    assert now.requests == then.requests == [SEND]
    await then.aclose()
    assert then.closed


def test_what_travels_does_not_show_itself() -> None:
    """A traceback with a request in it would hold somebody's phone and text."""
    request = Request("POST", "/message/send", b'{"phone": "2025550101"}')
    response = Response(200, {"Authorization": "Basic a2V5"}, b'{"phone": "2025550101"}')
    for shown in (repr(request), str(request), repr(response), str(response)):
        assert "2025550101" not in shown
        assert "a2V5" not in shown
