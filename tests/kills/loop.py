"""Campaign after campaign, several at a time, until enough processes were killed."""

import itertools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.provider_process import Provider
from tests.acceptance.shell import Shell
from tests.kills.campaign import IN_FLIGHT, Campaign, Tally

MOST_KILLS = 25
"""Kills after which a campaign may come to its end in peace."""
_MOST = 4
"""In so many times the kills that were asked for, enough of them must have met texts in flight."""


AT_ONCE = """
from rumbleup_async.ledger import journal, steps_file
journal.LARGE, journal.WARM, journal.MANY, steps_file.BLOCKS = 0, 0, 100, 64
"""
"""What has a process note its steps beside the ledger from the first on, and go round in a small file."""


class Loop:
    """Kills at least `kills` processes, and so many more until `in_flight` of the kills have met texts in flight.

    `violations` holds what went wrong. Each job has a provider of its own. `journal`: steps are noted beside the ledger.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kills: int,
        seed: int,
        in_flight: int = 0,
        journal: bool = False,
        heard: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        self.tally = Tally()
        self.violations: list[str] = []
        self._folder = folder
        self._kills = kills
        self._in_flight = in_flight
        self._seed = seed
        self._journal = journal
        self._heard = heard
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def run(self, jobs: int = 1) -> None:
        """Until there were enough kills, or a violation."""
        threads = [threading.Thread(target=self._work) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work_with(self, provider: Provider, shell: Shell) -> None:
        """The same in this thread, with a provider that is there."""
        while self._goes_on:
            with self._lock:
                number = next(self._numbers)
            folder = self._folder / f"campaign-{number:05d}"
            missing = max(self._kills - self.tally.kills, self._in_flight - self.tally.landed[IN_FLIGHT])
            most = min(MOST_KILLS, missing)
            campaign = Campaign(folder, provider, shell, seed=self._seed, number=number, most_kills=most, journal=self._journal)
            try:
                campaign.run()
            finally:
                with self._lock:
                    self.tally.add(campaign.tally)
                    self._heard(self.tally)
            shutil.rmtree(folder)

    @property
    def _goes_on(self) -> bool:
        if self.violations or self.tally.kills >= _MOST * self._kills:
            return False
        return self.tally.kills < self._kills or self.tally.landed[IN_FLIGHT] < self._in_flight

    def _work(self) -> None:
        shell = Shell(AT_ONCE if self._journal else "")
        try:
            provider = Provider(self._folder)
            try:
                self.work_with(provider, shell)
            finally:
                provider.close()
        except BaseException as problem:
            self.violations.append(f"{type(problem).__name__}: {problem}")
        finally:
            shell.close()
