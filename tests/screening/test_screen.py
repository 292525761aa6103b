"""Screening: who is texted, what exactly, and the reason for everybody else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumbleup_async.errors import ConfigurationError, TemplateError
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.reasons import from_words as because
from rumbleup_async.rules.numbers import suppression
from rumbleup_async.rules.suppression import Suppression
from rumbleup_async.screening.kinds import require_opt_out
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.segments import count
from rumbleup_async.screening.template import Template

TEXT = "Hi {first_name}. STOP to opt out"
PHONE = "2025550101"


def screened(fields: dict[str, str] | None = None, phone: str = PHONE, text: str = TEXT, **options: Any) -> Planned | Skipped:
    if "suppress" in options:
        options["suppress"] = suppression(options["suppress"])
    return Screen(text, **options)(Contact(7, phone, {"first_name": "Ada"} if fields is None else fields))


def test_a_good_contact_is_planned_with_its_text() -> None:
    """Somebody would get no text, another one, or at another number."""
    assert screened(phone="+1 (202) 555-0101") == Planned(7, PHONE, "Hi Ada. STOP to opt out", "Ada", 1)


@pytest.mark.parametrize(
    ("fields", "phone", "options", "expected"),
    [
        ({"first_name": "Ada"}, "", {}, Skipped(7, "", because("invalid phone: empty"))),
        ({"first_name": "Ada"}, "555-0101", {}, Skipped(7, "555-0101", because("invalid phone: too few digits"))),
        ({"first_name": "Ada"}, "(202) 555-0101", {"suppress": {PHONE}}, Skipped(7, PHONE, because("suppressed"))),
        ({}, PHONE, {}, Skipped(7, PHONE, because("empty merge field first_name"))),
        ({"first_name": " "}, PHONE, {}, Skipped(7, PHONE, because("empty merge field first_name"))),
        (
            {"first_name": "x" * 2000},
            PHONE,
            {},
            Skipped(7, PHONE, because("text too long: it would take 14 segments, more than 10")),
        ),
        (
            {"first_name": "x" * 200},
            PHONE,
            {"max_segments": 1},
            Skipped(7, PHONE, because("text too long: it would take 2 segments, more than 1")),
        ),
        (
            {"first_name": "Jos\ufffd"},
            PHONE,
            {},
            Skipped(7, PHONE, because("unreadable row: broken characters in a merge field")),
        ),
        (
            {"first_name": chr(0xD83D)},
            PHONE,
            {},
            Skipped(7, PHONE, because("unreadable row: broken characters in a merge field")),
        ),
        (
            {"first_name": "@first_name@"},
            PHONE,
            {},
            Skipped(7, PHONE, because("unreadable row: the value of first_name holds a merge field that was never filled in")),
        ),
        (
            {"first_name": "@quokka@"},
            PHONE,
            {},
            Skipped(7, PHONE, because("unreadable row: the merged text holds an @...@ placeholder")),
        ),
    ],
)
def test_a_doubtful_contact_is_skipped_with_the_first_reason(
    fields: dict[str, str], phone: str, options: dict[str, Any], expected: Skipped
) -> None:
    """A text would leave that nobody meant, or a contact would be missing without a word."""
    assert screened(fields, phone, **options) == expected


def test_phone_comes_before_suppression_and_merge_fields() -> None:
    """Counts by reason would move between two readings of one list."""
    assert screened({}, "12", suppress={PHONE}) == Skipped(7, "12", because("invalid phone: too few digits"))
    assert screened({}, PHONE, suppress={PHONE}) == Skipped(7, PHONE, because("suppressed"))


@pytest.mark.parametrize("kind", [set, frozenset, list, tuple, dict.fromkeys])
def test_suppressed_numbers_count_however_they_are_written(kind: Any) -> None:
    """An opted-out person whose number is kept as +1... would be texted."""
    assert screened(suppress=kind(["+44 20 7946 0958", "", "+1 (202) 555-0101"])) == Skipped(7, PHONE, because("suppressed"))


def test_a_suppressed_number_that_cannot_be_read_is_an_error() -> None:
    """It stands for somebody who must not be texted, and it is unknown who."""
    with pytest.raises(ConfigurationError, match=r"^1 of 2 suppressed numbers cannot be read") as caught:
        Screen(TEXT, suppress=suppression(["2.03E+09", PHONE]))
    assert PHONE not in str(caught.value)


def test_any_container_can_answer_for_suppression() -> None:
    """A service that keeps its opt-outs in a database could not use screening."""

    class Database:
        def __contains__(self, phone: object) -> bool:
            return phone == PHONE

    assert screened(suppress=Database()) == Skipped(7, PHONE, because("suppressed"))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "Ada Byron", "first_name": "A"}, "Ada Byron"),
        ({"name": "", "first_name": "Ada", "last_name": "Byron"}, "Ada Byron"),
        ({"last_name": "Byron"}, "Byron"),
        ({"first_name": "Mary\nAnn\u00a0Zoë"}, "Mary Ann Zoë"),
        ({"first_name": "\ufffd"}, None),
        ({"name": "x" * 5000}, "x" * 100),
        ({}, None),
    ],
)
def test_the_name_of_a_new_contact(fields: dict[str, str], name: str | None) -> None:
    """The contact would be created under a wrong name, and greeted by it in every later campaign."""
    planned = screened(fields, text="STOP to opt out")
    assert isinstance(planned, Planned)
    assert planned.name == name


def test_a_batch_keeps_order_and_passes_on_what_was_skipped() -> None:
    """The ledger lets the first row of a phone win, so order decides which text a person gets; a lost row is unaccounted."""
    unread = Skipped(2, "", because("unreadable row: quote never closed"))
    rows: list[Contact | Skipped] = [Contact(1, PHONE, {}), unread, Contact(3, "2", {}), Contact(4, PHONE, {})]
    result = Screen("STOP").batch(rows)
    assert [row.row for row in result] == [1, 2, 3, 4]
    assert result[1] is unread
    assert Counter(type(row) for row in result) == {Planned: 2, Skipped: 2}


def test_the_columns_to_ask_for() -> None:
    """A column that the reader leaves out would skip every contact."""
    assert Screen("{City} {first_name}").needed_fields == ("city", "first_name", "name", "last_name")
    assert Screen("{city}", name_fields=["Full Name"]).needed_fields == ("city", "full_name")
    assert Screen("{city}", name_fields=()).needed_fields == ("city",)


def test_the_opt_out_wording_is_demanded() -> None:
    """Texts without it break the carriers' rules; RumbleUp refuses them with 403, one by one, in the middle of a run."""
    require_opt_out(Template(TEXT))
    with pytest.raises(TemplateError, match="add the word STOP"):
        require_opt_out(Template("Hi {first_name}"))


