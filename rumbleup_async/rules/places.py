"""Where a contact may be: the zones and states that its ZIP code, state and area code allow.

Lives here: from the facts of a contact to its *place*, and back. Pure.

A place is one number, and the number says everything: zones, states, and what told them. So a ledger, another process and a
resume read it without a table beside it, and nothing in it may ever get another meaning. No hours bind place 0. A recipient has
a set of possible zones, because a phone moves with its owner: the address and the number count together.
"""

from __future__ import annotations

import enum
import functools
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from rumbleup_async.errors import ConfigurationError, ListError
from rumbleup_async.rules import place_tables as tables
from rumbleup_async.rules.address_cells import postal_provinces, state_of, zip_of
from rumbleup_async.rules.zones import BY_KEY, ZoneData, load

Placing = Callable[[int, Mapping[str, str], str], int]
"""The place of the contact in this row, of its fields and ten digits. Raises ListError."""

_MOST_KEPT: Final = 1 << 18
"""Places that are found once and remembered; behind them each contact is looked up anew."""


class Source(enum.IntEnum):
    """What a place is known by, the surest fact first."""

    ZONE = 1
    ZIP = 2
    STATE = 3
    NUMBER = 4
    UNKNOWN = 5

    @property
    def word(self) -> str:
        """As plans show it."""
        return "number only" if self is Source.NUMBER else self.name.lower() if self is not Source.ZIP else "ZIP"


class Place(msgspec.Struct, frozen=True):
    """Where somebody may be. `zones`: names of IANA. `states`: codes of states and provinces, perhaps none."""

    source: Source
    zones: tuple[str, ...]
    states: tuple[str, ...] = ()


ANYWHERE: Final = 0
"""The place of a contact whose hours nobody asks about."""

_SOURCE_BITS, _ZONE_BITS, _NAME_BITS, _STATE_BITS = 3, 18, 32, 7
_NAMED: Final = 6
"""Stands in place of a source: a zone follows by the checksum of its name, as it is none of the eighteen."""
_KEYS: Final = tuple(BY_KEY)
_REGIONS: Final = ("", *tables.STATES, *[""] * (127 - len(tables.STATES) - len(tables.GROUPS)), *tables.GROUPS)
"""What the seven bits of a state mean. States are counted from the front, groups of provinces from the end."""
_REGION_NUMBERS: Final = {region: number for number, region in enumerate(_REGIONS) if region}


def mask_of(keys: Iterable[str]) -> int:
    """Zones, given by their letters, as one number."""
    return sum(1 << _KEYS.index(key) for key in set(keys))


def encode(source: Source, mask: int, states: Iterable[str]) -> int:
    """The number of a place. `mask`: its zones, see `mask_of`. At most five states or groups of provinces."""
    return source | mask << _SOURCE_BITS | _states(states) << (_SOURCE_BITS + _ZONE_BITS)


def _states(states: Iterable[str]) -> int:
    number = 0
    for region in sorted({_REGION_NUMBERS[state] for state in states if state}, reverse=True):
        number = number << _STATE_BITS | region
    return number


@functools.lru_cache(maxsize=1 << 16)
def decode(place: int, data: ZoneData | None = None) -> Place:
    """What a place means. `data`: where zones are looked for that are none of the eighteen; that of `zones.load()` if not given.

    ConfigurationError for a number that is no place, or a zone that the data does not have.
    """
    kind, rest = place & 7, place >> _SOURCE_BITS
    source, zones = Source.UNKNOWN, tuple[str, ...]()
    if kind == _NAMED:
        source, zones, rest = Source.ZONE, (_by_checksum(rest & 0xFFFFFFFF, data or load()),), rest >> _NAME_BITS
    elif 1 <= kind < _NAMED:
        mask, rest = rest & ((1 << _ZONE_BITS) - 1), rest >> _ZONE_BITS
        source, zones = Source(kind), tuple(BY_KEY[key] for bit, key in enumerate(_KEYS) if mask >> bit & 1)
    states: list[str] = []
    while rest > 0:
        region = _REGIONS[rest & 127]
        states += region.split("/")
        rest >>= _STATE_BITS
        if not region:
            zones = ()
    if place <= 0 or not zones:
        raise ConfigurationError(f"{place} is no place; a newer version of rumbleup_async may know it")
    return Place(source, zones, tuple(dict.fromkeys(states)))


def _by_checksum(checksum: int, data: ZoneData) -> str:
    for name in data.names:
        if zlib.crc32(name.encode()) == checksum:
            return name
    raise ConfigurationError(f"the time-zone data ({data}) lacks a zone of this list; update it: pip install -U tzdata")


_NO_NUMBER: Final = (0, "")


class _Address(NamedTuple):
    """What an address says: `source` is that of its zones, if it has any."""

    source: Source
    mask: int
    states: frozenset[str]


