"""Phone numbers: what is read, what is refused, and that a refusal says why without saying the number."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rumbleup_async.screening import phones
from rumbleup_async.screening.phones import normalise

WRITTEN = [
    "2025550101",
    "12025550101",
    "(202) 555-0101",
    "(202)555-0101",
    "202.555.0101",
    "202 555 0101",
    "202555-0101",
    "202 - 555 - 0101",
    "+12025550101",
    "+1 202 555 0101",
    "+1 (202) 555-0101",
    "1-202-555-0101",
    "1.202.555.0101",
    "tel:+12025550101",
    "TEL: 202-555-0101",
    " 2025550101\t",
    "202\u00a0555\u20110101",
    "\u202a+1\u2009202\u2013555\u20140101\u202c",
    "\ufeff2025550101",
    '="2025550101"',
    '"2025550101"',
    "'2025550101",
    '=("2025550101")',
    "=2025550101",
    "'+12025550101",
    "(+1) 202-555-0101",
    "+(1) 202-555-0101",
    "(1) 202-555-0101",
    "+1 (202) 555.0101",
    "+1-(202)-555-0101",
    "001 202 555 0101",
    "0012025550101",
    "00 1 202 555 0101",
    "011 1 202 555 0101",
    "01112025550101",
    "202/555-0101",
    "202/555/0101",
    "1/202/555-0101",
    "[202] 555-0101",
    "202_555_0101",
    "202 · 555 · 0101",
    "2025550101 (cell)",
    "+1 202 555 0101 (mobile)",
    "202-555-0101 mobile",
    "202-555-0101 (m)",
    "202-555-0101 m",
    "Cell: 202-555-0101",
    "Mobile phone: (202) 555-0101",
    "Tel. +1 202 555 0101",
    "sms:+12025550101",
    "tel://+12025550101",
    "２０２５５５０１０１",
    "（２０２）５５５－０１０１",
    "202‐555‒0101",
    "202−555−0101",
]

REFUSED = [
    ("", phones.EMPTY),
    (" \u00a0\t", phones.EMPTY),
    ("n/a", phones.EMPTY),
    ("NULL", phones.EMPTY),
    ("nan", phones.EMPTY),
    ("--", phones.EMPTY),
    ("0", phones.EMPTY),
    ("555-0101", phones.TOO_FEW),
    ("202555010", phones.TOO_FEW),
    ("22025550101", phones.TOO_MANY),
    ("120255501011", phones.TOO_MANY),
    ("2025550101.0", phones.FLOAT),
    ("2025550101,00", phones.FLOAT),
    ("12025550101.0", phones.FLOAT),
    ("202.5550101", phones.FLOAT),
    ("2,025,550,101", phones.FLOAT),
    ("2.03E+09", phones.SCIENTIFIC),
    ("2,03E+09", phones.SCIENTIFIC),
    ("2.025550101e9", phones.SCIENTIFIC),
    ("202-555-VOTE", phones.LETTERS),
    ("2025550101 (home)", phones.LETTERS),
    ("2025550101 fax", phones.LETTERS),
    ("2025550101 (cell) or so", phones.LETTERS),
    ("call me", phones.LETTERS),
    ("202-555-0101 x12", phones.EXTENSION),
    ("202-555-0101 ext. 3", phones.EXTENSION),
    ("2025550101#4", phones.EXTENSION),
    ("tel:+1-202-555-0101;ext=5", phones.EXTENSION),
    ("2025550101/2025550102", phones.TWO_NUMBERS),
    ("2025550101; 2025550102", phones.TWO_NUMBERS),
    ("2025550101 or 2025550102", phones.TWO_NUMBERS),
    ("20255501012025550102", phones.TWO_NUMBERS),
    ("+44 20 7946 0958", phones.OTHER_COUNTRY),
    ("+2025550101", phones.OTHER_COUNTRY),
    ("00442079460958", phones.OTHER_COUNTRY),
    ("011 44 20 7946 0958", phones.OTHER_COUNTRY),
    ("0205550101", phones.NOT_NANP),
    ("1202555010", phones.NOT_NANP),
    ("9115550101", phones.NOT_NANP),
    ("2925550101", phones.NOT_NANP),
    ("2021550101", phones.NOT_NANP),
    ("2029110101", phones.NOT_NANP),
    ("\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0660\u0661", phones.OTHER_SCRIPT),
    ("202555010¹", phones.OTHER_SCRIPT),
    ("2222222222", phones.PLACEHOLDER),
    ("(202) 999-9999", phones.PLACEHOLDER),
    ("0000000000", phones.PLACEHOLDER),
    ("1234567890", phones.PLACEHOLDER),
    ("2345678901", phones.PLACEHOLDER),
    ("20 25 55 01 01", phones.NOT_AS_US),
    ("-2025550101", phones.NOT_AS_US),
    ("202/555-0101/2", phones.TOO_MANY),
    ("001 202 555 010", phones.TOO_MANY),
    ("2025550101 / 2025550102 (mobile)", phones.TWO_NUMBERS),
    ("+1 202 555 0101 ext 3 (mobile)", phones.EXTENSION),
    ("=NA()", phones.EMPTY),
    ("(null)", phones.EMPTY),
    ("#REF!", phones.EMPTY),
    ("2" * 100_000, phones.TWO_NUMBERS),
]


@pytest.mark.parametrize("raw", WRITTEN)
def test_a_usual_way_of_writing_is_read(raw: str) -> None:
    """A volunteer's list is full of these; refusing one leaves out a person who wanted to be texted."""
    assert normalise(raw) == ("2025550101", "")


