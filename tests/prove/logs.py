"""The message log of the simulated provider: what it has taken, in every form in which a real one might write it.

A form is the way of the log during one look. Some forms hide a text, or show it so that nobody can tell whose it is: then nothing
may count as absent. Others only look strange. `odd` says which rows a form is about.
"""

import datetime as dt
import email.utils
import json
from collections.abc import Callable, Container, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from tests.prove.faults import LOG_FORMS

EPOCH = 1_790_000_000.0
"""What the wall clock shows when a world begins, in seconds since 1970."""


class Taken(NamedTuple):
    """A text that the provider has taken for delivery."""

    phone: str
    text: str
    logid: str
    action: str
    flags: Sequence[str]
    time: float


class Log:
    """How the log is at this moment."""

    def __init__(self) -> None:
        self.page = 40
        """Rows a page, at most."""
        self.trouble = ""
        self.odd: Container[str] = ()
        """Phones whose rows a form is about."""
        self.until = 0.0
        """Up to what was taken when a log that lags has come, in seconds of the world."""
        self.off = 0.0
        """Seconds by which the provider's clock is off."""
        self.zone = 0.0
        """Seconds by which the times of its rows are in another zone than they say."""
        self.has_date = True
        self.has_shown = False
        """Whether the trouble was met since somebody last asked."""
        self._repeats = 0
        self._written: dict[str, msgspec.Raw] = {}
        """Rows as they are where nothing is odd about them, by logid: looks ask for them again and again."""

    def now(self, elapsed: float) -> float:
        """What the provider's clock shows."""
        return EPOCH + elapsed + self.off

    def headers(self, elapsed: float) -> dict[str, str]:
        found = {"Content-Type": "application/json"}
        return {**found, "Date": email.utils.formatdate(self.now(elapsed), usegmt=True)} if self.has_date else found

    def answer(self, truth: Sequence[Taken], request: str | None) -> bytes:
        """A page of what was taken, oldest first, as far as the log shows it by now."""
        trouble = self.trouble
        query = {name: values[0] for name, values in parse_qs(request or "").items()}
        rows = [text for text in truth if text.time < self.until] if trouble == "log lagging" else list(truth)
        self.has_shown |= trouble == "log lagging" and len(rows) < len(truth)
        rows = self._filtered(rows, query)
        total = len(rows)
        if trouble in {"log: rows left out", "log: rows counted and not shown"}:
            rows = [row for row in rows if row.phone not in self.odd]
            self.has_shown |= len(rows) < total
            total = total if trouble == "log: rows counted and not shown" else len(rows)
        start, size = int(query.get("_start", "0")), min(self.page, int(query.get("_count", "32")))
        if trouble == "log: cut after 30 rows":
            self.has_shown |= len(rows) > 30
            rows, size = rows[-30:], 30
        page = rows[start : start + size]
        if trouble == "log page repeated" and start and self._repeats < 6:
            # The page before once more, under a token of its own.
            self._repeats += 1
            self.has_shown = True
            page = rows[start - size : start]
            start -= size
        data: Any = [self._shown(text) for text in page]
        if trouble == "log: rows twice":
            data += data[::-1]
            self.has_shown |= bool(data)
        if trouble == "log: rows nested":
            self.has_shown |= bool(data)
            data = {"rows": data} if len(data) % 2 else [data]
        found: dict[str, object] = {"count": len(page), "data": data}
        if trouble == "log: rows counted and not shown":
            found["total"] = total
        if start + size < len(rows):
            if trouble == "log: more rows said in other words":
                self.has_shown = True
                found["has_more"] = True
            else:
                found["next_token"] = start + size
        return msgspec.json.encode(found)

    def _filtered(self, rows: list[Taken], query: dict[str, str]) -> list[Taken]:
        trouble = self.trouble
        if trouble == "log: no filter heeded":
            self.has_shown = True
            return rows
        if "since" in query:
            since, off = float(query["since"]), self.off
            rows = [row for row in rows if (EPOCH + row.time + off) * 1000 >= since]
        if "flags" in query:
            is_lost = trouble in {"log without tags", "log: lists and tags not heeded", "log: words altered, tags lost"}
            tag = query["flags"]
            rows = [] if is_lost else [row for row in rows if tag in row.flags]
        if "phone" in query:
            wanted = query["phone"].split(",")
            if trouble == "log: one phone of a list heeded":
                wanted = wanted[:1]
            elif trouble == "log: lists and tags not heeded" and len(wanted) > 1:
                wanted = []
            self.has_shown |= trouble.endswith("heeded") or trouble == "log without tags"
            phones = frozenset(wanted)
            rows = [row for row in rows if row.phone in phones]
        return rows

    def _shown(self, text: Taken) -> object:
        if self.trouble == "log without tags" or (self.trouble in _BENDS and text.phone in self.odd):
            return self._row(text)
        if text.logid not in self._written:
            self._written[text.logid] = msgspec.Raw(msgspec.json.encode(self._row(text)))
        return self._written[text.logid]

    def _row(self, text: Taken) -> dict[str, object]:
        sent = dt.datetime.fromtimestamp(self.now(text.time) + self.zone, dt.UTC)
        row: dict[str, object] = {
            "logid": text.logid,
            "phone": text.phone,
            "action": text.action,
            "text": text.text,
            "flags": [] if self.trouble == "log without tags" else list(text.flags),
            "sent_time": f"{sent:%Y-%m-%dT%H:%M:%SZ}",
        }
        bend = _BENDS.get(self.trouble)
        if bend is not None and text.phone in self.odd:
            self.has_shown = True
            row.update(bend(row, int(text.logid[3:])))
            return {name: value for name, value in row.items() if value is not _GONE}
        return row


