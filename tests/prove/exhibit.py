"""A fault that the worlds must catch: what it does, where it was seen, and how our code is made to have it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from tests.prove.registry import KINDS, PLAIN
from tests.prove.world import World

_HUNTED = 1200
"""In so many worlds each exhibit must have been caught: most are within 60, and a new kind of fault shifts them all."""
SIZE = 120


class Exhibit(NamedTuple):
    """One fault: what it does, where such a thing was seen, and how our code is made to have it."""

    name: str
    seen_in: str
    patches: Callable[[], list[Any]]
    rule: str = "TEXTED TWICE"
    """Words of the rule that must catch it; others may, too, but this is the one that it breaks."""
    concurrent: bool | None = None
    """Whether it is looked for in concurrent mode only; None: in both."""
    worlds: int = _HUNTED
    """In so many it must have been caught: a way of the log is met in one of thirty."""
    of: str = PLAIN
    """In which kind of worlds it is looked for."""

    def play(self, seed: int) -> None:
        """The world of this seed. Raises Wrong."""
        if self.of == PLAIN:
            World(seed, SIZE, concurrent=self.concurrent).play()
        else:
            KINDS[self.of].make(seed, SIZE // 2, None).play()


@contextmanager
def built_in(exhibit: Exhibit) -> Iterator[None]:
    """Our code with that fault."""
    with ExitStack() as stack:
        for one in exhibit.patches():
            stack.enter_context(one)
        yield
