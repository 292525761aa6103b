"""Files that the API makes, whole or into an open file.

Lives here: one call.
"""

from __future__ import annotations

import contextlib
from typing import IO

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider.caller import Caller
from rumbleup_async.rumbleup import answers
from rumbleup_async.session.exchange import Request, Response, Sink


async def download(caller: Caller, request: Request, into: IO[bytes] | None) -> bytes | int:
    """A file: its bytes, or, with an open file to put it into, how many there were.

    An error object in place of the file is raised and, where the open file can seek, not left in it.
    """
    if into is None:
        response = await caller.read(request)
        answers.refuse_hidden(response, request.path, caller.redact)
        return response.body
    try:
        sink = Sink(into)
    except (AttributeError, OSError, ValueError):
        raise ConfigurationError("into= must be an open binary file") from None
    response = await caller.read(msgspec.structs.replace(request, sink=sink))
    if response.body:
        # An exchange that knows no sinks, such as a scripted one.
        sink.begin()
        sink.write(response.body)
    if sink.size == len(sink.head):
        try:
            answers.refuse_hidden(Response(response.status, response.headers, sink.head), request.path, caller.redact)
        except BaseException:
            with contextlib.suppress(OSError, ValueError):  # the provider's error is what matters
                if into.seekable():
                    sink.begin()
            raise
    return sink.size
