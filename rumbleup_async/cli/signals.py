"""Signals of the command: the first one stops cleanly, the second one ends at once.

Lives here: handlers, installed by the command only; the library itself never touches signals.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rumbleup_async.cli.console import INTERRUPTED, say

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopping(stop: Callable[[], None], words: str) -> Iterator[None]:
    """Within it, a first signal calls `stop` and says `words`; a second one ends the process.

    Ending at once is safe: every intent is on the disk before its request, so the ledger tells what is unknown.
    """
    loop = asyncio.get_running_loop()
    told = False

    def on_signal() -> None:
        nonlocal told
        if told:
            os._exit(INTERRUPTED)
        told = True
        say(f"\n{words}")
        stop()

    for number in _STOPS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in _STOPS:
            loop.remove_signal_handler(number)
