"""What docs/promise.md names is there, and its faults can still be built in. `python -m tests.mutants`: each is noticed."""

import ast
import re

import pytest

from tests import documents
from tests.mutants.__main__ import outcome, tried
from tests.mutants.faults import MUTANTS
from tests.mutants.mutant import ROOT, Mutant, mutated
from tests.prove import museum

PAGE = (documents.DOCS / "promise.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: f"{one.lemma} {one.file} {one.function}")
def test_what_a_lemma_names_is_there(mutant: Mutant) -> None:
    """The proof would speak of code that is gone, or of a test that nobody runs."""
    ast.parse(mutated(mutant))
    path, *classes, name = mutant.test.split("::")
    file = ROOT / "tests" / path
    assert file.is_file()
    # A class of the conformance suite has its tests from the files below.
    places = file.parent.rglob("*.py") if classes else [file]
    assert any(re.search(rf"^ *(?:async )?def {name}\(", place.read_text(encoding="utf-8"), re.MULTILINE) for place in places)


def test_every_lemma_has_something_that_carries_it() -> None:
    """A lemma would rest on words alone."""
    told = [int(number) for number in re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE)]
    assert told == sorted({mutant.lemma for mutant in MUTANTS})
    assert re.findall(r"made: lemma_(\d+) -->", PAGE) == [str(number) for number in told]
    assert PAGE.count("\nRests on: ") == len(told)


def test_the_exhibits_that_it_names_are_in_the_museum() -> None:
    """The proof would lean on faults that nobody builds in any more."""
    words = " ".join(PAGE.split())
    named = [name for part in re.findall(r"In whole worlds: (.*?)(?: ## |$)", words) for name in re.findall(r'"([^"]+)"', part)]
    assert len(named) > 15
    assert sorted(set(named) - {exhibit.name for exhibit in museum.EXHIBITS}) == []


def test_a_fault_is_noticed_and_no_fault_is_none() -> None:
    """The command would say of every fault that it was noticed, whatever the tests do."""
    (mutant,) = (one for one in MUTANTS if one.file == "retry.py" and one.function == "_barred")
    pure = mutant._replace(test="test_retry.py::test_the_table")
    assert list(tried([pure])) == [(pure, True)]
    harmless = pure._replace(edits=(("if outcome.kind in _CAUSES:", "if outcome.kind in set(_CAUSES):"),))
    assert outcome(harmless, [harmless.test]) == 0
