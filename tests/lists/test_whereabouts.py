"""Which columns say where a contact is."""

from pathlib import Path

import pytest

from rumbleup_async import ListError
from rumbleup_async.lists.contacts import open_list
from rumbleup_async.lists.whereabouts import Whereabouts
from rumbleup_async.messaging import Contact, Planned
from rumbleup_async.rules.places import Places
from rumbleup_async.screening.screen import Screen

NONE: dict[str, str | None] = {}


PLACES = Places()


def columns(*names: str, **given: str | None) -> dict[str, str]:
    """What is found among these columns."""
    found = Whereabouts(PLACES.finder, given)
    found.begin(names, "voters.csv")
    return found.columns


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("phone", "zip", "state"), {"zip": "zip", "state": "state"}),
        (("phone", "zip_code", "time_zone"), {"zip": "zip_code", "zone": "time_zone"}),
        (("phone", "mailing_zip", "zip5"), {"zip": "zip5"}),
        (("phone", "home_state", "residence_zip_code"), {"zip": "residence_zip_code", "state": "home_state"}),
        (("phone", "postal_code", "province"), {"zip": "postal_code", "state": "province"}),
        (("phone", "zone", "zip4", "state_house_district", "estate", "interstate"), {}),
    ],
)
def test_columns_are_known_by_their_names(names: tuple[str, ...], found: dict[str, str]) -> None:
    """Whoever has moved would be texted by the hours of an area code."""
    assert columns(*names) == found


def test_two_candidates_are_refused_and_both_are_named() -> None:
    """The ZIP code of the office would say when people are texted at home."""
    with pytest.raises(ListError, match=r"voters.csv: the ZIP code may be in zip or zipcode; name the column with --zip-field"):
        columns("phone", "zip", "zipcode")
    assert columns("phone", "zip", "zipcode", zip="ZipCode") == {"zip": "zipcode"}
    with pytest.raises(ListError, match=r"the state may be in home_state or mailing_state; .*--state-field"):
        columns("phone", "home_state", "mailing_state")
    with pytest.raises(ListError, match=r"2 columns are called 'zip'"):
        columns("phone", "zip", "zip")


def test_a_column_that_is_named_and_missing() -> None:
    """A typing mistake would leave the number alone to say where people are."""
    with pytest.raises(ListError, match=r"there is no column 'zpi' for the ZIP code; did you mean 'zip'"):
        columns("phone", "zip", zip="zpi")


def test_rows_get_their_places(tmp_path: Path) -> None:
    """The whole list would have the hours of its first row."""
    path = tmp_path / "voters.csv"
    path.write_text("phone,zip,state,timezone\n2025550101,20001,DC,\n2025550102,,,Nowhere\n")
    whereabouts = Whereabouts(PLACES.finder, NONE)
    screen = Screen("Hi. STOP to opt out")
    with open_list(path, fields=screen.needed_fields, whereabouts=whereabouts) as opened:
        rows = list(opened)
    screen.place_by(whereabouts.placing())
    found = screen(rows[0])
    assert isinstance(found, Planned)
    assert found.place == PLACES.place_of("2025550101", "20001", "DC")
    with pytest.raises(ListError, match=r"voters.csv, row 3: 'Nowhere' is no time zone"):
        screen.batch(rows)
    contact = rows[0]
    assert isinstance(contact, Contact)
    chosen = screen.with_text(contact, "Hello. STOP to opt out")
    assert isinstance(chosen, Planned)
    assert chosen.place == found.place


def test_without_hours_nobody_has_a_place() -> None:
    """A rehearsal would refuse a list for columns that nobody asks for."""
    found = Screen("Hi. STOP to opt out")(Contact(1, "2025550101", {"zip": "20001"}))
    assert isinstance(found, Planned)
    assert found.place == 0
