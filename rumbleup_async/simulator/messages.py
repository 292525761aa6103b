"""`message/next` and `message/send`: what the provider checks, in which order, and what it answers. Imports only this folder.

Sources: the Message API page, the Messaging pages (statuses of message/next), the proxy pages (codes of a refused send).
"""

from .bodies import Params, listed
from .faults import Faults
from .project_queue import Drawn
from .replies import Reply, error, ok
from .state import SENDER, World, digits
from .times import Stamp

__all__ = ["Messages"]

_PRICE = -0.05  # a charge is a negative number in every sample of the page

_OPT_OUT = "Your message must contain opt-out instructions, for example: STOP to opt out"


class Messages:
    """The two calls of the message resource that do work."""

    def __init__(self, world: World, faults: Faults, stamp: Stamp) -> None:
        self._world = world
        self._faults = faults
        self._stamp = stamp
        self.next_in_progress = 0

    def send(self, params: Params) -> Reply:
        """Check a text, take it for delivery, answer with its message-log object."""
        world = self._world
        settings = world.settings
        now = world.clock()
        if not world.admits(now):
            return self.throttled()
        phone = digits(params.get("phone", ""))
        if phone is None:
            return self.refused("field", "phone: not a valid phone number")
        action = str(params.get("action") or "")
        project = world.projects.get(action)
        if project is None:
            return self.refused("field", "action: " + ("no such project" if action else "is required"))
        if not project.live:
            return error(400, "Project must be Live")
        text = params.get("text")
        if not isinstance(text, str) or not text.strip():
            return self.refused("field", "text: is required")
        if settings.require_opt_out and "STOP" not in text and "stop" not in text.lower():
            return error(403, _OPT_OUT)
        if not settings.fast_mode and phone not in project.handed_out:
            return error(403, "Contact is not reserved by message/next and fast mode is not enabled for this account")
        if world.tags and (tag := world.blocked_by(phone)):
            project.close(phone)
            project.skipped += 1
            return self.refused(tag, f"Contact cannot be texted: {tag}")
        if settings.outside_hours:
            return self.refused("time-range", "Outside the allowed sending window")
        if (settings.daily_cap is not None or world.directory.caps) and world.cap_reached(project.brand, now):
            return self.refused("daily-cap", "The daily cap of the brand is reached")
        flags = tuple(listed(flags)) if (flags := params.get("flags")) else ()
        group = str(params.get("group") or project.group)
        name = params.get("name")
        world.create_contact(phone, str(name) if name else None, group)
        spoiled = self._faults.spoils_tags(phone, len(world.texts.of_phone(phone))) if self._faults.active else ""
        position = world.take(project, phone=phone, text=text, flags=flags, group=group, now=now, tagged=not spoiled)
        if spoiled == "log-altered-tags":
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
                "price": _PRICE,
            }
        )

    def next(self, params: Params) -> tuple[Reply, str]:
        """Hand out the next contact under a lock, as the reply and its phone; without a contact the phone is empty."""
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
        drawn = Drawn.ALL_LOCKED if settings.next_pause and project.has_someone else self._world.draw(project)
        if drawn is Drawn.NONE_LEFT:
            return error(404, "No more contacts"), ""
        if drawn is Drawn.ALL_LOCKED:
            return error(441, "Try again in a couple of seconds"), ""
        return ok(self._world.contact(drawn)), drawn

    def throttled(self, *, retry_after: float | None = None) -> Reply:
        """429, with a Retry-After in seconds if the settings or the caller name one."""
        seconds = self._world.settings.retry_after if retry_after is None else retry_after
        headers = b"" if seconds is None else f"Retry-After: {seconds:g}\r\n".encode()
        return error(429, "Too many requests", headers=headers)

    def refused(self, reason: str, message: str) -> Reply:
        """A final refusal with the status and code that the settings give this reason."""
        status, code = self._world.settings.refusals[reason]
        return error(status, message, code)
