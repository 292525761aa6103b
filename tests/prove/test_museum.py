"""The harness catches what others got wrong; and it has nothing to say against our code in the same worlds."""

import pytest

from tests.prove import museum
from tests.prove.exhibit import SIZE, Exhibit
from tests.prove.owners import Owners
from tests.prove.world import World


# What these faults leave lying about when their world dies is theirs.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("exhibit", museum.EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_a_fault_of_others_is_caught(exhibit: Exhibit) -> None:
    """All the worlds would pass whatever the code does; or it would be caught for something else than its fault."""
    found = museum.hunt(exhibit)
    assert found is not None, f"{exhibit.name} (seen in {exhibit.seen_in}) passes {exhibit.worlds} worlds"
    seed, said = found
    assert exhibit.rule in said
    exhibit.play(seed)  # the same world, without the fault


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the dead, once they are collected
@pytest.mark.parametrize("concurrent", [None, True])
def test_without_the_faults_the_same_worlds_pass(concurrent: bool | None) -> None:
    """The harness would catch whatever it is shown."""
    for seed in range(museum.WORLDS if concurrent is None else 10):
        World(seed, SIZE, concurrent=concurrent).play()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the dead, once they are collected
def test_without_the_faults_the_same_owners_keep_their_books() -> None:
    """As above, where several bookkeepers have one ledger."""
    for seed in range(60):
        Owners(seed).play()


def test_there_is_something_to_see() -> None:
    """A museum of three would say little."""
    assert len(museum.EXHIBITS) >= 15
    assert len({exhibit.name for exhibit in museum.EXHIBITS}) == len(museum.EXHIBITS)
