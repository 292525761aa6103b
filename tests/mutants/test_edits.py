"""Small faults are made where something is decided, and those that make no difference are still there."""

import pytest

from tests.mutants.edits import edits
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutant import PACKAGE
from tests.mutants.small import TARGETS

SOURCE = '''
def admit(age: int = 18) -> bool:
    """Whether é is 18."""
    assert age > 0
    if age < 18 and not (
        age + 1 == 9
    ):
        raise ValueError(f"{age - 1} of 18")
    return age in {1.5, True}
'''


def test_what_is_decided_is_decided_otherwise() -> None:
    """Faults would be tried that change nothing, or the very places left out in which a number or a sign decides."""
    assert [after for _, after in (edit.told(SOURCE) for edit in edits(SOURCE))] == [
        "def admit(age: int = 19) -> bool:",
        "if age <= 18 and not (",
        "if age < 19 and not (",
        "if age < 18 or not (",
        "if age < 18 and bool(age + 1 == 9):",
        "age - 1 == 9",
        "age + 2 == 9",
        "age + 1 != 9",
        "age + 1 == 10",
        "return None",
        "return age not in {1.5, True}",
        "return age in {2.5, True}",
        "return age in {1.5, False}",
    ]


@pytest.mark.parametrize("file", sorted({one.file for one in EQUIVALENT}))
def test_faults_that_make_no_difference_are_there(file: str) -> None:
    """A reason would stand for a line that has changed since."""
    assert file in TARGETS
    source = (PACKAGE / file).read_text(encoding="utf-8")
    assert {(one.before, one.after) for one in EQUIVALENT if one.file == file} <= {edit.told(source) for edit in edits(source)}
