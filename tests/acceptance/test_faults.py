"""What a provider and a network can do to a run: the right state, the right exit code, and words a person can act on."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import KEY, Provider, providing
from tests.acceptance.stage import Stage

SENT_ALL_THE_SAME = {
    "slow",
    "drip",
    "keepalive-close",
    "keepalive-close-next",
    "429",
    "429-retry-after",
    "440",
    "440-in-body",
} | {
    "403",  # tried once more at the end of the run
    "time-range",
}
REFUSED = {"400", "landline", "dnd"}
STOPPING = {"401", "403-opt-out", "daily-cap"}
UNDOCUMENTED = {"441", "441-in-body"}  # answers of message/next
APART = 5


def test_every_fault_of_a_single_text(stage: Stage, provider: Provider) -> None:
    """Else a text that left would count as not sent and be sent again, or one that never left as sent."""
    kinds: dict[str, Any] = json.loads(provider.call("settings"))["kinds"]
    sends = sorted(name for name, kind in kinds.items() if "send" in kind["endpoints"])
    unknown = {*sends} - SENT_ALL_THE_SAME - REFUSED - STOPPING - UNDOCUMENTED
    assert unknown >= {
        "hang-after",
        "hang-before",
        "reset-after",
        "half-body",
        "502-html-after",
        "500-before",
        "redirect",
        "empty",
    }
    # What takes the next text of its connection along comes last: that may be any text behind it.
    tried = sorted(
        (name for name in sends if name not in STOPPING | UNDOCUMENTED), key=lambda name: name == "keepalive-close-next"
    )
    struck = {phone(APART * number + 4): name for number, name in enumerate(tried)}
    rows = APART * len(tried) + 10
    provider.faults(phones={number: [f"send:{name}"] for number, name in struck.items()})
    provider.set(slow_seconds=0.5)

    done = stage.send(stage.list(rows), "--concurrency", "4", "--timeout", "2")

    assert done.code == 1, done
    contacts = stage.check(
        rows, summary=done.json, doubtful=len(unknown) + 2, planned={phone(n): text_for("Ada") for n in range(rows)}
    )
    truth = {text["phone"] for text in provider.truth()}
    for number, name in struck.items():
        expected = "sent" if name in SENT_ALL_THE_SAME else "refused" if name in REFUSED else "unknown"
        entry = contacts[number]
        assert entry.state == expected, f"{name}: {entry}"
        assert entry.reason or expected == "sent", name
        left = kinds[name]["left"] or (name in SENT_ALL_THE_SAME)
        assert (number in truth) is left, name
    others = Counter(entry.state for number, entry in contacts.items() if number not in struck)
    assert others["sent"] >= rows - len(tried) - 2, others  # a connection that closes unannounced may take a neighbour with it
    attempts = sum(entry.attempts for entry in contacts.values())
    assert provider.requests <= attempts, "a redirect was followed, or a text was repeated"

    provider.faults({})
    after = stage.resume("--no-reconcile")
    assert after.code == 1, "what is unknown stays unknown"
    assert after.json["unknown"] == done.json["unknown"]
    assert after.json["not_sent"] == 0
    stage.check(rows, summary=after.json, doubtful=len(unknown) + 2)


@dataclass(frozen=True)
class Trouble:
    """Something that concerns every text. `begin` texts leave before it sets in."""

    settings: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    begin: int = 0
    words: str = ""
    requests: int = 10_000
    unknown: int = 0
    mended: dict[str, Any] = field(default_factory=dict)


TROUBLES = {
    "a wrong key": Trouble({"api_key": "c_x:y"}, words="RUMBLEUP_API_KEY", requests=1, mended={"api_key": KEY}),
    "a key revoked on the way": Trouble({"api_key": "c_x:y"}, begin=20, words="RUMBLEUP_API_KEY", mended={"api_key": KEY}),
    "an account that may not": Trouble(rates={"403": 1.0}, words="support", requests=10),
    "no fast mode": Trouble({"fast_mode": False}, words="support", requests=10, mended={"fast_mode": True}),
    "opt-out wording": Trouble(rates={"403-opt-out": 1.0}, words="STOP", requests=1),
    "the daily cap": Trouble({"daily_cap": 25}, words="daily cap", mended={"daily_cap": None}),
    "night": Trouble({"outside_hours": True}, words="hours", requests=10, mended={"outside_hours": False}),
    "nightfall": Trouble({"outside_hours": True}, begin=20, words="hours", mended={"outside_hours": False}),
    "a long pause": Trouble(
        {"retry_after": 7200}, {"429-retry-after": 1.0}, words="wait", requests=1, mended={"retry_after": None}
    ),
    "a server in ruins": Trouble(rates={"500-before": 1.0}, words="in a row", requests=10, unknown=10),
    "a login page": Trouble(rates={"html": 1.0}, words="in a row", requests=10, unknown=10),
    "nonsense": Trouble(rates={"400": 1.0}, words="in a row", requests=10),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_of_every_text(stage: Stage, provider: Provider, name: str) -> None:
    """Else a run would burn its list against a wall, or write people off who could be texted once the cause is gone."""
    trouble = TROUBLES[name]
    rows = 300 if trouble.begin else 40
    if not trouble.begin:
        provider.set(**trouble.settings)
        provider.faults(trouble.rates)
    else:
        provider.set(latency=0.03)
    running = stage.begin(*stage.sending(stage.list(rows), "--concurrency", "4"))
    if trouble.begin:
        provider.wait_for(trouble.begin)
        provider.set(**trouble.settings)
    done = running.wait()

    assert done.code == 3, done
    assert trouble.words in done.json["stopped"]
    assert trouble.words in done.err
    assert "rumbleup resume" in done.err or name == "opt-out wording"
    assert done.json["refused"] == 0, "nobody is written off for a cause that is not theirs"
    assert provider.requests <= trouble.requests
    assert stage.run("status", stage.ledger).code == 3
    stage.check(rows, summary=done.json, doubtful=trouble.unknown)

    provider.set(**trouble.mended, latency=0)
    provider.faults({})
    after = stage.resume()
    assert after.json["sent"] == rows - done.json["unknown"], after
    assert after.code == (1 if done.json["unknown"] else 0)
    stage.check(rows, summary=after.json, doubtful=trouble.unknown)


@pytest.mark.parametrize("action", ["999", "126"], ids=["unknown", "not live"])
def test_a_wrong_project(stage: Stage, provider: Provider, action: str) -> None:
    """Else a slip in the project's id would write the whole list off, with exit code 0."""
    provider.call("projects", {"action": "126", "live": False})
    source = stage.list(200)
    done = stage.run("send", source, "--action", action, "--text", "quokkas. STOP", "--ledger", stage.ledger, "--yes", "--json")
    assert done.code == 3, done
    assert done.json["refused"] == 0
    assert provider.requests <= 10
    assert "project" in done.err.lower()
    stage.check(200, summary=done.json)
    provider.call("projects", {"action": action})
    after = stage.resume()
    assert after.json["sent"] == 200, after
    stage.check(200, summary=after.json)


