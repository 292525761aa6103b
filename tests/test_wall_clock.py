"""The command that runs tests at another moment turns the clock of every process that they start."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wall_clock import MOMENTS, built

ASK = """
import os, subprocess, sys, time
print(int(time.time()), flush=True)
if sys.argv[1:]:
    subprocess.run([sys.executable, "-c", "import time; print(int(time.time()))"], env={}, check=True)
    os.environ.clear()
    sys.stdout.flush()
    os.execvp(sys.executable, [sys.executable, "-c", "import datetime; print(int(datetime.datetime.now().timestamp()))"])
"""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler")
def test_every_process_has_the_same_clock(tmp_path: Path) -> None:
    """A test would be tried at night, and its command at noon: it would pass although it fails every night."""
    moment = dt.datetime.fromisoformat(MOMENTS["sunday"])
    env = {**os.environ, "LD_PRELOAD": str(built(tmp_path, moment))}
    done = subprocess.run([sys.executable, "-c", ASK, "and others"], env=env, capture_output=True, text=True, check=True)
    shown = [int(line) - moment.timestamp() for line in done.stdout.split()]  # in whole seconds, and turned by whole seconds
    assert len(shown) == 3
    assert all(-2 <= seconds < 120 for seconds in shown), shown
