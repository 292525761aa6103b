"""The entries that are open at this moment: beside the database, the only place that knows them.

Lives here: who has which text in hand.
"""

from __future__ import annotations

import msgspec

from rumbleup_async.engine.contract import Worker
from rumbleup_async.messaging import Text


class Entry(msgspec.Struct, frozen=True):
    """An intent that is on the disk: its text, who has it, and how many refusals had been written down when it was opened."""

    text: Text
    worker: Worker
    refusals: int
