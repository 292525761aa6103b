"""Runs over lists that overlap, at the same time, over one book, each killed and resumed until it has come to its end.

Lives here: the contest and its check against all texts that left. Larger than in the suite:
`python -m tests.people.contest --runs 4 --contacts 4000 --kills 60 --seed 7`.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import State
from rumbleup_async.reasons import Code
from tests.acceptance.lists import TEXT, phone
from tests.acceptance.provider_process import KEY, Provider, providing
from tests.acceptance.shell import BASE, Forked, Shell


class Outcome(NamedTuple):
    """What a contest came to."""

    people: int
    texts: int
    kills: int
    processes: int
    in_doubt: int
    """People whom nobody texted, and of whom a ledger says that a text may have left, or that its log does not show one."""
    turned_away: int
    """Contacts that another run was faster with."""


class Contest:
    """`runs` runs over `contacts` people, of whom each run has more than half on its list."""

    def __init__(self, folder: Path, provider: Provider, shell: Shell, *, runs: int, contacts: int, seed: int) -> None:
        self.folder = folder
        self._provider = provider
        self._shell = shell
        self._chance = random.Random(seed)
        self._people = [phone(number) for number in range(contacts)]
        self._lists = [self._chance.sample(self._people, contacts * 2 // 3) for _ in range(runs)]
        for number, people in enumerate(self._lists):
            (folder / str(number)).mkdir()  # of ledgers beside it each run would have something to say
            (folder / str(number) / "list.csv").write_text("phone,first_name\n" + "".join(f"{one},Ada\n" for one in people))
        self._processes = 0

    def play(self, kills: int) -> Outcome:
        """Play it. AssertionError where somebody was texted twice, or was lost."""
        self._provider.set(latency=0.02)
        begun: dict[int, bool] = {}
        running = {number: self._begin(number, begun) for number in range(len(self._lists))}
        landed = 0
        while running:
            number = self._chance.choice(sorted(running))
            process = running[number]
            if landed < kills and process.ended_within(self._chance.uniform(0.0, 0.35)) is None:
                process.signal(signal.SIGKILL)
                landed += 1
            done = process.wait()
            if done.code == -signal.SIGKILL:
                running[number] = self._begin(number, begun)
                continue
            assert done.code in (0, 1, 3), done
            del running[number]
        return self._check(landed)

    def _begin(self, number: int, begun: dict[int, bool]) -> Forked:
        own = self.folder / str(number)
        options = ("--ledger", str(own / "run.ledger"), "--book", str(self.folder / "people.book"), "--concurrency", "16")
        words = ["send", str(own / "list.csv"), "--action", "125", "--text", TEXT, *options]
        begun[number] = True
        self._processes += 1
        env = {**BASE, "HOME": str(self.folder), "RUMBLEUP_API_KEY": KEY, "RUMBLEUP_BASE_URL": self._provider.url}
        return self._shell.start([*words, "--yes", "--quiet"], folder=self.folder, env=env)

    def _check(self, kills: int) -> Outcome:
        texted = Counter(text["phone"] for text in self._provider.truth())
        twice = [one for one, times in texted.items() if times > 1]
        assert not twice, f"{len(twice)} people were texted twice"
        stands: dict[str, list[tuple[State, Code]]] = {one: [] for one in self._people}
        for number, people in enumerate(self._lists):
            reader = Reader(self.folder / str(number) / "run.ledger")
            rows = list(reader.rows())
            reader.close()
            assert len(rows) == len(people), f"run {number} has lost contacts"
            for row in rows:
                stands[row.phone].append((row.state, row.code))
        doubts = turned_away = 0
        for one, found in stands.items():
            states = Counter(state for state, _ in found)
            turned_away += sum(code in {Code.TEXTED_BEFORE, Code.GAP} for _, code in found)
            assert states[State.INTENT] == 0, "an entry was left open"
            if texted[one]:
                assert states[State.SENT] + states[State.UNKNOWN] == 1, f"one text, and the ledgers say {found}"
            elif found:
                assert states[State.SENT] == 0, "a ledger says sent, and nothing left"
                doubts += 1
                assert states[State.UNKNOWN] == 1, f"nobody has texted somebody, and the ledgers say {found}"
        return Outcome(sum(map(bool, stands.values())), sum(texted.values()), kills, self._processes, doubts, turned_away)


def main() -> int:
    """Play one contest and print what it came to; 1 if somebody was texted twice or lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.people.contest", description=__doc__)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--contacts", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder, begun = Path(tempfile.mkdtemp(prefix="contest-")), time.monotonic()
    shell = Shell()
    try:
        with providing(folder) as provider:
            contest = Contest(folder, provider, shell, runs=given.runs, contacts=given.contacts, seed=given.seed)
            outcome = contest.play(given.kills)
    finally:
        shell.close()
    print(f"{outcome} in {time.monotonic() - begun:.0f} s: nobody twice, nobody lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
