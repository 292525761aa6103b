"""What signals do to the command beside its run."""

import asyncio
import signal
import subprocess
import sys

import pytest

from rumbleup_async.cli.signals import stopping


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_a_signal_did_before_it_does_again(loop: str) -> None:
    """Ctrl-C between reading the list and sending would be raised inside of whatever runs, and be lost in a finaliser."""
    factory = asyncio.new_event_loop if loop == "asyncio" else pytest.importorskip("uvloop").new_event_loop

    async def main() -> list[object]:
        with stopping(lambda: None, "stopping"):
            await asyncio.sleep(0.01)
        return [signal.getsignal(number) for number in numbers]

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            assert runner.run(main()) == [signal.SIG_DFL] * 3
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(("pause", "code"), [(0.0, 0), (0.7, 130)])
def test_the_second_signal_while_the_books_are_closed(loop: str, pause: float, code: int) -> None:
    """A wrapper that passes on what the terminal has sent to everybody would see the command killed, not stopped; and where
    closing takes long, nothing would end it."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    done = subprocess.run(
        [sys.executable, "-c", _TWICE, loop, str(pause)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (code, "\nstopping\n")


_TWICE = """
import asyncio, os, signal, sys, time
from rumbleup_async.cli.signals import stopping

async def main():
    stopped = asyncio.Event()
    with stopping(stopped.set, "stopping"):
        os.kill(os.getpid(), signal.SIGTERM)
        await stopped.wait()
    time.sleep(float(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0.1)

factory = asyncio.new_event_loop
if sys.argv[1] == "uvloop":
    import uvloop
    factory = uvloop.new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
"""
