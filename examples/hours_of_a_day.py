"""One day in seconds: a run over people in every zone, from the first who may be texted to the last, by their own clocks.

RUMBLEUP_API_KEY=KEY:SECRET RUMBLEUP_BASE_URL=http://127.0.0.1:8080/api python examples/hours_of_a_day.py

For a simulator (`rumbleup simulate`): its clock runs a few thousand times too fast, so nothing here is for the provider itself.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import time
from zoneinfo import ZoneInfo

from rumbleup_async import Hours, RumbleUp, State

ZONES = {
    "Guam": ("671", "Pacific/Guam"),
    "Newfoundland": ("709", "America/St_Johns"),
    "Puerto Rico": ("787", "America/Puerto_Rico"),
    "New York": ("212", "America/New_York"),
    "Chicago": ("312", "America/Chicago"),
    "Toronto": ("416", "America/Toronto"),
    "Denver": ("303", "America/Denver"),
    "Phoenix": ("602", "America/Phoenix"),
    "Los Angeles": ("213", "America/Los_Angeles"),
    "Anchorage": ("907", "America/Anchorage"),
    "Honolulu": ("808", "Pacific/Honolulu"),
    "Samoa": ("684", "Pacific/Pago_Pago"),
}
SPEED = 12_000
BEGIN = dt.datetime(2026, 12, 1, 12, 0, tzinfo=ZoneInfo("Pacific/Guam"))
"""Tuesday noon in Guam, where the day begins, and Monday evening in New York."""


class FastClock:
    """Unix seconds that pass SPEED times too fast, from the first time that somebody asks."""

    def __init__(self, begin: dt.datetime) -> None:
        self._begin = begin.timestamp()
        self._began: float | None = None

    def __call__(self) -> float:
        if self._began is None:
            self._began = time.monotonic()
        return self._begin + (time.monotonic() - self._began) * SPEED


async def main() -> int:
    clock = FastClock(BEGIN)
    people = [
        {"phone": f"{code}2345{number:03}", "city": city, "timezone": zone}
        for city, (code, zone) in ZONES.items()
        for number in range(3)
    ]
    met: set[str] = set()
    async with RumbleUp.from_env() as rumbleup:
        # The clock is a caller's own, so it is not compared with that of the answers.
        hours = Hours(clock=clock, purpose="political")
        until = {"until": (BEGIN + dt.timedelta(hours=30)).isoformat()}
        text = "Hi {city}. STOP to opt out"
        async with rumbleup.fast_mode(action=125, text=text, hours=hours, schedule=until, concurrency=4) as run:
            async for result in run.send(people):
                person = people[result.row - 1]
                if result.state is State.SENT and person["city"] not in met:
                    met.add(person["city"])
                    now = dt.datetime.fromtimestamp(clock(), dt.UTC)
                    there = now.astimezone(ZoneInfo(person["timezone"]))
                    print(f"{now:%a %H:%M} UTC  {person['city']}: {there:%a %H:%M} there")
            summary = run.summary
    print(f"{summary.sent} of {summary.total} texted; {summary.stopped or 'everybody was reached'}")
    return 0 if summary.sent == summary.total else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
