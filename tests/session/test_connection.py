"""One connection, fed byte by byte without a network: whatever a server says, the next request never gets a former answer."""

import asyncio
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.errors import MaybeSentError
from rumbleup_async.session import limits
from rumbleup_async.session.connection import Connection
from rumbleup_async.session.exchange import Fit, Request, Response
from rumbleup_async.session.reading import MAX_INFORMATIONS, Headers
from rumbleup_async.session.silence import Pauses

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"logid":"rl_1"}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"logid\r\n9;x=1\r\n":"rl_1"}\r\n0\r\nX-Sum: 1\r\n\r\n'
HINTS = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
BODY = b'{"logid":"rl_1"}'
MARK = b"HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\nsecond"


class Socket:
    """A transport that keeps what is written. `unwritten`: bytes that the server has not taken."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unwritten = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.unwritten


class FixedPause(Pauses):
    """Waits for so long behind an answer that says no."""

    pause = 1.0


ANY = Request("POST", "/message/send", judge=lambda response: Fit.LIKELY)
"""A request that every answer fits."""


class Stage:
    """A pool with one connection in it."""

    def __init__(self) -> None:
        self.tick = 0
        self.pauses: Pauses = FixedPause()
        self.idle: list[Connection] = []
        self.ended = 0
        self.loop = asyncio.new_event_loop()
        self.socket = Socket()
        self.connection = Connection(self, self.loop)
        self.connection.connection_made(cast("asyncio.Transport", self.socket))

    def free(self, connection: Connection) -> None:
        self.idle.append(connection)

    def unfit(self, connection: Connection) -> None:
        self.idle = []

    def gone(self, connection: Connection) -> None:
        self.ended += 1

    def ask(self, fit: Fit = Fit.LIKELY) -> asyncio.Future[Response]:
        """Send a request whose every answer is judged like this."""
        return self.send(Request("POST", "/message/send", judge=lambda response: fit))

    def send(self, request: Request) -> asyncio.Future[Response]:
        self.idle = []
        return self.connection.send(b"POST", request, 10, 20)

    @property
    def is_kept(self) -> bool:
        return self.connection.is_open and self.idle == [self.connection] and not self.socket.aborted


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.loop.close()


def feed(connection: Connection, data: bytes, cuts: list[int]) -> None:
    """The bytes in pieces, as a transport would: nothing more once it was aborted."""
    edges = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)] if data else [0]
    for begin, end in pairwise(edges):
        if connection.is_open:
            connection.data_received(data[begin:end])


def failure(answer: "asyncio.Future[Response]") -> str:
    error = answer.exception()
    assert type(error) is MaybeSentError
    assert error.endpoint == "/message/send"
    return error.reason


# ---- answers that are fine ----


@pytest.mark.parametrize("answer", [OK, CHUNKED, HINTS + OK, HINTS + CHUNKED], ids=["length", "chunked", "1xx", "1xx, chunked"])
@pytest.mark.parametrize("cut", [*range(1, 190), None])
def test_an_answer_may_come_in_any_two_pieces_or_byte_by_byte(answer: bytes, cut: int | None, stage: Stage) -> None:
    """A packet boundary in the wrong place would turn a text that was sent into an unknown."""
    asked = stage.ask()
    feed(stage.connection, answer, list(range(len(answer))) if cut is None else [cut])
    response = asked.result()
    assert (response.status, response.body) == (200, BODY)
    assert stage.is_kept
    again = stage.ask()
    feed(stage.connection, MARK, [])
    assert (again.result().status, again.result().body) == (201, b"second")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\n", 429),
        (b"HTTP/1.1 440\r\n", 440),
        (b"HTTP/1.1 999 X\r\n", 999),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", 200),
    ],
)
def test_any_status_is_an_answer(head: bytes, status: int, stage: Stage) -> None:
    """A 429 taken for a failure would be an unknown instead of a pause."""
    asked = stage.ask()
    feed(stage.connection, head + b"Content-Length: 2\r\n\r\n{}", [])
    assert (asked.result().status, asked.result().body) == (status, b"{}")
    assert stage.is_kept


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 16\r\n\r\n" + BODY,
        b"HTTP/1.0 200 OK\r\nContent-Length: 16\r\n\r\n" + BODY,
        OK + b"\r\n",
        OK + b"x",
        CHUNKED + b"\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_an_answer_with_anything_behind_it_ends_the_lane(answer: bytes, stage: Stage) -> None:
    """What was left over would be taken for the answer to the next text."""
    asked = stage.ask()
    feed(stage.connection, answer, [])
    assert asked.result().body in {BODY, b""}
    assert not stage.is_kept
    assert stage.socket.aborted


SURPLUS = [OK + OK, OK + b"HTTP/1.1 408 Request Timeout\r\n", CHUNKED + CHUNKED]


@pytest.mark.parametrize("answer", SURPLUS)
def test_of_two_answers_at_once_neither_is_believed(answer: bytes, stage: Stage) -> None:
    """The first of them may be another text's, which would be booked as sent although nobody took it."""
    asked = stage.ask()
    feed(stage.connection, answer, [])
    assert "more than one answer" in failure(asked)
    assert stage.socket.aborted


