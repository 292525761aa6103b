"""Several runs over one book, killed and resumed: nobody is texted twice over all of them, and nobody is lost."""

from pathlib import Path

import pytest

from tests.acceptance.provider_process import Provider
from tests.acceptance.shell import Shell
from tests.people.contest import Contest


@pytest.mark.parametrize(("runs", "kills"), [(2, 6), (4, 8)])
@pytest.mark.timeout(200)
def test_runs_over_one_book(tmp_path: Path, provider: Provider, shell: Shell, runs: int, kills: int) -> None:
    """A claim that is lost with its process, or made after the text, texts people twice; one that nobody takes up loses them."""
    contest = Contest(tmp_path, provider, shell, runs=runs, contacts=240, seed=runs)
    outcome = contest.play(kills)
    assert outcome.turned_away > 0
    assert outcome.people == outcome.texts + outcome.in_doubt
