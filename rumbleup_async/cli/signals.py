"""Signals of the command: the first one stops cleanly, the second one ends at once.

Lives here: handlers, installed by the command only; the library itself never touches signals.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rumbleup_async.cli.console import INTERRUPTED, say

_ECHO = 0.5
"""Seconds within which a second signal is the first one again: wrappers forward what the terminal has sent to everybody."""

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopping(stop: Callable[[], None], words: str) -> Iterator[None]:
    """Within it, a first signal calls `stop` and says `words`; a second one ends the process. Not to be nested.

    Ending at once is safe: every intent is on the disk before its request, so the ledger tells what is unknown.
    """
    loop = asyncio.get_running_loop()
    told: float | None = None

    def on_signal() -> None:
        nonlocal told
        if told is None:
            told = loop.time()
            stop()  # before any word: the terminal may be gone
            say(f"\n{words}")
        elif loop.time() - told > _ECHO:
            if sys.stderr.isatty():
                with suppress(OSError):
                    os.write(2, b"\x1b[?25h\n")  # the live bar has hidden the cursor
            os._exit(INTERRUPTED)

    before = {number: signal.getsignal(number) for number in _STOPS}
    for number in _STOPS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            # The loop would leave Ctrl-C to Python, which raises KeyboardInterrupt wherever it is: in a `__del__` it is lost.
            loop.remove_signal_handler(number)
            if handler is not None:  # one that Python did not install
                signal.signal(number, handler)
