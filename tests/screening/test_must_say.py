"""Words that every text of a run must hold: a text that lacks them leaves for nobody."""

from __future__ import annotations

import pytest

from rumbleup_async.errors import ConfigurationError, TemplateError
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.screening.must_say import missing, read_words, require_words
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.template import Template


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Vote! Paid for by Ada for Senate. STOP to opt out", "paid for by  ada for senate"),
        ("Vote!\nPAID FOR BY\nAda\u2019s friends", "Paid for by Ada's friends"),
        ("{first_name}, paid for by Ada", "Paid for by Ada"),
        ("Ada-for-Senate", "ada\u2011for\u2011senate"),
        ("It costs 5 % (+ tax)", "5 % (+ tax)"),
    ],
)
def test_words_are_found_however_they_are_written(text: str, words: str) -> None:
    """A campaign is held up for a quote of another kind."""
    require_words(Template(text), read_words([words]))


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("Vote! STOP to opt out", "Paid for by Ada", "add the words to the text"),
        ("Paid for by {committee|Ada}", "Paid for by Ada", "a value or a fallback that is merged does not count"),
        ("Paid {x}for by Ada", "Paid for by Ada", "does not say"),
        ("Paid for by Adamant", "Paid for by Ada", "does not say"),
        ("prepaid for by Ada", "Paid for by Ada", "does not say"),
        ("Paid for_by Ada", "for by", "does not say"),
    ],
)
def test_a_text_that_may_lack_them_is_refused(text: str, words: str, remedy: str) -> None:
    """The fallback says it, the row of the list says something else, and the text breaks the law."""
    with pytest.raises(TemplateError, match="does not say") as caught:
        require_words(Template(text), read_words([words]))
    assert remedy in str(caught.value)


def test_all_of_them_are_asked_for() -> None:
    """The first is there, so the second is not looked for."""
    assert missing(["one two"], ["one", "two"]) == ""
    assert missing(["one two"], ["one", "three"]) == "three"
    assert missing([], []) == ""
    assert read_words("one two") == ("one two",)
    for bad in ([""], [" "], ["..."], [1], [None]):
        with pytest.raises(ConfigurationError):
            read_words(bad)


def test_a_text_that_was_chosen_for_a_contact_is_looked_at_too() -> None:
    """A function forgets the words for one branch of its contacts."""
    screen = Screen("stands in", must_say=("Paid for by Ada",))
    good = screen.with_text(Contact(1, "2025550101", {}), "Hi. Paid for by Ada. STOP to opt out")
    bad = screen.with_text(Contact(2, "2025550102", {}), "Hi. STOP to opt out")
    assert not isinstance(good, Skipped)
    assert isinstance(bad, Skipped)
    assert bad.reason == "the text chosen does not say 'Paid for by Ada'"
