"""Ledgers by path, by address, and handed in."""

import os
from pathlib import Path

import pytest

from rumbleup_async import ConfigurationError
from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import Consent, MemoryLedger, SqliteLedger
from rumbleup_async.messaging import Identity, State
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.runs import opening
from rumbleup_async.runs.opening import ledger_of, register
from tests import virtual_time
from tests.engine.scripted import Provider, make_run, phones

MINE = Identity("rumbleup", "https://app.rumbleup.com:443", "0123")


@pytest.fixture(autouse=True)
def _schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_openers", {})


def test_each_way_gives_the_ledger_that_is_meant(tmp_path: Path) -> None:
    """The books would be kept where nobody looks for them, or nowhere."""
    mine = MemoryLedger()
    assert ledger_of(mine) is mine
    assert isinstance(ledger_of(None), MemoryLedger)
    for path in (tmp_path / "run.ledger", os.fspath(tmp_path / "run.ledger"), "a:b.ledger"):
        assert isinstance(ledger_of(path), SqliteLedger)
    for other in (7, MemoryLedger, {"ledger": "x"}):
        with pytest.raises(ConfigurationError, match="path of a file"):
            ledger_of(other)  # type: ignore[arg-type]


def test_an_address_is_opened_by_whom_its_scheme_names() -> None:
    """A run over a database of the whole team would write a file of that name instead, and two machines text the same people."""
    asked: list[tuple[str, Identity | None, bool]] = []

    def teamdb(where: str, identity: Identity | None, consent: Consent) -> Ledger:
        asked.append((where, identity, consent.original))
        return MemoryLedger()

    with pytest.raises(LedgerError, match="give a path") as refused:
        ledger_of("teamdb://ada:secret@db/runs")
    assert "secret" not in str(refused.value)
    register("teamdb", teamdb)
    ledger_of("TeamDB://db/runs?run=spring", identity=MINE, consent=Consent(original=True))
    assert asked == [("TeamDB://db/runs?run=spring", MINE, True)]
    with pytest.raises(LedgerError, match="begins with teamdb://") as refused:
        ledger_of("mysql://ada:secret@db/runs")
    assert "secret" not in str(refused.value)
    assert isinstance(ledger_of("PostgreSQL://db/runs?run=spring"), PostgresLedger)
    with pytest.raises(LedgerError, match="a password does not belong") as refused:
        ledger_of("postgresql://ada:secret@db/runs?run=spring")
    assert "secret" not in str(refused.value)
    for scheme in ("teamdb", "postgresql", "no scheme"):
        with pytest.raises(ConfigurationError):
            register(scheme, teamdb)


def test_a_ledger_that_is_handed_in_serves_run_after_run() -> None:
    """A service that keeps its books itself could not go on with what it was handed back."""
    provider, ledger = Provider(), MemoryLedger()

    async def main() -> None:
        async with make_run(provider, ledger=ledger, limit=3) as run:
            await run.send([{"phone": phone} for phone in phones(10)])
        async with make_run(provider, ledger=ledger, resume=True) as run:
            summary = await run.send()
        assert summary.sent == 10
        assert ledger.counts[State.SENT] == len(provider.left) == 10

    virtual_time.run(main())
