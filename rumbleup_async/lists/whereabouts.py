"""Which columns of a list say where a contact is: its time zone, its ZIP code, its state.

Lives here: finding them by their names, or by those that were given, and the place of each row. Pure.

A guess that could be wrong is not made: the wrong ZIP code would text people at night.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns as naming
from rumbleup_async.patterns import when_used
from rumbleup_async.screening.screen import nowhere
from rumbleup_async.screening.template import field_name

Placing = Callable[[int, Mapping[str, str], str], int]
"""The place of the contact in this row, of its fields and ten digits. Raises ListError."""

Finder = Callable[[str, str, str, str], Placing]
"""What finds the places of a list: of the list's name and those of its columns with ZIP code, state and zone, "" where there is
none."""

_WHOSE: Final = r"(?:home|residence|residential|res|registration|reg|voting|voter|mailing|mail|primary|contact|address|addr)"
_zone = r"(?:time_?zone(?:_?name)?|tz(?:_?name)?|iana_?(?:time_?)?zone)"
_zip = r"(?:zip|zip_?5|zip_?9|zip_?code|zip_?plus_?4|postal_?code|post_?code|postal|zip_?postal_?code)"
_state = r"(?:state|state_?code|state_?abbr(?:ev(?:iation)?)?|province|state_?province|state_?or_?province)"
_SURE: Final = {kind: when_used(name) for kind, name in (("zone", _zone), ("zip", _zip), ("state", _state))}
_LESSER: Final = {
    kind: when_used(f"{_WHOSE}_?{name}|{name}_?{_WHOSE}") for kind, name in (("zone", _zone), ("zip", _zip), ("state", _state))
}
"""Names that say it where no other column does."""
_WHAT: Final = {"zone": "time zone", "zip": "ZIP code", "state": "state"}


class Whereabouts:
    """The columns of one list. `given`: what `zone`, `zip` and `state` are called there, where that was said.

    Without a `finder` nobody asks where contacts are: only the columns that were named must be there.
    """

    def __init__(self, finder: Finder | None, given: Mapping[str, str | None]) -> None:
        self._finder = finder
        self._given = given
        self._where = ""
        self.columns: dict[str, str] = {}
        """Of `zone`, `zip` and `state` those that the list has, and the names of their columns in the normal form."""

    def begin(self, names: Sequence[str], where: str) -> None:
        """The list has these columns. ListError where one that was named is missing, or two could be meant."""
        self._where = where
        asked = [kind for kind in _SURE if self._finder is not None or self._given.get(kind) is not None]
        found = {kind: name for kind in asked if (name := self._column(kind, names))}
        self.columns = {} if self._finder is None else found
        for name in self.columns.values():
            if names.count(name) > 1:
                raise ListError(f"{where}: {names.count(name)} columns are called {name!r}; rename all but one")

    def wanted(self, fields: Collection[str] | None) -> frozenset[str] | None:
        """The columns to read, these among them."""
        return None if fields is None else frozenset(fields).union(self.columns.values())

    def placing(self) -> Placing:
        """What finds the place of each row."""
        if self._finder is None:
            return nowhere
        get = self.columns.get
        return self._finder(self._where, get("zip", ""), get("state", ""), get("zone", ""))

    def _column(self, kind: str, names: Sequence[str]) -> str:
        given = self._given.get(kind)
        if given is not None:
            wanted = field_name(given)
            if wanted not in names:
                raise ListError(
                    f"{self._where}: there is no column {wanted!r} for the {_WHAT[kind]}; {naming.choice(wanted, names)}"
                )
            return wanted
        found = [name for name in dict.fromkeys(names) if _SURE[kind].fullmatch(name)]
        found = found or [name for name in dict.fromkeys(names) if _LESSER[kind].fullmatch(name)]
        if len(found) > 1:
            raise ListError(
                f"{self._where}: the {_WHAT[kind]} may be in {' or '.join(found)}; name the column with --{kind}-field"
            )
        return found[0] if found else ""
