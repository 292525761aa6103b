"""Single texts towards a provider: not at night, unless somebody says so."""

import datetime as dt
from types import SimpleNamespace

import pytest

from rumbleup_async.cli import single_hours
from rumbleup_async.cli.single_hours import require_hours
from rumbleup_async.errors import ConfigurationError
from tests.cli.conftest import Rumbleup

NEW_YORK, SPLIT = "+1 212 555 0101", "2705550101"


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine in the morning of a Tuesday in New York, eight in Chicago; the provider itself is meant."""
    moment = dt.datetime.fromisoformat("2026-12-01T09:00-05:00").timestamp()
    monkeypatch.setattr(single_hours, "time", SimpleNamespace(time=lambda: moment))
    monkeypatch.delenv("RUMBLEUP_BASE_URL", raising=False)


def test_a_text_may_leave_in_its_hours() -> None:
    require_hours(NEW_YORK, "RUMBLEUP_BASE_URL", zone=None, anyway=False)
    require_hours(SPLIT, "RUMBLEUP_BASE_URL", zone="America/New_York", anyway=True)
    require_hours("+44 20 7946 0958", "RUMBLEUP_BASE_URL", zone=None, anyway=False)


@pytest.mark.parametrize(("phone", "zone"), [(SPLIT, None), (NEW_YORK, "America/Chicago"), ("8085550101", None)])
def test_a_text_at_night_is_refused_with_the_remedy(phone: str, zone: str | None) -> None:
    """One text typed at a desk in New York would wake somebody in Honolulu."""
    with pytest.raises(ConfigurationError, match=r"outside hours: .* send it from 2026-12-01 .* --zone .* --hours-any") as no:
        require_hours(phone, "RUMBLEUP_BASE_URL", zone=zone, anyway=False)
    assert "0101" not in str(no.value)


def test_a_server_on_this_machine_is_a_rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMBLEUP_BASE_URL", "http://127.0.0.1:8025/api")
    require_hours("8085550101", "RUMBLEUP_BASE_URL", zone=None, anyway=False)


COMMANDS = [
    "messages send --phone 8085550101 --action 125",
    "proxies send --phone 8085550101",
    "sendblue messages send --number +18085550101 --from +12025550199",
]


@pytest.mark.parametrize("words", COMMANDS)
async def test_the_commands_ask(words: str, command: Rumbleup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours would hold for campaigns, and not for whoever types one text at a desk."""
    monkeypatch.setenv("SENDBLUE_API_KEY", "KEY")
    monkeypatch.setenv("SENDBLUE_API_SECRET", "SECRET")
    for address, options in (("https://api.example.invalid", ()), ("http://127.0.0.1:9", ("--rehearsal", "no"))):
        monkeypatch.setenv("RUMBLEUP_BASE_URL", f"{address}/api")
        monkeypatch.setenv("SENDBLUE_BASE_URL", address)
        done = await command(*words.split(), "--text", "Hi. STOP to opt out", "--yes", *options)
        assert (done.exit_code, "outside hours" in done.output) == (2, True), done.output
