"""Which text a contact gets, where there is one for each kind of people."""

from typing import Any

import pytest

from rumbleup_async.errors import ConfigurationError, TemplateError
from rumbleup_async.messaging import Contact, Planned
from rumbleup_async.screening.kinds import pairs, read_condition, read_kinds, require_opt_out
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.template import Template

PLAIN = "Hi {first_name}. STOP to opt out"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        *(("Spanish", 1), ("SPANISH", 1), (" spanish ", 1), ('="Spanish"', 1), ("\u200bSpanish", 1)),
        *(("Español", 2), ("Espan\u0303ol", 2), ("ESPAÑOL", 2)),
        *(("", 3), ("English", 0), ("Spanishs", 0), ("Span ish", 4), ("span  ish", 4)),
    ],
)
def test_a_condition_is_about_what_the_cell_says(cell: str, kind: int) -> None:
    """Case and blanks of an export would decide in which language somebody is texted."""
    given = [(f"Language={value}", f"{value or 'none'}. STOP to opt out") for value in ("Spanish", "español", "")]
    screen = Screen(PLAIN, kinds=read_kinds([*given, ("language =  SPAN ISH", "Four. STOP to opt out")]))
    planned = screen(Contact(1, "2025550101", {"language": cell, "first_name": "Ada"}))
    assert isinstance(planned, Planned)
    assert planned.kind == kind
    assert (planned.text == "Hi Ada. STOP to opt out") is (kind == 0)


def test_the_first_that_fits_wins_and_nobody_gets_the_text_of_the_one_before() -> None:
    """Rows of a batch are screened in one loop."""
    kinds = read_kinds({"party=D": "D {first_name}. STOP to opt out", "state=NY": "NY {city}. STOP to opt out"})
    screen = Screen(PLAIN, kinds=kinds)
    assert screen.needed_fields[:4] == ("first_name", "city", "party", "state")
    assert screen.required_fields == ("first_name", "city")
    people: list[dict[str, str]] = [
        {"party": "D", "state": "NY"},
        {"party": "R", "state": "NY"},
        {"state": "TX"},
        {},
        {"state": "ny"},
        {"party": "d"},
    ]
    rows = [Contact(n, f"202555010{n}", {"first_name": "Ada", "city": "Rome", **who}) for n, who in enumerate(people)]
    got = [planned.text[:6] if isinstance(planned, Planned) else planned for planned in screen.batch(rows)]
    assert got == ["D Ada.", "NY Rom", "Hi Ada", "Hi Ada", "NY Rom", "D Ada."]
    assert str(getattr(screen(Contact(1, "2025550101", {"state": "NY"})), "why", "")) == "empty merge field city"


@pytest.mark.parametrize("words", ["", "=", "Language", "=Spanish", "!!=x", "a!=b", "a>=b", "a~=b", "a=~b"])
def test_a_condition_that_cannot_be_meant_is_refused(words: str) -> None:
    """`Language!=Spanish` read as `Language! = Spanish` would text everybody else in Spanish."""
    with pytest.raises(ConfigurationError, match="text-when"):
        read_condition(words)
    with pytest.raises(ConfigurationError, match="text-when"):
        pairs([(words, "Hi. STOP to opt out")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hola", "for Language=Spanish does not tell people how to opt out"),
        ("Stop by. Hola", "not as a way to opt out"),
        ("Hola {{first_name}}. STOP to opt out", "for Language=Spanish: the text holds"),
        (" ", "for Language=Spanish: the text is empty"),
    ],
)
def test_each_text_is_checked_and_named(text: str, said: str) -> None:
    """Only the plain text would be looked at, and those of the others leave as they are."""
    with pytest.raises(TemplateError, match=said):
        require_opt_out(Template(PLAIN), read_kinds({"Language=Spanish": text}))


def test_a_column_that_a_text_names_in_other_signs_is_found_in_each_text() -> None:
    """`[Kittens]` is a word until the list says that it is a column."""
    screen: Any = Screen(PLAIN, kinds=read_kinds({"a=b": "Hi [Kittens]. STOP to opt out"}))
    with pytest.raises(TemplateError, match=r"the text for a=b: .*write \{kittens\}"):
        screen.learn(["phone", "kittens"])
