"""`message/next` and `message/send`: what the provider checks, in which order, and what it answers. Pure.

Sources: the Message API page; the Messaging pages for the statuses of `message/next`; the proxy pages for the codes of
a refused send.
"""

from rumbleup_async.simulator.trouble.faults import Faults
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.project_queue import NobodyReason
from rumbleup_async.simulator.world.replies import Reply, error, ok
from rumbleup_async.simulator.world.request_parsing import Params, listed
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from .error_replies import refused, throttled
from .message_object import CHARGE, SENDER

__all__ = ["Messages"]

_MISSING_OPT_OUT = "Your message must contain opt-out instructions, for example: STOP to opt out"


class Messages:
    """The endpoints `message/send` and `message/next`."""

    def __init__(self, world: World, faults: Faults, stamp: Stamp) -> None:
        self._world = world
        self._faults = faults
        self._stamp = stamp
        self.next_in_progress = 0

    def send(self, params: Params) -> Reply:
        """Check a text, let it leave, and answer with its message-log object."""
        world = self._world
        settings = world.settings
        now = world.clock()
        if not world.limits.admit(now):
            return throttled(settings.retry_after)
        phone = digits(params.get("phone", ""))
        if phone is None:
            return refused(settings, "field", "phone: not a valid phone number")
        action = str(params.get("action") or "")
        project = world.projects.get(action)
        if project is None:
            return refused(settings, "field", "action: " + ("no such project" if action else "is required"))
        if not project.live:
            return error(400, "Project must be Live")
        text = params.get("text")
        if not isinstance(text, str) or not text.strip():
            return refused(settings, "field", "text: is required")
        if settings.require_opt_out and "STOP" not in text and "stop" not in text.lower():
            return error(403, _MISSING_OPT_OUT)
        if not settings.fast_mode and phone not in project.handed_out:
            return error(403, "Contact is not reserved by message/next and fast mode is not enabled for this account")
        if world.tags and (tag := world.blocked_by(phone)):
            project.close(phone)
            project.skipped += 1
            return refused(settings, tag, f"Contact cannot be texted: {tag}")
        if settings.outside_hours:
            return refused(settings, "time-range", "Outside the allowed sending window")
        if world.limits.cap_reached(project.brand, now):
            return refused(settings, "daily-cap", "The daily cap of the brand is reached")
        flags = tuple(listed(flags)) if (flags := params.get("flags")) else ()
        group = str(params.get("group") or project.group)
        name = params.get("name")
        world.create_contact(phone, str(name) if name else None, group)
        tag_fault = self._faults.tag_fault(phone, len(world.texts.of_phone(phone))) if self._faults.active else ""
        position = world.take(project, phone=phone, text=text, flags=flags, group=group, now=now, tagged=not tag_fault)
        if tag_fault == "log-altered-tags":
            world.texts.altered.add(position)
        return ok(
            {
                "cid": world.cid,
                "logid": world.texts.logid(position),
                "action": action,
                "phone": phone,
                "proxy": project.proxy,
                "sender": SENDER,
                "group": group,
                "flags": ["sent", *flags],
                "text": text,
                "sent_time": self._stamp(now),
                "price": CHARGE,
            }
        )

    def next(self, params: Params) -> tuple[Reply, str]:
        """Lock the next contact. Returns the reply and the contact's phone, which is empty if there is no contact."""
        settings = self._world.settings
        action = str(params.get("action") or "")
        if not action:
            return error(400, "action: is required", "FIELD"), ""
        project = self._world.projects.get(action)
        if project is None:
            return error(400, "action: no such project", "FIELD"), ""
        if not project.live:
            return error(400, "Project must be Live"), ""
        if settings.next_concurrency is not None and self.next_in_progress > settings.next_concurrency:
            return error(440, "Too many concurrent requests"), ""
        found = NobodyReason.ALL_LOCKED if settings.next_pause and project.has_someone else self._world.lock_next(project)
        if found is NobodyReason.NONE_LEFT:
            return error(404, "No more contacts"), ""
        if found is NobodyReason.ALL_LOCKED:
            return error(441, "Try again in a couple of seconds"), ""
        return ok(self._world.contact(found)), found