@pytest.mark.parametrize("answer", SURPLUS)
def test_of_two_answers_at_once_the_one_that_names_what_was_asked_is_believed(answer: bytes, stage: Stage) -> None:
    """A text that was surely taken would be in doubt because the server said so twice."""
    asked = stage.ask(Fit.PROVEN)
    feed(stage.connection, answer, [])
    assert asked.result().body == BODY
    assert not stage.is_kept


def test_an_answer_that_does_not_fit_ends_the_lane(stage: Stage) -> None:
    """The true answer comes behind it, and each later one would be taken for the next text's."""
    asked = stage.ask(Fit.UNFIT)
    feed(stage.connection, OK, [])
    assert asked.result().body == BODY
    assert not stage.is_kept
    assert stage.socket.aborted


@pytest.mark.parametrize("body", [b"", b"OK", b"<html>", b'"logid"'])
def test_an_answer_that_is_no_object_ends_the_lane(body: bytes, stage: Stage) -> None:
    """It comes from something on the way, and the true answer may still follow it."""
    asked = stage.send(Request("POST", "/message/send"))
    feed(stage.connection, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), [])
    assert asked.result().body == body
    assert not stage.is_kept


def heard(stage: Stage, answer: Response) -> asyncio.Future[bool]:
    assert answer.alone is not None
    return cast("asyncio.Future[bool]", answer.alone())


def test_a_no_is_believed_once_nothing_came_behind_it(stage: Stage) -> None:
    """A late 429 that belongs to another text would have a text sent again that was taken."""
    stage.pauses.pause = 0.0  # type: ignore[misc]
    asked = stage.ask(Fit.DENIED)
    feed(stage.connection, OK, [])
    assert not stage.idle
    assert stage.connection.is_busy
    assert stage.loop.run_until_complete(heard(stage, asked.result()))
    assert stage.is_kept


def test_a_no_with_an_answer_behind_it_is_not_believed(stage: Stage) -> None:
    """The same: nobody knows which of the two belongs to the text."""
    asked = stage.ask(Fit.DENIED)
    feed(stage.connection, OK, [])
    feed(stage.connection, b"H", [])
    assert not stage.loop.run_until_complete(heard(stage, asked.result()))
    assert not stage.is_kept


def test_a_no_before_the_end_of_a_connection_is_believed(stage: Stage) -> None:
    """Nothing can come behind it any more."""
    asked = stage.ask(Fit.DENIED)
    feed(stage.connection, OK, [])
    stage.connection.eof_received()
    assert stage.loop.run_until_complete(heard(stage, asked.result()))
    assert not stage.is_kept


def test_an_answer_before_the_request_was_taken_ends_the_lane(stage: Stage) -> None:
    """The rest of this request would be read as the head of the next one."""
    asked = stage.ask()
    stage.socket.unwritten = 5
    feed(stage.connection, OK, [])
    assert asked.result().status == 200
    assert not stage.is_kept


