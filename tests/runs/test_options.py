"""The options of a run: declared once, given as a whole or one by one, checked where they are made."""

import typing
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import (
    ConfigurationError,
    LedgerMismatch,
    MemoryLedger,
    Policy,
    Response,
    RumbleUp,
    Run,
    RunOptions,
    ScriptedExchange,
    Sendblue,
)
from rumbleup_async.runs import options as module

TEXT = "Hi. STOP to opt out"


def rumbleup() -> RumbleUp:
    return RumbleUp("KEY:SECRET", exchange=ScriptedExchange(lambda request: Response(200, {}, b'{"logid": "rl_1"}')))


def sendblue() -> Sendblue:
    return Sendblue("KEY", "SECRET", exchange=ScriptedExchange(lambda request: Response(200, {}, b"{}")))


def test_options_and_keywords_are_the_same_names() -> None:
    """An option could be given one way and not the other."""
    names = set(module.RunKeywords.__annotations__)
    assert names == set(RunOptions.__struct_fields__)
    assert {name: str(kind) for name, kind in module.RunKeywords.__annotations__.items()} == {
        name: f"ForwardRef({kind!r}, module='rumbleup_async.runs.keywords')" for name, kind in RunOptions.__annotations__.items()
    }


def test_every_option_is_described() -> None:
    """An editor would show a name without its unit and its default."""
    described = RunOptions.__doc__ or ""
    for name in RunOptions.__struct_fields__:
        assert f"\n        {name}: " in described


@pytest.mark.parametrize("as_whole", [True, False])
async def test_both_ways_say_the_same(tmp_path: Path, as_whole: bool) -> None:
    """`options=` and keywords would be two products."""
    given: dict[str, Any] = {"rate": 50.0, "concurrency": 3, "policy": Policy(max_errors=7), "keep": "*", "skip_if": ["stop"]}
    ways: dict[str, Any] = {"options": RunOptions(**given)} if as_whole else given
    async with rumbleup() as client, client.fast_mode(action=125, text=TEXT, ledger=tmp_path / "a", **ways) as run:
        assert (run._setup.pace.rate, run._setup.options.concurrency) == (50.0, 3)
        assert run._setup.options.policy.max_errors == 7
        assert run.plan.details["skip_if"] == ["stop"]


def calls() -> list[tuple[str, typing.Callable[..., Run]]]:
    return [
        ("fast_mode", lambda **more: rumbleup().fast_mode(action=125, text=TEXT, **more)),
        ("concurrent_mode", lambda **more: rumbleup().concurrent_mode(action=125, text=TEXT, **more)),
        ("resume", lambda **more: rumbleup().resume("run.ledger", **more)),
        ("fast_mode", lambda **more: sendblue().fast_mode(from_numbers=["+12025550199"], text=TEXT, **more)),
        ("resume", lambda **more: sendblue().resume("run.ledger", **more)),
    ]


@pytest.mark.parametrize(("name", "call"), calls())
def test_both_given_is_an_error_with_the_remedy(name: str, call: typing.Callable[..., Run]) -> None:
    """One of the two would win, and the other be lost without a word."""
    with pytest.raises(ConfigurationError, match=f"{name}: limit beside options=; put it into the RunOptions"):
        call(options=RunOptions(concurrency=5), limit=5)
    assert isinstance(call(options=RunOptions(limit=5)), Run)
    assert isinstance(call(limit=5), Run)


@pytest.mark.parametrize(("name", "call"), calls())
def test_a_mistyped_option_is_named(name: str, call: typing.Callable[..., Run]) -> None:
    """`concurency=8` would be met with a traceback from inside."""
    with pytest.raises(TypeError, match=rf"{name}\(\) has no option 'concurency'; did you mean 'concurrency'"):
        call(concurency=8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rate": "100"}, "rate must be a number of texts a second; 0 for no limit of ours, not one str"),
        ({"rate": -1}, "rate must be a number"),
        ({"rate": True}, "rate must be a number"),
        ({"rate": float("nan")}, "rate must be a number"),
        ({"concurrency": 0}, "concurrency must be a whole number of at least 1, not 0"),
        ({"concurrency": 2.5}, "concurrency must be a whole number"),
        ({"processes": "2"}, "processes must be a whole number of at least 1, not one str"),
        ({"limit": -3}, "limit must be a whole number"),
        ({"unknown_limit": 2}, "unknown_limit must be a share from 0 to 1, such as 0.02 for 2 %; 1 for no limit; not 2"),
        ({"unknown_limit": -0.1}, "unknown_limit must be a share"),
        ({"unknown_limit": float("nan")}, "unknown_limit must be a share"),
        ({"unknown_limit": "none"}, "unknown_limit must be a share .* not one str"),
        ({"unknown_limit": True}, "unknown_limit must be a share"),
        ({"max_segments": 0}, "max_segments must be a whole number"),
        ({"policy": {"max_errors": 3}}, r"policy is a Policy, such as Policy\(max_errors=20\), not one dict"),
        ({"settle": "15m"}, "settle must be a number of seconds"),
        ({"literal": "yes"}, "literal is True or False, not one str"),
        ({"observer": print}, "not one builtin_function_or_method; results and held are missing"),
        ({"observer": RumbleUp}, r"observer is an object, not a class; give RumbleUp\(\)"),
    ],
)
def test_n7_an_option_that_cannot_be_meant_names_the_remedy(given: dict[str, Any], said: str) -> None:
    """An observer that is a function would fail after two texts have left, a rate in quotes with a TypeError from inside."""
    with pytest.raises(ConfigurationError, match=said):
        RunOptions(**given)


