"""A message log that is written as nobody has described it, before the command as a user calls it: nobody is absent who is in it.

Between the command and the simulator stands a relay that changes the log's answers.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.acceptance.lists import phone
from tests.acceptance.provider_process import KEY, Provider
from tests.acceptance.stage import Stage

Page = dict[str, Any]
Bend = Callable[[Page, dict[str, str]], Page]


@contextmanager
def relayed(port: int, bend: Bend) -> Iterator[str]:
    """The address of a relay to this port: what it answers to a look into the log goes through `bend(page, query)`."""

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the second of two would wait for the first to be acknowledged

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                kept = {
                    name: value for name, value in self.headers.items() if name.lower() not in {"connection", "accept-encoding"}
                }
                connection.request(self.command, self.path, body, kept)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                self.close_connection = True
                return
            finally:
                connection.close()
            parts = urlsplit(self.path)
            if answer.status == 200 and parts.path.endswith(("/message/log/select", "/v2/messages")):
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                content = json.dumps(bend(json.loads(content), query)).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _pass_on  # noqa: N815 - so it is called

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


TROUBLED = {n: "502-after" if n % 8 == 3 else "502-before" for n in range(3, 40, 4)}
"""Of forty contacts ten have no answer; half of their texts left."""


def rows(change: Callable[[dict[str, Any]], dict[str, Any]], *, of: str = "all") -> Bend:
    """Change every row, or those of the contacts in doubt."""
    doubtful = {phone(n) for n in TROUBLED}

    def bend(page: Page, query: dict[str, str]) -> Page:
        def is_meant(row: dict[str, Any]) -> bool:
            return of == "all" or str(row.get("phone") or row.get("number"))[-10:] in doubtful

        return {**page, "data": [{**row, **change(row)} if is_meant(row) else row for row in page["data"]]}

    return bend


def cut(page: Page, query: dict[str, str]) -> Page:
    kept = [row for row in page["data"] if row["phone"] not in {phone(n) for n in TROUBLED}]
    return {"count": len(kept), "total": page["total"], "data": kept}


def deaf(page: Page, query: dict[str, str]) -> Page:
    return {"count": 0, "total": 0, "data": []} if "flags" in query or "," in query.get("phone", "") else page


BENDS: dict[str, Bend] = {
    "an extension": rows(lambda row: {"phone": f"{row['phone']} ext 5"}),
    "an extension where there is doubt": rows(lambda row: {"phone": f"{row['phone']} ext 5"}, of="doubt"),
    "a mask": rows(lambda row: {"phone": f"******{row['phone'][6:]}"}, of="doubt"),
    "a float": rows(lambda row: {"phone": f"{row['phone']}.0"}, of="doubt"),
    "a stranger": rows(lambda row: {"phone": f"989{row['phone'][3:]}"}, of="doubt"),
    "words altered, tags lost, times off": rows(
        lambda row: {"text": "s.co/1", "flags": [], "sent_time": "2001-01-01T00:00:00Z"}, of="doubt"
    ),
    "fewer rows than the total": cut,
    "neither tags nor lists": deaf,
}


@pytest.mark.parametrize("name", BENDS)
def test_nobody_is_absent_whom_the_log_shows_in_its_own_way(stage: Stage, provider: Provider, name: str) -> None:
    """Else a person has the text twice: once of the run, once of `--resend-absent`."""
    absent = 5 if name.startswith("words") else 0  # whose texts are left in doubt is plain there, and who has none
    with relayed(provider.port, BENDS[name]) as url:
        env = stage.environment(RUMBLEUP_BASE_URL=url)
        provider.faults({}, {phone(n): kind for n, kind in TROUBLED.items()})
        done = stage.run(*stage.sending(stage.list(40)), env=env)
        assert (done.code, done.json["unknown"], provider.left) == (1, 10, 35), done
        provider.faults({}, {phone(n): None for n in TROUBLED})
        looked = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0", env=env)
        assert (looked.code, looked.json["absent"], looked.json["found"]) == (1, absent, 0), looked
        assert looked.json["problem"]
        again = stage.run("resume", stage.ledger, "--yes", "--json", "--settle-seconds", "0", "--resend-absent", env=env)
        assert (again.code, again.json["unknown"], provider.left) == (1, 10 - absent, 35 + absent), again
        stage.check(40, summary=again.json, doubtful=10 - absent)


@pytest.mark.parametrize("of", ["all", "doubt"])
def test_nobody_is_absent_over_sendblue_either(stage: Stage, provider: Provider, of: str) -> None:
    """Else a number with an extension is nobody's, and its owner has the text twice."""
    bend = rows(lambda row: {"number": f"{row['number']} x1", "to_number": None}, of=of)
    key, _, secret = KEY.partition(":")
    with relayed(provider.port, bend) as url:
        env = stage.environment(
            RUMBLEUP_API_KEY=None, SENDBLUE_API_KEY=key, SENDBLUE_API_SECRET=secret, SENDBLUE_BASE_URL=url.removesuffix("/api")
        )
        fast = ["--per-second", "0", "--new-per-hour", "0", "--new-per-day", "0"]
        provider.faults({}, {f"+1{phone(n)}": kind for n, kind in TROUBLED.items()})
        arguments = [
            *("send", stage.list(40), "--provider", "sendblue", "--from", "+12025550198", "--text", "Hi. STOP to opt out"),
            *("--ledger", stage.ledger, "--yes", "--json", *fast),
        ]
        done = stage.run(*arguments, env=env)
        assert (done.code, done.json["unknown"], provider.left) == (1, 10, 35), done
        provider.faults({}, {f"+1{phone(n)}": None for n in TROUBLED})
        looked = stage.run("reconcile", stage.ledger, "--json", "--settle-seconds", "0", env=env)
        assert (looked.code, looked.json["absent"], looked.json["found"]) == (1, 0, 0), looked
        again = stage.run("resume", stage.ledger, "--yes", "--json", "--settle-seconds", "0", "--resend-absent", *fast, env=env)
        assert (again.json["unknown"], provider.left) == (10, 35), again
    truth = provider.truth()
    assert len({text["phone"] for text in truth}) == len(truth), "somebody was texted twice"
    stage.is_checked()
