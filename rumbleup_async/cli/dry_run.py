"""The ledger of a dry run. It has no name, so nothing of the list stays on the disk, however the process ends.

Lives here: taking the name away, and reading a ledger that may have none.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rumbleup_async.ledger import Reader

_nameless: dict[Path, Reader] = {}


@contextmanager
def reader_of(ledger: Path) -> Iterator[Reader]:
    """A reader of a ledger, be it one whose name was taken away."""
    kept = _nameless.get(ledger)
    if kept is not None:
        yield kept
        return
    reader = Reader(ledger)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def dry_run_ledger() -> Iterator[tuple[Path, Callable[[], None]]]:
    """A place for a ledger that is thrown away, and the function that takes its name away.

    Call that function once the ledger is open and still empty. What is open can be written and read all the same, and a
    process that is killed leaves nothing of it.
    """
    folder = Path(tempfile.mkdtemp(prefix="rumbleup-"))
    ledger = folder / "dry-run.ledger"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)

        def take_name_away() -> None:
            reader = Reader(ledger)
            stack.callback(reader.close)
            _nameless[ledger] = reader
            stack.callback(_nameless.pop, ledger)
            shutil.rmtree(folder)

        yield ledger, take_name_away
