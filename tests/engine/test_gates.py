"""Places with opening times, as the engine minds them: at the claim, once more before the wire, and while nobody is open."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import pytest

from rumbleup_async.admission import GO, Verdict, Wait
from rumbleup_async.engine.bookkeeper import Bookkeeper
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.locks import Locks
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.engine.texters import Texters
from rumbleup_async.messaging import Plan, Planned, Result, State, Text
from rumbleup_async.outcomes import Accepted, Drawn, Outcome, Throttled
from rumbleup_async.reasons import OUTSIDE_HOURS, Code, Reason
from rumbleup_async.rules.door import Rule
from rumbleup_async.screening.screen import Screen
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.books import open_ledger
from tests.engine.scripted import TEXT, Provider, accepts, make_ledger, phone
from tests.engine.test_texters import Server

LEDGERS = pytest.mark.parametrize("kind", ["memory", "sqlite"])

THROTTLED_429 = Reason(Code.THROTTLED, "429")
PLAN = Plan(run="bcdfghjkmn", provider="rumbleup", action="125", text=TEXT, same_text=TEXT)


class Windows:
    """Gates of a few places: from when to when each is open, perhaps several times."""

    def __init__(self, windows: Mapping[int, list[tuple[float, float]]], *, may_wait: bool = False) -> None:
        self.windows = windows
        self.may_wait = may_wait

    def shut(self, now: float) -> Mapping[int, float]:
        return {
            place: next((closes for opens, closes in windows if opens <= now < closes), 0.0)
            for place, windows in self.windows.items()
        }

    def opens(self, places: Collection[int], now: float) -> float | None:
        later = [opens for place in places for opens, _ in self.windows[place] if opens > now]
        return min(later, default=None)


class Day:
    """A run over contacts at places, from Unix second 1000 on, and when each of them was texted."""

    def __init__(
        self,
        kind: str,
        path: Path,
        gates: Windows,
        places: list[int],
        *,
        script: Callable[[Text, int], Outcome] = accepts,
        latency: float = 0.5,
        rate: float | None = None,
        jump: Callable[[float], float] = lambda seconds: 0.0,
    ) -> None:
        self.jump = jump
        self.provider = Provider(script, latency)
        self.left_at: dict[int, float] = {}
        self.rows: dict[int, Result] = {}
        self.stop: Stop | None = None
        self.counts: dict[int, int] = {}
        virtual_time.run(self._main(kind, path, gates, places, rate))

    async def _main(self, kind: str, path: Path, gates: Windows, places: list[int], rate: float | None) -> None:
        loop = asyncio.get_running_loop()
        ledger = make_ledger(kind, path)
        await open_ledger(ledger, PLAN)
        contacts = [Planned(row, phone(row), TEXT, place=place) for row, place in enumerate(places, 1)]
        await ledger.load([contacts])
        began = loop.time()
        self.engine = Engine(
            ledger,
            self.provider,
            Pace(rate),
            Options(concurrency=4),
            observer=SilentObserver(),
            sink=lambda results: None,
            gates=gates,
            wall_clock=lambda: 1000.0 + loop.time() - began + self.jump(loop.time() - began),
        )
        self.stop = await self.engine.run()
        for call in self.provider.calls:
            self.left_at.setdefault(call.row, 1000.0 + call.time - began)
        self.counts = await ledger.places(dict.fromkeys(gates.windows, OUTSIDE_HOURS))
        self.rows = {result.row: result for result in await ledger.rows(-1, 1000)}
        await ledger.aclose()

    @property
    def books(self) -> Bookkeeper:
        return self.engine.books


@LEDGERS
def test_a_text_leaves_only_while_its_place_is_open(kind: str, tmp_path: Path) -> None:
    """Somebody would be woken by a text at five in the morning, because somebody else's day has begun."""
    gates = Windows({1: [(900.0, 1010.0)], 2: [(1200.0, 1500.0)], 3: [(500.0, 900.0)]})
    day = Day(kind, tmp_path, gates, [1, 2, 3, 0] * 5)
    assert day.stop is None
    for row, at in day.left_at.items():
        place = [0, 1, 2, 3][row % 4]
        assert any(opens <= at < closes for opens, closes in gates.windows.get(place, [(0.0, 1e9)])), (row, at)
    states = {place: {day.rows[row].state for row in day.rows if row % 4 == place} for place in range(4)}
    assert states == {0: {State.SENT}, 1: {State.SENT}, 2: {State.SENT}, 3: {State.QUEUED}}
    assert day.counts == {3: 5}
    assert {day.rows[row].why for row in day.rows if row % 4 == 3} == {OUTSIDE_HOURS}


