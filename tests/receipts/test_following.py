"""Following a run: whose text a receipt is about, when a look ends, and what an interruption leaves."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from rumbleup_async.errors import KeyRefused, LedgerError, ServerFailed
from rumbleup_async.ledger import purging
from rumbleup_async.ledger.whole_reader import Texted
from rumbleup_async.messaging import Closed, State
from rumbleup_async.receipts.following import Batch, Follower, Standing, Wanted, fact_of, follow
from rumbleup_async.receipts.told import Fact, Told, What
from tests.books import exchange
from tests.observe.test_gallery import begun, sent

SENT = Texted(7, "2025550101", State.SENT, "L7", 1_000_000_000_000)
DOUBT = Texted(7, "2025550101", State.UNKNOWN, "", 1_000_000_000_000)
HOURS = 3_600_000


def told(what: What, logid: str = "", at: int = 0, phone: str = "2025550101") -> Told:
    return Told(phone, what, logid, at=at)


@pytest.mark.parametrize(
    ("what", "contact", "fact"),
    [
        (told(What.DELIVERED, "L7"), SENT, True),
        (told(What.DELIVERED, "L8"), SENT, None),  # another text to the same person
        (told(What.DELIVERED, ""), SENT, None),
        (told(What.DELIVERED, "L7"), None, None),
        (told(What.UNDELIVERED, "L7"), DOUBT, False),
        (told(What.REPLIED, at=SENT.time + 5), SENT, True),
        (told(What.REPLIED, at=SENT.time - HOURS // 2), SENT, True),  # zones in logs are named wrongly
        (told(What.REPLIED, at=SENT.time - 2 * HOURS), SENT, None),  # to an earlier text
        (told(What.OPTED_OUT), DOUBT, True),
    ],
)
def test_whose_text_something_is_about(what: Told, contact: Texted | None, fact: bool | None) -> None:
    """A receipt of another text would count as one of this run."""
    expected = None if fact is None else Fact(7, what, is_open=not fact)
    assert fact_of(what, contact) == expected


class Teller:
    """A source with a script: each look tells the next part, an error is raised, and the last part stays."""

    cut = ""

    def __init__(self, *looks: Sequence[Told] | Exception) -> None:
        self.looks = [*looks]
        self.number = 0
        self.since = 0.0

    async def look(self, wanted: Wanted) -> AsyncIterator[Batch]:
        self.since = wanted.since
        script = self.looks[min(self.number, len(self.looks) - 1)]
        self.number += 1
        if isinstance(script, Exception):
            raise script
        yield Batch(script)


async def follows(path: Path, teller: Teller, seconds: float = 60.0, stop: asyncio.Event | None = None) -> Standing:
    follower = Follower(path)
    try:
        return await follow(
            follower,
            teller,
            seconds=seconds,
            every=0.01,
            heard=lambda _: None,
            failed=lambda _: None,
            stop=stop or asyncio.Event(),
        )
    finally:
        follower.close()


def all_of(numbers: Sequence[int], what: What = What.DELIVERED) -> list[Told]:
    return [told(what, f"L{row}", phone=f"1202{row:07d}") for row in numbers]


async def test_it_ends_when_all_receipts_are_in(tmp_path: Path) -> None:
    """Nobody has to stop it, and a server that fails once is asked again."""
    ledger = await begun(tmp_path / "a.ledger", 3)
    await sent(ledger, [1, 2, 3], int(time.time()) - 60)
    await ledger.aclose()
    teller = Teller(all_of([1]), ServerFailed("no", status=500), all_of([1, 2]), all_of([1, 2, 3]))
    standing = await follows(ledger.path, teller)
    assert (standing.is_complete, standing.counts.delivered, standing.waiting, teller.number) == (True, 3, 0, 4)
    assert teller.since == pytest.approx(time.time() - 60, abs=30)


async def test_it_waits_for_a_run_under_way(tmp_path: Path) -> None:
    """What is sent later has receipts later; the ledger is not touched, and the run goes on."""
    ledger = await begun(tmp_path / "a.ledger", 3)
    await sent(ledger, [1], int(time.time()))
    standing = await follows(ledger.path, Teller(all_of([1])), seconds=0)
    assert (standing.is_running, standing.is_complete, standing.waiting) == (True, False, 0)
    await sent(ledger, [2, 3], int(time.time()))
    await ledger.aclose()


async def test_a_receipt_before_its_answer_is_kept(tmp_path: Path) -> None:
    """The receiver's file tells each receipt once, and the run may not have noted yet that the text was accepted."""
    ledger = await begun(tmp_path / "a.ledger", 2)
    await exchange(ledger, [], 2)
    early = all_of([1], What.UNDELIVERED)
    standing = await follows(ledger.path, Teller(early), seconds=0)
    assert (standing.unsettled, standing.counts.undelivered) == (1, 0)
    now = int(time.time() * 1000)
    await exchange(ledger, [Closed(1, State.SENT, 1, logid="L1", time=now), Closed(2, State.SENT, 1, logid="L2", time=now)], 0)
    standing = await follows(ledger.path, Teller([]), seconds=0)
    assert (standing.unsettled, standing.counts.undelivered, standing.waiting) == (0, 1, 1)
    await ledger.aclose()


async def test_a_refused_key_ends_it(tmp_path: Path) -> None:
    """No later look can mend it; and what fails at once is told at once."""
    ledger = await begun(tmp_path / "a.ledger", 2)
    await sent(ledger, [1, 2], int(time.time()))
    await ledger.aclose()
    with pytest.raises(KeyRefused):
        await follows(ledger.path, Teller(all_of([1]), KeyRefused("no", status=401)))
    with pytest.raises(ServerFailed):
        await follows(ledger.path, Teller(ServerFailed("no", status=500)))


async def test_a_stop_keeps_what_is_there(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a wait ends it at once."""
    ledger = await begun(tmp_path / "a.ledger", 2)
    await sent(ledger, [1, 2], int(time.time()))
    await ledger.aclose()
    stop = asyncio.Event()
    task = asyncio.create_task(follows(ledger.path, Teller(all_of([1])), stop=stop))
    await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(5):
        assert (await task).counts.delivered == 1


async def test_a_purged_ledger_is_not_followed(tmp_path: Path) -> None:
    """Without phones no receipt finds its contact, and all would seem to be without one."""
    ledger = await begun(tmp_path / "a.ledger", 1)
    await sent(ledger, [1], int(time.time()))
    await ledger.aclose()
    purging.purge(ledger.path)
    with pytest.raises(LedgerError, match="taken out"):
        Follower(ledger.path)