_GONE = object()


def _phones(*forms: Callable[[str], object]) -> Callable[[dict[str, object], int], dict[str, object]]:
    return lambda row, number: {"phone": forms[number % len(forms)](str(row["phone"]))}


def _other_tags(row: dict[str, object], number: int) -> dict[str, object]:
    flags: Any = row["flags"]
    forms: tuple[object, ...] = (
        json.dumps(flags),
        ",".join(flags),
        [{"name": flag} for flag in flags],
        [flag.upper() for flag in flags],
        dict.fromkeys(flags, True),
        "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in flags[0]),
    )
    return {"flags": forms[number % len(forms)]}


def _other_times(row: dict[str, object], number: int) -> dict[str, object]:
    at = str(row["sent_time"])
    american = f"{at[8:10]}/{at[5:7]}/{at[:4]}"
    forms = (1_790_000_000, american, at[:-1], "soon", None, 0, {"at": at}, "2001-01-01T00:00:00Z", "1790000000", f"21{at[2:]}")
    return {"sent_time": forms[number % len(forms)]}


def _altered(row: dict[str, object], number: int) -> dict[str, object]:
    return {"flags": [], "text": f"{str(row['text'])[:20]} s.co/{number}", **_other_times(row, number)}


def _left_out(row: dict[str, object], number: int) -> dict[str, object]:
    names = ("logid", "action", "text", "flags", "sent_time", "phone")
    return dict.fromkeys((names[number % 6], names[number % 5]), _GONE if number % 2 else None)


_BENDS: dict[str, Callable[[dict[str, object], int], dict[str, object]]] = {
    "log: phones with an extension": _phones("{} ext 5".format, "{} x1".format, "{}5".format, "{};9".format),
    "log: phones masked": _phones(lambda phone: f"******{phone[6:]}", lambda phone: f"{phone[:6]}XXXX", lambda phone: phone[-7:]),
    "log: phones as floats": _phones("{}.0".format, float, "{:.3}e9".format),
    "log: phones behind a prefix": _phones("001{}".format, "011 1 {}".format, "tel:{}".format, "+{}".format, "0{}".format),
    "log: phones of nobody": _phones(lambda phone: f"989{phone[3:]}"),
    "log: tags in other forms": _other_tags,
    "log: times in other forms": _other_times,
    "log: words altered, tags lost": _altered,
    "log: fields left out": _left_out,
}
assert _BENDS.keys() <= set(LOG_FORMS)
