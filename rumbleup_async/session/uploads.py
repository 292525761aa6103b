"""An upload that a server stops taking is given up: aiohttp has no timeout for writing.

Lives here: the chunks of a body, and the deadline that moves on with each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class WatchedChunks:
    """Chunks, with the deadline `stalled` put off by `patience` seconds whenever the server has
    taken one, and by `answer` after the last."""

    stalled: asyncio.Timeout

    def __init__(self, chunks: AsyncIterator[bytes], patience: float, answer: float) -> None:
        self._chunks = chunks
        self._patience = patience
        self._answer = answer
        self.is_out = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        try:
            async for chunk in self._chunks:
                self.stalled.reschedule(clock() + self._patience)
                yield chunk
            self.is_out = True
            self.stalled.reschedule(clock() + self._answer)
        except RuntimeError:
            return  # the answer came before the end of the upload, and nobody waits for it any more
