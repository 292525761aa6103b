"""What a ledger does for a canary: lots among those who are open, and what is heard of whom."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async.ledger import MemoryLedger, Reader, SqliteLedger
from rumbleup_async.messaging import Closed, Plan, Planned, State, Text
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.reasons import Code, Reason

PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text="Hi. STOP to opt out", same_text="Hi. STOP to opt out")
ROWS = 600
OPEN = {1: 10.0, 2: 1e12}
"""Of the places 1 and 2 only the second is open at 100."""


@pytest.fixture(params=["memory", "file", "database"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    made: Any = MemoryLedger() if request.param == "memory" else SqliteLedger(tmp_path / "run.ledger")
    if request.param == "database":
        made = PostgresLedger(
            request.getfixturevalue("postgres").address(f"trial-{tmp_path.parent.name}-{tmp_path.name}", lease="10")
        )
    await made.open(PLAN)
    # Every second is at a place that is shut, and every third has no place.
    rows = [Planned(row, f"202234{row:04d}", PLAN.text, place=0 if not row % 3 else row % 2 + 1) for row in range(1, ROWS + 1)]
    await made.load([rows[:250], rows[250:]])
    await made.complete("")
    yield made
    await made.aclose()


async def step(ledger: Any, owner: int, want: int, done: list[Closed] | None = None, shut: Any = OPEN) -> list[Text]:
    found = await ledger.step(owner, done or [], want, 100.0, shut)
    return list(found.texts)


async def test_lots_go_first_and_are_drawn_among_those_who_are_open(ledger: Any) -> None:
    """People would be texted at night, twice, or from the top of the list; or be left out for having been drawn."""
    owner = (await ledger.enlist("test")).id
    before = await step(ledger, owner, 5)
    assert await ledger.trial.begin() == {}
    assert await ledger.trial.draw(30, "run", 100.0, OPEN) == 30
    assert ledger.trial.waiting == 30
    first = await step(ledger, owner, 20)
    first += await step(ledger, owner, 50)
    assert len(first) == 30, "nobody else together with them"
    assert {text.place for text in first} <= {0, 2}
    assert max(text.row for text in first) > ROWS / 2
    assert not {text.row for text in first} & {text.row for text in before}
    assert ledger.trial.waiting == 0
    # Some come back: put aside, throttled, and sent.
    done = [
        Closed(first[0].row, State.QUEUED, 1, Reason(Code.OTHER_NO, "x")),
        Closed(first[1].row, State.QUEUED, 1, due=1e9),
        *(Closed(text.row, State.SENT, 1, logid=f"rl_{text.row}") for text in first[2:]),
    ]
    assert await step(ledger, owner, 0, done) == []
    assert await ledger.trial.draw(10, "run", 100.0, OPEN) == 10
    # Of these one place shuts before they are opened: they wait with the others.
    shut_now = {1: 10.0, 2: 10.0}
    some = await step(ledger, owner, 10, shut=shut_now)
    assert {text.place for text in some} <= {0}
    assert await step(ledger, owner, 10) == [], "nobody but by lot"
    assert await ledger.trial.draw(0, "run", 100.0, OPEN) == 0
    rest = await step(ledger, owner, ROWS)
    rest += await step(ledger, owner, ROWS)
    rows = [text.row for text in [*before, *first, *some, *rest]]
    again = [row for row in set(rows) if rows.count(row) > 1]
    assert set(again) <= {first[0].row}, "nobody is opened twice but who came back"
    everybody = {row for row in range(1, ROWS + 1) if not row % 3 or row % 2}
    assert set(rows) == everybody - ({first[0].row} - set(rows))
    # Whoever is shut comes once their place opens.
    late = await step(ledger, owner, ROWS, shut={1: 1e12, 2: 1e12})
    assert {text.place for text in late} <= {1, 2}
    assert {text.row for text in late} >= set(range(1, ROWS + 1)) - everybody


async def test_fewer_than_were_asked_for_are_drawn_where_there_are_no_more(ledger: Any) -> None:
    """A list of which most were texted would be drawn from for ever."""
    owner = (await ledger.enlist("test")).id
    await ledger.trial.begin()
    everybody = {1: 1e12, 2: 1e12}
    assert len(await step(ledger, owner, ROWS - 7, shut=everybody)) == ROWS - 7
    assert await ledger.trial.draw(30, "run", 100.0, everybody) == 7
    assert await ledger.trial.draw(30, "run", 100.0, everybody) == 7, "who was drawn, and not opened, is drawn again"
    assert len(await step(ledger, owner, 30, shut=everybody)) == 7
    assert await step(ledger, owner, 30, shut=everybody) == []
    assert await ledger.trial.draw(30, "run", 100.0, everybody) == 0
    assert await step(ledger, owner, 30, shut=everybody) == []


async def test_what_is_heard_counts_once_and_only_of_whom_the_run_has_texted(ledger: Any) -> None:
    """A log shows a reply twice, a person opts out of another run's text, and a receipt is about last week's text."""
    owner = (await ledger.enlist("test")).id
    await ledger.trial.begin()
    await ledger.trial.draw(4, "run", 100.0, OPEN)
    sent, unknown, refused, back = await step(ledger, owner, 4)
    done = [
        Closed(sent.row, State.SENT, 1, logid="rl_1"),
        Closed(unknown.row, State.UNKNOWN, 1, Reason(Code.NO_ANSWER)),
        Closed(refused.row, State.REFUSED, 1, Reason(Code.OTHER_NO, "x")),
        Closed(back.row, State.QUEUED, 0),
    ]
    await step(ledger, owner, 0, done)
    assert sorted(await ledger.trial.texted()) == sorted([sent.phone, unknown.phone])
    everybody = [(f"202234{row:04d}", "") for row in range(1, ROWS + 1)]
    assert await ledger.trial.hear("opt-outs", [*everybody, ("5551234567", "")]) == {"opt-outs": 2}
    assert await ledger.trial.hear("opt-outs", everybody) == {"opt-outs": 2}
    assert (await ledger.trial.hear("undelivered", [(sent.phone, "rl_2"), (unknown.phone, "rl_1")])).get("undelivered", 0) == 0
    assert await ledger.trial.hear("undelivered", [(sent.phone, "rl_1")]) == {"opt-outs": 2, "undelivered": 1}
    assert await ledger.trial.begin() == {"opt-outs": 2, "undelivered": 1}
    if isinstance(ledger, SqliteLedger):
        reader = Reader(ledger.path)
        assert reader.heard == {"opt-outs": 2, "undelivered": 1}
        reader.close()
