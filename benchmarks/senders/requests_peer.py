"""requests and threads: one session in each thread, since sessions are not made to be shared."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import requests  # type: ignore[import-untyped, import-not-found, unused-ignore]  # in the peers' environment

from benchmarks.senders import job as jobs


def send(job: jobs.Job) -> None:
    """`session.post(json=...)`, `.json()`."""
    local = threading.local()

    def begin() -> None:
        local.session = requests.Session()
        local.session.trust_env = False

    def one(number: int) -> None:
        response = local.session.post(f"{job.url}/message/send", json=job.body(number), timeout=60)
        response.raise_for_status()
        response.json()

    with ThreadPoolExecutor(job.concurrency, initializer=begin) as pool:
        for _ in pool.map(one, range(job.texts)):
            pass


if __name__ == "__main__":
    told = jobs.read()
    jobs.measure_blocking(told, lambda: send(told))
