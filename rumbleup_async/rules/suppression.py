"""The first rule: nobody is texted whom the caller suppresses.

Lives here: asking whoever knows the suppressed phones, at every place where a text passes. They are numbers that have been
read, a container that can only be asked, or a store that looks each of them up.
"""

from __future__ import annotations

from collections.abc import Container

from rumbleup_async.admission import GO, Never, Verdict
from rumbleup_async.messaging import Text
from rumbleup_async.reasons import SUPPRESSED
from rumbleup_async.rules.numbers import SuppressionStore

_NEVER = Never(SUPPRESSED)


class Suppression:
    """Fits `rules.door.Rule`. `phones` are known by their ten digits; `prefix` stands before these in the provider's form.

    A store is not asked while a list is read, only when its texts come up: at the claim, and just before each of them leaves.
    """

    def __init__(self, phones: Container[str], prefix: str = "", store: SuppressionStore | None = None) -> None:
        self._phones = phones
        self._prefix = prefix
        self._store = store
        self.is_live = store is not None or not isinstance(phones, frozenset)
        """Somebody may be added while the run is under way."""
        self.looks_up = store is not None and getattr(store, "looks_up", True)
        """The answer may take its time. A store that has it at hand may say so."""

    @property
    def is_empty(self) -> bool:
        """It surely says nothing against anybody."""
        return not (self.is_live or self._phones)

    @property
    def in_form(self) -> Container[str]:
        """Those of whom it knows without a look-up, asked for in the provider's form."""
        return _InForm(self._phones, self._prefix) if self._prefix and not self.is_empty else self._phones

    async def admit(self, text: Text, now: float) -> Verdict:  # noqa: ARG002 - who is suppressed is so at any time
        """`Never` for a phone that is suppressed."""
        phone = text.phone.removeprefix(self._prefix) if self._prefix else text.phone
        if phone in self._phones or (self._store is not None and await self._store.is_suppressed(phone)):
            return _NEVER
        return GO


class _InForm:
    def __init__(self, phones: Container[str], prefix: str) -> None:
        self._phones = phones
        self._prefix = prefix

    def __contains__(self, phone: object) -> bool:
        return isinstance(phone, str) and phone.removeprefix(self._prefix) in self._phones
