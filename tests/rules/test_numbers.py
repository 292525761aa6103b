"""Whom a run must not text: an entry counts for every number that it can mean, and is refused where nobody can say for whom."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async import Contact
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules.numbers import Numbers, UnreadError, numbers_of, suppression
from rumbleup_async.screening import phones

A, B = "2025550101", "2025550102"

WRITTEN = [
    A, f"1{A}", f"+1{A}", f"+{A}", f"++{A}", f"001{A}", f"00{A}", f"011{A}", f"0111{A}", f"011 1 {A}", f"+011 1 {A}", f"+001{A}",
    f"+01 {A}", f"+1+{A}", f"1+{A}", f"0{A}", f"01{A}", f"1 1 {A}", f"+1 (0) {A}", f"=+1{A}", f"'{A}", f'="{A}"', f"tel:+1{A}",
    f"sms:+1{A}?body=Hi", f"<tel:{A}>", f"callto:00{A}", f"https://wa.me/1{A}", f"{A}@txt.example.org", f"b'{A}'", f"{A}.0",
    f"1{A}.0", f"{A},00", "2,025,550,101", "2.025550101E+09", "1.2025550101E+10", "2.025550101e9", "202/555-0101", "202.5550101",
    "20 25 55 01 01", "(+1) 202 555 0101", "1 (202) 555-0101", "(202)555-0101x", "202-555-0101 x5", "202-555-0101 ext. 5",
    f"{A}#5", "tel:+1-202-555-0101;ext=5", "Home: 202-555-0101", "202-555-0101 (cell)", "202-555-0101 (asked 5 May 2026)",
    "２０２５５５０１０１", "٢٠٢٥٥٥٠١٠١", "\uff0b\uff11 202 555 0101", "&#43;1 202 555 0101", "202\u200b555\u200b0101",
    "\u202a+1\u2009202\u2013555\u20140101\u202c", f"+44 20 7946 0958 / {A}",
    "cell 202/5550101", "cell 202555/0101", "cell 202/555/0101", "cell 1/202/5550101", "cell 1/202/555/0101",
    f"cell {A}".ljust(400, "!"),
]  # fmt: skip

SEVERAL = [
    f"{A}/{B}", f"{A}, {B}", f"{A} {B}", f"{A}{B}", f"1{A}1{B}", f"{A};00{B}", "202-555-0101/02", "202-555-0101 or 555-0102",
    f"home {A} cell {B}", "202 555 0101 & 202 555 0102",
]  # fmt: skip

NOBODY = [
    "", " ", "n/a", "NULL", "nan", "0", "-", "+44 20 7946 0958", "00442079460958", "011 44 20 7946 0958", "(+33) 1 23 45 67 89",
    "0000000000", "1234567890",
]  # fmt: skip

UNREAD = [
    "555-0101", "202555010", "12025550", "1202555010", "0202555010", "22025550101", "120255501011", "+1 202 555 010", "2.03E+09",
    "2.02555E+9", "202555010.0", "2,025,550", "***-***-0101", "xxx-xxx-0001", "202-555-****", "202-555-01XX", "202-555-010l",
    "202-555-VOTE", "call me", "see notes", f"{A} or 12345678901234", "二〇二", "2" * 1000, f"cell {A}".ljust(401, "!"),
]  # fmt: skip


@pytest.mark.parametrize("entry", WRITTEN)
def test_an_entry_counts_however_it_is_written(entry: str) -> None:
    """Somebody who has opted out would be texted because of a sign before the number."""
    assert A in numbers_of(entry)
    assert A in suppression([entry])


@pytest.mark.parametrize("entry", SEVERAL)
def test_an_entry_counts_for_every_number_in_it(entry: str) -> None:
    """A person's second phone would be texted."""
    assert {A, B} <= numbers_of(entry)


@pytest.mark.parametrize("entry", NOBODY)
def test_an_entry_that_is_surely_nobody_s_here_stands_in_nobody_s_way(entry: str) -> None:
    """A list with an empty cell, or somebody abroad, would keep a campaign from going out."""
    assert numbers_of(entry) == frozenset()


@pytest.mark.parametrize("entry", UNREAD)
def test_an_entry_that_may_be_anybody_s_is_refused(entry: str) -> None:
    """It would be dropped in silence, and the person behind it be texted."""
    with pytest.raises(UnreadError):
        numbers_of(entry)
    with pytest.raises(ConfigurationError, match="1 of 2 suppressed numbers cannot be read"):
        suppression([A, entry])


@given(
    st.from_regex(r"[2-9][0-8][0-9][2-9][0-9]{6}", fullmatch=True),
    st.lists(st.sampled_from(["+", "00", "011", "1", "0", " ", "-", "(", ")", "."]), max_size=6),
    st.sampled_from(["{}{}{}", "({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "({}){}.{}"]),
)
def test_whatever_stands_before_a_number_it_is_found_or_refused(number: str, before: list[str], form: str) -> None:
    """A way of writing that nobody has thought of would get somebody texted who has opted out."""
    entry = "".join(before) + form.format(number[:3], number[3:6], number[6:])
    try:
        found = numbers_of(entry)
    except UnreadError:
        return
    assert number in found or phones.normalise(number)[1] == phones.PLACEHOLDER


@given(st.one_of(st.text(max_size=60), st.text(alphabet="0123456789+-. ()x/eE,;", max_size=40)))
def test_what_comes_out_is_ten_digits(entry: str) -> None:
    """A half-read entry would match nobody, and an exception of another kind end in a traceback."""
    with contextlib.suppress(UnreadError):
        assert all(len(number) == 10 and number.isascii() and number.isdigit() for number in numbers_of(entry))


@given(st.text(alphabet="0123456789+-. ()/,", max_size=30))
def test_whoever_can_be_texted_can_be_suppressed_by_the_same_words(entry: str) -> None:
    """A list given as its own suppression list would still text somebody."""
    phone, _ = phones.normalise(entry)
    if phone:
        assert phone in numbers_of(entry)


class Database:
    """Knows numbers, and cannot list them."""

    def __contains__(self, phone: object) -> bool:
        return phone == A


@pytest.mark.parametrize(
    "suppress",
    [
        [f"+{A}"], (f"001{A}",), {f"+1{A}"}, frozenset({f"1{A}"}), {f"+1+{A}": "asked"}, {f"+1+{A}": 1}.keys(), deque([A]),
        (number for number in [f"+{A}"]), [int(A)], [float(A)], [A.encode()], [Contact(1, f"+{A}", {})], Database(),
        ["(202) 555-0101 x5\n"], Numbers([A]),
    ],
)  # fmt: skip
def test_whatever_holds_the_numbers_holds_them(suppress: Any) -> None:
    """The same numbers in another container would suppress nobody."""
    never = suppression(suppress)
    assert A in never
    assert B not in never
    assert A in suppression(never)


@pytest.mark.parametrize("suppress", [A, f"{A},{B}", "optouts.csv", b"optouts.csv", Path("optouts.csv"), None, 5, ""])
def test_a_name_of_a_file_is_no_list_of_numbers(suppress: Any) -> None:
    """A text is a container of its characters, and would suppress nobody."""
    with pytest.raises(ConfigurationError, match="suppress takes"):
        suppression(suppress)


def test_numbers_are_not_shown() -> None:
    """Phones of people who want to be left alone would stand in a log."""
    found: Iterable[str] = suppression([A])  # type: ignore[assignment]
    assert repr(found) == "Numbers(1)"
