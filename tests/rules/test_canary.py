"""By how many a canary fails: counts, and not rates."""

import math

import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import State
from rumbleup_async.rules.canary import (
    DOUBT,
    NUMBER,
    RULES,
    WAIT,
    Asked,
    Standing,
    Tally,
    broken,
    fewest,
    read_rule,
    read_rules,
    tail,
)


@pytest.mark.parametrize(
    ("texts", "percent", "least"),
    [
        *((100, 2, 7), (200, 2, 10), (500, 2, 19), (1000, 2, 32)),
        *((1, 2, 2), (0, 2, 1), (10, 2, 3), (1, 0, 1), (1000, 0, 1), (1, 0.5, 1), (200, 8, 26), (3, 99, 4)),
    ],
)
def test_the_table(texts: int, percent: float, least: int) -> None:
    """Stopping at the raw rate would stop every second list of 2 %; at twice the rate, nobody in time."""
    assert fewest(texts, percent / 100) == least


def test_every_count_is_the_smallest_by_the_whole_sum() -> None:
    """A tail that is cut too early, or begun beside the middle, would be off by one where nobody looks."""
    for texts in (*range(1, 30), 64, 150):
        for share in (0.001, 0.01, 0.02, 0.08, 0.3, 0.5, 0.9, 0.99):
            each = [math.comb(texts, hit) * share**hit * (1 - share) ** (texts - hit) for hit in range(texts + 1)]
            tails = [math.fsum(each[least:]) for least in range(texts + 2)]
            assert fewest(texts, share) == next(least for least, chance in enumerate(tails) if chance < DOUBT)
            assert all(tail(texts, share, least) == pytest.approx(chance) for least, chance in enumerate(tails))
            assert all(tail(texts, share, least) <= 1.0 for least in range(texts + 2))
    assert fewest(1_000_000, 0.02) == 20_327
    assert tail(5, 1.0, 5) == 1.0


def test_what_counts_for_what() -> None:
    """A text that was refused has reached nobody, so nobody can opt out after it."""
    rules = tuple(map(read_rule, ("opt-outs>2%", "errors>8%")))
    assert broken(rules, Tally(sent=200, heard={"opt-outs": 9})) == ""
    assert broken(rules, Tally(sent=200, heard={"opt-outs": 10})) == "10 of 200 opted out"
    assert broken(rules, Tally(sent=100, refused=5000, heard={"opt-outs": 7})) == "7 of 100 opted out"
    assert broken(rules[1:], Tally(sent=175, refused=25)) == ""
    assert broken(rules[1:], Tally(sent=174, refused=20, unknown=3, heard={"undelivered": 3})) == "26 of 197 failed"
    for metric, tally, words in (
        ("unknown>1%", Tally(sent=90, unknown=10), "10 of 100 are unknown"),
        ("refused>1%", Tally(sent=90, refused=10), "10 of 100 were refused"),
        ("undelivered>1%", Tally(sent=1000, heard={"undelivered": 30}), "30 of 1,000 were not delivered"),
    ):
        assert broken([read_rule(metric)], tally) == words
    assert broken(rules, Tally()) == ""
    # What is unknown because our own process died says nothing of the list.
    assert broken(rules, Tally(sent=40, unknown=20, interrupted=20)) == ""
    assert broken(rules, Tally(sent=40, unknown=19, interrupted=8)) == "11 of 59 failed"
    assert broken(rules, Tally(sent=60, interrupted=20)) == ""
    before = Tally(sent=5, refused=1, unknown=2)
    counts = dict.fromkeys(State, 0) | {State.SENT: 15, State.REFUSED: 2, State.UNKNOWN: 1}
    assert before.minus(counts, {"opt-outs": 1}) == Tally(10, 1, 0, {"opt-outs": 1})
    assert before.minus(dict.fromkeys(State, 0), {}) == Tally(0, 0, 0)
    assert broken(rules, Tally(sent=90, unknown=110, interrupted=110, heard={"opt-outs": 10})) == "10 of 200 opted out"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "opt-outs",
        "opt-outs>2",
        "opt-outs<2%",
        "opt-outs>=2%",
        "optouts>2%",
        "opt-outs>100%",
        "opt-outs>-1%",
        "errors>nan%",
        2,
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(words: object) -> None:
    """A rule that is misspelt would watch nothing."""
    with pytest.raises(ConfigurationError, match="abort-if is METRIC>P%"):
        read_rule(words)


def test_rules_are_read_as_people_write_them() -> None:
    """Two rules for one thing, of which the looser one holds, would be a trap."""
    assert read_rules([" Opt-Outs > 2.50 % ", "errors>8%", "opt-outs>1%", "opt-outs>3%"]) == ["opt-outs>1%", "errors>8%"]
    assert read_rules("unknown>0%") == ["unknown>0%"]


def test_a_canary_is_what_was_asked_for() -> None:
    """It would be larger or shorter than is told of it, be judged by nothing, or ask nobody for what nobody has asked it."""
    assert (NUMBER, WAIT, RULES) == (200, 900.0, ("opt-outs>2%", "errors>8%"))
    asked = Asked(200)
    assert not asked.asks
    assert [(rule.metric, rule.share, rule.words) for rule in asked.judges] == [
        ("opt-outs", 0.02, "opt-outs>2%"),
        ("errors", 0.08, "errors>8%"),
    ]
    assert [asked.watches(one) for one in ("opt-outs", "errors", "unknown")] == [True, True, False]
    assert asked.watches("unknown", "errors") is True
    assert str(asked) == "canary 200, then 15 min; stop if opt-outs > 2 % or errors > 8 %"
    assert [str(Asked(1, wait)).split("; ")[0] for wait in (59.0, 60.0, 60.5)] == [
        "canary 1, then 59 s",
        "canary 1, then 1 min",
        "canary 1, then 1.00833 min",
    ]


def test_a_canary_stands_as_its_ledger_has_kept_it() -> None:
    """A resume would send the rest of a run whose canary has failed, or watch one for ever that has passed."""
    assert Standing.of(None) is None
    kept = Standing.of({"began": 5.0, "stage": "watching", "before": {"sent": 3}})
    assert kept == Standing(5.0, "watching", before=Tally(sent=3))
    assert (kept.until, kept.interrupted) == (0.0, 0)
    assert [Standing(0.0, stage).is_over for stage in ("going", "watching", "passed", "failed")] == [False, False, True, False]


def test_the_chance_of_none_at_least_is_one() -> None:
    """A rule of 0 % would be broken by a run in which nothing has happened."""
    assert [tail(0, 0.5, 0), tail(5, 0.0, 0), tail(5, 0.5, -1), tail(5, 0.0, 1), tail(5, 0.5, 6)] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert tail(5, 1.5, 5) == 1.0