def test_bytes_on_an_idle_lane_end_it(stage: Stage) -> None:
    """A server that answers twice, or says 408 before it closes, would have that taken for the next answer."""
    feed(stage.connection, b"HTTP/1.1 408 Request Timeout\r\n\r\n", [])
    assert stage.socket.aborted
    assert not stage.connection.is_open


def test_a_body_that_ends_with_the_connection(stage: Stage) -> None:
    """An old server's answers would all be unknown."""
    asked = stage.ask()
    feed(stage.connection, b"HTTP/1.1 200 OK\r\n\r\n" + BODY, [30])
    assert not asked.done()
    stage.connection.eof_received()
    assert asked.result().body == BODY
    assert not stage.is_kept


def test_a_reset_in_a_body_that_ends_with_the_connection_is_no_end(stage: Stage) -> None:
    """Half of an answer would be taken for all of it."""
    asked = stage.ask()
    feed(stage.connection, b"HTTP/1.1 200 OK\r\n\r\n" + BODY, [])
    stage.connection.connection_lost(ConnectionResetError())
    assert failure(asked) == "the answer broke off: the connection was reset"
    assert stage.ended == 1


def test_headers_are_found_in_any_case() -> None:
    """Retry-After would be overlooked and the provider be asked again at once."""
    headers = Headers(
        [(b"Retry-AFTER", b" 3 "), (b"retry-after", b"9"), (b"X-Name", "ü\udcff".encode("utf-8", "surrogateescape"))]
    )
    assert headers["retry-after"] == headers.get("Retry-After") == "3"
    assert "RETRY-after" in headers
    assert "other" not in headers
    assert dict(headers) == {"retry-after": "3", "x-name": "ü\udcff"}
    assert len(headers) == 2


# ---- answers that are not ----


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * (MAX_INFORMATIONS + 1),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 90_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 20_000,
    ],
)
@pytest.mark.parametrize("step", [None, 1000, 7])
def test_an_answer_that_is_not_sound_is_none(answer: bytes, step: int | None, stage: Stage) -> None:
    """An answer that two readers understand differently would be read wrongly by one of them."""
    asked = stage.ask()
    feed(stage.connection, answer, list(range(0, len(answer), step)) if step else [])
    stage.connection.connection_lost(None)
    assert failure(asked)
    assert stage.socket.aborted


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"identity", BODY),
        (b"deflate", zlib.compress(BODY)),
        (b"deflate", zlib.compress(BODY)[2:-4]),
        (b"GZIP", zlib.compressobj(wbits=31).compress(BODY) + b""),
    ],
)
def test_a_compressed_answer_is_read_although_none_was_asked_for(encoding: bytes, body: bytes, stage: Stage) -> None:
    """Behind a proxy that compresses regardless, every text would be unknown."""
    if encoding == b"GZIP":
        packer = zlib.compressobj(wbits=31)
        body = packer.compress(BODY) + packer.flush()
    asked = stage.ask()
    feed(
        stage.connection,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body)) + body,
        [],
    )
    assert asked.result().body == BODY
    assert stage.is_kept


