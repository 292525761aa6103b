"""What carries the texts on this machine, and which packages it lacks to be fast.

Lives here: the note before a run, and the line of `rumbleup doctor`.

The packages of the fast way come with ours wherever there are wheels. Without one of them everything works, and costs
more of the processor; nobody should have to find that out by measuring.
"""

from __future__ import annotations

import importlib.util

from rumbleup_async.session import proxy as proxies
from rumbleup_async.session.dialing import has_fast_network
from rumbleup_async.session.transport import has_pool

_PARTS = ("httptools", "aiohappyeyeballs", "aiofastnet", "uvloop")


def missing(*, has_tls: bool = True) -> list[str]:
    """The packages of the fast way that are not installed, or cannot be used. `has_tls`: TLS is spoken. Where it is not,
    aiofastnet is not imported to see whether it can be used."""
    found = [name for name in _PARTS if importlib.util.find_spec(name) is None]
    if has_tls and "aiofastnet" not in found and not has_fast_network():
        found.append("aiofastnet")
    return found


def transport() -> str:
    """What carries the requests of runs: `pool` or `aiohttp`."""
    return "pool" if has_pool() and proxies.chosen.get() is None else "aiohttp"


def note(*, has_tls: bool = True) -> str:
    """What is slower here than it could be, with the remedy; "" if nothing is."""
    if proxies.chosen.get() is not None:
        return "slower than it could be: through a proxy texts go over aiohttp, at several times the processor time each"
    lacking = missing(has_tls=has_tls)
    if not lacking:
        return ""
    costs = [
        *([] if has_pool() else ["texts go over aiohttp, at several times the processor time each"]),
        *(["TLS is that of the event loop"] if "aiofastnet" in lacking else []),
        *(["the event loop is asyncio's own"] if "uvloop" in lacking else []),
    ]
    are = "is" if len(lacking) == 1 else "are"
    remedy = f"pip install {' '.join(lacking)}"
    return f"slower than it could be: {', '.join(costs)}; {', '.join(lacking)} {are} missing: {remedy}"


def described() -> str:
    """What sending is made of, with versions."""
    if lacking := note():
        return lacking
    import importlib.metadata

    parts = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PARTS)
    return f"runs go over connections of our own ({parts})"