def test_options_are_not_heeded_in_silence_where_they_mean_nothing() -> None:
    """A column to be looked at where there is no list: people would be texted all the same."""
    with pytest.raises(ConfigurationError, match=r"rate means nothing to Sendblue: .*LineLimits"):
        sendblue().resume("run.ledger", rate=5)
    with pytest.raises(ConfigurationError, match="processes means nothing to Sendblue"):
        sendblue().fast_mode(from_numbers=["+12025550199"], text=TEXT, processes=2)
    with pytest.raises(ConfigurationError, match="skip_if means nothing to concurrent_mode"):
        rumbleup().concurrent_mode(action=125, text=TEXT, skip_if=["opt_out"])
    with pytest.raises(ConfigurationError, match="texters and concurrency are one and the same"):
        rumbleup().concurrent_mode(action=125, text=TEXT, texters=5, concurrency=5)


async def test_auto_is_kept_and_said_and_is_not_for_texters(tmp_path: Path) -> None:
    """A resume would go on with another number in flight; nobody would know how many a crash leaves unknown."""
    path = tmp_path / "run.ledger"
    async with rumbleup() as client:
        async with client.fast_mode(action=125, text=TEXT, ledger=path, concurrency="auto:100") as run:
            assert any("a crash leaves 200 unknown at most" in note for note in run.notes)
            await run.send(["2025550101"])
        async with client.resume(path) as run:
            assert any("a crash leaves 200 unknown at most" in note for note in run.notes)
            assert "concurrency auto:100" in run.goes_on_with
        with pytest.raises(ConfigurationError, match="auto is for fast mode"):
            async with client.concurrent_mode(action=125, text=TEXT, concurrency="auto", ledger=MemoryLedger()):
                pass


@pytest.mark.parametrize("client", [rumbleup(), sendblue()], ids=["rumbleup", "sendblue"])
async def test_how_much_may_be_unknown_is_kept(tmp_path: Path, client: RumbleUp | Sendblue) -> None:
    """A resume would be laxer than its run, or stop where the run was told to go on."""
    path = tmp_path / "run.ledger"
    where: dict[str, Any] = {"action": 125} if isinstance(client, RumbleUp) else {"from_numbers": ["+12025550199"]}
    async with client:
        async with client.fast_mode(**where, text=TEXT, ledger=MemoryLedger()) as run:
            assert run._setup.options.unknown_limit == 0.02
        async with client.fast_mode(**where, text=TEXT, ledger=path, unknown_limit=0.005) as run:
            assert run._setup.options.unknown_limit == 0.005
            await run.send(["2025550101"])
        async with client.resume(path, reconcile=False) as run:
            assert run._setup.options.unknown_limit == 0.005
            assert "0.5 % unknown at most" in run.goes_on_with
        async with client.resume(path, unknown_limit=1.0, reconcile=False) as run:
            assert run._setup.options.unknown_limit == 1.0
            await run.send()
        async with client.resume(path) as run:
            assert run._setup.options.unknown_limit == 1.0
            assert "no limit to what is unknown" in run.goes_on_with


async def test_a_resume_takes_the_options_of_its_run_and_no_other_rules(tmp_path: Path) -> None:
    """The same options could not be given to a resume, or another rule would be passed over in silence."""
    options = RunOptions(countries=["CA"], max_segments=2, skip_if="stop", keep="name")
    path = tmp_path / "run.ledger"
    async with rumbleup() as client:
        async with client.fast_mode(action=125, text=TEXT, ledger=path, options=options) as run:
            await run.send([{"phone": "2045550101", "stop": "", "name": "Ada"}])
        async with client.resume(path, options=options) as run:
            assert run.plan.details["max_segments"] == 2
        with pytest.raises(LedgerMismatch, match=r"begun with another max_segments and another skip_if, .*; leave it out"):
            async with client.resume(path, max_segments=3, skip_if=["gone"], countries=["ca"]):
                pass


async def test_a_ledger_may_be_handed_in() -> None:
    """Tests of a service would need a file."""
    ledger = MemoryLedger()
    async with rumbleup() as client:
        async with client.fast_mode(action=125, text=TEXT, ledger=ledger) as run:
            assert (await run.send(["2025550101"])).sent == 1
        assert ledger.counts == run.counts
        for wrong in (5, MemoryLedger, b"run.ledger"):
            with pytest.raises(
                ConfigurationError, match=r"ledger is the path of a file or a ledger such as MemoryLedger\(\), not"
            ):
                client.fast_mode(action=125, text=TEXT, ledger=wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="a resume goes on with a ledger; name its file"):
            client.resume(None)