@LEDGERS
def test_whose_day_ends_first_comes_first(kind: str, tmp_path: Path) -> None:
    """The east would be left over at night, while the west could have waited."""
    gates = Windows({7: [(900.0, 2000.0)], 8: [(900.0, 1900.0)]})
    day = Day(kind, tmp_path, gates, [7] * 6 + [0] * 6 + [8] * 6)
    by_place = [[7, 0, 8][(row - 1) // 6] for row in day.provider.delivered]
    assert by_place == [8] * 6 + [7] * 6 + [0] * 6


@LEDGERS
def test_nobody_open_at_the_beginning_ends_the_run(kind: str, tmp_path: Path) -> None:
    """A run that was begun at midnight would text people in the morning without anybody asking for it."""
    for name in "12":
        (tmp_path / name).mkdir()
    gates = Windows({1: [(5000.0, 6000.0)]})
    assert Day(kind, tmp_path / "1", gates, [1] * 3).provider.calls == []
    gates = Windows({1: [(5000.0, 6000.0)]}, may_wait=True)
    day = Day(kind, tmp_path / "2", gates, [1] * 3)
    assert all(at >= 5000.0 for at in day.left_at.values())
    assert len(day.left_at) == 3


@LEDGERS
def test_a_place_that_shuts_while_a_text_waits_for_its_turn(kind: str, tmp_path: Path) -> None:
    """A hold of the provider's would carry texts over the end of somebody's day."""

    def hold(text: Text, attempt: int) -> Outcome:
        return Throttled(THROTTLED_429, 429, 100.0) if text.row == 3 and attempt == 1 else Accepted(f"rl_{text.row}")

    gates = Windows({1: [(900.0, 1050.0), (3000.0, 3100.0)], 2: [(900.0, 1040.0)]})
    day = Day(kind, tmp_path, gates, [1] * 8 + [2] * 2, script=hold)
    late = [row for row, result in day.rows.items() if result.state is State.QUEUED]
    assert all(day.rows[row].why == OUTSIDE_HOURS for row in late)
    assert set(late) <= {9, 10}
    assert all(1000.0 <= at < 1050.0 or 3000.0 <= at < 3100.0 for at in day.left_at.values())
    assert {row for row in range(1, 9) if day.rows[row].state is State.SENT} == set(range(1, 9))


@LEDGERS
def test_a_clock_that_is_set_back_under_a_text_gives_it_back(kind: str, tmp_path: Path) -> None:
    """A machine whose clock was fast would be put right, and the texts that it had in hand would leave before nine."""

    def hold(text: Text, attempt: int) -> Outcome:
        return Throttled(THROTTLED_429, 429, 20.0) if text.row == 1 and attempt == 1 else Accepted(f"rl_{text.row}")

    gates = Windows({1: [(990.0, 5000.0)]})
    day = Day(kind, tmp_path, gates, [1] * 6, script=hold, jump=lambda seconds: -200.0 if seconds > 10.0 else 0.0)
    assert {row: result.state for row, result in day.rows.items()} == dict.fromkeys(range(1, 7), State.SENT)
    assert all(at < 1010.0 or at >= 990.0 + 200.0 for at in day.left_at.values()), day.left_at
    assert any(at >= 990.0 + 200.0 for at in day.left_at.values())


class Drawing:
    """A concurrent run over contacts whose place is the last digit of their phone, from Unix second 1000 on."""

    def __init__(
        self,
        kind: str,
        path: Path,
        gates: Windows,
        phones: Sequence[str],
        *,
        rules: Sequence[Rule] = (),
        for_seconds: float = 3600.0,
    ) -> None:
        self.server = Server([Drawn(phone, {"phone": phone}) for phone in phones])
        self.results: list[Result] = []
        self.rows: dict[str, Result] = {}
        self.stop: Stop | None = None
        virtual_time.run(self._main(kind, path, gates, rules, for_seconds))

    async def _main(self, kind: str, path: Path, gates: Windows, rules: Sequence[Rule], for_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def clock() -> float:
            return 1000.0 + loop.time() - began

        ledger = make_ledger(kind, path)
        await open_ledger(ledger, PLAN)
        screen = Screen(TEXT)
        screen.place_by(lambda row, fields, phone: int(phone[-1]))
        engine = Engine(
            ledger,
            self.server,
            Pace(None),
            Options(concurrency=4, locks=Locks()),
            observer=SilentObserver(),
            sink=self.results.extend,
            texters=Texters(self.server, screen, writer=None, first_row=0, concurrency=4, wall_clock=clock),
            gates=gates,
            rules=rules,
            wall_clock=clock,
        )
        loop.call_later(for_seconds, engine.stop, Stop(Cause.ASKED))
        self.stop = await engine.run()
        self.left_at = {call.phone: 1000.0 + call.time - began for call in self.server.calls}
        self.drawn_at = [1000.0 + at - began for at in self.server.draws]
        after = -1
        while batch := await ledger.rows(after, 500):
            self.rows.update({result.phone: result for result in batch})
            after = batch[-1].row
        await ledger.aclose()


def drawn(*digits: int) -> list[str]:
    """Phones that end in these digits."""
    return [f"202234{number:03}{digit}" for number, digit in enumerate(digits, 100)]


@LEDGERS
def test_a_leased_contact_outside_its_hours_is_given_back(kind: str, tmp_path: Path) -> None:
    """Whoever was drawn at night would be left out for good; or be texted at night."""
    gates = Windows({1: [(900.0, 9000.0)], 2: [(1700.0, 9000.0)]})
    run = Drawing(kind, tmp_path, gates, drawn(1, 2, 1, 2))
    assert {phone[-1]: result.state for phone, result in run.rows.items()} == {"1": State.SENT, "2": State.SENT}
    assert all(at >= 1700.0 for phone, at in run.left_at.items() if phone[-1] == "2")
    told = [result for result in run.results if result.state is State.NOT_SENT]
    assert {result.why for result in told} == {OUTSIDE_HOURS}


@LEDGERS
def test_many_in_a_row_pause_the_drawing(kind: str, tmp_path: Path) -> None:
    """Each one drawn is locked for five minutes: a run at night would lock the whole project, again and again."""
    gates = Windows({1: [(900.0, 9000.0)], 2: [(3000.0, 9000.0)]})
    run = Drawing(kind, tmp_path, gates, drawn(1, *[2] * 40))
    assert len([at for at in run.drawn_at if at < 2999.0]) <= 1 + 20 + 4
    assert {result.state for result in run.rows.values()} == {State.SENT}
    assert all(at >= 3000.0 for phone, at in run.left_at.items() if phone[-1] == "2")


@LEDGERS
def test_nobody_open_and_nothing_said_stops_the_drawing(kind: str, tmp_path: Path) -> None:
    """A run begun at night would lock contacts until the morning."""
    run = Drawing(kind, tmp_path, Windows({2: [(9000.0, 9900.0)]}), drawn(*[2] * 40))
    assert run.stop is not None
    assert run.stop.cause is Cause.OUTSIDE_HOURS
    assert len(run.drawn_at) <= 20 + 4
    assert run.server.calls == []


@LEDGERS
def test_a_rule_that_puts_off_leaves_nobody_out(kind: str, tmp_path: Path) -> None:
    """A contact that a rule of the caller's has put off would be skipped for good."""

    class Later:
        async def admit(self, text: Text, now: float) -> Verdict:
            return Wait(1400.0, THROTTLED_429) if now < 1400.0 and text.phone[-1] == "2" else GO

    run = Drawing(kind, tmp_path, Windows({1: [(900.0, 9000.0)], 2: [(900.0, 9000.0)]}), drawn(1, 2), rules=[Later()])
    assert {result.state for result in run.rows.values()} == {State.SENT}
    assert [result.why for result in run.results if result.state is State.NOT_SENT] == [THROTTLED_429]
