"""What observers are told of a run, and what a log says of it."""

import enum
import logging
import types
from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from rumbleup_async import Policy, Result, RunOptions, State, event_log, events
from rumbleup_async.engine.fan_out import FanOut
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.events import Event
from rumbleup_async.messaging import Second, Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.retry import Policy as Patience
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import Provider, Script, accepts, make_run, phones

HARMLESS = (int, float, bool, types.NoneType)
WORDS = {("RunBegan", "run"), ("RunBegan", "provider"), ("RunEnded", "run"), ("RunEnded", "error"), ("LedgerFailed", "error")}
"""The only strings in records: the letters of a run, the name of a provider, the class of an error."""

SECRETS = (*phones(60), "Hi. STOP", "secret words")


class Watching:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.batches = 0

    def events(self, happened: Sequence[Event]) -> None:
        self.batches += 1
        self.seen.extend(happened)


def of(watching: Watching, kind: type[events.Event]) -> list[Any]:
    """The records of one kind that it was told."""
    return [event for event in watching.seen if isinstance(event, kind)]


class Noting:
    """An observer of the first protocol."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.holds = 0

    def results(self, results: Sequence[Result]) -> None:
        self.rows += [result.row for result in results]

    def held(self, seconds: float, reason: str) -> None:
        self.holds += 1


def troubled(text: Text, attempt: int) -> Outcome:
    """Everything that may come of a text, with words that a log must not have."""
    why = Reason(Code.OTHER, f"secret words of {text.phone}")
    match text.row:
        case 10 if attempt == 1:
            return Throttled(why, 429, 0.5)
        case 12:
            return Refused(why, 400, about_recipient=True)
        case 14:
            return Unknown(why)
        case 16 if attempt < 3:
            return NotSent(why)
        case 18:
            raise ZeroDivisionError(text.phone)
        case _:
            return accepts(text, attempt)


def run(script: Script = accepts, count: int = 60, **options: Any) -> None:
    async def main() -> None:
        async with make_run(Provider(script), **options) as run:
            await run.send([*phones(count), "bad"])

    virtual_time.run(main())


def test_no_record_has_room_for_a_phone_a_text_a_name_or_a_key() -> None:
    """Records go into logs, metrics and live pages that are shown to anybody."""
    for kind in (*get_args(events.Event), Second):
        for name, hint in get_type_hints(kind).items():
            for part in set(get_args(hint) or (hint,)) - {...}:
                is_coded = isinstance(part, type) and issubclass(part, (enum.StrEnum, Second))
                assert part in HARMLESS or is_coded or (kind.__name__, name) in WORDS, (kind, name)


def test_a_noisy_run_tells_everything_and_shows_nobody() -> None:
    """A provider's words, which may quote the phone, would go into the log by way of a reason."""
    watching = Watching()
    run(troubled, observer=watching)
    shown = msgspec.json.encode(watching.seen).decode() + repr(watching.seen)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert [type(event) for event in (watching.seen[0], watching.seen[-1])] == [events.RunBegan, events.RunEnded]
    ended = of(watching, events.RunEnded)[0]
    assert (ended.sent, ended.refused, ended.skipped, ended.unknown, ended.cause) == (57, 1, 1, 2, None)
    delivered = of(watching, events.Delivered)
    assert sorted({event.row for event in delivered}) == list(range(1, 61))
    assert [event.kind for event in delivered if event.row == 10] == [events.Kind.THROTTLED, events.Kind.ACCEPTED]
    assert [event.attempt for event in delivered if event.row == 16] == [1, 2, 3]
    assert {event.code for event in delivered if event.row == 18} == {Code.MISTAKE}
    assert all(event.seconds >= 0 for event in delivered)
    assert [(event.row, event.status, event.after) for event in of(watching, events.Throttled)] == [(10, 429, 0.5)]
    assert of(watching, events.Held)
    assert of(watching, events.Slowed)


