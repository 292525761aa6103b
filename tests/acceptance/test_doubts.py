"""A provider that loses answers now and then: the command stops before many people are in doubt, unless it is told otherwise."""

from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage

CONTACTS = 2600


def test_a_run_stops_above_its_limit_of_unknown_texts(stage: Stage, provider: Provider) -> None:
    """Whoever comes back in the morning would find one in twenty of a campaign in doubt, and nobody had asked."""
    provider.faults({"close-after": 0.05})
    done = stage.send(stage.list(CONTACTS), "--concurrency", "8", "--processes", "2")
    assert done.code == 3, done
    assert done.json["stop_cause"] == "too_many_unknown"
    assert " of the last 1,000 texts, more than 2 %; " in done.json["stopped"]
    assert "--unknown-limit" in done.err
    assert 1000 <= done.json["sent"] + done.json["unknown"] <= 1400, "what both processes had in flight is waited for"

    looked = stage.run("status", stage.ledger, "--json")
    assert looked.code == 3
    assert looked.json["stop_cause"] == "too_many_unknown"
    assert "unknown_limit" not in looked.json["kept"]

    # Lifted by typing it; the ledger keeps it, and a later part of the run goes by it.
    some = stage.resume("--no-reconcile", "--unknown-limit", "none", "--limit", "200", "--processes", "1")
    assert some.json["stop_cause"] == "limit", some
    looked = stage.run("status", stage.ledger)
    assert "no limit to what is unknown" in looked.err
    rest = stage.resume("--no-reconcile")
    assert rest.code == 1, rest
    assert rest.json["stopped"] is None
    assert rest.json["sent"] + rest.json["unknown"] == CONTACTS
    assert rest.json["unknown"] > CONTACTS * 0.03
    stage.check(CONTACTS, summary=rest.json, doubtful=CONTACTS)


def test_what_is_no_percentage_is_refused(stage: Stage) -> None:
    """0.05 might be a share or a percentage, and one of the two is a hundred times the other."""
    for wrong in ("0.05", "5", "101%", "-1%", "x%", "%", "nan%"):
        done = stage.send(stage.list(2), f"--unknown-limit={wrong}")
        assert done.code == 2, done
        assert "such as 5%" in done.err, done
    assert stage.provider.requests == 0
