"""The order of the message log: texts that left and replies that came, by the time of their coming. Pure; only this folder.

A place in the log never changes, since both only grow at the end. Without replies a text's place is its position in the truth.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from heapq import merge
from typing import Any

from .message_object import MessageObjects
from .received import Received, Reply
from .state import World

__all__ = ["History"]


class History:
    """Every message by its place."""

    def __init__(self, world: World, received: Received, objects: MessageObjects) -> None:
        self._world = world
        self._received = received
        self._objects = objects

    def __len__(self) -> int:
        return len(self._world.texts) + len(self._received.replies)

    def time(self, place: int) -> float:
        """When it left or came (Unix seconds)."""
        found = self._at(place)
        return found.time if isinstance(found, Reply) else self._world.texts.times[found]

    def proxy(self, place: int) -> str:
        """Our number."""
        found = self._at(place)
        return str(self._objects.reply(found)["proxy"]) if isinstance(found, Reply) else self._objects.proxy(found)

    def campaign(self, place: int) -> str | None:
        """The campaign of its project."""
        found = self._at(place)
        return str(self._objects.reply(found)["tcr_cid"]) if isinstance(found, Reply) else self._objects.campaign(found)

    def row(self, place: int) -> dict[str, Any]:
        """The message-log object."""
        found = self._at(place)
        return self._objects.reply(found) if isinstance(found, Reply) else self._objects.text(found)

    def of_phone(self, phone: str) -> Sequence[int]:
        """Places of the messages to and from a phone."""
        return self._with(self._world.texts.of_phone(phone), lambda reply: reply.phone == phone)

    def of_flag(self, flag: str) -> Sequence[int]:
        """Places of the messages with this tag; every text has the tag `sent`."""
        texts = self._world.texts
        return self._with(range(len(texts)) if flag == "sent" else texts.of_flag(flag), lambda reply: flag in reply.flags)

    def of_logid(self, logid: str) -> Sequence[int]:
        """The place of a message, if there is one with this id."""
        position = self._world.texts.position(logid)
        return self._with(() if position is None else (position,), lambda reply: reply.logid == logid)

    def _with(self, positions: Sequence[int], belongs: Any) -> Sequence[int]:
        places = self._received.places
        if not places:
            return positions
        replies = [places[number] for number, reply in enumerate(self._received.replies) if belongs(reply)]
        arrivals = self._received.arrivals
        return [*merge((position + bisect_right(arrivals, position) for position in positions), replies)]

    def _at(self, place: int) -> int | Reply:
        places = self._received.places
        if not places:
            return place
        before = bisect_left(places, place)
        if before < len(places) and places[before] == place:
            return self._received.replies[before]
        return place - before