class Places:
    """Finds the places of contacts. `trust_address`: where the address is known, the number does not count."""

    def __init__(self, *, trust_address: bool = False, data: ZoneData | None = None) -> None:
        self._trust_address = trust_address
        self._data = data
        self._zips, self._singles, codes = _tables()
        self._kinds = {_NO_NUMBER: 0} | {fact: kind for kind, fact in enumerate(dict.fromkeys(codes.values()), 1)}
        """Area codes of the same zones and state are of one kind; 0 are those of which nothing is known."""
        self._numbers = tuple(self._kinds)
        self._kind_of = {code: self._kinds[fact] for code, fact in codes.items()}
        self._found: dict[str, dict[str, dict[int, int]]] = {}
        """Places by ZIP code and state as they are written, and by the kind of area code: most contacts cost four looks."""
        self._of_zips: dict[str, dict[str, dict[int, int]]] = {}
        """The same by what a ZIP code comes to."""
        self._of_addresses: dict[_Address, dict[int, int]] = {}
        """Addresses that say the same share their places."""
        self._of_zones: dict[tuple[str, str, str, int], int] = {}
        """The same where a zone is given, which comes first, and the kind last."""
        self._kept = 0

    def place_of(self, phone: str, zip_code: str = "", state: str = "", zone: str = "") -> int:
        """The place of a contact. `phone`: ten digits; the others as the cells of the list have them, "" if there is none.

        An unreadable ZIP code or state counts as none. ConfigurationError for a zone that is none.
        """
        kind = self._kind_of.get(phone[:3], 0)
        try:
            return self._of_zones[zone, zip_code, state, kind] if zone else self._found[zip_code][state][kind]
        except KeyError:
            return self._find(kind, zip_code, state, zone)

    def finder(self, where: str, zip_field: str = "", state_field: str = "", zone_field: str = "") -> Placing:
        """What finds the place of each row of a list, named `where`, by the columns of these names, "" for one that is not there.

        It raises ListError for a zone that is none.
        """
        found, kind_of, place_of = self._found, self._kind_of, self.place_of

        def look(row: int, fields: Mapping[str, str], phone: str) -> int:
            get = fields.get
            try:
                return place_of(phone, get(zip_field, ""), get(state_field, ""), get(zone_field, ""))
            except ConfigurationError as error:
                raise ListError(f"{where}, row {row}: {error}") from None

        def place(row: int, fields: Mapping[str, str], phone: str) -> int:
            # This runs once a contact, and a call more would cost as much as the looks.
            try:
                return found[fields[zip_field]][fields[state_field]][kind_of[phone[:3]]]
            except KeyError:
                return look(row, fields, phone)

        return place if zip_field and state_field and not zone_field else look

    def _find(self, kind: int, zip_code: str, state: str, zone: str) -> int:
        five = zip_of(zip_code)
        # What three digits say is said once for all ZIP codes that begin with them.
        read = five[:3] if five and five not in self._singles else five or _postal_code(zip_code)
        if name := zone.strip():
            where = self._facts(self._address(read, state), kind)[2]
            named = _of_zone(name, where, self._data or load())
            if self._has_room():
                self._of_zones[zone, zip_code, state, kind] = named
            return named
        states = self._of_zips.get(read, {})
        places = states.get(state)
        if places is None:
            address = self._address(read, state)
            places = self._of_addresses.setdefault(address, {})
            if self._has_room():
                states = self._of_zips.setdefault(read, states)
                states[state] = places
        else:
            address = None
        place = places.get(kind)
        if place is None:
            place = places[kind] = encode(*self._facts(address or self._address(read, state), kind))
        if self._found.get(zip_code) is not states and self._has_room():
            self._found[zip_code] = states
        return place

    def _has_room(self) -> bool:
        """A column of a million different values is not kept."""
        self._kept += 1
        return self._kept < _MOST_KEPT

    def _address(self, zip_code: str, state: str) -> _Address:
        """What the address says. `zip_code`: three or five digits, or a cell that has no ZIP code."""
        mask, zip_states, is_known = self._of_zip(zip_code)
        source = Source.ZIP if mask else Source.STATE
        region = state_of(state)
        if region and (not is_known or region not in zip_states):
            # Either may be wrong where they differ.
            mask |= mask_of(tables.ZONES_OF_STATE[region] + tables.SECOND_ZONE.get(region, ""))
        return _Address(source, mask, frozenset((*zip_states, region)))

    def _facts(self, address: _Address, kind: int) -> tuple[Source, int, frozenset[str]]:
        """What it is known by, zones and states."""
        by_number, number_state = self._numbers[kind]
        source = address.source if address.mask else Source.NUMBER if by_number else Source.UNKNOWN
        if self._trust_address and address.mask:
            by_number, number_state = 0, ""
        return source, address.mask | by_number or mask_of(tables.CONTINENT), address.states | {number_state}

    def _of_zip(self, read: str) -> tuple[int, tuple[str, ...], bool]:
        """Zones and states of a ZIP code or a Canadian postal code, and whether it is one."""
        if provinces := postal_provinces(read):
            return mask_of("".join(map(tables.ZONES_OF_STATE.__getitem__, provinces))), provinces, True
        mask, state = self._singles.get(read) or self._zips.get(read[:3]) or (0, "")
        return mask, (state,), bool(read)


def _postal_code(cell: str) -> str:
    """The cell, if it has a Canadian postal code, else ""."""
    return cell if postal_provinces(cell) else ""


@functools.cache
def _tables() -> tuple[dict[str, tuple[int, str]], ...]:
    """Zones and state of ZIP prefixes, of single ZIP codes and of area codes."""
    read = tables.zips(), tables.SINGLE_ZIPS, tables.area_codes()
    return tuple({code: (mask_of(zones), state) for code, (zones, state) in table.items()} for table in read)


def _of_zone(name: str, states: Iterable[str], data: ZoneData) -> int:
    for key, known in BY_KEY.items():
        if known.casefold() == name.casefold():
            return encode(Source.ZONE, mask_of(key), states)
    for known in data.names:
        if known.casefold() == name.casefold():
            number = _states(states) << _NAME_BITS | zlib.crc32(known.encode())
            return _NAMED | number << _SOURCE_BITS
    raise ConfigurationError(
        f"{name[:40]!r} is no time zone; write the name of a place as IANA has it, such as America/New_York, "
        "or leave the cell empty and let ZIP code, state and area code tell"
    )
