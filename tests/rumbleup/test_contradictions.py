"""Where the pages of the API contradict themselves or each other, the reading that survives either.

Each contradiction has a sample file and a test of its name: the number is that of the team's list of them, 4.1 of the Message
API page, 4.2 of the Action and Project API pages, 4.3 of the TCR API page.
"""

import inspect
import json

import pytest

from rumbleup_async import ConfigurationError, RumbleUp, ScriptedExchange
from rumbleup_async.rumbleup import requests
from rumbleup_async.rumbleup.messages import Messages
from rumbleup_async.rumbleup.projects import Projects

from . import samples

FOLDER = "contradictions"
CASES = samples.every(FOLDER)


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
async def test_the_tolerant_reading_holds(case: samples.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that means the one or the other of two pages would be misunderstood."""
    monkeypatch.setattr("rumbleup_async.provider.retrying.sleep", _at_once)
    requests, result = await samples.run(case)
    if case["request"] is None:
        assert requests == []
    else:
        assert samples.seen(requests[0]) == case["request"]
    assert samples.plain(result, case["result"]) == case["result"]


async def _at_once(seconds: float) -> None:
    """Sleep not at all."""


def test_every_number_has_a_sample() -> None:
    """A contradiction of the list would have no proof that it is survived."""
    found = {path.stem[:6] for path in (samples.FOLDER / FOLDER).glob("*.json")}
    wanted = {f"4.{page}-{number:02}" for page, last in ((1, 16), (2, 26), (3, 10)) for number in range(1, last + 1)}
    assert found == wanted


def test_4_1_12_a_send_takes_no_media() -> None:
    """A picture would be promised that the API has no field for."""
    assert not {"media", "file"} & set(inspect.signature(Messages.send).parameters)


def test_4_2_12_submit_has_no_default_for_the_terms() -> None:
    """Somebody would agree to terms by leaving an argument out."""
    assert inspect.signature(Projects.submit).parameters["terms_agree"].default is inspect.Parameter.empty


def test_4_2_13_bearer_takes_the_pair() -> None:
    """Half a key would be sent as if it were one."""
    rows = json.loads((samples.FOLDER / FOLDER / "4.2-13-bearer-takes-the-pair.json").read_text())["headers"]
    for row in rows:
        if row["header"] is None:
            with pytest.raises(ConfigurationError):
                requests.auth_header(row["api_key"], row["auth"])
        else:
            assert requests.auth_header(row["api_key"], row["auth"]) == row["header"]


@pytest.mark.parametrize("case", samples.load(f"{FOLDER}/4.2-25-nothing-is-marked-retryable"), ids=lambda case: str(case["name"]))
async def test_4_2_25_a_final_error_is_asked_once(case: samples.Case) -> None:
    """An error that says no would be hammered at."""
    exchange = ScriptedExchange(lambda _: samples.response(case["reply"]))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(Exception, match=r"40[09]"):
            await samples.call(client, case)
    assert len(exchange.requests) == 1


def test_4_2_26_there_is_no_list_of_projects() -> None:
    """A list of the past day would be taken for the list of all."""
    assert not hasattr(Projects, "list")
    assert not hasattr(Projects, "select")