def test_a_storm_of_not_now(stage: Stage, provider: Provider) -> None:
    """Else texts would be lost, or forced on a provider that asks for less."""
    provider.set(rate_limit=150.0)
    provider.faults({"440": 0.1, "429": 0.1})
    done = stage.send(stage.list(200), "--concurrency", "32")
    assert done.code == 0, done
    assert done.json["sent"] == 200
    contacts = stage.check(200, summary=done.json)
    assert sum(entry.attempts for entry in contacts.values()) == provider.requests > 200


def test_nobody_there(stage: Stage, provider: Provider) -> None:
    """Else a wrong address would end in silence, or in contacts that count as texted."""
    with providing(stage.folder) as dead:
        url = dead.url
    done = stage.send(stage.list(30), env=stage.environment(RUMBLEUP_BASE_URL=url))
    assert done.code == 3, done
    assert "RUMBLEUP_BASE_URL" in done.err
    assert done.json["not_sent"] == 30
    after = stage.resume()
    assert after.code == 0, after.err
    stage.check(30, summary=after.json)


def test_a_provider_that_dies_and_comes_back(stage: Stage, provider: Provider) -> None:
    """Else every restart of the provider would end the run, or send again what it had taken before it died."""
    first = Provider(stage.folder, "--latency", "30")
    running = stage.begin(
        *stage.sending(stage.list(300), "--concurrency", "6"), env=stage.environment(RUMBLEUP_BASE_URL=first.url)
    )
    first.wait_for(40)
    first.call("stall", {})
    time.sleep(0.3)
    truth = first.truth()
    first.close()
    time.sleep(1)
    with providing(stage.folder, "--seed", "2", port=first.port) as second:
        done = running.wait()
        truth += second.truth()
    assert done.code == 1, done
    assert 1 <= done.json["unknown"] <= 12
    assert done.json["sent"] == 300 - done.json["unknown"]
    stage.check(300, summary=done.json, truth=truth, doubtful=12)


