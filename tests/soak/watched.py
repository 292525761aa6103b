"""The command, as it is, with a thread beside it that notes what its process keeps.

`python -m tests.soak.watched FILE SECONDS ...`: a line every so many seconds, with the time, KiB of memory, descriptors, threads
and asyncio tasks.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rumbleup_async.__main__ import main

_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE") // 1024


def memory() -> int:
    """KiB that are resident."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * _PAGE
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True).stdout)


def note(out: Path, every: float, loops: list[asyncio.AbstractEventLoop]) -> None:
    """Until the process ends."""
    with out.open("w", buffering=1) as lines:
        while True:
            tasks = len(asyncio.all_tasks(loops[-1])) if loops else 0
            # One of the descriptors is that of the folder, which is read at this moment.
            kept = len(os.listdir("/dev/fd")) - 1  # noqa: PTH208 - the entries are gone before anybody could look at them
            print(time.time(), memory(), kept, threading.active_count(), tasks, file=lines)
            time.sleep(every)


def begin(out: Path, every: float) -> None:
    """Run the command."""
    loops: list[asyncio.AbstractEventLoop] = []
    run: Callable[..., Any] = asyncio.Runner.run

    def running(self: asyncio.Runner, *given: Any, **named: Any) -> Any:
        loops.append(self.get_loop())
        return run(self, *given, **named)

    threading.Thread(target=note, args=(out, every, loops), daemon=True).start()
    with patch.object(asyncio.Runner, "run", running):
        main()


if __name__ == "__main__":
    _, file, seconds, *sys.argv[1:] = sys.argv
    begin(Path(file), float(seconds))
