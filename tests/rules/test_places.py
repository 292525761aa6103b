"""Where a contact may be: every zone and state that its ZIP code, state and area code allow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.rules.address_cells import state_of, zip_of
from rumbleup_async.rules.place_tables import PROVINCES, SECOND_ZONE, STATES, ZONES_OF_STATE, area_codes
from rumbleup_async.rules.places import Places, Source, decode, encode, mask_of
from rumbleup_async.rules.zones import BY_KEY, load
from rumbleup_async.screening import areas
from tests import places as others

KNOWN = {
    "474": "phonenumbers has Winnipeg for a code of Saskatchewan",
    "689": "phonenumbers has Central for a code of Orlando",
    "879": "phonenumbers has Puerto Rico for a code of Newfoundland",
}
"""Where others are wrong."""
FAR = {"96939", "96940", "96941", "96942", "96943", "96944", "96960", "96970"}
"""ZIP codes of Palau, Micronesia and the Marshall Islands, which are no part of the United States: unknown to us."""

place_of = Places().place_of


def found(phone: str, zip_code: str = "", state: str = "", zone: str = "") -> tuple[str, str, str]:
    """Source, letters of the zones in alphabetical order, and states of a place."""
    place = decode(place_of(phone, zip_code, state, zone))
    letters = {name: key for key, name in BY_KEY.items()}
    return place.source.word, "".join(sorted(letters.get(zone, zone) for zone in place.zones)), " ".join(sorted(place.states))


def test_every_zip_code_has_its_zone_and_state() -> None:
    """Whoever lives there would be texted an hour too early or too late."""
    assert {code for code, _ in others.zips()} == FAR


def test_every_area_code_has_its_zone() -> None:
    assert {code for code, _ in others.codes()} == KNOWN.keys()
    assert list(others.codes_of_zips()) == []


def test_area_codes_are_those_of_screening() -> None:
    """A country that is texted has places; what screening takes for a country's is it here too."""
    for country, (_, listed) in areas._COUNTRIES.items():
        for code in listed.split() if country != areas.TOLL_FREE else ():
            region = area_codes()[code][1]
            if country == "CA":
                assert set(region.split("/")) <= PROVINCES
            else:
                assert region == (country if country in STATES and country not in {"MS", "KY"} else "")


@pytest.mark.parametrize(
    ("contact", "place"),
    [
        (("2125550101",), ("number only", "E", "NY")),
        (("2705550101",), ("number only", "CE", "KY")),
        (("4235550101",), ("number only", "CE", "TN")),
        (("9285550101",), ("number only", "MZ", "AZ")),
        (("9075550101",), ("number only", "DK", "AK")),
        (("2125550101", "94105"), ("ZIP", "EP", "CA NY")),
        (("2125550101", "94105-1234"), ("ZIP", "EP", "CA NY")),
        (("2125550101", "941051234"), ("ZIP", "EP", "CA NY")),
        (("2125550101", "94105.0"), ("ZIP", "EP", "CA NY")),
        (("2125550101", "2139"), ("ZIP", "E", "MA NY")),
        (("2125550101", "21391234"), ("ZIP", "E", "MA NY")),
        (("2125550101", "501"), ("ZIP", "E", "NY")),
        (("7875550101", "901"), ("ZIP", "A", "PR")),
        (("9075550101", "99546"), ("ZIP", "DK", "AK")),
        (("6845550101", "96799"), ("ZIP", "S", "AS")),
        (("2125550101", "", "california"), ("state", "EP", "CA NY")),
        (("2125550101", "", " N.Y. "), ("state", "E", "NY")),
        (("2125550101", "", "Washington, D.C."), ("state", "E", "DC NY")),
        (("2125550101", "", "Bavaria"), ("number only", "E", "NY")),
        (("2125550101", "SW1A 1AA"), ("number only", "E", "NY")),
        (("2125550101", "09012", "AE"), ("number only", "E", "NY")),
        (("2125550101", "96940"), ("number only", "E", "NY")),
        (("6155550101", "", "TN"), ("state", "CE", "TN")),
        (("6155550101", "37201", "TN"), ("ZIP", "C", "TN")),
        (("6155550101", "37201", "OR"), ("ZIP", "CMP", "OR TN")),  # one of the two is wrong
        (("5995550101",), ("unknown", "CEMPZ", "")),
        (("8005550101",), ("unknown", "CEMPZ", "")),
        (("8005550101", "10001"), ("ZIP", "E", "NY")),
        (("8765550101",), ("number only", "ACEN", "")),
        (("2125550101", "94105", "CA", "America/Los_Angeles"), ("zone", "P", "CA NY")),
        (("2125550101", "", "", "america/detroit"), ("zone", "America/Detroit", "NY")),
        (("2125550101", "", "", " Europe/London "), ("zone", "Europe/London", "NY")),
        (("4165550101",), ("number only", "E", "ON")),
        (("8075550101",), ("number only", "CEW", "ON")),
        (("6045550101", "V6B 1A1"), ("ZIP", "BL", "BC")),
        (("4165550101", "t2p1j9", "Alberta"), ("ZIP", "EL", "AB ON")),
        (("9025550101",), ("number only", "N", "NS PE")),
        (("8675550101", "X0A 0H0"), ("ZIP", "CELMY", "NT NU YT")),
    ],
)
def test_a_contact_is_wherever_its_facts_allow(contact: tuple[str, ...], place: tuple[str, str, str]) -> None:
    assert found(*contact) == place


