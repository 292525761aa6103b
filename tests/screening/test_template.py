"""Templates: what a merge field may be, what is merged, and what must never be sent."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import TemplateError
from rumbleup_async.screening.marks import tidy
from rumbleup_async.screening.template import EmptyFieldError, Template, field_name, has_opt_out, merge_value

ADA = {"first_name": "Ada", "city": "Paris", "donor_2024": "yes", "empty": "", "blank": " \n "}


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("Hi {first_name}!", "Hi Ada!"),
        ("{First Name} of {CITY}, {first-name}", "Ada of Paris, Ada"),
        ("{ donor 2024 }", "yes"),
        ("{empty|friend} {nobody|} {blank|x|y}.", "friend  x|y."),
        ("{first_name|friend}", "Ada"),
        ("{{{first_name}}} {{smile}}", "{Ada} {smile}"),
        ("Line\r\nbreak\rkept", "Line\nbreak\nkept"),
    ],
)
def test_fields_are_merged(text: str, merged: str) -> None:
    """People would read somebody else's words, or braces."""
    assert Template(text, literal="{{{" in text).render(ADA) == merged


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("Hi {first_name", "unbalanced '{' at position 4"),
        ("Hi first_name}", "unbalanced '}' at position 14"),
        ("Hi {a{b}}", "unbalanced '{' at position 4"),
        ("Hi {}", "{} at position 4 is not a merge field"),
        ("Hi {|friend}", "is not a merge field"),
        ("Hi {first$name}", "is not a merge field"),
        ("Hi {a.__class__}", "no attribute access"),
        ("Hi {a[0]}", "no indexing"),
        ("Hi {a!r}", "no conversions"),
        ("Hi {a:>10}", "no format codes"),
        ("Hi @first_name@", "write {first_name} instead"),
        ("Hi @{first_name}@", "placeholder"),
        ("Hi\x00", "control character at position 3"),
        ("Hi\ud800", "control character at position 3"),
    ],
)
def test_a_text_that_cannot_be_meant_is_refused_before_the_run(text: str, complaint: str) -> None:
    """Otherwise a million people read the mistake."""
    with pytest.raises(TemplateError, match=re.escape(complaint)):
        Template(text)


@pytest.mark.parametrize("values", [{}, {"first_name": ""}, {"first_name": " \t\x00"}])
def test_a_field_without_a_value_stops_the_text(values: dict[str, str]) -> None:
    """ "Hi ," would reach a person."""
    with pytest.raises(EmptyFieldError, match=r"^empty merge field first_name$"):
        Template("Hi {first_name}, {city|x}").render(values)


def test_a_template_tells_its_fields_and_its_fixed_text() -> None:
    """The reader asks for these columns; a missing one would skip every contact, a doubled one would read it twice."""
    template = Template("{City} {first_name|x} {city} {{STOP}}")
    assert template.fields == ("city", "first_name")
    assert template.fixed == "_ _ _ {STOP}"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("  Mary \n Ann\t", "Mary Ann"),
        ("Mary\u00a0Ann", "Mary Ann"),
        ("a\x00\x1bb", "a b"),
        ("O'Brien-{x} %s", "O'Brien-{x} %s"),
        ("Zoë 👩\u200d👧", "Zoë 👩\u200d👧"),
        ("\u202eevil\u202c", "evil"),
    ],
)
def test_values_stay_on_one_line_and_are_otherwise_kept(raw: str, value: str) -> None:
    """A cell with a line break or an invisible mark would change the text around it; a changed name would offend."""
    assert merge_value(raw) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi. STOP to opt out", True),
        ("reply stop.", True),
        ("Stop2End", True),
        ("STOP=quit", True),
        ("{a}STOP", False),
        ("STOP{a}", False),
        ("{a|STOP}", False),
        ("unstoppable, nonstop, stopped", False),
        ("\u017ftop", False),
        ("Hi", False),
    ],
)
def test_the_opt_out_wording_is_a_word_of_the_fixed_text(text: str, found: bool) -> None:
    """People must be told how to opt out, in every text, whatever is merged into it; the API refuses the rest with 403."""
    assert has_opt_out(Template(text)) is found


