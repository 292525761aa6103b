"""How a run gets on, shown to people and programs: the live page, and the numbers behind it. It reads ledgers and hears events;
nothing that sends knows of it.

    from rumbleup_async.observe import Keys, Metrics, Page, Telemetry
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rumbleup_async.observe.metrics import Metrics
    from rumbleup_async.observe.serving import Keys, Page
    from rumbleup_async.observe.telemetry import Telemetry

__all__ = ["Keys", "Metrics", "Page", "Telemetry"]

_WHERE = {"Keys": "serving", "Metrics": "metrics", "Page": "serving", "Telemetry": "telemetry"}


def __getattr__(name: str) -> object:
    """A web server and the packages of metrics are imported for those who name what needs them."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
