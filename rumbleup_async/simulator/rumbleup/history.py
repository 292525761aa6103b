"""The order of the message log: texts that left and replies that came, by time. Pure.

A message's place in the log never changes, because texts and replies are only added at the end. Without replies a
text's place is its position in the truth.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from heapq import merge
from typing import Any

from rumbleup_async.simulator.world.inbound import Inbound, Reply
from rumbleup_async.simulator.world.world import World

from .message_object import MessageObjects

__all__ = ["History"]


class History:
    """Messages by their place in the log."""

    def __init__(self, world: World, inbound: Inbound, objects: MessageObjects) -> None:
        self._world = world
        self._inbound = inbound
        self._objects = objects

    def __len__(self) -> int:
        return len(self._world.texts) + len(self._inbound.replies)

    def time(self, place: int) -> float:
        """When the message left or came (Unix seconds)."""
        found = self._at(place)
        return found.time if isinstance(found, Reply) else self._world.texts.times[found]

    def proxy(self, place: int) -> str:
        """The account's number."""
        found = self._at(place)
        return str(self._objects.reply(found)["proxy"]) if isinstance(found, Reply) else self._objects.proxy(found)

    def campaign(self, place: int) -> str | None:
        """The campaign of the message's project."""
        found = self._at(place)
        return str(self._objects.reply(found)["tcr_cid"]) if isinstance(found, Reply) else self._objects.campaign(found)

    def row(self, place: int) -> dict[str, Any]:
        """The message-log object."""
        found = self._at(place)
        return self._objects.reply(found) if isinstance(found, Reply) else self._objects.text(found)

    def of_phone(self, phone: str) -> Sequence[int]:
        """Places of the messages to and from this phone."""
        return self._with(self._world.texts.of_phone(phone), lambda reply: reply.phone == phone)

    def of_flag(self, flag: str) -> Sequence[int]:
        """Places of the messages with this tag. Every text has the tag `sent`."""
        texts = self._world.texts
        return self._with(range(len(texts)) if flag == "sent" else texts.of_flag(flag), lambda reply: flag in reply.flags)

    def of_logid(self, logid: str) -> Sequence[int]:
        """The place of the message with this log id, if there is one."""
        position = self._world.texts.position(logid)
        return self._with(() if position is None else (position,), lambda reply: reply.logid == logid)

    def _with(self, positions: Sequence[int], belongs: Callable[[Reply], bool]) -> Sequence[int]:
        places = self._inbound.places
        if not places:
            return positions
        replies = [places[number] for number, reply in enumerate(self._inbound.replies) if belongs(reply)]
        texts_before = self._inbound.texts_before
        return [*merge((position + bisect_right(texts_before, position) for position in positions), replies)]

    def _at(self, place: int) -> int | Reply:
        places = self._inbound.places
        if not places:
            return place
        earlier = bisect_left(places, place)
        if earlier < len(places) and places[earlier] == place:
            return self._inbound.replies[earlier]
        return place - earlier
