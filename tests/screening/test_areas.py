"""Area codes: nobody means to text a premium line, a toll-free number or, by a list of voters, another country."""

from __future__ import annotations

import pytest

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.lists.contacts import contact_of
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.screening.areas import Areas, read_countries
from rumbleup_async.screening.phones import is_clean
from rumbleup_async.screening.screen import Screen

TEXT = "Hi. STOP to opt out"


def reason(phone: str, **options: object) -> str:
    """Why it is not texted, or ""."""
    row = Screen(TEXT, **options)(Contact(1, phone, {}))  # type: ignore[arg-type]
    return row.reason if isinstance(row, Skipped) else ""


@pytest.mark.parametrize(
    "phone",
    [
        *("9005550101", "(900) 555-0101", "5005550101", "5335550101", "7005550101", "7105550101", "3005550101", "6005550101"),
        *("2125551212", "8765551212", "2129760101", "2129500101", "2129580101"),
    ],
)
def test_a_service_or_premium_number_is_nobodys_phone(phone: str) -> None:
    """A text to it is billed at who knows what, and answered by nobody."""
    assert reason(phone, countries=("US", "CA", "JM")) == str(Reason(Code.SERVICE_NUMBER))


@pytest.mark.parametrize("phone", ["8005550101", "+1 888 555 0101", "8335550101"])
def test_a_toll_free_number_is_texted_by_choice(phone: str) -> None:
    """Businesses have such numbers; whoever means to text them can."""
    assert reason(phone) == str(Reason(Code.TOLL_FREE))
    assert reason(phone, countries=("US", "toll-free")) == ""


@pytest.mark.parametrize(
    ("phone", "country", "name"),
    [
        ("8765550101", "JM", "Jamaica"),
        ("6585550101", "JM", "Jamaica"),
        ("+1 809 555 0101", "DO", "Dominican Republic"),
        ("2425550101", "BS", "Bahamas"),
        ("4415550101", "BM", "Bermuda"),
        ("8685550101", "TT", "Trinidad and Tobago"),
        ("2845550101", "VG", "British Virgin Islands"),
    ],
)
def test_another_country_of_plus_one_is_counted_apart_and_texted_only_where_named(phone: str, country: str, name: str) -> None:
    """A text to Jamaica costs many times one to Ohio, and another country's law holds there."""
    assert reason(phone) == f"another country: {name} ({country})"
    assert reason(phone, countries=f"us,{country.lower()}") == ""


def test_by_default_the_united_states_with_their_territories_and_canada_are_texted() -> None:
    """A voter in San Juan or a member in Toronto would be left out."""
    for area in ("212", "907", "787", "939", "340", "671", "670", "684", "416", "867"):
        assert reason(f"{area}5550101") == ""


def test_one_country_alone() -> None:
    """Whoever texts Canada alone would text the border's other side as well."""
    assert reason("4165550101", countries=["US"]) == "another country: Canada (CA)"
    assert reason("2125550101", countries=["CA"]) == "another country: United States (US)"
    assert reason("4165550101", countries=["CA"]) == ""
    assert reason("7875550101", countries=["CA", "PR"]) == ""
    assert reason("9005550101", countries=["CA"]) == str(Reason(Code.SERVICE_NUMBER))


def test_the_short_look_and_the_long_one_agree_on_every_area_code() -> None:
    """The look that most rows take would let a premium line through."""
    for countries in (("US", "CA"), ("US",), ("US", "JM", "toll-free")):
        areas = Areas(countries)
        for area in range(200, 1000):
            for rest in ("5550101", "5551212", "9760101", "2345678"):
                phone = f"{area}{rest}"
                assert bool(areas.is_texted(phone)) == bool(is_clean(phone) and not areas.why_not(phone))


def test_a_suppressed_number_abroad_is_suppressed_all_the_same() -> None:
    """Whoever opted out would be texted as soon as their country is named."""
    assert reason("8765550101", countries=["JM"], suppress=frozenset(["8765550101"])) == "suppressed"


def test_in_mappings_and_for_chosen_texts_too() -> None:
    """The list of a program, and a contact that the provider hands out, may be abroad as well."""
    row = contact_of({"phone": "(+1) 876-555-0101"}, 1)
    assert isinstance(Screen(TEXT)(row), Skipped)
    chosen = Screen(TEXT).with_text(Contact(1, "8765550101", {}), TEXT)
    assert chosen == Skipped(1, "8765550101", because("another country: Jamaica (JM)"))
    assert isinstance(Screen(TEXT).with_text(Contact(1, "2125550101", {}), TEXT), Planned)


@pytest.mark.parametrize("countries", [(), "", "GB", ["US", "Mexico"], [" "]])
def test_a_country_that_is_none_of_plus_one_is_refused(countries: object) -> None:
    """A misspelt country would leave its people out without a word."""
    with pytest.raises(ConfigurationError, match="countr"):
        read_countries(countries)  # type: ignore[arg-type]