def test_steps_add_up() -> None:
    """Whoever counts steps would show other figures than the ledger."""
    watching = Watching()
    run(troubled, observer=watching)
    steps = of(watching, events.Stepped)
    assert sum(step.opened for step in steps) == 60
    assert sum(step.sent for step in steps) == 57
    assert sum(step.unknown for step in steps) == 2
    rare = [event for event in watching.seen if not isinstance(event, events.Stepped | events.Delivered)]
    # Before a hold is told there may be a call for what was noted until then.
    assert watching.batches <= len(steps) + len(rare) + len(of(watching, events.Held)), "more than one call for a step"


def test_several_observers_of_every_shape_are_told() -> None:
    """The second observer would hear nothing, or the first one twice."""
    watching, noting, both = Watching(), Noting(), type("Both", (Watching, Noting), {"__init__": _init_both})()
    run(troubled, observer=[watching, noting, both])
    assert sorted(noting.rows) == sorted(both.rows) == list(range(1, 62))
    assert noting.holds == both.holds == len(of(watching, events.Held))
    assert both.seen == watching.seen


def _init_both(self: Any) -> None:
    Watching.__init__(self)
    Noting.__init__(self)


def test_a_failing_observer_keeps_nobody_from_hearing() -> None:
    """A mistake in a progress bar would leave the file of results short of what is in the ledger."""

    class Failing(Noting):
        def results(self, results: Sequence[Result]) -> None:
            raise ZeroDivisionError

    noting = Noting()
    with pytest.raises(ZeroDivisionError):
        FanOut([Failing(), noting]).results([Result(7, "", State.SENT)])
    assert noting.rows == [7]


@pytest.mark.parametrize(
    "kind", [events.RunBegan, events.Stepped, events.Delivered, events.Held, events.RunEnded, events.Stopped]
)
def test_an_observer_that_fails_stops_the_run_and_loses_nobody(kind: type[events.Event]) -> None:
    """A bug in somebody's metrics would leave people unknown who were texted."""

    class Failing(Watching):
        def events(self, happened: Sequence[Event]) -> None:
            super().events(happened)
            if any(isinstance(event, kind) for event in happened):
                raise ZeroDivisionError

    failing = Failing()
    provider = Provider(troubled)
    counts: dict[State, int] = {}

    async def main() -> None:
        try:
            async with make_run(provider, observer=failing, limit=50) as run:
                try:
                    await run.send(phones(60))
                finally:
                    counts.update(run.counts)
                    assert run.summary.stop is not None
                    assert run.summary.stop.cause in {Cause.OBSERVER_FAILED, Cause.LIMIT}
        except ZeroDivisionError:
            return
        raise AssertionError("nobody heard of the mistake")

    virtual_time.run(main())
    assert counts[State.INTENT] == 0
    assert counts[State.SENT] == len([phone for phone in provider.left if phone not in (phones(60)[13], phones(60)[17])])


def test_a_stop_is_told_once_with_its_cause() -> None:
    """A page that shows why a run stands still would have nothing to show."""
    watching = Watching()
    run(
        lambda text, attempt: NotSent(Reason(Code.NOT_REACHED, "x")), observer=watching, policy=Patience(first_connect_attempts=2)
    )
    assert [event.cause for event in of(watching, events.Stopped)] == [Cause.NOT_REACHABLE]
    assert of(watching, events.RunEnded)[0].cause is Cause.NOT_REACHABLE
    limited = Watching()
    run(observer=limited, limit=5)
    assert [event.cause for event in of(limited, events.Stopped)] == [Cause.LIMIT]


def test_who_was_put_aside_is_told_to_come_again() -> None:
    """The second round would look like a run that does not end."""
    watching = Watching()
    policy = Policy(connect_attempts=1)
    run(
        lambda text, n: NotSent(Reason(Code.OTHER, "")) if text.row == 9 and n == 1 else accepts(text, n),
        observer=watching,
        policy=policy,
    )
    assert [event.texts for event in of(watching, events.RoundBegan)] == [1]


