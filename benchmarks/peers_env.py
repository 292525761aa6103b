"""The peers' environment: what others send with, installed from peers.txt into .bench/venv and nowhere else.

`python -m benchmarks peers` installs it; the parts that compare with peers call `prepare()` themselves.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
PINS = Path(__file__).with_name("peers.txt")
_VENV = FOLDER / "venv"
_DONE = FOLDER / "installed.txt"


def python() -> str | None:
    """The interpreter that has the peers, None as long as they are not installed as peers.txt has them."""
    interpreter = _VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    is_current = _DONE.exists() and _DONE.read_text(encoding="utf-8") == _wanted()
    return str(interpreter) if is_current and interpreter.exists() else None


def prepare() -> str | None:
    """Install the peers unless they are there. Returns why there are none, if it failed."""
    if python() is not None:
        return None
    print(f"installing the peers of {PINS.name} into {_VENV.relative_to(ROOT)} ...", file=sys.stderr, flush=True)
    FOLDER.mkdir(exist_ok=True)
    venv.create(_VENV, with_pip=True, clear=True)
    command = [str(_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(PINS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        (FOLDER / "pip.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        return "pip could not install them; see .bench/pip.log"
    _DONE.write_text(_wanted(), encoding="utf-8")
    return None


def versions() -> dict[str, str]:
    """The peers by name, with the versions that are pinned."""
    lines = (line.split("#")[0].strip() for line in PINS.read_text(encoding="utf-8").splitlines())
    return {name: version for name, _, version in (line.partition("==") for line in lines if line)}


def _wanted() -> str:
    return f"{sys.version}\n{PINS.read_text(encoding='utf-8')}"
