"""Where a number of the North American plan is, as far as its area code says: the
countries of +1, and the codes of services.

Lives here: the table of area codes that are not the United States', and the numbers that nobody answers. Pure.

The codes of the United States are not listed: what the table does not have counts as theirs, so that
a new one is no stranger. The other countries' codes are those of the numbering plan's administrator;
a text there may cost many times as much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.reasons import NO_REASON, Code, Reason
from rumbleup_async.screening.phones import MADE_UP, NANP

TOLL_FREE: Final = "toll-free"

DEFAULT: Final = ("US", "CA")

_CANADA: Final = (
    "204 226 236 249 250 257 263 273 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 468 474 506 514 519 "
    "537 548 568 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942"
)
_COUNTRIES: Final = {
    "US": ("United States", ""),
    "CA": ("Canada", _CANADA),
    "PR": ("Puerto Rico", "787 939"),
    "VI": ("U.S. Virgin Islands", "340"),
    "GU": ("Guam", "671"),
    "MP": ("Northern Mariana Islands", "670"),
    "AS": ("American Samoa", "684"),
    "AG": ("Antigua and Barbuda", "268"),
    "AI": ("Anguilla", "264"),
    "BB": ("Barbados", "246"),
    "BM": ("Bermuda", "441"),
    "BS": ("Bahamas", "242"),
    "DM": ("Dominica", "767"),
    "DO": ("Dominican Republic", "809 829 849"),
    "GD": ("Grenada", "473"),
    "JM": ("Jamaica", "658 876"),
    "KN": ("Saint Kitts and Nevis", "869"),
    "KY": ("Cayman Islands", "345"),
    "LC": ("Saint Lucia", "758"),
    "MS": ("Montserrat", "664"),
    "SX": ("Sint Maarten", "721"),
    "TC": ("Turks and Caicos Islands", "649"),
    "TT": ("Trinidad and Tobago", "868"),
    "VC": ("Saint Vincent and the Grenadines", "784"),
    "VG": ("British Virgin Islands", "284"),
    TOLL_FREE: ("", "800 822 833 844 855 866 877 880 881 882 883 884 885 886 887 888 889"),
}
_TERRITORIES: Final = ("PR", "VI", "GU", "MP", "AS")

# 900 premium; 500 and its kind personal numbers that follow somebody; 600 and its kind of Canada; 700 of carriers, 710
# of the government; 456 for calls from abroad; 200, 300 and 400 nobody's. What is billed to whom is not foreseeable.
_SERVICES: Final = (
    "200 300 400 500 521 522 523 524 525 526 527 528 529 532 533 535 538 542 543 544 545 546 547 549 550 552 553 554 556 558 566 "
    "569 577 578 588 589 600 611 622 633 644 655 677 688 699 700 710 900 456"
)

_SERVICE: Final = Reason(Code.SERVICE_NUMBER)
_BY_NAME: Final = {f"{name} ({country})": country for country, (name, _) in _COUNTRIES.items() if name}
"""The code of each country, by what a reason says of it."""

_SERVICE_EXCHANGES: Final = frozenset({"976", "950", "958", "959"})
"""Premium lines, access to carriers, and lines to test with, under every area code."""
_DIRECTORY: Final = "5551212"


class Areas:
    """The numbers that are to be texted, by their area codes."""

    __slots__ = ("_barred", "_unlisted", "countries", "is_texted")

    is_texted: Callable[[str], object]
    """Whether text is a number to send to as it stands, and `why_not` has nothing to say: what most rows are asked."""

    countries: tuple[str, ...]
    """The codes of the countries that are texted, each once."""

    def __init__(self, countries: Iterable[str] = DEFAULT) -> None:
        self.countries = read_countries(countries)
        texted = {*self.countries, *(_TERRITORIES if "US" in self.countries else ())}
        self._barred = dict.fromkeys(_SERVICES.split(), _SERVICE)
        for country, (name, codes) in _COUNTRIES.items():
            if country not in texted:
                why = Reason(Code.TOLL_FREE) if country == TOLL_FREE else Reason(Code.ANOTHER_COUNTRY, f"{name} ({country})")
                self._barred.update(dict.fromkeys(codes.split(), why))
        listed = {code for _, codes in _COUNTRIES.values() for code in codes.split()}
        self._unlisted = NO_REASON if "US" in texted else Reason(Code.ANOTHER_COUNTRY, "United States (US)")
        if self._unlisted:
            # What is texted must be known as such where the unlisted are not.
            self._barred.update(dict.fromkeys(listed - self._barred.keys(), NO_REASON))
        self.is_texted = _never if self._unlisted else _texted([code for code, why in self._barred.items() if why])

    def why_not(self, phone: str) -> Reason:
        """Why these ten digits are not texted; `NO_REASON` if they are."""
        why = self._barred.get(phone[:3], self._unlisted)
        if not why and (phone[3:6] in _SERVICE_EXCHANGES or phone[3:] == _DIRECTORY):
            return _SERVICE
        return why


def left_out(reasons: Iterable[Reason]) -> list[str]:
    """The countries that these reasons of skipped rows speak of, by their codes, each once."""
    found: dict[str, None] = {}
    for reason in reasons:
        if reason.code is Code.ANOTHER_COUNTRY and reason.detail in _BY_NAME:
            found[_BY_NAME[reason.detail]] = None
        elif reason.code is Code.TOLL_FREE:
            found[TOLL_FREE] = None
    return list(found)


def _never(_: str) -> None:
    """Ask `why_not`."""


def _texted(barred: list[str]) -> Callable[[str], object]:
    """One look instead of several, at the price of the look that tells a clean number."""
    by_digits: dict[str, dict[str, str]] = {}
    for code in barred:
        with_first = by_digits.setdefault(code[0], {})
        with_first[code[1]] = with_first.get(code[1], "") + code[2]
    codes = "|".join(f"{a}(?:{'|'.join(f'{b}[{c}]' for b, c in rest.items())})" for a, rest in by_digits.items())
    services = f"...(?:{'|'.join(sorted(_SERVICE_EXCHANGES))}|{_DIRECTORY})"
    return re.compile(rf"(?!{MADE_UP})(?!{codes})(?!{services}){NANP}", re.ASCII).fullmatch


def read_countries(countries: Iterable[str]) -> tuple[str, ...]:
    """The codes of countries as given, in capitals, each once. ConfigurationError
    for one that is not of +1, or none at all."""
    if isinstance(countries, str):
        countries = countries.split(",")
    found: dict[str, None] = {}
    for given in countries:
        for part in str(given).split(","):
            code = part.strip()
            code = TOLL_FREE if code.lower() in {TOLL_FREE, "tollfree", "toll_free"} else code.upper()
            if code and code not in _COUNTRIES:
                raise ConfigurationError(f"{part.strip()!r} is no country of +1; the countries are {', '.join(_COUNTRIES)}")
            if code:
                found[code] = None
    if not found:
        raise ConfigurationError("name at least one country to text, such as US")
    return tuple(found)
