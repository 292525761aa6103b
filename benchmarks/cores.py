"""What the machine's cores are worth: one, at the moment, and two together.

Python that keeps a core busy gains no more by a second process than two that share nothing do, and on virtual machines that may
be less than two. How fast one is changes there from minute to minute; beside a rate that has no other row to be compared with, it
tells a slow moment from a slow program.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from benchmarks.results import Figure


def worth(*, rounds: int, quick: bool = False) -> Figure:
    """The work of two processes at once by that of one in the same time, round by round."""
    steps = 20_000 if quick else 1_500_000
    ratios = []
    for _ in range(rounds):
        alone, together = _seconds(1, steps), _seconds(2, steps)
        ratios.append(2 * alone / together)
    return Figure(f"Python in 2 processes that share nothing, against 1 ({rounds} rounds, by themselves)", "× the work", ratios)


def speed(*, seconds: float = 0.1) -> float:
    """Steps a second of a loop that is always the same, in millions: what one core is worth at this moment."""
    began, steps = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        _steps(20_000)
        steps += 20_000
    return steps / took / 1e6


def _seconds(processes: int, steps: int) -> float:
    """Until the last of so many processes, all begun at once, has done its work."""
    context = multiprocessing.get_context("spawn")
    barrier, times = context.Barrier(processes), context.Queue()
    started = [context.Process(target=_work, args=(barrier, times, steps)) for _ in range(processes)]
    for process in started:
        process.start()
    took: list[float] = [times.get(timeout=120) for _ in started]
    for process in started:
        process.join()
    return max(took)


def _work(barrier: Barrier, times: Queue[float], steps: int) -> None:
    barrier.wait(timeout=60)
    began = time.perf_counter()
    _steps(steps)
    times.put(time.perf_counter() - began)


def _steps(number: int) -> None:
    some: dict[int, int] = {}
    for step in range(number):
        some[step & 1023] = some.get(step & 511, 0) + step
