"""Small faults that make no difference, each with the reason. `tests.mutants.small` looks that no test notices them."""

from typing import NamedTuple


class Equivalent(NamedTuple):
    """One of them: its lines before and after, as the command prints them."""

    file: str
    before: str
    after: str
    why: str


EQUIVALENT: tuple[Equivalent, ...] = ()
