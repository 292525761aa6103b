"""`rumbleup test`: the text of a list is tried on phones of one's own.

Lives here: the command. Its options are those of `send`, whose course it goes up to the test text.
"""

from __future__ import annotations

import inspect
from typing import Any

from rumbleup_async.cli.console import fail
from rumbleup_async.cli.send import send
from rumbleup_async.cli.trials import is_alone


def test(**given: Any) -> None:
    """Send the text of a list's first contact to phones of your own (--test-to), and text nobody of the list."""
    if not given.get("test_to"):
        fail("say which phone is to get the test text: --test-to PHONE")
    if given.get("dry_run"):
        fail("a test text is sent; leave out --dry-run, or see the texts with send --dry-run --preview 3")
    token = is_alone.set(True)
    try:
        send(**given)
    finally:
        is_alone.reset(token)


test.__signature__ = inspect.signature(send, eval_str=True)  # type: ignore[attr-defined]