@pytest.mark.parametrize(("raw", "reason"), REFUSED)
def test_a_doubtful_number_is_refused_with_its_reason(raw: str, reason: str) -> None:
    """Each of these, guessed at, may text a stranger; without the reason nobody could repair the list."""
    assert normalise(raw) == ("", reason)


@given(st.one_of(st.text(max_size=40), st.text(alphabet="0123456789+-. ()x/eE,", max_size=26), st.from_regex(r"\+?1?\d{10}")))
@example("2025550101\n")
def test_whatever_the_cell_holds_the_contract_stands(raw: str) -> None:
    """Anything else than ten digits would reach the wire; an exception would end a run in the middle of its list."""
    phone, reason = normalise(raw)
    if phone:
        assert reason == ""
        assert len(phone) == 10
        assert phone.isascii()
        assert phone.isdigit()
        assert normalise(phone) == (phone, "")
        assert [str(unicodedata.digit(c)) for c in raw if c.isdigit()][-10:] == list(phone)
    else:
        assert reason in phones.REASONS


def test_no_reason_holds_a_number() -> None:
    """Reasons are counted, logged and shown to everybody; a phone in one would be leaked."""
    assert not any(c.isdigit() for reason in phones.REASONS for c in reason)


@given(st.text(max_size=80))
def test_a_cell_is_shown_short_and_on_one_line(raw: str) -> None:
    """The raw cell goes into the ledger and the report: a page of text, a line break or half a character would break them."""
    cell = phones.shown(raw)
    assert len(cell) <= 40
    assert cell.isprintable()
    cell.encode()


@pytest.mark.parametrize(
    ("reason", "cells"),
    [
        (
            "",
            [
                "(202) 555-0101 (C)",
                "202-555-0101c",
                "2025550101M",
                "202-555-0101 / C",
                "202-555-0101; mobile",
                "202.555.0101 (c )",
            ],
        ),
        (
            phones.EXTENSION,
            ["202-555-0101 ext. 5", "202-555-0101 x5", "2025550101x1234", "202-555-0101 / ext. 5", "202-555-0101 (ext 5)"],
        ),
        (phones.EXTENSION, ["202-555-0101 ext. #5", "2025550101p123", "202-555-0101 opt 2", "202-555-0101; ext 5"]),
        (phones.TWO_NUMBERS, ["202-555-0101/0102", "202-555-0101 or 0102", "202-555-0101 / 02", "(202) 555-0101 & 0102"]),
        (
            phones.TWO_NUMBERS,
            ["202-555-0101 ext: 2025550102", "202-555-0101 (C) 202-555-0102 (H)"],
        ),
        (phones.LETTERS, ["(202) 555-0101 (H)", "202-555-0101 home", "202-555-0101 w", "202-555-0101 C/H", "202-555-0101 (old)"]),
    ],
)
def test_letters_behind_a_phone_are_told_apart_from_a_second_number(reason: str, cells: list[str]) -> None:
    """A switchboard or a stranger would be texted, or a mobile be left out that says that it is one."""
    for cell in cells:
        assert normalise(cell) == (("2025550101", "") if not reason else ("", reason)), cell


_LIKE_THEM = st.from_regex(r"\A[(+1]{0,2}[0-9]{3}[). -]{0,2}[0-9]{3}[. -]?[0-9]{4}[0-9 x]?\Z")


@given(_LIKE_THEM | st.text("0123456789()-+. x٣", max_size=16))
@example("(214) 237-4925")
@example("(214)237-4925")
@example("214-237-4925")
@example("214.237.4925")
@example("214 237 4925")
@example("+12142374925")
@example("12142374925")
def test_usual_ways_of_writing_are_read_as_all_others_are(raw: str) -> None:
    """A stranger would have the text of a number that was cut out in the wrong place."""
    digits = phones.bare(raw)
    if phones.is_clean(digits):
        assert normalise(raw) == (digits, "")
