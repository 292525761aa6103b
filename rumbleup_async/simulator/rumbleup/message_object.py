"""The message-log object: a text or a reply as the log and the webhooks show it. Pure.

The fields are those of the Message API page. The page's sample has neither `cid`, `action`, `group` nor `status`; with
the setting `sparse_log` the rows here have not either.
"""

from typing import Any

from rumbleup_async.simulator.world.account_data import PROXY
from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Reply
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

__all__ = ["CHARGE", "SENDER", "MessageObjects"]

SENDER = "u_simulator"
CHARGE = -0.05
"""The price of a text in dollars. It is negative in every sample of the page."""


class MessageObjects:
    """Writes message objects."""

    def __init__(self, world: World, deliveries: Deliveries, stamp: Stamp) -> None:
        self._world = world
        self._deliveries = deliveries
        self._stamp = stamp

    def proxy(self, position: int) -> str:
        """The number a text was sent from."""
        action = self._world.texts.actions[position]
        if not action:
            return self._world.direct[position][0]
        project = self._world.projects.get(action)
        return PROXY if project is None else project.proxy

    def campaign(self, position: int) -> str | None:
        """The campaign a text was sent under."""
        action = self._world.texts.actions[position]
        if not action:
            return self._world.direct[position][1]
        project = self._world.projects.get(action)
        return None if project is None else project.campaign

    def text(self, position: int, letter: str = "A") -> dict[str, Any]:
        """A text that left, with times in the format of this letter."""
        world = self._world
        texts = world.texts
        time = texts.times[position]
        flags: tuple[str, ...] = texts.flags[position]
        if position in texts.untagged:
            flags = tuple(flag.upper()[:9] for flag in flags) if position in texts.altered else ()
        row: dict[str, Any] = {
            "logid": texts.logid(position),
            "flags": ["sent", *flags],
            "sender": SENDER,
            "proxy": self.proxy(position),
            "phone": texts.phones[position],
            "tcr_cid": self.campaign(position) or "",
            "sent_time": self._stamp.write(letter, time) if letter != "A" else self._stamp(time),
            "text": texts.text(position) or "",
            "price": CHARGE,
        }
        project = world.projects.get(texts.actions[position])
        if project is not None and project.card.media:
            row["file"] = project.card.media
        if world.settings.sparse_log:
            return row
        row |= {"cid": world.cid, "action": texts.actions[position], "group": texts.groups[position]}
        outcome = self._deliveries.outcome(position)
        if outcome is not None:
            row |= {
                "status": outcome.status,
                "status_code": outcome.status_code,
                "update_time": self._stamp.write(letter, time + world.settings.receipt_delay),
            }
            if outcome.error_code:
                row |= {"error_code": outcome.error_code, "error_text": outcome.error_text}
        return row

    def reply(self, reply: Reply, letter: str = "A") -> dict[str, Any]:
        """A reply, whose sender is the contact, with times in the format of this letter."""
        world = self._world
        project = world.projects.get(reply.action)
        row: dict[str, Any] = {
            "logid": reply.logid,
            "flags": list(reply.flags),
            "sender": reply.phone,
            "proxy": PROXY if project is None else project.proxy,
            "phone": reply.phone,
            "tcr_cid": ("" if project is None else project.campaign) or "",
            "sent_time": self._stamp.write(letter, reply.time),
            "text": reply.text,
            "price": 0,
        }
        if not world.settings.sparse_log:
            group = "" if project is None else project.group
            row |= {"cid": world.cid, "action": reply.action, "group": group, "status": "received"}
        return row
