"""A share of the fuzzing: what once was wrong, the samples, and some thousand inputs that differ from them a little."""

import random

import pytest

from tests.fuzz.changing import changed
from tests.fuzz.targets import TARGETS, seeds

_INPUTS = {"lists": 80, "suppression": 200, "replies": 1500, "webhooks": 1500, "page": 150}


@pytest.mark.parametrize("target", TARGETS)
def test_no_bytes_of_others_end_in_an_error_of_ours(target: str) -> None:
    """A damaged file, a strange answer or a caller who means harm would end a run in the middle, or a receiver for good."""
    draw, known = random.Random(7), list(seeds(target))
    assert len(known) > 3
    for data in known:
        TARGETS[target](data)
    for _ in range(_INPUTS[target]):
        TARGETS[target](changed(draw, known))
