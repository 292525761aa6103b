"""What is in a text without being seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.messaging import Contact, Planned
from rumbleup_async.screening.marks import tidy
from rumbleup_async.screening.notes import notes_of
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.segments import count


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Jose\u0301", "José"),
        ("e\u200b\u0301", "é"),
        ("a\u200bb\ufeffc\u00add\u2060e", "abcde"),
        ("a\u00a0b\u202fc\u2003d", "a b c d"),
        ("a\u2028b", "a\nb"),
        ("x\u202ey\u202c \u200fz", "xy z"),
        ("a\u200db\ufe0f", "ab"),
        ("x\U000e0067", "x"),
        ("\u3164", ""),
    ],
)
def test_what_nobody_sees_is_taken_off(text: str, clean: str) -> None:
    """One such mark more than halves what fits into a segment, and nobody finds it."""
    assert tidy(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d👧", "👩🏽\u200d⚖\ufe0f", "❤\ufe0f", "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم", "क्\u200dष", "שלום\u200f!", "Don\u2019t \u201cgo\u201d \u2013 now\u2026", "日本",
    ],
)  # fmt: skip
def test_what_is_seen_stays(text: str) -> None:
    """A family of emoji would fall apart, a Persian word be written wrong, a text be changed without its author."""
    assert tidy(text) == text


@given(st.text())
def test_once_is_enough(text: str) -> None:
    """The same text would be another one on a resume."""
    assert tidy(tidy(text)) == tidy(text)


def test_templates_and_values_are_tidied_before_they_are_counted() -> None:
    """A list from macOS would cost twice for every accent."""
    screen = Screen("Ho\u00adla\u00a0{name}. STOP para no recibir ma\u0300s")
    planned = screen(Contact(2, "2025550101", {"name": "Zoe\u0300\u200b"}))
    assert isinstance(planned, Planned)
    assert planned.text == "Hola Zoè. STOP para no recibir màs"
    assert count(planned.text).encoding == "GSM-7"


def test_what_makes_a_text_expensive_is_named_with_its_place() -> None:
    """A quote that nobody sees turns three dollars into six, for a reason that nobody can find."""
    screen = Screen("Don\u2019t wait, {name}. " + "x" * 60 + " STOP to opt out")
    screen.batch([Contact(row, "2025550101", {"name": "Ada"}) for row in range(3)])
    assert notes_of(screen) == [(
        "the \u2019 at position 4 (U+2019; ' would do) makes it 70/67 characters a segment instead of 160/153: "
        "3 texts take 3 more segments because of it"
    )]  # fmt: skip


def test_what_values_cost_is_named_too() -> None:
    """The text is clean, and still a part of the list costs twice."""
    screen = Screen("Hi {name}. " + "x" * 90 + " STOP to opt out")
    screen.batch([Contact(row, "2025550101", {"name": name}) for row, name in enumerate(["Ada", "Zoë", "D\u2019Arcy", "Ada🎉"])])
    assert notes_of(screen) == [(
        "characters in merged values make texts longer (the ë (U+00EB) in 1, the \u2019 (U+2019; ' would do) in 1, "
        "the 🎉 (U+1F389) in 1): "
        "3 texts take 3 more segments because of it"
    )]  # fmt: skip
    assert notes_of(Screen("Привет, приходите сегодня. Reply STOP to end"))[0].startswith("the text is written with characters")
