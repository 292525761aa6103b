"""What comes along with an installation: its bill of materials, and what is known of faults in it. For `make release`.

A place that knows nothing of faults answers like one that knows of none. So what was not looked up is counted, and is never
taken for sound.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICES = ("pypi", "osv")
"""Who is asked, one after the other, until somebody knows of all packages: the index, and the database of open-source faults."""
OURS = ("rumbleup_async", "rumbleup-async")


class Failed(Exception):
    """What is wrong with a release, in words."""


def run(*command: str | Path, folder: Path | None = None, env: dict[str, str] | None = None, code: int = 0) -> str:
    """What a program prints; Failed with its last words if it ends with another code than this."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    if done.returncode != code:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise Failed(f"{' '.join(map(str, command))}: exit code {done.returncode}, not {code}\n{words}")
    return done.stdout + done.stderr


def bill(python: Path, file: Path) -> int:
    """Write the bill of materials of an environment (CycloneDX). How many components it has; Failed if some are missing."""
    run(sys.executable, "-m", "cyclonedx_py", "environment", "--output-format", "JSON", "--output-file", file, python)
    names = [one["name"] for one in json.loads(file.read_text())["components"]]
    if not {"aiohttp", "psycopg", "typer"} <= {*names}:
        raise Failed(f"{file.name} is not complete")
    return len(names)


def frozen(python: Path, file: Path) -> None:
    """Write what an environment has, so that it can be audited elsewhere."""
    lines = [line for line in run(python, "-m", "pip", "freeze").splitlines() if "==" in line and not line.startswith(OURS)]
    file.write_text("".join(f"{line}\n" for line in lines))


def judged(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Of a report of pip-audit: known faults, and the packages of which nothing is known."""
    found = [one for one in report["dependencies"] if one["name"] not in OURS]
    faults = [f"{one['name']} {one['version']}: {known['id']}" for one in found for known in one.get("vulns", ())]
    return faults, [one["name"] for one in found if "skip_reason" in one]


def audit(listed: Path, *, is_left_out: bool) -> str:
    """How it stands with known faults in what is listed, as a line to be read. Failed for any fault; and for packages of which
    nobody tells anything, unless that is said to be left out."""
    silent = listed.read_text().split("\n")[:-1]
    total = len(silent)
    for service in SERVICES:
        asked = ["--progress-spinner", "off", "--format", "json", "--service", service, "--disable-pip", "--no-deps"]
        command = [sys.executable, "-m", "pip_audit", *asked, "--requirement", str(listed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        if not done.stdout.startswith("{"):
            continue  # it cannot be reached
        faults, silent = judged(json.loads(done.stdout))
        if faults:
            raise Failed("known faults:\n" + "\n".join(faults))
        if not silent:
            return f"{total} packages audited ({service}): no known faults"
    by_hand = f"audit them where one can be reached: pip-audit --disable-pip --no-deps -r {listed.name}"
    words = f"NOT AUDITED: {len(silent)} of {total} packages; nobody who knows of faults can be reached from here.\n{by_hand}"
    if is_left_out:
        return words
    raise Failed(f"{words}\nor leave it out: make release UNAUDITED=1")
