"""Time-zone data: the newest there is, and a warning where that is old."""

from __future__ import annotations

import datetime as dt
import io
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules import zones
from rumbleup_async.rules.zones import BY_KEY, ZoneData, load, newest

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC).timestamp()


def no_file(name: str) -> IO[bytes]:
    raise FileNotFoundError(name)


def data(version: str, opened: Callable[[str], IO[bytes]] = no_file) -> ZoneData:
    return ZoneData(version, "a test", opened, lambda: ["America/New_York", "EST", "Etc/GMT+5", "US/Eastern", "UTC"])


def test_all_zones_are_there_and_know_of_2026() -> None:
    assert all(load().zone(name).key == name for name in BY_KEY.values())
    assert load().why_old(NOW) == ""
    assert load().version >= "2026f"


def test_the_newest_copy_is_taken() -> None:
    """Where the package is older than the system, the package would be wrong, and the other way round."""
    assert newest([data("2025b"), data("2026f"), data("2026a")]).version == "2026f"
    assert newest([data("2026z"), data("2026aa"), data("2026b")]).version == "2026aa"
    first = data("2026f")
    assert newest([first, data("2026f")]) is first
    assert newest([data(""), data("2019a")]).version == "2019a"
    with pytest.raises(ConfigurationError, match="pip install tzdata"):
        newest([])


def test_a_copy_of_the_system_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "America").mkdir()
    (tmp_path / "tzdata.zi").write_text("# version 2031c-rearguard\n", encoding="ascii")
    (tmp_path / "America" / "Chicago").write_bytes(b"no zone")
    monkeypatch.setattr(zones, "_SYSTEM", (tmp_path / "none", tmp_path))
    (found,) = zones._of_system()
    assert (found.version, found.names) == ("2031c", frozenset({"America/Chicago"}))
    with pytest.raises(ConfigurationError, match="cannot give America/Chicago; install the package tzdata anew"):
        found.zone("America/Chicago")
    (tmp_path / "tzdata.zi").write_text("nothing\n", encoding="ascii")
    assert zones._of_system() == []


def test_the_search_path_of_the_process_stays(tmp_path: Path) -> None:
    """Another part of the program would suddenly have other zones."""
    before = zoneinfo.TZPATH
    load().zone("America/Chicago")
    assert before == zoneinfo.TZPATH
    assert zoneinfo.ZoneInfo("America/Chicago") is not load().zone("America/Chicago")


def test_old_data_is_told() -> None:
    """The provinces that moved would be texted an hour too late in the evening."""
    rules = b"TZif2" + b"\0" * 15 + b"\0" * 24  # a zone without any change
    utc = rules[:20] + (0).to_bytes(4) * 3 + (0).to_bytes(4) + (1).to_bytes(4) + (4).to_bytes(4) + b"\0" * 6 + b"UTC\0"
    stale = data("2026a", lambda name: io.BytesIO(utc + utc + b"\nUTC0\n"))
    assert "does not know of the Canadian provinces" in stale.why_old(NOW)
    assert "pip install -U tzdata" in stale.why_old(NOW)
    years = 365.25 * 86_400
    assert "is more than a year old" in load().why_old(NOW + 3 * years)


def test_data_is_old_a_year_after_the_middle_of_its_own() -> None:
    """Whoever updates once a year would be told that his data is old, or nobody ever."""
    known = data("2026f", load()._opened)
    a_year_after = dt.datetime(2027, 7, 1, tzinfo=dt.UTC).timestamp()
    assert known.why_old(a_year_after) == ""
    assert "is more than a year old" in known.why_old(a_year_after + 1)
    assert "is more than a year old" in data("", load()._opened).why_old(NOW)


def test_a_machine_without_the_package_has_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run would end in a traceback where the system's own data would do."""

    def files(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.resources.files", files)
    assert zones._of_package() == []


def test_abbreviations_are_no_zones() -> None:
    """EST has no summer time in the data, and those who write it have."""
    assert data("2026f").names == {"America/New_York", "US/Eastern"}