def test_settings_that_make_no_sense_are_refused() -> None:
    """max_segments=0 would skip everybody."""
    with pytest.raises(ConfigurationError, match="max_segments"):
        Screen(TEXT, max_segments=0)


def test_a_suppression_list_that_grows_is_looked_into_each_time() -> None:
    """Who opts out while a run goes on would be texted, where the provider's form of a phone is another."""

    class Live(list[str]):
        def __eq__(self, other: object) -> bool:
            return set(self) == other

        __hash__ = None

    live = Live()
    never = Suppression(live, "+1").in_form
    assert "+12025550101" not in never
    live.append("2025550101")
    assert "+12025550101" in never


_VALUES = st.sampled_from(
    ["Ada", "ada\u0300", "Zoë", "Mary Ann", "", "x@y", "{", "A" * 170, "\ud83d", "\ufffd", "٣", "ª", "\x7f", "日本"]
)


@given(
    st.sampled_from([
        "Hi {first_name}. STOP", "{first_name|friend}{last_name}: STOP", "€ {first_name} STOP", "{{{first_name}}} STOP",
        "@{first_name} STOP", "`{last_name|x}` STOP", "STOP", "{first_name}@ {last_name} STOP", "\ufffd {first_name} STOP",
    ]),
    st.lists(st.fixed_dictionaries({}, optional={"first_name": _VALUES, "last_name": _VALUES}), min_size=1, max_size=4),
)  # fmt: skip
def test_the_short_way_to_a_plain_text_is_no_other_way(text: str, people: list[dict[str, str]]) -> None:
    """A text that is too long, half a character, or not what the template says would reach people."""
    rows = [Contact(row, "2025550101", fields) for row, fields in enumerate(people, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "render_plain", lambda *_: None)
        expected = Screen(text, literal=True).batch(rows)
    assert Screen(text, literal=True).batch(rows) == expected
    for planned in expected:
        if isinstance(planned, Planned):
            assert planned.segments == count(planned.text).parts


def test_a_text_that_a_function_chose_is_looked_at_as_well() -> None:
    """A service would greet somebody as `[First Name]`, or pay twice for a mark that nobody sees."""
    contact = Contact(7, PHONE, {"kittens": "two"})

    def chosen(text: str, **options: Any) -> Planned | Skipped:
        return Screen("(chosen)", **options).with_text(contact, text)

    for text in ("Hi [First Name]. STOP to opt out", "Hi %kittens%. STOP to opt out"):
        assert chosen(text) == Skipped(7, PHONE, because("the text chosen holds a merge field that was never filled in"))
        assert isinstance(chosen(text, literal=True), Planned)
    broken = chosen("Hi<br>Ada. STOP to opt out")
    assert isinstance(broken, Skipped)
    assert broken.reason == "the text chosen holds <br>, which would be sent as it is instead of a line break"
    assert chosen("Jose\u0301\u200b. STOP to opt out") == Planned(7, PHONE, "José. STOP to opt out", None, 1)
