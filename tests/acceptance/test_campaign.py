"""A campaign as a careful person runs it: plan, test, canary, pause, budget, cap, opt-outs, and the books at the end."""

import json

from tests.acceptance.lists import phone, text_for
from tests.acceptance.provider_process import Provider
from tests.acceptance.stage import Stage
from tests.acceptance.test_steering import quiet
from tests.history import check_day_cap, check_money, check_tests

ROWS, PRICE = 260, 0.05
MINE = ("2025559001", "2025559002")
OUT = phone(7)


def test_a_campaign_from_the_list_to_the_report(stage: Stage, provider: Provider) -> None:
    """Each part would hold by itself, and not beside the others."""
    provider.set(latency=0.02)
    voters = stage.list(ROWS)
    book = ("--book", "people.book", "--opt-outs", "auto")
    assert stage.run("opt-outs", "add", OUT, "--book", "people.book").code == 0
    care = ("--price", PRICE, "--budget", 6, "--day-cap", 100, "--rate", 60, "--canary", "20,1s", *book)

    # The plan, and somebody who approves it.
    planned = stage.send(voters, *care, "--dry-run", "--plan", "plan.json")
    assert planned.code == 0, planned.err
    assert planned.json["plan"]["to_text"] == ROWS - 1
    assert planned.json["plan"]["skipped"] == {"opt_out": 1}
    assert planned.json["plan"]["cost"] == round(PRICE * (ROWS - 1), 6)
    assert json.loads((stage.folder / "plan.json").read_text())["contacts"]["number"] == ROWS - 1
    stage.file("other.csv", (stage.folder / "voters.csv").read_text() + "2025550999,Eve\n")
    refused = stage.send("other.csv", *care, "--approved", "plan.json", "--test-to", MINE[0])
    assert (refused.code, "what differs is the contacts" in refused.err) == (2, True)
    assert provider.left == 0
    stage.ledger.unlink()

    # The test, the canary, and the first hundred, with a pause in between.
    tests = ("--test-to", MINE[0], "--test-to", MINE[1])
    running = stage.start(*stage.sending(voters, *care, "--approved", "plan.json", *tests))
    provider.wait_for(30)
    assert stage.run("pause", stage.ledger, "--why", "a look at the replies").code == 0
    left = quiet(provider)
    assert stage.run("continue", stage.ledger).code == 0
    done = running.wait()
    assert (done.code, done.json["stop_cause"]) == (3, "daily_cap"), done.err
    assert done.json["sent"] == 100 > left
    assert [one["state"] for one in done.json["tests"]] == ["sent", "sent"]
    assert done.json["canary"]["stage"] == "passed"

    # Another day's worth, as far as the money goes; then more money.
    done = stage.resume("--day-cap", 300)
    assert (done.code, done.json["stop_cause"]) == (3, "budget"), done.err
    assert done.json["spending"]["paid"] == 6
    # The tests were paid, too.
    assert done.json["sent"] == 6 / PRICE - 2
    done = stage.resume("--budget", 20)
    assert (done.code, done.json["sent"], done.json["stopped"]) == (0, ROWS - 1, None), done.err

    truth = provider.truth()
    check_money([text["text"] for text in truth[:120]], PRICE, 6)
    check_money([text["text"] for text in truth], PRICE, 20)
    check_day_cap([(text["time"], text["text"]) for text in truth], 300)
    rest = check_tests(truth, done.json["run"], MINE)
    times = [text["time"] for text in rest]
    assert times[20] - times[19] >= 1.0, "the rest did not wait for the canary"
    contacts = {phone(n): text_for("Ada") for n in range(ROWS) if phone(n) != OUT}
    stage.check(ROWS, truth=rest, summary=done.json, planned=contacts)
