"""wrk, a load generator in C, as the floor: it keeps no books, merges no text, reads no answer beyond its status."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from benchmarks.senders import job as jobs

_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"phone":"2012000000","action":"125","text":"Hi Ada, the polls are open until 8 pm. Reply STOP to opt out"}'
"""


def send(job: jobs.Job) -> None:
    """For so many seconds; `job.texts` becomes what it got answered."""
    script = Path(job.options.folder) / "post.lua"
    script.write_text(_SCRIPT, encoding="ascii")
    command = ["wrk", "-t1", f"-c{job.concurrency}", f"-d{job.options.seconds}s", "-s", str(script), f"{job.url}/message/send"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", printed)
    if found is None or "Non-2xx" in printed:
        raise SystemExit(f"wrk: {printed}")
    job.texts = int(found[1])


if __name__ == "__main__":
    arguments = jobs.parser()
    arguments.add_argument("--folder", required=True)
    arguments.add_argument("--seconds", type=int, default=2)
    told = jobs.read(arguments)
    jobs.measure_blocking(told, lambda: send(told))
