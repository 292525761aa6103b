"""The model of leases, fence and proof: all states of a small size, and what would be caught. `python -m tests.model`: more."""

import pytest

from tests.model.explorer import explore
from tests.model.leases import Design, check_once
from tests.model.mistakes import MISTAKES, SOUND, Mistake


def test_in_all_states_of_two_processes_nobody_is_texted_twice_or_lost() -> None:
    """Machines that stop, die and come back at the right moments would text somebody twice, or leave somebody open for ever."""
    found = explore(SOUND, contacts=1, processes=2)
    assert not found.broken, found.way
    assert found.states > 30_000


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.what)
def test_a_mistake_is_caught(mistake: Mistake) -> None:
    """The model would hold whatever is built."""
    found = explore(mistake.design, contacts=1, processes=1, promise=mistake.promise)
    assert found.broken == mistake.broken
    assert found.way


def test_whoever_is_stopped_before_the_wire_texts_nobody_twice_unless_somebody_has_it_sent_again() -> None:
    """A machine that is stopped at the one point that no clock guards would text people twice by itself."""
    assert not explore(Design(pause=None, sends_again=False), 1, 1, promise=check_once).broken


def test_folding_hides_nothing() -> None:
    """States would count as seen that were not."""
    for design in (SOUND, Design(travel=1, grace=2), *(mistake.design for mistake in MISTAKES)):
        folded, whole = (explore(design, 1, 1, folds=folds) for folds in (True, False))
        assert folded.broken == whole.broken
        assert folded.states < whole.states
