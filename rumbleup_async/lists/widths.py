"""How many cells the rows of a CSV list may have: a row that is one cell longer may be one cell off.

Lives here: the judgement, by the rows that were looked at first. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumbleup_async.lists.csv_records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rumbleup_async.lists.header import Header


def lengths(sample: Sequence[str], head: Header, width: int, *, has_spaces: bool) -> set[int]:
    """How many cells a row may have, all in all, if those beyond its columns are blank: as many as the header, or as the rows
    have that were looked at.

    `sample`: the lines of those rows. `width`: cells up to the last column with a name. `has_spaces`: a space follows the
    delimiter in the header.
    """
    full = len(head.columns or ())
    records = Records(head.delimiter, width).feed(list(sample), last=True)
    found = [len(record) for record in records if any(cell.strip() for cell in record)]
    longer = [length for length in found if length > full]
    # One row that ends where the header does shows that the others do not all end in blank cells.
    usual = max(set(longer), key=longer.count) if longer and full not in found else 0
    unquoted = 0 if has_spaces else _unquoted(sample, head.delimiter)
    if longer.count(usual) < 2 or 2 * unquoted >= len(longer):
        usual = 0
    # A spreadsheet leaves blank ends out in blocks, of which the header's is the first.
    return {usual} if width in found and found[0] < full else {full, usual}


def _unquoted(sample: Sequence[str], delimiter: str) -> int:
    """In how many of the rows that were looked at a delimiter goes on as a comma in a sentence does: `Acme, Inc.`"""
    sign = f"{delimiter} "
    if sign[0] not in ",;":
        return 0
    return sum(sign in line and '"' not in line for line in sample)
