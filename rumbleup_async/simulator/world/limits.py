"""The provider's limits on sending: a rate in a sliding window, and caps a day. Pure; the time is handed in."""

from collections import defaultdict, deque

from .account_data import AccountData
from .settings import Settings

__all__ = ["Limits"]

_DAY = 86_400.0


class Limits:
    """Counts the sends of the last window and the texts of the day. Days are those of UTC."""

    def __init__(self, settings: Settings, account_data: AccountData) -> None:
        self._settings = settings
        self._account_data = account_data
        self._sends: deque[float] = deque()
        self._day = -1
        self._texts_today = 0
        self._brands_today: defaultdict[str | None, int] = defaultdict(int)

    def admit(self, now: float) -> bool:
        """Count a send if the rate limit allows one more: at most `rate_limit` sends in any window of a second."""
        rate = self._settings.rate_limit
        if rate is None:
            return True
        allowed = max(1, int(rate))
        window = allowed / rate if rate > 0 else float("inf")
        sends = self._sends
        while sends and not sends[0] <= now < sends[0] + window:  # a clock that is set back also empties the window
            sends.popleft()
        if len(sends) >= allowed:
            return False
        sends.append(now)
        return True

    def cap_reached(self, brand: str | None, now: float) -> bool:
        """Whether a daily cap is used up: the account's cap, or the cap of this brand."""
        cap, brand_caps = self._settings.daily_cap, self._account_data.brand_caps
        if cap is None and not brand_caps:
            return False
        if (day := int(now // _DAY)) != self._day:
            self._begin(day)
        if cap is not None and self._texts_today >= cap:
            return True
        return brand in brand_caps and self._brands_today[brand] >= brand_caps[brand]

    def count_text(self, brand: str | None, now: float) -> None:
        """Count a text that leaves."""
        if (day := int(now // _DAY)) != self._day:
            self._begin(day)
        self._texts_today += 1
        self._brands_today[brand] += 1

    def _begin(self, day: int) -> None:
        self._day, self._texts_today = day, 0
        self._brands_today.clear()
