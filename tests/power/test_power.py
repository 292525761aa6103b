"""The power goes while ledger and book are written: whoever may have been texted is known to both, and nobody is texted twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power import museum
from tests.power.cuts import in_memory, play
from tests.power.museum import Exhibit


@pytest.fixture
def folder() -> Iterator[Path]:
    with in_memory() as folder:
        yield folder


@pytest.mark.parametrize("seed", [2, 3])
def test_the_power_goes_at_any_write(folder: Path, seed: int) -> None:
    """What the disk had not written yet would be forgotten, and its people texted again; or a ledger would be refused for it."""
    tally = play(folder, seed, 8, part=0.2, resumed=0.15)
    assert tally.with_texts > 30
    assert tally.resumed > 5


@pytest.mark.parametrize("exhibit", museum.EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_a_write_that_nobody_waits_for_is_noticed(folder: Path, exhibit: Exhibit) -> None:
    """The cuts would pass whatever is lost in them."""
    said = museum.hunt(exhibit, folder)
    assert exhibit.rule in said, said