def test_a_small_answer_cannot_unpack_to_fill_the_memory(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken server would take the service down with a few kilobytes."""
    monkeypatch.setattr(limits, "MAX_BODY", 10_000)
    body = zlib.compress(b"0" * 1_000_000)
    asked = stage.ask()
    feed(stage.connection, b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(body) + body, [])
    assert "longer" in failure(asked)


# ---- time ----


def test_silence_is_given_up_and_bytes_put_it_off(stage: Stage) -> None:
    """A slow answer would be given up in the middle, or a dead server hold a worker for ever."""
    asked = stage.ask()
    assert (stage.connection.due, stage.connection.end) == (10, 20)
    stage.tick = 8
    feed(stage.connection, OK[:-5], [])
    assert (stage.connection.due, stage.connection.end) == (18, 20)
    stage.connection.overdue()
    assert failure(asked) == "the answer broke off: no answer in time"


def test_a_request_that_the_server_takes_slowly_has_its_time(stage: Stage) -> None:
    """A long request over a thin line would be given up while it goes; one that stands still would never be."""
    asked = stage.connection.send(b"x" * 100_000, ANY, 10, 20)
    stage.socket.unwritten, stage.tick = 80_000, 11
    stage.connection.overdue()
    assert (stage.connection.due, stage.connection.end) == (21, 31)
    stage.socket.unwritten, stage.tick = 0, 22
    stage.connection.overdue()
    assert not asked.done()
    stage.tick = 33
    stage.connection.overdue()
    assert failure(asked) == "no answer in time"


def test_a_server_that_takes_no_more_of_a_request_is_given_up(stage: Stage) -> None:
    """One server that stops reading would hold a worker for ever."""
    asked = stage.connection.send(b"x" * 100_000, ANY, 10, 20)
    stage.socket.unwritten, stage.tick = 80_000, 11
    stage.connection.overdue()
    stage.tick = 22
    stage.connection.overdue()
    assert failure(asked) == "the server stopped taking the request"


# ---- anything at all ----

lengths = st.binary(max_size=60).map(lambda body: (body, b"Content-Length: %d\r\n\r\n%b" % (len(body), body)))


def in_chunks(pieces: list[bytes]) -> tuple[bytes, bytes]:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"".join(pieces), b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


chunks = st.lists(st.binary(min_size=1, max_size=20), max_size=5).map(in_chunks)
sound = st.tuples(st.sampled_from([200, 202, 400, 429, 500]), lengths | chunks, st.sampled_from([b"", HINTS]))
cuts = st.lists(st.integers(0, 500), max_size=8)


def with_stage(check: Any) -> None:
    stage = Stage()
    try:
        check(stage)
    finally:
        stage.loop.close()


@settings(deadline=None)
@given(sound, cuts)
def test_every_sound_answer_in_any_pieces_is_read_as_it_is(made: tuple[int, tuple[bytes, bytes], bytes], cuts: list[int]) -> None:
    """Whether a text was sent would depend on how the network cuts the answer."""
    status, (body, framed), before = made

    def check(stage: Stage) -> None:
        for _ in range(2):
            asked = stage.ask()
            feed(stage.connection, before + b"HTTP/1.1 %d X\r\nServer: s\r\n" % status + framed, cuts)
            assert (asked.result().status, asked.result().body) == (status, body)
            assert stage.is_kept

    with_stage(check)


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from([OK, CHUNKED, HINTS + OK]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4),
    cuts,
)
def test_after_a_broken_answer_the_next_is_the_next(answer: bytes, damage: list[tuple[int, int, bytes]], cuts: list[int]) -> None:
    """A text would be recorded as sent, with the logid of another."""
    for place, drop, put in damage:
        at = place % (len(answer) + 1)
        answer = answer[:at] + put + answer[at + drop :]

    def check(stage: Stage) -> None:
        asked = stage.ask()
        feed(stage.connection, answer, cuts)
        if asked.done() and (error := asked.exception()) is not None:
            assert isinstance(error, MaybeSentError)
            assert stage.socket.aborted
        if stage.is_kept:
            again = stage.ask()
            feed(stage.connection, MARK, cuts)
            assert (again.result().status, again.result().body) == (201, b"second")
        elif not asked.done():
            stage.connection.connection_lost(None)
            assert asked.done()
            asked.exception()

    with_stage(check)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200).filter(lambda noise: b"HTTP/" not in noise), cuts)
def test_noise_is_no_answer(noise: bytes, cuts: list[int]) -> None:
    """A broken server would bring the run down with a traceback of ours."""

    def check(stage: Stage) -> None:
        asked = stage.ask()
        feed(stage.connection, noise, cuts)
        stage.connection.connection_lost(None)
        assert failure(asked)

    with_stage(check)
