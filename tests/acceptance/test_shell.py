"""The forking process that the other acceptance tests run their commands with."""

import pytest

from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage


def test_what_does_not_end_is_killed_and_the_next_command_runs(stage: Stage, provider: Provider) -> None:
    """Else one test that fails takes the one behind it along."""
    provider.set(latency=20.0)
    running = stage.begin(*stage.sending(stage.list(5)))
    with pytest.raises(AssertionError, match=r"did not end within 0\.01 s, and was killed: Done\(code=-9"):
        running.wait(0.01)
    assert stage.run("status", "nowhere.ledger").code == 2