@pytest.mark.parametrize("observer", [Watching(), [Watching()], [Watching(), Noting()], ()])
def test_options_take_one_observer_or_several(observer: Any) -> None:
    """What the documentation shows would be refused."""
    assert RunOptions(observer=observer).observer is observer


def test_options_refuse_what_cannot_be_told_anything() -> None:
    """The run would begin, and nobody would hear of it."""
    with pytest.raises(ConfigurationError, match=r"or with events\(events\)"):
        RunOptions(observer=[Watching(), print])  # type: ignore[list-item]


# ---- the log ----


def test_a_log_says_what_counts_and_nothing_for_each_text(caplog: pytest.LogCaptureFixture) -> None:
    """A log of a million texts would have a million lines, or none at all."""
    caplog.set_level(logging.INFO, "rumbleup_async")
    run(troubled)
    said = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert len(said) < 15, said
    assert {name for name, *_ in said} <= {"rumbleup_async.run", "rumbleup_async.engine"}
    assert [level for _, level, message in said if '"not now" (429), and asks to wait 0.5 s' in message] == ["WARNING"]
    assert [level for _, level, message in said if message.startswith("2 texts are unknown")] == ["WARNING"]
    assert [level for _, level, message in said if "57 sent, 1 refused, 1 skipped" in message] == ["INFO"]


def test_a_volley_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Sixty-four texts that meet one limit would be sixty-four warnings."""
    caplog.set_level(logging.INFO, "rumbleup_async")
    run(lambda text, n: Throttled(Reason(Code.THROTTLED, "429"), 429, 0.2) if text.row > 20 and n == 1 else accepts(text, n))
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len([message for message in warnings if "not now" in message]) == 1
    assert len([message for message in warnings if "nothing leaves" in message]) == 1


def test_debug_says_each_text_and_shows_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A log at DEBUG, made to find a fault, is sent to somebody outside."""
    caplog.set_level(logging.DEBUG, "rumbleup_async")
    run(troubled)
    assert {vars(record)["row"] for record in caplog.records if getattr(record, "event_name", "") == "Delivered"} == set(
        range(1, 61)
    )
    shown = "\n".join(record.getMessage() + repr(vars(record)) for record in caplog.records)
    assert [secret for secret in SECRETS if secret in shown] == []


def test_extra_fields_are_those_of_the_event(caplog: pytest.LogCaptureFixture) -> None:
    """A formatter that writes JSON would have nothing but words."""
    caplog.set_level(logging.INFO, "rumbleup_async")
    run(troubled)
    ended = next(record for record in caplog.records if getattr(record, "event_name", "") == "RunEnded")
    assert vars(ended)["sent"] == 57
    assert vars(ended)["run"]
    assert {vars(record)["run"] for record in caplog.records} == {vars(ended)["run"]}
    reserved = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
    fields = {name for kind in get_args(events.Event) for name in get_type_hints(kind)}
    assert fields & reserved == set(), "logging refuses to take it"


def test_every_event_has_words() -> None:
    """A kind that was forgotten would stop the run that meets it."""
    for kind in get_args(events.Event):
        logger, _ = event_log._PLACES[kind]
        assert logger.name.startswith("rumbleup_async.")
        values = {field.name: _some(field.type) for field in msgspec.structs.fields(kind)}
        assert event_log._WORDS[kind] % event_log._shown(values)


def _some(hint: Any) -> object:
    parts = get_args(hint) or (hint,)
    return next(({int: 3, float: 1.5, bool: True, str: "x"}[part] for part in parts if part in {int, float, bool, str}), "code")


def test_nothing_is_made_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run would pay for a log that nobody keeps."""
    made: list[object] = []
    monkeypatch.setattr(events, "delivered", lambda *given: made.append(given))
    logging.getLogger("rumbleup_async").setLevel(logging.CRITICAL)
    try:
        assert not event_log.Observer().is_detailed
        run(lambda text, n: Accepted("rl_1"))
    finally:
        logging.getLogger("rumbleup_async").setLevel(logging.NOTSET)
    assert made == []
