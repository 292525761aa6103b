"""The garbage collector of a process that is ours alone: the command, and the processes that it starts. A library leaves that of
its host alone.

Lives here: its settings, and nothing else sets them.
"""

from __future__ import annotations

import gc


def look_seldom() -> None:
    """Let the collector run seldom: neither modules that are being imported nor texts in flight are garbage."""
    gc.set_threshold(20_000, 20, 20)


def keep_what_is_there() -> None:
    """Before texts leave: spare the collector everything that is there by now. What of it is garbage is not much, and stays."""
    look_seldom()
    gc.freeze()


def end() -> None:
    """Before the process ends: have it go without looking for garbage in everything once more, as Python does at its end."""
    gc.freeze()
