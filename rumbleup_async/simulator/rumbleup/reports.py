"""Reports, `report/*`: they are made in the background and then downloaded. Pure.

Source: the Report API pages (the object, at most six files with the newest first, 60 days, periodic by `interval` in
minutes). Every report has the messages of the log, narrowed by `action` and `flags`. The pages do not document the
layout of the files.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from rumbleup_async.simulator.world.replies import Refusal, Reply, error, field, ok
from rumbleup_async.simulator.world.request_parsing import Params, listed
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from . import contact_files, paging
from .message_object import MessageObjects

__all__ = ["Report", "Reports"]

_COLUMNS = ("logid", "phone", "action", "proxy", "sent_time", "status", "error_code", "flags", "text")
_KEPT = 6
"""The most files that a report shows."""
_LIFE = 60 * 86_400.0
"""Seconds after the last run for which a report is kept."""


class Report(msgspec.Struct):
    """A report. `runs` says when each of its files was finished, oldest first (Unix seconds)."""

    rpid: str
    title: str
    query: dict[str, Any]
    email: str
    interval: float
    created: float
    runs: list[float] = msgspec.field(default_factory=list)

    def file(self, run: int) -> str:
        """The name of the file of this run. Runs are numbered from 1."""
        return f"{self.rpid}-{run}.csv"


class Reports:
    """The endpoints of reports."""

    def __init__(self, world: World, objects: MessageObjects, stamp: Stamp) -> None:
        self._world = world
        self._objects = objects
        self._stamp = stamp
        self._reports: dict[str, Report] = {}
        self._made = 0
        self.on_done: Callable[[Report], object] | None = None
        """Called with a report each time a file of it is finished."""

    def create(self, params: Params) -> Reply:
        """Request a report. `title` chooses its type."""
        title = params.get("title")
        if not isinstance(title, str) or not title.strip():
            raise field("title: is required")
        try:
            interval = float(str(params.get("interval") or 0)) * 60
        except ValueError:
            interval = -1.0
        if not 0 <= interval < 1e12:
            raise field("interval: not a number of minutes")
        self._made += 1
        rpid = f"rp_{self._made:06d}"
        query = {name: value for name, value in params.items() if name not in ("title", "email", "interval")}
        self._reports[rpid] = Report(rpid, title, query, str(params.get("email") or ""), interval, self._world.clock())
        return ok(self.show(self._reports[rpid]))

    def select(self, params: Params) -> Reply:
        """All reports, newest first."""
        self.catch_up()
        return paging.page([*reversed(self._reports.values())], params, self._world.settings.page_size, self.show)

    def get(self, rpid: str, params: Params) -> Reply:  # noqa: ARG002
        """One report with its files."""
        return ok(self.show(self._report(rpid)))

    def download(self, rpid: str, params: Params) -> Reply:
        """The newest file, or the file with the name `file`."""
        report = self._report(rpid)
        if not report.runs:
            raise Refusal(error(400, "Report is not done"))
        names = [report.file(run + 1) for run in range(len(report.runs))][-_KEPT:]
        wanted = str(params.get("file") or names[-1])
        if wanted not in names:
            raise Refusal(error(404, "No such file"))
        return contact_files.csv_reply(self._rows(report), _COLUMNS)

    def delete(self, rpid: str, params: Params) -> Reply:  # noqa: ARG002
        """Delete a report."""
        report = self._report(rpid)
        del self._reports[rpid]
        return ok(self.show(report))

    def catch_up(self) -> None:
        """Finish the runs that are due, and delete old reports."""
        now = self._world.clock()
        delay = self._world.settings.report_delay
        for report in [*self._reports.values()]:
            while report.interval or not report.runs:
                due = (report.runs[-1] + max(report.interval, 60.0) if report.runs else report.created) + delay
                if due > now:
                    break
                report.runs.append(due)
                if self.on_done is not None:
                    self.on_done(report)
            if report.runs and now - report.runs[-1] > _LIFE:
                del self._reports[report.rpid]

    def show(self, report: Report) -> dict[str, Any]:
        """The report object."""
        runs = [*enumerate(report.runs, 1)][: -_KEPT - 1 : -1]
        return {
            "cid": self._world.cid,
            "rpid": report.rpid,
            "report": report.title,
            "title": report.title,
            "email": report.email,
            "create_time": self._stamp.write("A", report.created),
            "update_time": self._stamp.write("A", report.runs[-1] if report.runs else report.created),
            "interval": int(report.interval / 60),
            "requested_by": {"name": "api", "id": "api"},
            "query": report.query,
            "status": "done" if report.runs else "pending",
            "files": [
                {
                    "file": report.file(run),
                    "name": report.title,
                    "ext": "csv",
                    "url": f"/api/report/download/{report.rpid}?file={report.file(run)}",
                }
                for run, _ in runs
            ],
        }

    def _report(self, rpid: str) -> Report:
        self.catch_up()
        report = self._reports.get(rpid)
        if report is None:
            raise Refusal(error(404, "No such report"))
        return report

    def _rows(self, report: Report) -> list[dict[str, Any]]:
        actions, flags = _ids(listed(report.query.get("action"))), set(listed(report.query.get("flags")))
        texts = self._world.texts
        return [
            self._objects.text(place)
            for place in range(len(texts))
            if (not actions or texts.actions[place] in actions) and (not flags or not flags.isdisjoint(texts.flags[place]))
        ]


def _ids(parts: Iterable[str]) -> set[str]:
    """The ids that `action` names. `10-20` means all ids from 10 to 20; a range of 10,000 or more means only its two ends."""
    ids: set[str] = set()
    for part in parts:
        first, dash, last = part.partition("-")
        if (
            dash
            and first.isdecimal()
            and last.isdecimal()
            and len(first) < 10
            and len(last) < 10
            and 0 <= int(last) - int(first) < 10_000
        ):
            ids.update(map(str, range(int(first), int(last) + 1)))
        else:
            ids.update((first, last) if dash else (part,))
    return ids
