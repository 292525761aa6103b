"""One long run of the real command, through calm and trouble: what its process keeps must stay as it is, and the promise too.

Lives here: the run, its troubles in turn, and the verdict. What is kept for each text shows as memory, what is left open by each
connection as a descriptor, what waits for nothing as a task.
"""

import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.acceptance.lists import text_for
from tests.acceptance.provider_process import Provider, until
from tests.acceptance.stage import Stage

ROOT: Final = Path(__file__).parents[2]
CALM, HELD, RECONNECTED, PAUSED, LOST = "calm", "held", "reconnected", "paused", "answers lost"
TROUBLES: Final[dict[str, dict[str, float]]] = {
    CALM: {},
    HELD: {},
    RECONNECTED: {"keepalive-close": 0.05, "keepalive-close-next": 0.002},
    PAUSED: {},
    LOST: {"close-after": 0.001, "half-body": 0.001, "reset-after": 0.001},
}
"""What the provider does, in turn. A text that meets the end of its connection is unknown, and of more than 2 in a hundred a run
stops."""
ROUNDS: Final = 4
"""How often each comes, about."""
_PATIENCE: Final = 1800.0
"""Seconds until the first text leaves: a list of millions comes in first, maybe on a machine that does much else."""
_SETTLE: Final = 1
"""Seconds from a text until its absence from the log counts."""
MOST_KIB: Final = 4096
"""By so much the memory may grow between the second and the last quarter of a run, however many texts lie between the two: of a
million texts eight bytes each, of ten thousand a whole text with its answer."""
MOST_MORE: Final = 3
"""So many more threads or tasks there may be."""
CONCURRENCY: Final = 32
MOST_OPEN: Final = CONCURRENCY + 26
"""So many descriptors there may be at any moment: a connection for each text in flight, and what a run has open besides.
Connections come and go by the hundred, so whatever one leaves behind shows soon."""


_EXCHANGES: Final = [one for one in range(220, 990) if one % 100 != 11 and one % 111]
"""Without service codes, and those in which a number of one digit would lie."""


def phone(number: int) -> str:
    """A phone for each of ten millions, and more."""
    exchange, line = divmod(number, 10_000)
    area, exchange = divmod(exchange, len(_EXCHANGES))
    return f"{(202, 312, 415, 614)[area]}{_EXCHANGES[exchange]}{line:04d}"


class Sample(NamedTuple):
    """What a process kept at a moment."""

    at: float
    kib: int
    descriptors: int
    threads: int
    tasks: int


class Figures(NamedTuple):
    """What a run came to. `second`, `last`: the medians of these quarters of it."""

    texts: int
    seconds: float
    troubles: Counter[str]
    requests: int
    samples: int
    second: Sample
    last: Sample
    most: Sample

    def wrongs(self) -> list[str]:
        """What has grown."""
        found = []
        if (more := self.last.kib - self.second.kib) > MOST_KIB:
            found.append(f"memory grew by {more} KiB between the second and the last quarter")
        if self.most.descriptors > MOST_OPEN:
            found.append(f"{self.most.descriptors} descriptors were open")
        grown = {"threads": self.last.threads - self.second.threads, "tasks": self.last.tasks - self.second.tasks}
        return found + [
            f"{more} {name} more in the last quarter than in the second" for name, more in grown.items() if more > MOST_MORE
        ]


def read(file: Path) -> list[Sample]:
    """What was noted; the last line may be cut."""
    lines = [line.split() for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [Sample(float(at), *map(int, rest)) for at, *rest in lines]


def judged(samples: Sequence[Sample], begun: float, ended: float) -> tuple[Sample, Sample, Sample]:
    """The medians of the second and of the last quarter between the two moments, and the most of each between them."""
    whole = [one for one in samples if begun <= one.at <= ended]
    quarters: list[list[Sample]] = [[], [], [], []]
    for one in whole:
        quarters[min(3, int(4 * (one.at - begun) / (ended - begun)))].append(one)
    assert all(len(quarter) >= 3 for quarter in quarters), f"too few samples: {[len(quarter) for quarter in quarters]}"
    middle = [Sample(*(statistics.median_high(column) for column in zip(*part, strict=True))) for part in quarters]
    return middle[1], middle[3], Sample(*(max(column) for column in zip(*whole, strict=True)))


def play(
    stage: Stage,
    provider: Provider,
    *,
    contacts: int,
    seconds: float,
    seed: int = 1,
    rounds: int = ROUNDS,
    heard: Callable[[str], object] = len,
) -> Figures:
    """Send to so many contacts, about so long, and check. AssertionError where the promise was broken."""
    chance = random.Random(seed)
    notes, rate = stage.folder / "notes", contacts / seconds
    provider.set(latency=0.01)
    command = (sys.executable, "-m", "tests.soak.watched", str(notes), str(max(0.05, seconds / 2000)))
    people = [phone(number) for number in range(contacts)]
    voters = stage.file("voters.csv", "phone,first_name\n" + "".join(f"{one},Ada\n" for one in people))
    # Nobody reads meanwhile what it says of its progress: for hours it would be more than a pipe holds.
    sending = stage.sending(voters, "--rate", f"{rate:.3f}")
    running = stage.start(
        *sending, "--concurrency", CONCURRENCY, "--quiet", command=command, env=stage.environment(PYTHONPATH=str(ROOT))
    )
    until(lambda: provider.left or running.process.poll() is not None, "no text left", _PATIENCE)
    begun = time.time()
    ended = begun
    met: Counter[str] = Counter()
    part = seconds / (rounds * len(TROUBLES))
    while running.process.poll() is None:
        for name in chance.sample(list(TROUBLES), len(TROUBLES)):
            if running.process.poll() is not None:
                break
            heard(name)
            provider.faults(TROUBLES[name])
            # By chance alone a 429 would be taken for a limit that lies lower each time.
            provider.set(rate_limit=0.8 * rate if name == HELD else None, retry_after=1.0)
            if name == PAUSED:
                _pause(stage, provider, part / 2)
            met[name] += 1
            _wait(part, lambda: running.process.poll() is not None)
            ended = time.time() if running.process.poll() is None else ended
    provider.faults()
    provider.set(rate_limit=None)
    done = running.wait()
    assert done.code in (0, 1), done
    # Whose connection ended as the text arrived, the log does not show: they are sent after all.
    time.sleep(_SETTLE)
    settled = stage.resume("--resend-absent", "--settle-seconds", _SETTLE)
    assert (settled.json["sent"], settled.json["unknown"]) == (contacts, 0), settled
    stage.check(contacts, planned=dict.fromkeys(people, text_for("Ada")))
    second, last, most = judged(samples := read(notes), begun, ended)
    return Figures(contacts, ended - begun, met, provider.requests, len(samples), second, last, most)


def _pause(stage: Stage, provider: Provider, seconds: float) -> None:
    """From another process, and what it promises. The run may have come to its end in this moment, or be slow to answer."""
    if not stage.run("pause", stage.ledger).code:
        # What was in flight was answered before the pause was said to be there.
        left = provider.left
        time.sleep(seconds)
        assert provider.left == left, "texts left in a pause"
    until(lambda: not stage.run("continue", stage.ledger).code, "it does not go on", _PATIENCE)


def _wait(seconds: float, over: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    until(lambda: over() or time.monotonic() > end, "the clock stands still", seconds + 60.0)
