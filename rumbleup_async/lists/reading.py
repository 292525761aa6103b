"""How a list is to be read, as its caller says.

Lives here: the value.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from rumbleup_async.lists.consent import ConsentCheck
from rumbleup_async.lists.kept_columns import Keep
from rumbleup_async.lists.lines import Writable
from rumbleup_async.lists.whereabouts import Whereabouts


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `open_list`; None: not asked for."""

    phone_field: str | None = None
    fields: Collection[str] | None = None
    encoding: str | None = None
    sheet: str | None = None
    query: str | None = None
    consent: ConsentCheck | None = None
    keep: Keep | None = None
    copy: Writable | None = None
    whereabouts: Whereabouts | None = None
