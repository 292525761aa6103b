"""`message/log/select`: filters, pages, the lag, and the ways in which a log can mislead."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rumbleup_async.simulator import Simulator

from .callers import TEXT, Caller, Clock, Start


async def pages(caller: Caller, **fields: Any) -> list[list[str]]:
    """The phones page by page, at most 20 pages."""
    seen: list[list[str]] = []
    for _ in range(20):
        status, page = await caller.log(**fields)
        assert status == 200
        assert page["count"] == len(page["data"])
        seen.append([row["phone"] for row in page["data"]])
        if not (token := page.get("next_token")):
            break
        fields["_start"] = token
    return seen


def fill(simulator: Simulator, count: int, *flags: str) -> list[str]:
    """Texts that left, without the way over TCP."""
    phones = [f"20255501{n:02}" for n in range(count)]
    project = simulator.world.projects["125"]
    for phone in phones:
        simulator.world.take(project, phone=phone, text=TEXT, flags=flags, group="26", now=simulator.world.clock(), tagged=True)
    return phones


async def test_a_row(caller: Caller) -> None:
    """What left could not be recognised in the log."""
    _, sent = await caller.send(flags=["run-1"])
    _, page = await caller.log()
    assert list(page) == ["count", "total", "data"]
    (row,) = page["data"]
    same = ("logid", "phone", "proxy", "flags", "text", "sent_time", "price", "action", "cid", "group")
    assert {name: row[name] for name in same} == {name: sent[name] for name in same}


async def test_rows_can_be_sparse(start: Start) -> None:
    """The page's own sample lacks four fields, so a client must be tried without them."""
    async with start(sparse_log=True) as caller:
        await caller.send()
        _, page = await caller.log()
        assert not {"cid", "action", "group", "status"} & page["data"][0].keys()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"phone": "2025550100"}, [0, 2]),
        ({"phone": "12025550100,2025550101"}, [0, 1, 2]),
        ({"phone": "2025550109"}, []),
        ({"flags": "a"}, [0, 1]),
        ({"flags": "a,b"}, [0, 1, 2]),
        ({"flags": "sent"}, [0, 1, 2, 3]),
        ({"flags": "c"}, []),
        ({"phone": "2025550100", "flags": "b"}, [2]),
        ({"proxy": "2025550199"}, [0, 1, 2, 3]),
        ({"proxy": "12025550198"}, []),
        ({"tcr_cid": "CSIM001"}, [0, 1, 2, 3]),
        ({"tcr_cid": "OTHER"}, []),
        ({"since": "1741184402000"}, [2, 3]),
        ({"since": "1741184401000", "before": "1741184403000"}, [1, 2]),
        ({"since": "2025-03-05T14:20:02Z"}, [2, 3]),
        ({"since": "03/05/2025 09:20am EST"}, [0, 1, 2, 3]),
        ({"since": "03/05/2025 09:21am EST"}, []),
        ({"before": "2025-03-05"}, []),
        ({"since": "2025-03-05"}, [0, 1, 2, 3]),
    ],
)
async def test_filters(start: Start, fields: dict[str, str], expected: list[int]) -> None:
    """Reconciling by tag, phone or time window would find the wrong texts."""
    clock = Clock(datetime(2025, 3, 5, 14, 20, tzinfo=UTC).timestamp())
    async with start(clock=clock) as caller:
        sent = []
        for phone, flags in [("2025550100", ["a"]), ("2025550101", ["a", "b"]), ("2025550100", ["b"]), ("2025550102", [])]:
            sent.append((await caller.send(phone, flags=flags))[1]["logid"])
            clock.now += 1
        for method in ("GET", "POST"):
            _, page = await caller.call("message/log/select", fields, method=method)
            assert [sent.index(row["logid"]) for row in page["data"]] == expected
            assert page["total"] == len(expected)


async def test_by_logid(caller: Caller) -> None:
    """The one exact question to the log would have no answer."""
    ids = [(await caller.send(f"202555010{n}"))[1]["logid"] for n in range(3)]
    _, page = await caller.log(logid=f"{ids[2]},{ids[0]},rl_00,rubbish,rl_{'f' * 32}")
    assert [row["logid"] for row in page["data"]] == [ids[0], ids[2]]


@pytest.mark.parametrize(
    "fields",
    [
        {"_start": "rubbish"},
        {"_start": "MQ"},
        {"_count": 0},
        {"_count": "x"},
        {"since": "soon"},
        {"before": "9999-12-31T23:59"},
        {"since": "9" * 400},
    ],
)
async def test_bad_parameters_are_a_400(caller: Caller, fields: dict[str, Any]) -> None:
    """A mistake in a filter would look like an empty log."""
    status, reply = await caller.log(**fields)
    assert (status, reply["code"]) == (400, "FIELD")


async def test_pages_hold_every_row_once(caller: Caller) -> None:
    """A reader of all pages would miss texts, or the last page would lead on for ever."""
    phones = fill(caller.simulator, 70, "run-1")
    default = await pages(caller, flags="run-1")
    assert [len(page) for page in default] == [32, 32, 6]
    assert [phone for page in default for phone in page] == phones
    assert await pages(caller, _count=35) == [phones[:35], phones[35:]]


