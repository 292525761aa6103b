"""The history checker: holds a list, its ledger, its report and what the provider really received against each other.

It reads the ledger's file and the report by itself and imports nothing of ours, so that a mistake cannot hide on both sides.
"""

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FINAL = ("sent", "refused", "skipped", "not_sent", "unknown")
COLUMNS = ["row", "phone", "state", "reason", "logid", "attempts", "sent_time"]
_WORDS = ("not_sent", "unknown", "sent", "refused", "skipped", "not_sent", "unknown")
"""How a report shows the ledger's states 0 to 6: queued has not been sent, an open entry is unknown."""


class Entry(NamedTuple):
    """A contact as the report shows it."""

    row: int
    phone: str
    state: str
    reason: str
    logid: str
    attempts: int
    sent_time: str


def read_report(path: Path) -> list[Entry]:
    """The rows of a report."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        assert header == COLUMNS, f"the report's columns are {header}"
        return [
            Entry(int(row), phone, state, reason, logid, int(tries), at) for row, phone, state, reason, logid, tries, at in reader
        ]


def check_history(
    *,
    rows: int,
    ledger: Path,
    report: Path,
    truth: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any] | None = None,
    planned: Mapping[str, str] | None = None,
    concurrency: int = 0,
    crashes: int = 0,
    doubtful: int = 0,
) -> dict[str, Entry]:
    """Assert the promise: at most once, always accounted for. Returns the report's contacts that can be texted, by phone.

    `rows`: contacts of the list, of any quality. `truth`: every text the provider took, as dicts with phone, text, logid,
    action and flags. `planned`: the text each phone should get, worked out by the caller. A crash may leave
    2 x `concurrency` contacts unknown; `doubtful` more may be, because the provider gave them no clear answer.
    """
    plan, stored = _read_ledger(ledger)
    entries = read_report(report)
    by_row = {entry.row: entry for entry in entries}

    assert len(by_row) == len(entries), f"rows twice in the report: {_twice(entry.row for entry in entries)}"
    assert len(entries) == rows, f"{rows} rows in the list, {len(entries)} in the report"
    assert by_row.keys() == stored.keys(), f"report and ledger differ in rows {_some(by_row.keys() ^ stored.keys())}"
    strange = {entry.row: entry.state for entry in entries if entry.state not in FINAL}
    assert not strange, f"rows in no final state: {_some(strange.items())}"
    differing = [row for row, entry in by_row.items() if entry.state != _WORDS[stored[row][1]]]
    assert not differing, f"report and ledger differ in the states of rows {_some(differing)}"

    live = [entry for entry in entries if entry.state != "skipped"]
    contacts = {entry.phone: entry for entry in live}
    assert len(contacts) == len(live), f"phones in two rows that may be texted: {_twice(entry.phone for entry in live)}"

    received = {text["phone"]: text for text in truth}
    assert len(received) == len(truth), f"TEXTED TWICE: {_twice(text['phone'] for text in truth)}"
    stray = received.keys() - contacts.keys()
    assert not stray, f"texted although not to be texted: {_some(stray)}"
    for state in ("refused", "not_sent"):
        wrong = [phone for phone in received if contacts[phone].state == state]
        assert not wrong, f"texted, but the report says {state}: {_some(wrong)}"
    lost = [entry.phone for entry in live if entry.state == "sent" and entry.phone not in received]
    assert not lost, f"the report says sent, the provider never saw: {_some(lost)}"

    texts = {entry.phone: stored[entry.row][2] or plan["same_text"] for entry in live}
    for phone, text in received.items():
        assert text["text"] == texts[phone], f"{phone} got another text than the one in the ledger"
        assert planned is None or text["text"] == planned.get(phone), f"{phone} got another text than its row says"
        assert text["action"] == plan["action"], f"{phone} was texted by project {text['action']}"
        assert f"run-{plan['run']}" in text["flags"], f"the text to {phone} lacks the tag of its run"
        entry = contacts[phone]
        assert entry.state != "sent" or (entry.logid == text["logid"] and entry.sent_time), f"row {entry.row}: {entry}"
    if planned is not None:
        assert contacts.keys() == planned.keys(), f"wrongly skipped or not: {_some(contacts.keys() ^ planned.keys())}"

    states = Counter(entry.state for entry in entries)
    allowed = 2 * concurrency * crashes + doubtful
    assert states["unknown"] <= allowed, f"{states['unknown']} unknown, at most {allowed} can be explained"
    if summary is not None:
        told = {state: summary[state] for state in FINAL}
        assert sum(told.values()) == summary["total"] == rows, f"the summary does not add up: {dict(summary)}"
        assert told == {state: states[state] for state in FINAL}, f"summary {told}, report {dict(states)}"
        assert summary["run"] == plan["run"]
        assert summary["action"] == plan["action"]
    return contacts


def _read_ledger(path: Path) -> tuple[dict[str, Any], dict[int, tuple[str, int, str | None]]]:
    """The plan, and phone, state and text by row."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        plan = json.loads(db.execute("SELECT value FROM run WHERE key = 'plan'").fetchone()[0])
        rows = {
            row: (phone, state, text) for row, phone, state, text in db.execute("SELECT row, phone, state, text FROM contact")
        }
    finally:
        db.close()
    return plan, rows


def _twice(values: Iterable[object]) -> str:
    return _some(value for value, number in Counter(values).items() if number > 1)


def _some(values: Iterable[object]) -> str:
    found = sorted(map(str, values))
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
