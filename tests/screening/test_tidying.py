"""Words that tidy a value, and what is said of the links in a text."""

import pytest

from rumbleup_async.errors import TemplateError
from rumbleup_async.messaging import Contact, Planned
from rumbleup_async.screening import link_notes
from rumbleup_async.screening.notes import notes_of
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.template import Template


@pytest.mark.parametrize(
    ("word", "value", "tidied"),
    [
        ("title", "ANNA-MARIE", "Anna-Marie"),
        ("title", "anna", "Anna"),
        ("title", "O'NEILL", "O'Neill"),
        ("title", "o\u2019neill", "O\u2019Neill"),
        ("title", "JOE'S", "Joe's"),
        ("title", "MCDONALD", "McDonald"),
        ("title", "McDonald", "McDonald"),
        ("title", "van der Berg", "van der Berg"),
        ("title", "JOHN SMITH III", "John Smith III"),
        ("title", "DJ", "DJ"),
        ("title", "AL", "Al"),
        ("title", "\u00c9LODIE", "\u00c9lodie"),
        ("title", "\u674e\u5c0f\u9f99", "\u674e\u5c0f\u9f99"),
        ("upper", "Ward 7b", "WARD 7B"),
        ("lower", "ANNA", "anna"),
        ("first", "  ANNA   MARIE ", "ANNA"),
        ("first:title", "ANNA MARIE", "Anna"),
    ],
)
def test_what_a_word_makes_of_a_value(word: str, value: str, tidied: str) -> None:
    """A list in capitals would shout at everybody, or a name would be written as nobody writes it."""
    template = Template(f"Hi {{name:{word}}}. STOP to opt out")
    assert template.render({"name": value}) == f"Hi {tidied}. STOP to opt out"
    assert template.fields == ("name",)


def test_a_fallback_is_used_as_it_is() -> None:
    """`{first_name:upper|friend}` would shout at whoever has no name."""
    template = Template("Hi {First Name : upper | friend}, {first_name}. STOP")
    assert template.render({"first_name": "ada"}) == "Hi ADA, ada. STOP"
    assert Template("Hi {x:title|friend}. STOP").render({}) == "Hi friend. STOP"


@pytest.mark.parametrize("field", ["x:upcase", "x:.2f", "x:", "x:title:foo", "x:title()", "x:first:", "x!r:title", "x.y:title"])
def test_there_are_no_other_words(field: str) -> None:
    """What is no word of ours would be sent, or a campaign's text could run code."""
    with pytest.raises(TemplateError, match="in a merge field"):
        Template(f"Hi {{{field}}}. STOP to opt out")


def test_a_list_in_capitals_is_tidied_in_screening() -> None:
    """The quick way of screening would leave the values as they are."""
    screen = Screen("Hi {first_name:title}. STOP to opt out")
    (planned,) = screen.batch([Contact(1, "2025550101", {"first_name": "ANNA"})])
    assert isinstance(planned, Planned)
    assert planned.text == "Hi Anna. STOP to opt out"


def test_links_are_listed_and_shared_shorteners_are_warned_of() -> None:
    """A text that carriers filter would be paid for and read by nobody."""
    text = "See https://bit.ly/abc, (http://example.org/{code}) or www.example.org/a?b=1. STOP to opt out"
    notes = notes_of(Screen(text))
    assert notes[0] == "the text has these links: https://bit.ly/abc, http://example.org/{code}, www.example.org/a?b=1"
    assert [note.partition(":")[0] for note in notes[1:]] == ["https", "http"]
    assert "shorteners" in notes[1]
    assert "without https" in notes[2]
    assert notes_of(Screen("Reply YES. STOP to opt out")) == []


@pytest.mark.parametrize("address", ["bit.ly/x", "HTTPS://WWW.BIT.LY/x", "https://tinyurl.com/a", "https://me@t.co/x?y"])
def test_shorteners_are_known_however_they_are_written(address: str) -> None:
    """One in capitals would pass."""
    assert any("shorteners" in note for note in link_notes.notes_of([address]))


@pytest.mark.parametrize("address", ["https://notbit.ly/x", "https://bit.ly.example.org/x", "https://example.org/bit.ly"])
def test_what_only_looks_like_a_shortener_is_none(address: str) -> None:
    """A warning about everything is read by nobody."""
    assert len(link_notes.notes_of([address])) == 1