async def test_texts_that_leave_meanwhile_move_nothing(caller: Caller) -> None:
    """Rows would be skipped or repeated while a run goes on."""
    phones = fill(caller.simulator, 3)
    _, first = await caller.log(_count=2)
    fill(caller.simulator, 1)
    _, second = await caller.log(_count=2, _start=first["next_token"])
    assert [row["phone"] for row in second["data"]] == [phones[2], phones[0]]


async def test_the_log_can_lag(start: Start) -> None:
    """A client that believes an early absence would text people twice."""
    clock = Clock()
    async with start(log_lag=10, clock=clock) as caller:
        await caller.send()
        clock.now += 9
        assert (await caller.log())[1]["data"] == []
        clock.now += 1
        assert len((await caller.log())[1]["data"]) == 1


async def test_tags_can_be_lost(start: Start) -> None:
    """A client that settles by tag alone would call a sent text absent."""
    async with start(faults={"log-missing-tags": 0.5}) as caller:
        for n in range(40):
            await caller.send(f"20255501{n:02}", flags=["run-1"])
        _, tagged = await caller.log(flags="run-1", _count=99)
        _, everything = await caller.log(_count=99)
        bare = [row["phone"] for row in everything["data"] if row["flags"] == ["sent"]]
        assert len(everything["data"]) == 40
        assert 5 < len(bare) < 35
        assert not set(bare) & {row["phone"] for row in tagged["data"]}
        assert {text.flags for text in caller.simulator.truth} == {("run-1",)}


async def test_tags_can_be_lost_for_one_phone(caller: Caller) -> None:
    """A single case could not be set up."""
    caller.simulator.fault("2025550101", "log-missing-tags")
    await caller.send(flags=["run-1"])
    assert (await caller.log(flags="run-1"))[1]["data"] == []


async def test_tags_can_be_altered(caller: Caller) -> None:
    """A client that knows its texts by their tags alone could not be shown that a server may write them in its own way."""
    caller.simulator.fault("2025550101", "log-altered-tags")
    await caller.send(flags=["run-abcdefghij"])
    assert (await caller.log(flags="run-abcdefghij"))[1]["data"] == []
    (row,) = (await caller.log(phone="2025550101"))[1]["data"]
    assert row["flags"] == ["sent", "RUN-ABCDE"]


async def test_a_page_can_repeat(start: Start) -> None:
    """A reader that trusts the row count would settle on half of the log."""
    async with start(faults={"log-repeat-page": 1.0}) as caller:
        fill(caller.simulator, 6)
        _, first = await caller.log(_count=2)
        _, again = await caller.log(_count=2, _start=first["next_token"])
        assert again["data"] == first["data"]
        assert again["next_token"] != first["next_token"]
        caller.simulator.set_faults({})
        _, second = await caller.log(_count=2, _start=again["next_token"])
        assert [row["phone"] for row in second["data"]] == ["2025550102", "2025550103"]


async def test_a_token_can_repeat(start: Start) -> None:
    """A reader would go in circles."""
    async with start(faults={"log-repeat-token": 1.0}) as caller:
        fill(caller.simulator, 6)
        _, first = await caller.log(_count=2)
        _, second = await caller.log(_count=2, _start=first["next_token"])
        assert second["next_token"] == first["next_token"]
        assert caller.simulator.requests.faults["log-repeat-token"] == 1


async def test_the_log_can_fail(start: Start) -> None:
    """A client could not be shown to leave unknowns alone when the log cannot be read."""
    async with start(faults=["log-500=1"]) as caller:
        assert (await caller.log())[0] == 500


async def test_texts_that_are_not_kept_are_still_in_the_log(start: Start) -> None:
    """A large run could not be reconciled."""
    async with start(keep_texts=False) as caller:
        await caller.send()
        _, page = await caller.log(phone="2025550101")
        assert page["data"][0]["text"] == ""


async def test_replies_are_in_the_log(caller: Caller) -> None:
    """A reply would be taken for a text that left, or move the rows of the pages that are read meanwhile."""
    world = caller.simulator
    await caller.send("2025550101", flags=["run-1"])
    came = world.reply("2025550101", "STOP")
    await caller.send("2025550102", flags=["run-1"])
    world.reply("2025550102", "yes")
    await caller.send("2025550103", flags=["run-1"])

    async def shown(**fields: Any) -> list[tuple[str, str]]:
        rows: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            _, page = await caller.log(**fields, **token, _count=2)
            rows += page["data"]
            if "next_token" not in page:
                assert len(rows) == page["total"]
                return [(row["phone"][-1], row["text"]) for row in rows]
            token = {"_start": page["next_token"]}

    texts = [("1", TEXT), ("2", TEXT), ("3", TEXT)]
    assert await shown() == [("1", TEXT), ("1", "STOP"), ("2", TEXT), ("2", "yes"), ("3", TEXT)]
    assert await shown(flags="run-1") == await shown(flags="sent") == texts
    assert await shown(flags="dnd,run-1") == [("1", TEXT), ("1", "STOP"), *texts[1:]]
    assert await shown(phone="2025550102") == [("2", TEXT), ("2", "yes")]
    assert await shown(phone="2025550102", flags="run-1") == [("2", TEXT)]
    assert await shown(proxy="2025550199", tcr_cid="CSIM001", since="2020-01-01") == await shown()
    _, page = await caller.log(logid=came)
    (row,) = page["data"]
    assert (row["sender"], row["status"], row["flags"], row["action"]) == ("2025550101", "received", ["dnd"], "125")
    assert [text.phone for text in caller.simulator.truth] == ["2025550101", "2025550102", "2025550103"]