def test_a_trusted_address_drops_the_number() -> None:
    """Who has asked people where they live need not fear the numbers that they brought along."""
    trusting = Places(trust_address=True).place_of
    assert decode(trusting("2125550101", "94105")) == decode(place_of("4155550101", "94105"))
    assert decode(trusting("2125550101", "", "CA")).states == ("CA",)
    assert decode(trusting("2125550101", "09012", "AE")).zones == ("America/New_York",)


@pytest.mark.parametrize("name", ["EST", "-05:00", "Eastern", "America/Gotham", "UTC", "Etc/GMT+5", "New York"])
def test_what_is_no_zone_is_an_error_of_the_list(name: str) -> None:
    """A zone that is written down is meant; nobody may guess another instead."""
    with pytest.raises(ConfigurationError, match="is no time zone; write the name of a place"):
        place_of("2125550101", "", "", name)


def test_numbers_of_places_never_change() -> None:
    """A ledger of last year would be resumed by the hours of other people."""
    assert place_of("2125550101", "10001") == 69206026
    assert place_of("6715550101", "96801", "HI") == 14252250114
    assert place_of("2125550101", "", "", "America/Detroit") == 1159051773382
    assert encode(Source.ZIP, mask_of(BY_KEY), ["YT", "NS/PE"]) == 33969668090


@settings(deadline=None)
@given(
    st.sampled_from(sorted(area_codes())),
    st.one_of(st.just(""), st.integers(0, 99999).map(lambda number: f"{number:05}"), st.just("X0A 0H0"), st.text(max_size=6)),
    st.one_of(st.just(""), st.sampled_from(sorted(STATES)), st.text(max_size=4)),
    st.one_of(st.just(""), st.sampled_from(sorted(load().names))),
)
def test_a_place_says_all_that_its_contact_says(code: str, zip_code: str, state: str, zone: str) -> None:
    """What is lost on the way into the ledger is not asked for any more."""
    place = place_of(code + "5550101", zip_code, state, zone)
    facts = decode(place)
    assert 0 < place < 1 << 63
    assert set(area_codes()[code][1].split("/")) - {""} <= set(facts.states)
    if zone:
        assert facts.zones == (zone,)
    else:
        assert {BY_KEY[key] for key in area_codes()[code][0]} <= set(facts.zones)
    if state in STATES:
        assert state in facts.states


def test_states_are_told_in_any_way_of_writing() -> None:
    for code, name in STATES.items():
        assert {state_of(code), state_of(code.lower()), state_of(name), state_of(f" {name.upper()} ")} == {code}
    assert STATES.keys() == ZONES_OF_STATE.keys() >= SECOND_ZONE.keys()
    assert [state_of(cell) for cell in ("", "XX", "AE", "12", "N.Y", "D.C.", "Québec")] == ["", "", "", "", "NY", "DC", "QC"]
    written = {
        "NY": [
            "US-NY",
            "us_ny",
            "New-York",
            "NewYork",
            "NEW YORK, USA",
            "State of New York",
            "New York State",
            "(NY)",
            "'NY",
            "N. Y.",
        ],
        "WA": ["Washington State", "Wash.", "US-WA", "washington"],
        "CA": ["Calif.", "Cal", "CA, USA", "CA", "US-CA"],
        "HI": ["Hawai'i", "Hawai\u02bbi"],
        "NC": ["N. Carolina", "N Carolina", "N.C.", "No. Carolina"],
        "MA": ["Mass", "Commonwealth of Massachusetts"],
        "DC": ["Washington, D.C.", "District of Columbia", "Washington DC"],
        "ON": ["CA-ON", "Ont.", "Ontario, Canada", "Province of Ontario"],
        "IN": ["US-IN", "Ind."],
        "": [
            "Georgia the country",
            "CA/NV",
            "NY or NJ",
            "USA",
            "US",
            "Canada",
            "State",
            "State of",
            "Carolina",
            "Virgin",
            "CAN",
            "?",
        ],
    }
    for code, cells in written.items():
        assert {cell: state_of(cell) for cell in cells} == dict.fromkeys(cells, code)


def test_zip_codes_are_told_as_spreadsheets_leave_them() -> None:
    cells = ["10001", "10001-0001", "10001 0001", "100010001", "1001", "1001-0001", "601", "10001.0", " 10001 ", "10001-"]
    assert [zip_of(cell) for cell in cells] == ["10001"] * 4 + ["01001", "01001", "00601", "10001", "10001", "10001"]
    dressed = ["'10001", "10001,", '="10001"', "10001.00", "100010001.0", "NY 10001", "Albany, NY 10001-1234", "US-10001"]
    assert [zip_of(cell) for cell in dressed] == ["10001"] * 7 + [""]
    nothing = ["", "12", "1000A", "1000111", "123456", "K1A 0B1", "1e4", "-10001", "10,001", "10001 90210", "1.5", "10001.5"]
    assert [zip_of(cell) for cell in nothing] == [""] * len(nothing)
    # Six digits are no ZIP code of another length.
    assert found("3105550101", "123456") == ("number only", "P", "CA")


def test_a_column_of_nonsense_takes_no_memory() -> None:
    """A million different notes in the column of states would be kept for nothing."""
    places = Places()
    places._kept = 1 << 18
    for number in range(50):
        assert decode(places.place_of("2125550101", "", f"note {number}")).states == ("NY",)
    assert not places._found
