"""Inbound messages: the contacts' replies, the tags they set, and each project's count of them. Pure.

A reply that says STOP tags its contact with `dnd`; a reply that speaks of a wrong number tags it with `bad`.
"""

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from .world import World

__all__ = ["Inbound", "Reply", "Tally"]

_ANSWERS = ("Yes", "Who is this?", "Wrong number", "I voted", "¿Quién?")
_BAD = ("wrong number", "wrong person", "remove me")
_RUDE = ("damn",)
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound message. `time` is in Unix seconds."""

    phone: str
    action: str
    text: str
    flags: tuple[str, ...]
    logid: str
    time: float


class Tally(msgspec.Struct):
    """How many replies a project has had, and how many of them say STOP (`dnd`) or speak of a wrong number (`bad`)."""

    received: int = 0
    dnd: int = 0
    bad: int = 0
    last: float | None = None
    """When the last reply came (Unix seconds)."""


class Inbound:
    """All replies, oldest first."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self.replies: list[Reply] = []
        self.texts_before: list[int] = []
        """For each reply: how many texts had left before it came."""
        self.places: list[int] = []
        """For each reply: its place among all texts and replies."""
        self._decided = 0  # how many texts were looked at for a reply by the rates
        self._tallies: dict[str, Tally] = {}
        self.on_reply: Callable[[Reply], object] | None = None
        """Called with each reply when it comes."""

    def take(self, phone: str, text: str, action: str | None = None) -> Reply:
        """A contact replies now. Without an action the reply is to the project that texted the contact last."""
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
        self.texts_before.append(len(world.texts))
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
        """Take the replies that are due by `reply_rate`, `stop_rate` and `reply_delay`."""
        world, settings = self._world, self._world.settings
        texts, last = world.texts, len(world.texts)
        if self._decided == last:
            return
        if not settings.reply_rate and not settings.stop_rate:
            self._decided = last
            return
        due = world.clock() - settings.reply_delay
        while self._decided < last and texts.times[self._decided] <= due:
            position = self._decided
            self._decided += 1
            hashed = blake2b(f"{self._seed} answer {position}".encode(), digest_size=7).digest()
            random = int.from_bytes(hashed, "big") / (1 << 56)
            if random < settings.stop_rate:
                self.take(texts.phones[position], "STOP", texts.actions[position])
            elif random < settings.stop_rate + settings.reply_rate:
                self.take(texts.phones[position], _ANSWERS[hashed[6] % len(_ANSWERS)], texts.actions[position])

    def tally(self, action: str) -> Tally:
        """The counts of a project."""
        tally = self._tallies.get(action)
        if tally is None:
            tally = self._tallies[action] = Tally()
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