def test_a_repr_does_not_show_the_text() -> None:
    """Texts of a campaign end up in logs and tracebacks."""
    assert repr(Template("secret {name}")) == "Template(<13 characters>, fields=['name'])"


@given(st.text())
def test_any_text_is_a_template_or_refused(text: str) -> None:
    """A traceback instead of a message would be shown to campaign staff."""
    try:
        template = Template(text)
    except TemplateError:
        return
    if template.fields:
        with contextlib.suppress(EmptyFieldError):
            template.render({})
    else:
        assert template.render({}) == template.fixed


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="@")).filter(lambda text: tidy(text).strip()))
def test_escaped_text_comes_out_as_it_was(text: str) -> None:
    """A brace in a text would be lost or doubled."""
    assert Template(text.replace("{", "{{").replace("}", "}}"), literal=True).render({}) == tidy(text)


@given(st.text())
def test_field_names_have_one_normal_form(raw: str) -> None:
    """A header and a merge field of the same name would not meet."""
    assert field_name(field_name(raw)) == field_name(raw)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("{x|friend}", "friend"),
        ("{x | friend}", "friend"),
        ("{x|  }", ""),
        ('{x|"friend"}', "friend"),
        ("{x|'friend'}", "friend"),
        ("{x|\u201cfriend\u201d}", "friend"),
        ('{x|" friend"}', " friend"),
        ('{x|""friend""}', '"friend"'),
        ("{x|it's you}", "it's you"),
        ('{x | default: "friend"}', "friend"),
        ("{x|default:friend}", "friend"),
        ("{x|default('friend')}", "friend"),
        ('{x or "friend"}', "friend"),
        ("{x ?? friend}", "friend"),
        ("{x || friend}", "friend"),
        ("{x ?: 'friend'}", "friend"),
        ('{x|"title"}', "title"),
    ],
)
def test_fallbacks_are_understood_as_other_programs_write_them(text: str, sent: str) -> None:
    """People would read `Hi  friend` or `Hi default: "friend"`."""
    assert Template(f"Hi {text}!").render({}) == f"Hi {sent}!"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{x|upper}", "there are no filters"),
        ("{x | title}", "there are no filters"),
        ("{x|nickname|friend}", "'nickname|friend' would be sent"),
        ("{x|default friend}", "'default friend' would be sent"),
        ("{x|or friend}", "'or friend' would be sent"),
        ("{x=friend}", "write {x}, or"),
        ('{x|title|default:"y"}', "there are no filters"),
        ('{x|default:"y"|upper}', "there are no filters"),
        ("{x|default}", "there are no filters"),
        ('{x|date: "%Y"}', "there are no filters"),
        ('{x|default("y", true)}', "two things"),
        ("{x|default: y, allow_false: true}", "two things"),
        ('{x|"a" or "b"}', "two things"),
        ('{x|"a}', "two things"),
        ("{x:y}", "write {x}, or {x|fallback}"),
        ("{contact.x}", "write {x}, or {x|fallback}"),
        ("{!Contact.FirstName}", "write {first_name}, or {first_name|fallback}"),
        ("{$x}", "write {x}, or {x|fallback}"),
        ('{x, "y"}', "write {x}, or {x|fallback}"),
        ("{% if x %}", "write {x}, or {x|fallback}"),
    ],
)
def test_what_is_no_fallback_is_refused_with_our_spelling(text: str, complaint: str) -> None:
    """A filter would be sent as the fallback: "Hi upper"."""
    with pytest.raises(TemplateError, match=re.escape(complaint)):
        Template(f"Hi {text}!")


def test_what_was_understood_otherwise_is_noted() -> None:
    """Who means the quotes would not learn that they are gone."""
    assert Template('Hi {x|"friend"} {y | default: "z"}').notes == (
        "the fallback of {x} is used without its quotes: friend",
        "{y|...} is understood as the field y with the fallback z",
    )
