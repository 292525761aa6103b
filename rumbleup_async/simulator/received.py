"""What came back: replies of contacts, with their flags and each project's count of them. Imports only this folder; no I/O.

A reply that says STOP sets the contact's `dnd`, which only the system does; a wrong number sets `bad`.
"""

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from .state import World

__all__ = ["Received", "Replies", "Reply"]

_WORDS = ("Yes", "Who is this?", "Wrong number", "I voted", "¿Quién?")
_BAD = ("wrong number", "wrong person", "remove me")
_RUDE = ("damn",)
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One incoming message; its time is in Unix seconds."""

    phone: str
    action: str
    text: str
    flags: tuple[str, ...]
    logid: str
    time: float


class Replies(msgspec.Struct):
    """A project's count: all of them, and those that opted out by STOP or in other words."""

    received: int = 0
    dnd: int = 0
    bad: int = 0
    last: float | None = None


class Received:
    """Every reply, oldest first."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self.replies: list[Reply] = []
        self.arrivals: list[int] = []
        """For each reply how many texts had left before it came."""
        self.places: list[int] = []
        """Its place among texts and replies together."""
        self._asked = 0  # texts for which the rates have decided
        self._tallies: dict[str, Replies] = {}
        self.on_reply: Callable[[Reply], object] | None = None
        """Called with each reply as it comes."""

    def take(self, phone: str, text: str, action: str | None = None) -> Reply:
        """A contact replies now, to the project that texted it last if none is named."""
        world = self._world
        if action is None:
            positions = world.texts.of_phone(phone)
            action = world.texts.actions[positions[-1]] if len(positions) else ""
        flags = _flags(text)
        number = blake2b(f"{self._seed} reply {len(self.replies)}".encode(), digest_size=16).hexdigest()
        reply = Reply(
            phone=phone,
            action=action,
            text=text,
            flags=flags,
            logid=f"rl_{number}",
            time=world.clock(),
        )
        self.arrivals.append(len(world.texts))
        self.places.append(len(world.texts) + len(self.replies))
        self.replies.append(reply)
        tally = self.tally(action)
        tally.received += 1
        tally.dnd += "dnd" in flags
        tally.bad += "bad" in flags
        tally.last = reply.time
        world.tag(phone, "replied", *flags)
        world.touch(phone)
        if self.on_reply is not None:
            self.on_reply(reply)
        return reply

    def catch_up(self) -> None:
        """Let the replies come that are due by the rates."""
        world, settings = self._world, self._world.settings
        texts, last = world.texts, len(world.texts)
        if self._asked == last:
            return
        if not settings.reply_rate and not settings.stop_rate:
            self._asked = last
            return
        due = world.clock() - settings.reply_delay
        while self._asked < last and texts.times[self._asked] <= due:
            position = self._asked
            self._asked += 1
            hashed = blake2b(f"{self._seed} answer {position}".encode(), digest_size=7).digest()
            drawn = int.from_bytes(hashed, "big") / (1 << 56)
            if drawn < settings.stop_rate:
                self.take(texts.phones[position], "STOP", texts.actions[position])
            elif drawn < settings.stop_rate + settings.reply_rate:
                self.take(texts.phones[position], _WORDS[hashed[6] % len(_WORDS)], texts.actions[position])

    def tally(self, action: str) -> Replies:
        """The count of a project."""
        tally = self._tallies.get(action)
        if tally is None:
            tally = self._tallies[action] = Replies()
        return tally


def _flags(text: str) -> tuple[str, ...]:
    words = text.strip().lower()
    found = []
    if words.strip(".! ") in _STOP:
        found.append("dnd")
    if any(phrase in words for phrase in _BAD):
        found.append("bad")
    if any(word in words for word in _RUDE):
        found.append("rude")
    return tuple(found)
