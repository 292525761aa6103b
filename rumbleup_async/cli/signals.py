"""Signals of the command: the first one stops cleanly, the second one ends at once; two others pause a run and let it go on.

Lives here: handlers, installed by the command only; the library itself never touches signals.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rumbleup_async.cli.console import INTERRUPTED, say
from rumbleup_async.errors import LedgerError

if TYPE_CHECKING:
    from rumbleup_async.runs.run import Run

_ECHO = 0.5
"""Seconds within which a second signal counts as the first: a wrapper forwards what the terminal has sent to all."""

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stopping(stop: Callable[[], None], words: str) -> Iterator[None]:
    """Within this, a first signal calls `stop` and says `words`; a second one ends the process. Not to be nested.

    Ending at once is safe: every intent is on the disk before its request, so the ledger tells what is unknown. A signal
    that was ignored stays ignored. After the block a second signal still ends the process, while the ledger is closed.
    """
    loop = asyncio.get_running_loop()
    told: float | None = None

    def on_signal(*_: object) -> None:
        nonlocal told
        if told is None:
            told = time.monotonic()
            stop()  # before any word: the terminal may be gone
            say(f"\n{words}")
        elif time.monotonic() - told > _ECHO:
            if sys.stderr.isatty():
                with suppress(OSError):
                    os.write(2, b"\x1b[?25h\n")  # the live bar has hidden the cursor
            os._exit(INTERRUPTED)

    before = _heeded()
    for number in before:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            # The loop would leave Ctrl-C to Python, which raises KeyboardInterrupt
            # wherever it is: in a `__del__` it is lost.
            loop.remove_signal_handler(number)
            if told is not None:
                signal.signal(number, on_signal)
            elif handler is not None:  # one that Python did not install
                signal.signal(number, handler)


@contextmanager
def pausing(run: Run) -> Iterator[None]:
    """Within this, SIGUSR1 pauses the run and SIGUSR2 lets it go on."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def start(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = loop.create_task(_told(work()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGUSR1, start, lambda: run.pause(who="SIGUSR1"))
    loop.add_signal_handler(signal.SIGUSR2, start, lambda: run.go_on(who="SIGUSR2"))
    try:
        yield
    finally:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)  # by default they end a process


async def _told(work: Coroutine[Any, Any, None]) -> None:
    with suppress(RuntimeError):  # the run has just ended
        try:
            await work
        except LedgerError as error:
            say(f"rumbleup: {error}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this, a signal is a KeyboardInterrupt, so that open files are tidied up; the exit code is 130."""
    before = _heeded() if threading.current_thread() is threading.main_thread() else {}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _heeded() -> dict[int, Any]:
    """The signals that stop the command, with their handlers. One that was ignored at the start, as by `nohup` or by the `&`
    of a script, stays ignored."""
    handlers = {number: signal.getsignal(number) for number in _STOPS}
    return {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}
