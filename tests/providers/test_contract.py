"""One suite over every provider: the same fault on the wire is the same outcome in the ledger, and nobody is texted twice."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rumbleup_async import LineLimits, Policy, Result, RumbleUp, Run, Sendblue, State, Timeouts
from rumbleup_async.provider.client import Client
from rumbleup_async.simulator import Server
from rumbleup_async.stops import Cause, Stop

TEXT = "Hi {name}. STOP to opt out"
QUICK = Timeouts(read=0.25, answer=0.5)
POLICY = Policy(backoff=0.01, throttle_backoff=0.01, trouble_ceiling=0.01)
FREE = LineLimits(per_second=None, new_per_hour=None, new_per_day=None)
LINES = ["+12025550198", "+12025550199"]


class Provider(NamedTuple):
    """What the tests must know of one: how a client and a run are made, and how it writes phones."""

    client: Callable[[Server], Client]
    run: Callable[..., Run]
    resume: Callable[..., Run]
    prefix: str


def _rumbleup_run(client: RumbleUp, **options: Any) -> Run:
    return client.fast_mode(action=125, text=TEXT, policy=POLICY, **options)


def _sendblue_run(client: Sendblue, **options: Any) -> Run:
    return client.fast_mode(from_numbers=LINES, text=TEXT, policy=POLICY, limits=FREE, **options)


PROVIDERS = {
    "rumbleup": Provider(
        lambda server: RumbleUp("KEY:SECRET", base_url=server.url, timeouts=QUICK),
        _rumbleup_run,
        lambda client, ledger, **options: client.resume(ledger, policy=POLICY, **options),
        "",
    ),
    "sendblue": Provider(
        lambda server: Sendblue("KEY", "SECRET", base_url=server.origin, timeouts=QUICK),
        _sendblue_run,
        lambda client, ledger, **options: client.resume(ledger, policy=POLICY, limits=FREE, **options),
        "+1",
    ),
}

every_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)


def contacts(number: int) -> list[dict[str, str]]:
    return [{"phone": f"20255{n:05d}", "name": "Ada"} for n in range(20_300, 20_300 + number)]


async def results(run: Run, people: list[dict[str, str]] | None) -> dict[str, Result]:
    found = {}
    async for result in run.send(people):
        found[result.phone[-10:]] = result
    return found


UNKNOWN = ["hang-before", "hang-after", "close-before", "close-after", "reset-before", "reset-after", "cut-status", "cut-head",
           "half-body", "wrong-length", "500-before", "500-after", "502-html-before", "502-html-after", "504-after", "html",
           "html-after", "empty", "redirect", "redirect-after"]  # fmt: skip
SENT = ["slow", "drip", "keepalive-close", "keepalive-close-next", "429", "429-retry-after"]
REFUSED = ["400", "landline", "dnd"]
OUTCOMES = {
    **dict.fromkeys(UNKNOWN, State.UNKNOWN),
    **dict.fromkeys(SENT, State.SENT),
    **dict.fromkeys(REFUSED, State.REFUSED),
}


@every_provider
@pytest.mark.parametrize("kind", OUTCOMES)
async def test_the_same_fault_is_the_same_outcome(provider: Provider, kind: str, server: Server) -> None:
    """A second provider would keep another promise than the first: a fault would be retried here and written off there."""
    people = contacts(6)
    struck = people[3]["phone"]
    simulator = server.simulator
    simulator.change(slow_seconds=0.1, retry_after=0.05)
    simulator.fault(struck, [kind])
    async with provider.client(server) as client, provider.run(client, concurrency=1) as run:
        found = await results(run, people)
    assert found[struck].state is OUTCOMES[kind], found[struck]
    others = Counter(result.state for phone, result in found.items() if phone != struck)
    # The connection that closes as the next request arrives takes that one with it: nobody knows of it, in both worlds.
    assert others == ({State.SENT: 4, State.UNKNOWN: 1} if kind == "keepalive-close-next" else {State.SENT: 5})
    received = Counter(text.phone[-10:] for text in simulator.truth)
    assert max(received.values()) == 1
    assert received.keys() >= {phone for phone, result in found.items() if result.state is State.SENT}
    assert not received.keys() & {phone for phone, result in found.items() if result.state is State.REFUSED}
    assert {text.phone for text in simulator.truth} <= {result.phone for result in found.values()}


@every_provider
async def test_a_storm_of_faults_texts_nobody_twice(provider: Provider, server: Server, tmp_path: Path) -> None:
    """Under the mix of faults that a bad afternoon brings, someone would get the text two or three times."""
    simulator = server.simulator
    simulator.set_faults({"hang": 0.02, "close": 0.03, "502": 0.03, "reset-before": 0.02, "429": 0.05, "empty": 0.02})
    people = contacts(400)
    ledger = tmp_path / "run.ledger"
    async with provider.client(server) as client:
        async with provider.run(client, ledger=ledger, limit=150) as run:
            first = await run.send(people)
        simulator.set_faults({})
        async with provider.resume(client, ledger) as run:
            last = await run.send()
    assert first.total == last.total == 400
    assert last.sent + last.unknown == 400
    received = Counter(text.phone for text in simulator.truth)
    assert max(received.values()) == 1
    assert last.sent <= len(received) <= last.sent + last.unknown


@every_provider
async def test_a_wrong_key_stops_the_run_with_its_remedy(provider: Provider, server: Server) -> None:
    """A hundred thousand people would be written off for a typing error, or the message would name the other provider's key."""
    server.simulator.change(api_key="OTHER:KEY")
    async with provider.client(server) as client, provider.run(client) as run:
        summary = await run.send(contacts(40))
        name = client.PROVIDER.upper()
    assert summary.stopped is not None
    assert summary.stopped.startswith("key refused")
    assert f"{name}_API_KEY" in summary.stopped
    assert summary.resumable == 40
    assert not server.simulator.truth


