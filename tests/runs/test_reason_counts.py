"""What a run counts by code, as JSON shows it."""

from pathlib import Path

import pytest

from rumbleup_async import Code, State
from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Outcome, Refused, Unknown
from rumbleup_async.reasons import Reason
from rumbleup_async.runs.summary import Summary, by_code
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import Provider, accepts, make_ledger, make_run, phone


def script(text: Text, attempt: int) -> Outcome:
    """The third person has a landline, the fourth one's answer is lost."""
    if text.phone == phone(3):
        return Refused(Reason(Code.REFUSED_PERSON, "400 LANDLINE"), 400, "LANDLINE", about_recipient=True)
    return Unknown(Reason(Code.NO_ANSWER)) if text.phone == phone(4) else accepts(text, attempt)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_contacts_are_counted_by_state_and_code(kind: str, tmp_path: Path) -> None:
    """A script would have to read sentences to know why people were not texted."""
    people = [phone(1), phone(2), phone(3), phone(4), phone(5), phone(1), phone(2), "12"]

    async def main() -> tuple[Summary, dict[str, dict[str, int]]]:
        ledger = make_ledger(kind, tmp_path)
        async with make_run(Provider(script), ledger=ledger, suppress=[phone(5)], concurrency=1) as run:
            return await run.send(people), await run.count_reasons()

    summary, counted = virtual_time.run(main())
    assert summary.as_dict()["stop_cause"] is None
    assert counted == {
        "refused": {"refused_person": 1},
        "skipped": {"duplicate": 2, "invalid_phone": 1, "suppressed": 1},
        "unknown": {"no_answer": 1},
    }


def test_the_ledger_keeps_codes_and_cause(tmp_path: Path) -> None:
    """A look from outside would have to guess them from words."""

    async def main() -> None:
        async with make_run(Provider(), ledger=make_ledger("sqlite", tmp_path), limit=1) as run:
            assert (await run.send([phone(1), phone(2), phone(2)])).stop is not None

    virtual_time.run(main())
    reader = Reader(next(tmp_path.glob("*.ledger")))
    try:
        assert reader.stop is not None
        assert (reader.stop.cause, reader.stop.number) == (Cause.LIMIT, 1)
        assert by_code(reader.reasons()) == {"not_sent": {"not_reached": 1}, "skipped": {"duplicate": 1}}
        assert [result.code for result in reader.rows() if result.state is State.SKIPPED] == [Code.DUPLICATE]
    finally:
        reader.close()


def test_of_a_run_under_way_what_is_in_flight_is_not_counted() -> None:
    """A status would tell of texts in doubt that are about to be accepted."""
    found = [(State.INTENT, Reason(), 3), (State.SENT, Reason(), 5)]
    assert by_code(found, running=True) == {}
    assert by_code(found) == {"unknown": {"interrupted": 3}}
