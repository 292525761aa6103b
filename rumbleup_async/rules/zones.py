"""Time zones: the named ones that hours are computed with, and how old the data behind them is.

Lives here: loading zones from the `tzdata` package, or from the system where that is newer. Nothing is read before a zone is
asked for.

The process's own search path for zones is left alone. Python prefers the system's data, which may be years old: with a version
before 2026 the clocks of British Columbia, Alberta, Manitoba and the Northwest Territories are an hour off all winter, as these
provinces stopped changing them in November 2026.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Final
from zoneinfo import ZoneInfo

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.patterns import when_used

BY_KEY: Final = {
    "E": "America/New_York",
    "C": "America/Chicago",
    "M": "America/Denver",
    "P": "America/Los_Angeles",
    "Z": "America/Phoenix",
    "K": "America/Anchorage",
    "D": "America/Adak",
    "H": "Pacific/Honolulu",
    "A": "America/Puerto_Rico",
    "G": "Pacific/Guam",
    "S": "Pacific/Pago_Pago",
    "N": "America/Halifax",
    "T": "America/St_Johns",
    "R": "America/Regina",
    "B": "America/Vancouver",
    "Y": "America/Whitehorse",
    "L": "America/Edmonton",
    "W": "America/Winnipeg",
}
"""The zones of the United States, their territories and Canada, by one letter each. The order is part of every ledger."""

_SYSTEM: Final = tuple(map(Path, ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")))

_is_place = when_used(r"[A-Za-z]+(?:/[A-Za-z_\-]+){1,2}", re.ASCII)
_NO_PLACE: Final = ("Etc/", "SystemV/", "posix/", "right/")
_version_of: Final = when_used(r"(\d{4})([a-z]*)")

_MOVED: Final = dt.datetime(2026, 12, 15, tzinfo=dt.UTC), "America/Winnipeg", dt.timedelta(hours=-5)
"""An instant at which data that knows of 2026 has another offset than data that does not."""

_OLD: Final = 365 * 86_400.0
"""Seconds after which data is old."""


class ZoneData:
    """The zones of one copy of the data. `version` is that of IANA, such as 2026f; `origin` says whose copy it is.

    `opened` opens the file of a zone by its name; OSError if there is none. `listed` gives the names of all zones.
    """

    def __init__(
        self, version: str, origin: str, opened: Callable[[str], IO[bytes]], listed: Callable[[], Iterable[str]]
    ) -> None:
        self.version = version
        self.origin = origin
        self._opened = opened
        self._listed = listed
        self._zones: dict[str, ZoneInfo] = {}

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Zones in which people live: names such as America/Detroit. Bare offsets and abbreviations are none."""
        return frozenset(name for name in self._listed() if _is_place.fullmatch(name) and not name.startswith(_NO_PLACE))

    def zone(self, name: str) -> ZoneInfo:
        """The zone of this name. ConfigurationError if the data does not have it."""
        zone = self._zones.get(name)
        if zone is None:
            try:
                with self._opened(name) as file:
                    zone = ZoneInfo.from_file(file, key=name)
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    f"the time-zone data ({self}) cannot give {name}; install the package tzdata anew: pip install -U tzdata"
                ) from error
            self._zones[name] = zone
        return zone

    def why_old(self, now: float) -> str:
        """What is wrong with the data's age at `now` (Unix seconds), with the remedy; "" if nothing is.

        A version does not tell its month: the middle of its year is taken.
        """
        instant, name, offset = _MOVED
        year = int(self.version[:4]) if self.version[:4].isdecimal() else 0
        if self.zone(name).utcoffset(instant) != offset:
            what = "does not know of the Canadian provinces that stopped changing clocks in November 2026"
        elif not year or now - dt.datetime(year, 7, 1, tzinfo=dt.UTC).timestamp() > _OLD:
            what = "is more than a year old"
        else:
            return ""
        return f"the time-zone data ({self}) {what}; update it: pip install -U tzdata"

    def __str__(self) -> str:
        return f"version {self.version}, {self.origin}"


@functools.cache
def load() -> ZoneData:
    """The data of this machine: the package's, or the system's where that is newer. ConfigurationError if there is none."""
    return newest([*_of_package(), *_of_system()])


def newest(found: Iterable[ZoneData]) -> ZoneData:
    """The newest of these; of equally new ones the first. ConfigurationError if there is none."""
    copies = list(found)
    if not copies:
        raise ConfigurationError("there is no time-zone data, so nobody's hours are known; install it: pip install tzdata")
    return max(copies, key=lambda data: _rank(data.version))


def _rank(version: str) -> tuple[int, int, str]:
    match = _version_of.search(version)
    return (int(match[1]), len(match[2]), match[2]) if match else (0, 0, "")


def _of_package() -> list[ZoneData]:
    import importlib.resources

    try:
        root = importlib.resources.files("tzdata")
    except ModuleNotFoundError:
        return []

    def opened(name: str) -> IO[bytes]:
        return root.joinpath("zoneinfo", *name.split("/")).open("rb")

    version = _stated_by(opened)
    return [ZoneData(version, "package tzdata", opened, lambda: root.joinpath("zones").read_text("utf-8").split())]


def _of_system() -> list[ZoneData]:
    for folder in _SYSTEM:

        def opened(name: str, folder: Path = folder) -> IO[bytes]:
            return (folder / name).open("rb")

        def listed(folder: Path = folder) -> list[str]:
            return [path.relative_to(folder).as_posix() for path in folder.glob("*/**/*") if path.is_file()]

        if version := _stated_by(opened):
            return [ZoneData(version, f"system, {folder}", opened, listed)]
    return []


def _stated_by(opened: Callable[[str], IO[bytes]]) -> str:
    """The version that the first line of a copy's `tzdata.zi` states; "" if it has none."""
    try:
        with opened("tzdata.zi") as file:
            match = _version_of.search(file.readline(100).decode("ascii", "replace"))
    except OSError:
        return ""
    return match[0] if match else ""
