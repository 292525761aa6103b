"""The power goes while ledger and book are written: whoever may have been texted is known to both, and nobody is texted twice."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from rumbleup_async.messaging import State
from tests import virtual_time
from tests.ledger.test_upgrade import earlier
from tests.power import museum
from tests.power.cuts import in_memory, play, states_of
from tests.power.disk import Disk
from tests.power.heard import Hearing
from tests.power.museum import Exhibit
from tests.power.run import LEDGER, hear, put


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


def test_the_power_goes_while_a_ledger_of_an_earlier_version_is_opened(folder: Path) -> None:
    """Half of it would be in the new form, and nobody could open it any more; or somebody in flight would be queued again."""
    base, expected, chance, cuts = {LEDGER: earlier(folder / "earlier").read_bytes()}, dict[str, State](), Random(1), 0

    async def opened(_: Hearing) -> None:
        expected.update(await states_of(folder / "here" / LEDGER))

    heard = hear(folder / "here", base, opened)
    assert expected["2025550107"] is State.UNKNOWN
    disk = Disk(base)
    for change in heard:
        disk.apply(change)
        for kind, image in disk.images(chance):
            put(folder / "cut", image)
            assert virtual_time.run(states_of(folder / "cut" / LEDGER)) == expected, kind
            cuts += 1
    assert cuts > 50


@pytest.mark.parametrize("exhibit", museum.EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_a_write_that_nobody_waits_for_is_noticed(folder: Path, exhibit: Exhibit) -> None:
    """The cuts would pass whatever is lost in them."""
    said = museum.hunt(exhibit, folder)
    assert exhibit.rule in said, said
