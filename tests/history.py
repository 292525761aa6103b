"""The history checker: holds a list, its ledger, its report and what the provider really received against each other.

The rules of the promise stand in `check_promise`, once, for simulated worlds and for real processes: data in, no I/O.
`check_history` reads a ledger's file and a report for it by itself. Nothing of ours is imported, so that a mistake cannot hide on
both sides.
"""

import csv
import datetime as dt
import json
import sqlite3
import zoneinfo
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.late_steps import late_states

FINAL = ("sent", "refused", "skipped", "not_sent", "unknown")
COLUMNS = ["row", "phone", "state", "reason", "logid", "attempts", "sent_time"]
_ANY = frozenset({"queued", "intent", *FINAL})
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


class Kept(NamedTuple):
    """A contact as the books have it. `text`: the one that was planned; None for whoever is not to be texted."""

    row: int
    phone: str
    state: str
    logid: str
    text: str | None


class Received(Protocol):
    """A text that the provider took."""

    @property
    def phone(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def logid(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def flags(self) -> Sequence[str]: ...


def check_promise(
    *,
    rows: int | None,
    kept: Iterable[Kept],
    truth: Iterable[Received],
    action: str,
    tag: str,
    allowed: int,
    planned: Mapping[str, str] | None = None,
    never: Container[str] = frozenset(),
    said_no: Container[str] | None = None,
) -> dict[str, Kept]:
    """Assert the promise at the end of a run: at most once, always accounted for. Returns who may be texted, by phone.

    `rows`: contacts of the list, of any quality; None where nobody knows (concurrent mode). `kept`: every row of the books, in
    one of the five final states. `truth`: every text the provider took. `allowed`: contacts that may be unknown. `planned`: the
    text each phone should get, worked out by the caller; nobody else may be in the books as to be texted. `never`: phones
    that must not be texted. `said_no`: phones whose text the provider itself has refused; whoever else it could not take, for a
    gateway, the account or the project, is not `refused`.
    """
    entries, texts = list(kept), list(truth)
    every_row_is_accounted_for(entries, rows)
    contacts = one_row_for_each_phone(entries)
    received = one_text_for_each_phone(texts)
    only_those_of_the_books(received, contacts)
    what_is_sent_was_taken(received, contacts)
    what_was_taken_is_not_denied(received, contacts)
    the_answer_was_its_own(received, contacts)
    the_text_is_the_planned_one(received, contacts, planned)
    it_left_for_this_run(texts, action, tag)
    nobody_who_has_opted_out(received, never)
    nobody_is_left_out(contacts, planned)
    refused_is_the_providers_no(entries, said_no)
    unknown_is_explained(entries, allowed)
    return contacts


# ---- the rules, and the lemma of docs/promise.md for which each stands ----


def every_row_is_accounted_for(entries: Sequence[Kept], rows: int | None) -> None:
    """Lemma 2: every row of the list is in the books once, and in one of the five final states."""
    numbers = {entry.row for entry in entries}
    assert len(numbers) == len(entries), f"rows twice in the books: {_twice(entry.row for entry in entries)}"
    assert rows is None or len(entries) == rows, f"{rows} rows in the list, {len(entries)} in the books"
    strange = {entry.row: entry.state for entry in entries if entry.state not in FINAL}
    assert not strange, f"rows in no final state: {_some(strange.items())}"


def one_row_for_each_phone(entries: Sequence[Kept]) -> dict[str, Kept]:
    """Lemma 2: a phone has one row that may be texted. Returns these rows by phone."""
    live = [entry for entry in entries if entry.state != "skipped"]
    contacts = {entry.phone: entry for entry in live}
    assert len(contacts) == len(live), f"phones in two rows that may be texted: {_twice(entry.phone for entry in live)}"
    return contacts


def one_text_for_each_phone(texts: Sequence[Received]) -> dict[str, Received]:
    """Lemmas 3, 4 and 7: nothing that may have left was sent once more. Returns the texts by phone."""
    received = {text.phone: text for text in texts}
    assert len(received) == len(texts), f"TEXTED TWICE: {_twice(text.phone for text in texts)}"
    return received


def only_those_of_the_books(received: Mapping[str, Received], contacts: Mapping[str, Kept]) -> None:
    """Lemma 1: whoever was texted had an intent, and so a row that may be texted."""
    stray = received.keys() - contacts.keys()
    assert not stray, f"texted although not to be texted: {_some(stray)}"


def what_is_sent_was_taken(received: Mapping[str, Received], contacts: Mapping[str, Kept]) -> None:
    """Lemma 1: a result is written down once the provider has answered."""
    lost = [phone for phone, entry in contacts.items() if entry.state == "sent" and phone not in received]
    assert not lost, f"the books say sent, the provider never saw: {_some(lost)}"


def the_answer_was_its_own(received: Mapping[str, Received], contacts: Mapping[str, Kept]) -> None:
    """Lemma 3: the answer that closes an entry is the one to its own text."""
    for phone, text in received.items():
        entry = contacts[phone]
        assert entry.state != "sent" or entry.logid == text.logid, f"{phone}: another logid in the books than the provider gave"


def what_was_taken_is_not_denied(received: Mapping[str, Received], contacts: Mapping[str, Kept]) -> None:
    """Lemmas 3 and 5: the books say of no text that the provider took that it has not left, or was absent."""
    for phone in received:
        state = contacts[phone].state
        assert state in {"sent", "unknown"}, f"{phone} was texted, but the books say {state}"


def the_text_is_the_planned_one(
    received: Mapping[str, Received], contacts: Mapping[str, Kept], planned: Mapping[str, str] | None
) -> None:
    """Lemma 1: what leaves is what was written down before it left."""
    for phone, text in received.items():
        assert text.text == contacts[phone].text, f"{phone} got another text than the one in the books"
        assert planned is None or text.text == planned.get(phone), f"{phone} got another text than its row says"


def it_left_for_this_run(texts: Iterable[Received], action: str, tag: str) -> None:
    """Lemma 5: a look into the log finds each text, by its project and by the tag of its run."""
    for text in texts:
        assert text.action == action, f"{text.phone} was texted by project {text.action}"
        assert tag in text.flags, f"the text to {text.phone} lacks the tag of its run"


def nobody_who_has_opted_out(received: Mapping[str, Received], never: Container[str]) -> None:
    """Lemma 9: nobody is texted whom a rule turns away."""
    for phone in received:
        assert phone not in never, f"{phone} was texted although it is suppressed"


def nobody_is_left_out(contacts: Mapping[str, Kept], planned: Mapping[str, str] | None) -> None:
    """Lemma 2: whoever may be texted is in the books as such, and nobody else is."""
    if planned is not None:
        assert contacts.keys() == planned.keys(), f"wrongly skipped or not: {_some(contacts.keys() ^ planned.keys())}"


def refused_is_the_providers_no(entries: Iterable[Kept], said_no: Container[str] | None) -> None:
    """Lemma 8: only whom the provider itself has refused is written off."""
    if said_no is not None:
        off = [entry.phone for entry in entries if entry.state == "refused" and entry.phone not in said_no]
        assert not off, f"written off though the provider never said no to them: {_some(off)}"


def unknown_is_explained(entries: Iterable[Kept], allowed: int) -> None:
    """Lemmas 4 and 5: no more is in doubt than deaths and unclear answers explain; once the log was read, nothing."""
    unknown = sum(entry.state == "unknown" for entry in entries)
    assert unknown <= allowed, f"{unknown} unknown, at most {allowed} can be explained"


def check_rate(times: Sequence[float], rate: float) -> None:
    """Assert that no sliding second of one process held more than `rate` texts and the tolerance.

    The tolerance: what the pace draws at once (20 ms of traffic, at least one text), once left over from before and once for a
    full bucket, and once more for a new bucket after the rate has changed.
    """
    slack = 3 * max(1.0, rate * 0.02)
    first = 0
    for last, time in enumerate(times):
        while times[first] <= time - 1.0:
            first += 1
        assert last - first + 1 <= rate + slack, f"{last - first + 1} texts within a second at a rate of {rate}"


_MOVES = {"unknown": {"unknown", "sent"}, **{state: {state} for state in ("sent", "refused", "skipped")}}
"""What a contact may be after a step of the books that was one of these before it. Only a look into the log makes `unknown`
anything else, and here nobody looks."""


def check_moves(before: Mapping[int, str], after: Mapping[int, str]) -> None:
    """Lemmas 4 and 7: in a step of the books, while nobody looks into the log, who was accounted for stays so; `unknown` becomes
    `sent` where its own sender proves it, and nothing else. States by row."""
    lost = before.keys() - after.keys()
    assert not lost, f"rows that were in the books and are not: {_some(lost)}"
    for row, state in before.items():
        assert after[row] in _MOVES.get(state, _ANY), f"row {row} went from {state} to {after[row]}"


def check_opt_outs(left: Iterable[tuple[float, str]], since: Mapping[str, float], within: float) -> None:
    """Lemma 9: nobody is texted after the door has said never to them. `left`: when a text left, and to whom. `since`: when
    people opted out. `within`: the seconds that a question on the way to the wire takes: its answer is from before."""
    for time, phone in left:
        assert time <= since.get(phone, time) + within, f"{phone} was texted although they had opted out"


def segments_of(text: str) -> int:
    """SMS parts of a text of plain ASCII, which is all that is counted here."""
    assert text.isascii(), "only plain texts are counted here"
    return 1 if len(text) <= 160 else -(-len(text) // 153)


def check_money(texts: Iterable[str], price: float, budget: float) -> None:
    """Lemma 9: what has left, at `price` dollars a segment, costs no more than was given."""
    cost = round(price * sum(map(segments_of, texts)), 6)
    assert cost <= budget, f"${cost} were spent of ${budget}"


def check_day_cap(left: Iterable[tuple[float, str]], cap: int) -> None:
    """Lemma 9: on no day of the Pacific coast more segments have left than the cap. `left`: when (Unix seconds), and what."""
    days: Counter[str] = Counter()
    for time, text in left:
        day = dt.datetime.fromtimestamp(time, zoneinfo.ZoneInfo("America/Los_Angeles"))
        days[f"{day:%Y-%m-%d}"] += segments_of(text)
    over = {day: number for day, number in days.items() if number > cap}
    assert not over, f"more than {cap} segments on a day: {over}"


def check_tests(truth: Sequence[Mapping[str, Any]], run: str, phones: Iterable[str]) -> list[Mapping[str, Any]]:
    """Assert that the test texts of a run went to these phones, in this order and before all others of the run, under their own
    tag. Returns the other texts."""
    tests = [text for text in truth if f"test-{run}" in text["flags"]]
    assert [text["phone"] for text in tests] == list(phones), "the test texts went to others"
    others = [text for text in truth if text not in tests]
    assert not others or max(text["time"] for text in tests) <= min(text["time"] for text in others), "a test came too late"
    return others


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
    ledger: Path | str,
    report: Path,
    truth: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any] | None = None,
    planned: Mapping[str, str] | None = None,
    concurrency: int = 0,
    crashes: int = 0,
    doubtful: int = 0,
) -> dict[str, Entry]:
    """Assert the promise: at most once, always accounted for. Returns the report's contacts that can be texted, by phone.

    `rows`: contacts of the list, of any quality. `ledger`: a file, or an address. `truth`: every text the provider took, as dicts
    with phone, text, logid, action and flags. `planned`: the text each phone should get, worked out by the caller. A crash may
    leave 2 x `concurrency` contacts unknown; `doubtful` more may be, because the provider gave them no clear answer.
    """
    plan, stored = _read_ledger(ledger)
    entries = read_report(report)
    by_row = {entry.row: entry for entry in entries}

    assert len(by_row) == len(entries), f"rows twice in the report: {_twice(entry.row for entry in entries)}"
    assert by_row.keys() == stored.keys(), f"report and ledger differ in rows {_some(by_row.keys() ^ stored.keys())}"
    differing = [row for row, entry in by_row.items() if entry.state != _WORDS[stored[row][1]]]
    assert not differing, f"report and ledger differ in the states of rows {_some(differing)}"
    unsigned = [entry.row for entry in entries if entry.state == "sent" and not entry.sent_time]
    assert not unsigned, f"sent, but the report has no time for rows {_some(unsigned)}"

    texts = [_Text(text["phone"], text["text"], text["logid"], text["action"], text["flags"]) for text in truth]
    kept = [
        Kept(entry.row, entry.phone, entry.state, entry.logid, stored[entry.row][2] or plan["same_text"]) for entry in entries
    ]
    contacts = check_promise(
        rows=rows,
        kept=kept,
        truth=texts,
        action=plan["action"],
        tag=f"run-{plan['run']}",
        allowed=2 * concurrency * crashes + doubtful,
        planned=planned,
    )
    states = Counter(entry.state for entry in entries)
    if summary is not None:
        told = {state: summary[state] for state in FINAL}
        assert sum(told.values()) == summary["total"] == rows, f"the summary does not add up: {dict(summary)}"
        assert told == {state: states[state] for state in FINAL}, f"summary {told}, report {dict(states)}"
        assert summary["run"] == plan["run"]
        assert summary["action"] == plan["action"]
    return {phone: by_row[kept.row] for phone, kept in contacts.items()}


class _Text(NamedTuple):
    phone: str
    text: str
    logid: str
    action: str
    flags: Sequence[str]


def _read_database(address: str) -> tuple[dict[str, Any], dict[int, tuple[str, int, str | None]]]:
    """The same of a run in a database, and that its counts are those of its rows."""
    import psycopg

    server, _, run = address.partition("run=")
    with psycopg.connect(server.rstrip("?&")) as db:
        found = db.execute("SELECT id FROM rumbleup.run WHERE name = %s", (run.partition("&")[0],)).fetchone()
        assert found is not None, "no such run"
        plan = db.execute("SELECT value FROM rumbleup.fact WHERE run = %s AND key = 'plan'", found).fetchone()
        assert plan is not None
        rows = {
            row: (phone, state, text)
            for row, phone, state, text in db.execute(
                "SELECT row, phone, state, text FROM rumbleup.contact WHERE run = %s", found
            )
        }
        counted = db.execute("SELECT rumbleup.counts_of(%s)", found).fetchone()
    by_state = Counter(state for _, state, _ in rows.values())
    assert counted == ([by_state[state] for state in range(7)],), f"counts {counted}, rows {by_state}"
    return json.loads(plan[0]), rows


def _read_ledger(path: Path | str) -> tuple[dict[str, Any], dict[int, tuple[str, int, str | None]]]:
    """The plan, and phone, state and text by row."""
    if isinstance(path, str):
        return _read_database(path)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        plan = json.loads(db.execute("SELECT value FROM run WHERE key = 'plan'").fetchone()[0])
        rows = {
            row: (phone, state, text) for row, phone, state, text in db.execute("SELECT row, phone, state, text FROM contact")
        }
        rows |= {row: (rows[row][0], state, rows[row][2]) for row, state in late_states(path, db).items()}
    finally:
        db.close()
    return plan, rows


def _twice(values: Iterable[object]) -> str:
    return _some(value for value, number in Counter(values).items() if number > 1)


def _some(values: Iterable[object]) -> str:
    found = sorted(map(str, values))
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
