"""A run of some seconds through calm and trouble, and that growth would be noticed."""

from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.provider_process import providing
from tests.acceptance.shell import Shell
from tests.acceptance.stage import Stage
from tests.soak.soak import CONCURRENCY, Figures, Sample, judged, play


def test_a_process_keeps_no_more_at_the_end_than_before(tmp_path: Path, shell: Shell) -> None:
    """A run of millions would fill the memory of its machine, or run out of descriptors, and end in the middle of the list."""
    with providing(tmp_path) as provider:
        stage = Stage(tmp_path, provider, shell)
        try:
            figures = play(stage, provider, contacts=1200, seconds=2, rounds=1)
        finally:
            stage.close()
    assert figures.wrongs() == []
    assert len(figures.troubles) == 5
    assert figures.most.tasks > CONCURRENCY, "the tasks of another loop were counted"


@pytest.mark.parametrize(
    ("name", "each", "said"), [("kib", 100, "memory grew"), ("descriptors", 1, "descriptors"), ("tasks", 1, "tasks")]
)
def test_what_grows_is_noticed(name: str, each: int, said: str) -> None:
    """The soak would pass whatever a process keeps."""
    base = Sample(0.0, 60_000, 40, 4, 54)
    grows = [base._replace(at=float(at), **{name: getattr(base, name) + each * at}) for at in range(100)]
    stays = [one._replace(**{name: getattr(base, name) + at % 3}) for at, one in enumerate(grows)]

    def wrongs(samples: list[Sample]) -> list[str]:
        return Figures(1, 99.0, Counter(), 1, 100, *judged(samples, 0.0, 99.0)).wrongs()

    assert said in "".join(wrongs(grows))
    assert wrongs(stays) == []
