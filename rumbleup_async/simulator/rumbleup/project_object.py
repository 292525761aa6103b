"""The project object, as the Action and Project API pages list it. Pure.

A project's id is the field `action`, also under `/api/project`; the field `project` is the name once more. The counters
come from the texts that left, their receipts and the replies; the percents come from the counters. A time that does not
exist is left out.
"""

from typing import Any

import msgspec

from rumbleup_async.simulator.world.deliveries import OUTCOMES, Deliveries
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.project_queue import Project
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

__all__ = ["ProjectObjects"]

_PRICE = 0.05
"""The price of a text in dollars."""
_PER_SENT = ("delivered", "received", "dnd", "bad", "spam", "landline", "err", "skipped", "replies")


class ProjectObjects:
    """Writes project objects."""

    def __init__(self, world: World, deliveries: Deliveries, inbound: Inbound, stamp: Stamp) -> None:
        self._world = world
        self._deliveries = deliveries
        self._inbound = inbound
        self._stamp = stamp

    def show(self, project: Project, letter: str) -> dict[str, Any]:
        """One project, with times in the format of this letter."""
        card = project.card
        counters = self._counters(project)
        target = counters["target"]
        cost = round(_PRICE * counters["sent"], 2)
        return {
            "cid": self._world.cid,
            "account": "Simulated account",
            "action": project.action,
            "name": card.name,
            "project": card.name,
            "status": card.status,
            "num": project.action,
            "type": card.type or ("MMS" if card.media else "SMS"),
            "sent_by": "outsourced" if "outsourced" in card.flags else "self",
            "message": card.message,
            "media": card.media,
            "campaignId": project.campaign or "No",
            "proxy": card.proxy or project.proxy,
            "areacode": card.areacode or project.proxy[:3],
            "test_phone": card.test_phone,
            "flags": list(card.flags),
            **self._group(project),
            "outsource_email": card.outsource_email,
            "outsource_notes": card.outsource_notes,
            "clicks": 0,
            "shortids": [],
            "links": [],
            "redirect": [],
            **self._times(project, letter),
            "estimate_cost": round(_PRICE * target, 2),
            "estimate_tax": 0.0,
            "cost": cost,
            "tax": 0.0,
            **counters,
            **_percents(counters),
        }

    def last_activity(self, project: Project) -> float:
        """When the project was created or when its last text left, whichever is later (Unix seconds)."""
        return max(project.card.created, self._deliveries.tally(project.action).last_sent or 0.0)

    def _group(self, project: Project) -> dict[str, Any]:
        card = project.card
        group = self._world.account_data.groups.get(project.group)
        contact_filter = card.contact_filter
        return {
            "group": project.group,
            "group_name": "" if group is None else group.name,
            "group_count": sum(1 for _ in self._world.in_group(project.group)),
            "contact_filter": "" if contact_filter is None else msgspec.json.encode(contact_filter).decode(),
            "contact_count": len(project.members),
        }

    def _times(self, project: Project, letter: str) -> dict[str, Any]:
        card = project.card
        moments = {
            "create_time": card.created,
            "submit_time": card.submitted,
            "outsource_start_time": card.outsource_start,
            "outsource_end_time": card.outsource_end,
            "live_time": card.went_live,
            "test_time": card.tested,
            "update_time": card.updated or card.created,
            "sent_time": self._deliveries.tally(project.action).last_sent,
            "reply_time": self._inbound.tally(project.action).last,
        }
        return {name: self._stamp.write(letter, moment) for name, moment in moments.items() if moment is not None}

    def _counters(self, project: Project) -> dict[str, int]:
        tally = self._deliveries.tally(project.action)
        replies = self._inbound.tally(project.action)
        by_code = {
            outcome.error_code or outcome.status: n for outcome, n in zip(OUTCOMES, tally.outcomes, strict=True) if outcome
        }
        delivered = by_code.pop("delivered")
        return {
            "target": len(project.members) + sum(phone not in project.members for phone in tally.phones),
            "sent": tally.sent,
            "segments_sent": tally.segments,
            "delivered": delivered,
            "received": replies.received,
            "dnd": replies.dnd,
            "bad": replies.bad,
            "spam": by_code["spam"],
            "landline": by_code["landline"],
            "err": sum(by_code.values()),
            "skipped": project.skipped,
            "replies": replies.received - replies.dnd,
            "responses": 0,
            "autoresponses": 0,
        }


def _percents(counters: dict[str, int]) -> dict[str, float]:
    sent, target = counters["sent"], counters["target"]
    percents = {"sent_percent": _percent(sent, target)}
    percents |= {f"{name}_percent": _percent(counters[name], sent) for name in _PER_SENT}
    return percents | {f"{name}_target_percent": _percent(counters[name], target) for name in _PER_SENT if name != "delivered"}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
