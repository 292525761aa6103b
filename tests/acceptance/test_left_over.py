"""Over sockets, with the command: what gateways, accounts and projects say writes nobody off, and what is left over is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage, quiet

PAGE = b"<html><head><title>404 Not Found</title></head><body><center>nginx</center></body></html>"
Answer = tuple[int, bytes, str]
PAGE_404: Answer = (404, PAGE, "text/html")
NO_BALANCE: Answer = (402, b'{"message":"Insufficient balance"}', "application/json")
SUSPENDED: Answer = (400, b'{"status":400,"message":"Account suspended"}', "application/json")
REFUSED: Answer = (400, b'{"status":400,"message":"General error"}', "application/json")
FORBIDDEN: Answer = (403, b'{"message":"Forbidden"}', "application/json")


class Gateway:
    """Answers for the API: `say(number, phone)` says what the request of this number is answered with, None for "taken"."""

    def __init__(self, say: Callable[[int, str], Answer | None]) -> None:
        self.say = say
        self.number = 0
        self.taken: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> Answer:
        text = json.loads(body)
        with self._lock:
            self.number += 1
            said = self.say(self.number, text["phone"])
            if said is not None:
                return said
            logid = f"rl_{len(self.taken)}"
            self.taken.append({**text, "logid": logid})
        return 200, json.dumps({"logid": logid}).encode(), "application/json"


@contextmanager
def serving(gateway: Gateway) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the second of two would wait for the first to be acknowledged

        def do_POST(self) -> None:
            status, body, kind = gateway.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "processes"),
    [(PAGE_404, 1), (PAGE_404, 2), (NO_BALANCE, 1), (SUSPENDED, 1), (REFUSED, 1), (REFUSED, 2), (FORBIDDEN, 1)],
    ids=["404", "404, two processes", "402", "suspended", "400", "400, two processes", "403"],
)
def test_an_answer_for_everybody_after_a_good_beginning(stage: Stage, answer: Answer, processes: int) -> None:
    """Else dozens of people would be written off for good, and the resume end well without them."""
    ill = True

    def say(number: int, phone: str) -> Answer | None:
        return answer if ill and number > 20 else None

    gateway = Gateway(say)
    with serving(gateway) as url:
        env = stage.environment(RUMBLEUP_BASE_URL=url)
        done = stage.send(stage.list(400), "--processes", processes, "--concurrency", 16, env=env)
        assert done.code == 3, done
        assert (done.json["sent"], done.json["refused"], done.json["unknown"]) == (20, 0, 0)
        assert "in a row" in done.err
        assert stage.run("status", stage.ledger).code == 3
        ill = False
        after = stage.resume("--no-reconcile", env=env)
    assert (after.code, after.json["stopped"]) == (0, None)
    assert after.json["sent"] == 400
    stage.check(400, truth=gateway.taken, summary=after.json)


@pytest.mark.parametrize("processes", [1, 2])
def test_one_sick_node_in_three(stage: Stage, processes: int) -> None:
    """Else every third person would not be texted, and the run end with 0."""
    gateway = Gateway(lambda number, phone: None if number % 3 else PAGE_404)
    with serving(gateway) as url:
        env = stage.environment(RUMBLEUP_BASE_URL=url)
        done = stage.send(stage.list(200), "--processes", processes, env=env)
        left = done.json["not_sent"]
        assert done.json["refused"] == done.json["unknown"] == 0
        assert 10 <= left <= 30
        assert done.code == 3
        assert done.json["stopped"] == f"left over: {left}, mostly 404 an HTML page of {len(PAGE)} bytes"
        assert done.err.splitlines()[-1] == f"stopped: {done.json['stopped']}"
        while done.code:
            done = stage.resume("--no-reconcile", env=env)
            assert done.json["refused"] == 0
    assert done.json["sent"] == 200
    stage.check(200, truth=gateway.taken, summary=done.json)


def test_a_node_that_recovers_costs_no_resume(stage: Stage) -> None:
    """Else whoever was met by it would have to wait for somebody to look."""
    gateway = Gateway(lambda number, phone: PAGE_404 if number < 60 and number % 3 == 0 else None)
    with serving(gateway) as url:
        done = stage.send(stage.list(100), env=stage.environment(RUMBLEUP_BASE_URL=url))
    assert (done.code, done.json["sent"], done.json["stopped"]) == (0, 100, None)
    stage.check(100, truth=gateway.taken, summary=done.json)


@pytest.mark.parametrize("rows", [1, 3, 4])
def test_a_short_list_that_texts_nobody(stage: Stage, provider: Provider, rows: int) -> None:
    """Else a mistyped project would look like a job well done."""
    source = stage.list(rows)
    words = ["send", source, "--action", "99999", "--text", "quokkas. STOP", "--ledger", stage.ledger, "--yes", "--json"]
    done = stage.run(*words)
    expected = f"left over: {rows}, mostly 400 FIELD action: no such project"
    assert (done.code, done.json["stopped"]) == (3, expected)
    assert done.err.splitlines()[-1] == f"stopped: {expected}"
    assert (done.json["sent"], done.json["refused"], done.json["not_sent"]) == (0, 0, rows)
    status = stage.run("status", stage.ledger, "--json")
    assert (status.code, status.json["stopped"]) == (3, expected)
    hushed = stage.run(*words, "--quiet")
    assert hushed.code == 3
    assert quiet(hushed.err).strip() == f"rumbleup: stopped: {expected}"
    report = stage.folder / "report.csv"
    stage.run("report", stage.ledger, "--out", report)
    assert report.read_text().count("no such project") == rows
    again = stage.resume()
    assert (again.code, again.json["stopped"]) == (3, expected)
    provider.call("projects", {"action": "99999"})
    after = stage.resume()
    assert (after.code, after.json["sent"], after.json["stopped"]) == (0, rows, None)
    stage.check(rows, summary=after.json)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_pilot_that_texts_nobody(stage: Stage, processes: int) -> None:
    """Else `--limit 3` into a wrong project would end with 0; and what it met would never be tried once more."""
    gateway = Gateway(lambda number, phone: PAGE_404)
    with serving(gateway) as url:
        env = stage.environment(RUMBLEUP_BASE_URL=url)
        done = stage.send(stage.list(50), "--limit", "3", "--processes", processes, env=env)
        assert (done.code, done.json["not_sent"]) == (3, 50)
        assert done.json["stopped"] == f"left over: 3, mostly 404 an HTML page of {len(PAGE)} bytes"
        assert gateway.number == 6
        gateway.say = lambda number, phone: PAGE_404 if number == 8 else None
        done = stage.send(stage.list(50), "--limit", "3", "--processes", processes, env=env)
        assert (done.code, done.json["sent"], done.json["not_sent"]) == (0, 3, 47), done
        assert gateway.number == 10
    stage.check(50, truth=gateway.taken, summary=done.json)


def test_what_was_asked_for_is_no_failure(stage: Stage) -> None:
    """Else `--limit` and a dry run would fail every job that uses them."""
    gateway = Gateway(lambda number, phone: None)
    with serving(gateway) as url:
        env = stage.environment(RUMBLEUP_BASE_URL=url)
        assert stage.send(stage.list(20), "--limit", "5", env=env).code == 0
        assert stage.run("status", stage.ledger).code == 0
        assert stage.send(stage.list(20), "--dry-run", env=env).code == 0
        done = stage.resume("--no-reconcile", env=env)
    assert (done.code, done.json["sent"]) == (0, 20)
    stage.check(20, truth=gateway.taken, summary=done.json)