class _Gossip(BaseHTTPRequestHandler):
    """A provider that repeats in its answers what it was told: phone, text and key."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: the second of two would wait for the first to be acknowledged
    forms: ClassVar[dict[int, int]] = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number, text = body["phone"], body["text"]
        said = [
            f"+1 ({number[:3]}) {number[3:6]}-{number[6:]} did not like: {text}",
            f"{text[:150]}... to 1{number} by {KEY}",
            f"key {KEY} may not text tel:{number}, " + text.upper(),
            f"'{text.replace(' ', '  ')}' {self.headers['Authorization']} {number[:3]}.{number[3:6]}.{number[6:]}",
        ][int(number) % 4]
        status = (400, 422, 409, 400)[int(number) % 4]
        answer = json.dumps({"status": status, "message": said, "code": f"NO {number}"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def gossip() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gossip)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_a_provider_repeats_is_not_passed_on(stage: Stage, provider: Provider) -> None:
    """Else phones, texts or the key would stand in terminals, logs and the reasons of a report."""
    long = "Dear {first_name}, " + "quokkas and wombats vote on Tuesday; " * 6 + "STOP to opt out"
    with gossip() as url:
        env = stage.environment(RUMBLEUP_BASE_URL=url)
        for number, template in enumerate((long, "Dear {first_name}, quokkas. STOP")):
            ledger = stage.folder / f"{number}.ledger"
            done = stage.run(
                "send", stage.list(40), "--action", "125", "--text", template, "--ledger", ledger, "--yes", "--json", env=env
            )
            assert done.code == 3, done
            assert "in a row" in done.err
            stage.ledger = ledger
            stage.check(40, summary=done.json, truth=[])
            report = stage.run("report", ledger).out
            for line in (done.out, *report.splitlines()[1:]):
                row = re.sub(r"^\d+,\d{10},", "", line)
                assert not re.search(r"(?i)quokka|hunter2|(\d[\s().+-]*){10}", row), row
        sent = stage.run("messages", "send", "--phone", phone(1), "--action", "1", "--text", "quokka STOP", "--yes", env=env)
        assert sent.code == 3
        assert "400" in sent.err or "422" in sent.err or "409" in sent.err


def test_a_single_text_that_may_have_left(stage: Stage, provider: Provider) -> None:
    """Else a person who sends one text by hand would be told that it did not leave, and send it again."""
    for kind in ("500-after", "close-after", "empty", "html-after", "redirect-after", "half-body"):
        provider.faults({kind: 1.0})
        done = stage.run("messages", "send", "--phone", phone(1), "--action", "125", "--text", "quokka STOP", "--yes")
        assert done.code == 1, f"{kind}: {done}"
        assert done.out == ""
    assert provider.left == 6
    stage.is_checked()
