"""A provider in another process, and how to wait for what happens there."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.shell import BASE, GUARD

COMMAND = str(Path(sys.executable).with_name("rumbleup"))
KEY = "c_acceptance:hunter2hunter2"

_web = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Provider:
    """`rumbleup simulate` in a process of its own."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0) -> None:
        self.log = folder / f"simulator-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [COMMAND, "simulate", "--port", str(port), *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=BASE,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.log.read_text()
        self.port = int(self.url.removesuffix("/api").rpartition(":")[2])
        self.set(api_key=KEY)

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """One request to the admin API."""
        data = None if body is None else json.dumps(body).encode()
        with _web.open(f"{self.url.removesuffix('/api')}/_simulator/{path}", data=data, timeout=30) as response:
            return bytes(response.read())

    def reset(self) -> None:
        """Restore everything as when it was started, but with the tests' key."""
        self.call("resume", {})
        self.call("reset", {})
        self.set(api_key=KEY)

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.call("settings", settings)

    def faults(self, rates: Mapping[str, float] | None = None, phones: Mapping[str, Any] | None = None) -> None:
        """Set the rates, and the faults of single phones."""
        self.call("faults", {"rates": rates or {}, "phones": phones or {}})

    def truth(self) -> list[dict[str, Any]]:
        """Every text that left."""
        lines = self.call("truth?fields=phone,text,action,flags,group,logid,time").splitlines()
        return [json.loads(line) for line in lines]

    def summary(self) -> dict[str, Any]:
        """Counts of the texts that left, and of the requests."""
        found: dict[str, Any] = json.loads(self.call("summary"))
        return found

    @property
    def left(self) -> int:
        """How many texts left."""
        return int(self.summary()["texts"])

    @property
    def requests(self) -> int:
        """How many sends were requested."""
        requests = self.summary()["requests"]
        return sum(int(requests.get(endpoint, {}).get("received", 0)) for endpoint in ("message/send", "sendblue/send"))

    def wait_for(self, texts: int) -> None:
        """Wait until this many texts have left."""
        until(lambda: self.left >= texts, f"{texts} texts did not leave")

    def close(self) -> None:
        """End the process. It must not have written a traceback."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        assert "Traceback" not in self.log.read_text()


def must_keep_to(rate: float, provider: Provider) -> None:
    """Fail if texts came faster than so many a second.

    A provider that had to wait for its processor takes what came meanwhile in one go. That it comes late says nothing of
    its sender; that the nth text comes earlier than it may leave does. The first one, too, may have been late by a moment.
    """
    times = sorted(text["time"] for text in provider.truth())
    early = max(number - rate * (time - times[0]) for number, time in enumerate(times))
    assert early <= 3 + rate / 4, f"one of {len(times)} texts came {early / rate:.2f} s early at {rate} a second"
    worst = max(sum(1 for time in times if start <= time < start + 0.5) for start in times)
    assert worst <= rate, f"{worst} texts in half a second at {rate} a second"


@contextmanager
def providing(folder: Path, *arguments: str, port: int = 0) -> Iterator[Provider]:
    """A provider for one test."""
    provider = Provider(folder, *arguments, port=port)
    try:
        yield provider
    finally:
        provider.close()


def until(true: Callable[[], object], otherwise: str, seconds: float = GUARD) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
