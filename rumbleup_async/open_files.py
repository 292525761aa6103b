"""How many files and connections this process may have open, and how many of them are left.

Lives here: the system's limit, read and, for the command alone, raised.
"""

from __future__ import annotations

import contextlib
import pathlib

_RESERVE = 16
"""Files that are opened now and then beside the connections: the ledger's, a report, a look-up of a name."""
_ENOUGH = 16_384
"""More than any run needs."""


def room() -> int | None:
    """Connections that may be opened beside what is open, at least 1; None where the system sets no limit that we know of."""
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY:
            return None
        return max(1, soft - _open() - _RESERVE)
    except (ImportError, OSError, ValueError):
        return None


def _open() -> int:
    """Files that are open now."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return len(list(pathlib.Path(folder).iterdir()))
    return 32


def raise_limit() -> None:
    """Allow this process as many as the system lets it have. Only for processes that are ours alone."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
