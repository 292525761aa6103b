"""What the audit of a ledger keeps of the calls that sent: fingerprints, cautions set aside, ages of pulls, pauses."""

import hashlib
import json
from pathlib import Path

import pytest

from rumbleup_async import MemoryLedger, RumbleUp
from rumbleup_async.cli.audit_notes import overrides
from rumbleup_async.cli.hours import HoursOptions
from rumbleup_async.cli.people import PeopleOptions
from rumbleup_async.ledger import Consent
from rumbleup_async.lists.contacts import fingerprint
from rumbleup_async.simulator import Simulator

from .conftest import Process
from .test_care import SEND, listed


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv")


async def audit(process: Process, ledger: str = "a.ledger") -> list[tuple[str, str]]:
    """What and detail of each entry."""
    told = json.loads((await process("status", ledger, "--audit", "--json")).stdout)["audit"]
    return [(one["what"], one["detail"] or "") for one in told]


async def test_the_audit_has_all_that_somebody_asks_for_a_year_later(
    process: Process, simulator: Simulator, voters: Path
) -> None:
    """Who decided not to ask the provider for opt-outs, which list it was, and how old the opt-outs were."""
    book = ("--book", "b", "--opt-outs", "auto", "--limit", "2")
    done = await process("send", voters, *SEND, "--ledger", "a.ledger", *book, "--expect", "2")
    assert done.returncode == 0, done.stderr
    entries = await audit(process)
    text = hashlib.sha256(SEND[SEND.index("--text") + 1].encode()).hexdigest()[:16]
    digest = fingerprint(str(voters))[:16]
    assert ("opt-outs", "0 opt-outs read from the provider now") in entries
    assert ("agreed", "by --yes --expect 2") in entries
    (sending,) = [detail for what, detail in entries if what == "sending"]
    assert sending == f"6 queued; text {text}; list {digest}"
    done = await process("resume", "a.ledger", "--yes", "--limit", "1", "--opt-outs", "auto")
    assert "0 opt-outs since then" in [detail for what, detail in await audit(process) if what == "opt-outs"][-1]
    assert (await process("pause", "a.ledger", "--why", "a call")).returncode == 0
    assert (await process("continue", "a.ledger")).returncode == 0
    words = ("--opt-outs", "ignore-provider", "--gap", "0", "--again", "--no-book")
    done = await process("resume", "a.ledger", "--yes", *words, "--rehearsal", "yes", "--same-account")
    assert done.returncode == 0, done.stderr
    entries = await audit(process)
    whats = [what for what, _ in entries]
    assert whats.index("pause") < whats.index("continue")
    told = "\n".join(detail for what, detail in entries if what == "override")
    for word in ("ignore-provider: the provider was not asked", "--gap 0", "--again", "--no-book"):
        assert word in told
    assert "--rehearsal yes" in told
    assert "--same-account" in told
    aside = overrides(PeopleOptions(), HoursOptions(anyway=True), Consent(original=True))
    assert list(aside) == ["--hours-anyway: hours beyond 8-21", "--original"]
    assert list(overrides(PeopleOptions(), HoursOptions(), Consent())) == []
    assert not any(phone in f"{entries}" for phone in ("2025550101", "2025550106"))
    assert "override  --no-book" in (await process("status", "a.ledger", "--audit")).stdout
    assert len(simulator.truth) == 6


async def test_a_run_from_python_keeps_notes_of_its_caller(rumbleup: RumbleUp, tmp_path: Path) -> None:
    """An approval in a ticket system is nowhere; a ledger in memory has no audit, and fails for it."""
    from rumbleup_async.ledger import auditing

    for ledger in (tmp_path / "a.ledger", MemoryLedger()):
        async with rumbleup.fast_mode(action=125, text="Hi. STOP to opt out", ledger=ledger) as run:
            await run.note("approved", "ticket 77")
            await run.send(["2025550101"])
    entries = [(one.what, one.detail) for one in auditing.read(tmp_path / "a.ledger")]
    assert ("approved", "ticket 77") in entries
    assert "sending" in [what for what, _ in entries]
