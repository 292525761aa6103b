"""What one Sendblue line may send: messages a second, new contacts an hour and a day. Pure. Source: the limits page."""

from collections import deque

from rumbleup_async.simulator.world.replies import Reply
from rumbleup_async.simulator.world.settings import Settings

from .error_replies import error, throttled

__all__ = ["Lines"]

_HOUR, _DAY = 3600.0, 86_400.0


class Lines:
    """Counts what each line sends. A line is a number of the account, in E.164 format."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.blocked: set[str] = set()
        """Lines that may send nothing."""
        self._sends: dict[str, deque[float]] = {}
        self._new_contacts: dict[str, deque[float]] = {}

    def may_send(self, line: str) -> bool:
        """Whether this is a line of the account and is not blocked."""
        lines = self._settings.lines
        return line not in self.blocked and (not lines or line in lines)

    def refuse(self, line: str, now: float, *, is_new: bool) -> Reply | None:
        """Refuse a message that is above a limit of its line, or else count it. `is_new`: its contact has had no message yet."""
        settings = self._settings
        sends, new = self._sends.setdefault(line, deque()), self._new_contacts.setdefault(line, deque())
        if settings.line_rate is not None:
            while sends and sends[0] <= now - max(1.0, 1 / settings.line_rate):
                sends.popleft()
            if len(sends) >= max(1, int(settings.line_rate)):
                return throttled("Rate limit exceeded", settings.retry_after)
        if is_new:
            hour = sum(1 for at in new if at > now - _HOUR)
            day = sum(1 for at in new if at > now - _DAY)
            if (settings.line_new_hour is not None and hour >= settings.line_new_hour) or (
                settings.line_new_day is not None and day >= settings.line_new_day
            ):
                return error(429, "New contact limit reached", 4001)
            new.append(now)
        sends.append(now)
        return None
