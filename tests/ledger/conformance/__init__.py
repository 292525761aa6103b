"""The suite that every ledger passes: what the engine and the promise rely on.

A ledger of your own is put to the test by a class that says how a run of it is begun:

    class TestMine(Conformance):
        @pytest.fixture
        def new_run(self) -> NewRun:
            def new_run() -> Run:
                name = ...                          # of a run that was never begun
                return lambda: MyLedger(name)       # asked for again, it is the same run in the hands of the next process

            return new_run

See `tests/ledger/test_conformance.py`.
"""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in (
    "claims", "lists", "machine", "owners", "plans", "resolutions", "runs", "steps", "waits",
)))  # fmt: skip

from tests.ledger.conformance.claims import Claims  # noqa: E402 - only what is imported from here on explains its failures
from tests.ledger.conformance.lists import Lists  # noqa: E402
from tests.ledger.conformance.machine import Machine  # noqa: E402
from tests.ledger.conformance.owners import Owners  # noqa: E402
from tests.ledger.conformance.plans import Plans  # noqa: E402
from tests.ledger.conformance.resolutions import Resolutions  # noqa: E402
from tests.ledger.conformance.runs import NewRun, Run  # noqa: E402
from tests.ledger.conformance.steps import Steps  # noqa: E402
from tests.ledger.conformance.waits import Waits  # noqa: E402

__all__ = ["Conformance", "NewRun", "Run"]


class Conformance(Plans, Lists, Steps, Owners, Waits, Claims, Resolutions, Machine):
    """All of the suite."""
