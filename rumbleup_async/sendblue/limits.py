"""What Sendblue allows each line, as settings.

Lives here: values and the day's reset. Source: the limits page, which changes often, and what its readers report.
"""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo

import msgspec

from rumbleup_async.errors import ConfigurationError


class LineLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The pace of one line.

    `per_second`: messages a second; the limits page has said 1 and says 10, the smaller is the default; None: no limit of ours.
    `new_per_hour`, `new_per_day`: new contacts in any hour, and from one reset of the day to the next; every text of a run
    counts as one. None switches a limit off.
    `reset_hour`: the hour at which the day begins anew, Eastern time. `rest`: seconds for which a line rests that the provider
    refuses. `refusals`: refusals in a row, not about their recipients, after which a line rests while others go on.
    """

    per_second: float | None = 1.0
    new_per_hour: int | None = 15
    new_per_day: int | None = 50
    reset_hour: int = 3
    rest: float = 3600.0
    refusals: int = 3

    def checked(self) -> LineLimits:
        """Itself; ConfigurationError if a field cannot be meant."""
        if self.per_second is not None and not 0 < self.per_second < math.inf:
            raise ConfigurationError("per_second must be a number of messages above 0, None for no limit")
        for name in ("new_per_hour", "new_per_day", "refusals"):
            value: object = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"{name} must be a whole number of at least 1")
        if not 0 <= self.reset_hour <= 23 or not 0 <= self.rest < math.inf:
            raise ConfigurationError("reset_hour is an hour from 0 to 23, rest a number of seconds")
        return self

    @property
    def gap(self) -> float:
        """Seconds between two texts of a line."""
        return 1 / self.per_second if self.per_second else 0.0

    def day(self, now: float) -> tuple[float, float]:
        """When the day of a moment began and when it ends, Unix seconds."""
        zone = _eastern()
        here = dt.datetime.fromtimestamp(now, zone)
        begin = here.replace(hour=self.reset_hour, minute=0, second=0, microsecond=0)
        if begin > here:
            begin = (begin - dt.timedelta(days=1)).replace(tzinfo=zone)
        return begin.timestamp(), (begin + dt.timedelta(days=1)).replace(tzinfo=zone).timestamp()


def _eastern() -> dt.tzinfo:
    try:
        return zoneinfo.ZoneInfo("America/New_York")
    except zoneinfo.ZoneInfoNotFoundError:
        # A machine without time zones: winter time all year, so that in summer the day begins an hour late and not early.
        return dt.timezone(dt.timedelta(hours=-5))
