"""Contact lists as files: reads an uploaded CSV into contacts, and writes rows as CSV. Pure.

The columns are those of `group_file` (Action API page) and of the contact pages. Other columns are kept as they are.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Reply, field
from rumbleup_async.simulator.world.request_parsing import Upload
from rumbleup_async.simulator.world.world import World

__all__ = ["COLUMNS", "csv_reply", "load"]

_CSV = b"text/csv; charset=utf-8"

COLUMNS = (
    "phone", "name", "first_name", "last_name", "email", "street", "city", "zipcode", "url", "icon", "source", "notes", "descr",
    "question", "custom1", "custom2", "custom3", "custom4", "custom5",
)  # fmt: skip


def _read(upload: Any, part: str) -> list[dict[str, str]]:
    """The rows of an uploaded list. A list needs a column `phone`, and a column `name` or `first_name`."""
    if not isinstance(upload, Upload):
        raise field(f"{part}: must be uploaded as a file")
    try:
        text = upload.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise field(f"{part}: not UTF-8") from None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = columns
        if "phone" not in columns:
            raise field(f"{part}: no column named phone")
        if not {"name", "first_name"} & set(columns):
            raise field(f"{part}: no column named name or first_name")
        return [{key: value for key, value in row.items() if key and isinstance(value, str)} for row in rows]
    except csv.Error as problem:
        raise field(f"{part}: {problem}") from None


def load(world: World, upload: Any, part: str) -> str:
    """Make a group of an uploaded list and return its id. Rows without a phone and repeated phones are left out."""
    rows = _read(upload, part)
    name = upload.filename.rpartition("/")[2].removesuffix(".csv") or "Imported"
    group = world.account_data.new_group(name, world.settings.imported_group, world.clock())
    seen = set()
    for row in rows:
        phone = digits(row.pop("phone", ""))
        if phone is not None and phone not in seen:
            seen.add(phone)
            fields = {key: value for key, value in row.items() if value != ""}
            if "name" in fields and "first_name" not in fields:
                first, _, last = fields["name"].partition(" ")
                fields |= {"first_name": first} | ({"last_name": last} if last and "last_name" not in fields else {})
            world.sync(phone, fields, group.gid)
    return group.gid


def csv_reply(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Reply:
    """Rows as a CSV file with a header. The items of a list are joined by commas."""
    names = list(columns)
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(names)
    table.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return Reply(200, out.getvalue().encode(), _CSV)


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else value
