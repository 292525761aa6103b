"""The sample files are the referee between client and simulator: each call makes exactly the request, and reads the reply."""

import pytest

from . import samples

CASES = samples.every()


@pytest.mark.filterwarnings("ignore::rumbleup_async.errors.RumbleUpWarning")
@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
async def test_the_call_makes_the_request_and_reads_the_reply(case: samples.Case) -> None:
    """The API would be asked for something else than its pages describe, or its answer misread."""
    requests, result = await samples.run(case)
    assert [samples.seen(request) for request in requests] == [case["request"]]
    assert samples.plain(result, case["result"]) == case["result"]