@every_provider
async def test_nothing_reached_stops_the_run_with_its_remedy(provider: Provider, server: Server) -> None:
    """A run against a wrong address would go on for hours and say nothing of the setting to be mended."""
    server.port = 1  # nobody listens there
    async with provider.client(server) as client, provider.run(client) as run:
        summary = await run.send(contacts(3))
    assert summary.stopped is not None
    assert summary.stopped.startswith("not reachable")
    assert f"{client.PROVIDER.upper()}_BASE_URL" in summary.stopped
    assert summary.resumable == 3


@every_provider
async def test_whoever_is_suppressed_is_not_texted(provider: Provider, server: Server, tmp_path: Path) -> None:
    """A person who has opted out since would be texted by a resume, because the ledger writes phones in the provider's way."""
    people = contacts(20)
    out = {"sent": [people[0]["phone"]], "resumed": [f"({people[15]['phone'][:3]}) {people[15]['phone'][3:]}"]}
    async with provider.client(server) as client:
        async with provider.run(client, ledger=tmp_path / "run.ledger", suppress=out["sent"], concurrency=1, limit=5) as run:
            await run.send(people)
        async with provider.resume(client, tmp_path / "run.ledger", suppress=out["resumed"]) as run:
            summary = await run.send()
    assert (summary.sent, summary.skipped, summary.not_sent) == (18, 1, 1)
    received = {text.phone[-10:] for text in server.simulator.truth}
    assert received == {one["phone"] for one in people} - {people[0]["phone"], people[15]["phone"]}


@every_provider
async def test_stop_means_stop(provider: Provider, server: Server) -> None:
    """After Ctrl-C texts would still leave."""
    server.simulator.change(latency=0.01)
    async with provider.client(server) as client, provider.run(client, concurrency=4) as run:
        async for _ in run.send(contacts(300)):
            run.stop(Stop(Cause.ASKED, "enough"))
            break
    left = len(server.simulator.truth)
    assert left < 300
    assert run.counts[State.SENT] == left
    assert run.counts[State.QUEUED] == 300 - left


async def test_a_ledger_belongs_to_its_provider(server: Server, tmp_path: Path) -> None:
    """A run over one provider would be gone on with over another, and people be texted by both."""
    rumbleup, sendblue = PROVIDERS["rumbleup"], PROVIDERS["sendblue"]
    async with rumbleup.client(server) as one, sendblue.client(server) as other:
        async with rumbleup.run(one, ledger=tmp_path / "run.ledger", limit=1) as run:
            await run.send(contacts(3))
        with pytest.raises(Exception, match="run over rumbleup"):
            async with sendblue.resume(other, tmp_path / "run.ledger"):
                pass
