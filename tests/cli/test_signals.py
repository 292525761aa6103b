"""What signals do to the command beside its run."""

import asyncio
import signal

import pytest

from rumbleup_async.cli.signals import stopping


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_a_signal_did_before_it_does_again(loop: str) -> None:
    """Ctrl-C between reading the list and sending would be raised inside of whatever runs, and be lost in a finaliser."""
    factory = asyncio.new_event_loop if loop == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    stops: list[str] = []

    async def main() -> list[object]:
        with stopping(lambda: stops.append("stopped"), "stopping"):
            signal.raise_signal(signal.SIGTERM)
            while not stops:
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
    assert stops == ["stopped"]
