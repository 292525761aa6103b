"""Names of columns and merge fields: their normal form, and which of them are usual.

Lives here: names. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_separators = re.compile(r"[\W_]+")


def field_name(raw: str) -> str:
    """The normal form of a column or field name: composed (NFC), lower case,
    words joined by `_`; "" if nothing is left.

    >>> field_name(" First-Name ")
    'first_name'
    """
    # An accent that stands beside its letter, as macOS writes it in names of files and
    # what is copied from there, is no letter.
    return _separators.sub("_", unicodedata.normalize("NFC", raw).lower()).strip("_")


def squashed(name: str) -> str:
    """A name without what is between its words, so that `first_name` and `firstname` are one."""
    return name.replace("_", "")


_SYNONYMS: Final = tuple(
    tuple(words.split())
    for words in (
        "first_name fname firstname first_nm firstnm first given_name givenname forename",
        "last_name lname lastname last_nm lastnm last surname family_name familyname",
        "name full_name fullname",
        "zip zip_code zipcode postal_code postalcode postcode zip5",
        "email email_address emailaddress e_mail mail",
    )
)
"""Names of one field, the most usual first."""


def spelling(name: str, columns: Collection[str] = ()) -> str:
    """The column that a name of another program means: one of `columns` if they
    are known, else what most lists call it."""
    if name in columns:
        return name
    flat = squashed(name)
    same = next((words for words in _SYNONYMS if flat in map(squashed, words)), (name,))
    alike = {flat, *map(squashed, same)}
    ours = sorted((column for column in columns if squashed(column) in alike), key=lambda column: squashed(column) != flat)
    return ours[0] if ours else same[0]


_PEOPLE: Final = """
name first_name fname first_nm first last_name lname last surname full_name fullname nick_name nickname preferred_name
given_name family_name middle_name mname middle_initial contact_name customer_name recipient_name client_name voter_name
member_name user_name donor_name salutation honorific informal_name display_name forename nombre apellido prenom vorname
nachname firstnames lastnames
"""
_OTHERS: Final = """
title prefix suffix initial city town state zip zip_code zip5 postal_code postcode county country region address street
street_address address_1 address_line mailing_address home_address street_name phone phone_number mobile mobile_phone
mobile_number cell cell_phone telephone number contact_number email e_mail email_address mail company company_name
organization organisation organization_name org org_name employer business business_name account account_name job_title
occupation school date time day month year weekday today current_date birthday birthdate birth_date dob date_of_birth
age gender sex pronoun pronouns language lang party party_name party_affiliation precinct district
congressional_district house_district senate_district legislative_district ward polling_place polling_location
poll_location polling_address voting_location early_vote_location location venue place link url short_url short_link
website web_site link_url unsubscribe unsubscribe_link opt_out_link unsub amount donation donation_amount last_gift
last_donation ask ask_amount pledge balance total price due_date amount_due agent agent_name sender sender_name texter
texter_name texter_first_name staff_name volunteer volunteer_name rep_name representative candidate candidate_name
committee campaign campaign_name event event_name event_date event_time event_location event_link appointment
appointment_date appointment_time order order_number order_id code coupon coupon_code promo_code discount contact
recipient customer client voter member user subscriber donor friend id user_id contact_id voter_id van_id vanid
member_id customer_id rupid external_id message text body signature custom custom_1 custom_2 custom_3 custom_4 custom_5
custom_field field field_1 merge merge_1 mmerge mmerge_1 variable variable_1 var placeholder merge_field column column_1
param blank
"""
PEOPLE: Final = frozenset(map(squashed, _PEOPLE.split()))
"""What a person is called by. Nobody writes one of these to be read between any signs."""

USUAL: Final = PEOPLE | frozenset(map(squashed, _OTHERS.split()))
"""The fields of usual lists and of the programs that people come from."""

_BARE: Final = """
first_name fname firstname last_name lname lastname full_name fullname preferred_name contact_name zip_code zipcode
street_address email_address phone_number company_name polling_place polling_location event_name event_date event_time
agent_name sender_name texter_name custom_1 custom_2 custom_3 custom_4 custom_5 mmerge_1 mmerge_2 mmerge_3 user_name
voter_id opt_out_link candidate_name first_names campaign_name postal_code city_name
"""
BARE: Final = frozenset(map(squashed, _BARE.split()))
"""What, with its words joined as programs join them, is in no language: a merge
field without its signs, or within others."""

JARGON: Final = frozenset({"fname", "lname", "firstname", "lastname"})
"""Those of them that are in no language even in capitals; "ZIPCODE" is."""
