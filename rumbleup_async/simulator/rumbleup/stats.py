"""`project/stats`: the projects of a time window, as CSV (the default), JSON or XML. Pure.

The default window is the past day. A project is in the window if it was created or texted in it. A project that is
asked for by its id is shown whatever its age.
"""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from rumbleup_async.simulator.world import times
from rumbleup_async.simulator.world.project_queue import Project
from rumbleup_async.simulator.world.replies import Reply, field, ok
from rumbleup_async.simulator.world.request_parsing import Params, listed
from rumbleup_async.simulator.world.world import World

from . import contact_files
from .project_object import ProjectObjects

__all__ = ["Stats"]

_XML = b"application/xml; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"

_DAY = 86_400.0


class Stats:
    """The endpoint of the statistics."""

    def __init__(self, world: World, objects: ProjectObjects) -> None:
        self._world = world
        self._objects = objects

    def stats(self, params: Params) -> Reply:
        """The projects that pass all filters, oldest first."""
        wanted = str(params.get("format") or "csv")
        if wanted not in _WRITERS:
            raise field(f"format: one of {', '.join(_WRITERS)}")
        letter = "G" if wanted == "csv" else "D"
        projects = [project for project in self._world.projects.values() if self._is_wanted(project, params)]
        projects.sort(key=lambda project: project.card.created)
        return _WRITERS[wanted]([self._objects.show(project, letter) for project in projects])

    def _is_wanted(self, project: Project, params: Params) -> bool:
        ids = listed(params.get("action")) or listed(params.get("project"))
        if ids and project.action not in ids:
            return False
        name = str(params.get("name") or "")
        if name and not _is_like(project.card.name, name):
            return False
        since, before = self._window(params)
        if ids and since is None and before is None:
            return True
        if since is None and before is None:
            since = self._world.clock() - _DAY
        last = self._objects.last_activity(project)
        return (since is None or last >= since) and (before is None or project.card.created < before)

    def _window(self, params: Params) -> tuple[float | None, float | None]:
        since, before = _moment(params, "since"), _moment(params, "before")
        if since is None:
            for name, unit in (("interval", 0.001), ("days", _DAY)):
                if params.get(name) not in (None, ""):
                    since = self._world.clock() - _number(name, params[name]) * unit
        return since, before


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise field(f"{name}: not a number")
    return number


def _moment(params: Params, name: str) -> float | None:
    value = params.get(name)
    if value in (None, ""):
        return None
    moment = times.read(str(value))
    if moment is None:
        raise field(f"{name}: is not a time")
    return moment


def _is_like(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return name.startswith(pattern) or fnmatchcase(name, pattern.replace("%", "*"))


def _csv(rows: list[dict[str, Any]]) -> Reply:
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["action", "name"]
    return contact_files.csv_reply(rows, columns)


def _xml(rows: list[dict[str, Any]]) -> Reply:
    projects = "".join(f"<project>{''.join(map(_element, row, row.values()))}</project>" for row in rows)
    return Reply(200, f'<?xml version="1.0" encoding="UTF-8"?><projects>{projects}</projects>'.encode(), _XML)


def _element(name: str, value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"<{name}>{escape(_CONTROL.sub('', text))}</{name}>"


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # characters that XML does not allow

_WRITERS: dict[str, Callable[[list[dict[str, Any]]], Reply]] = {
    "csv": _csv,
    "json": ok,
    "xml": _xml,
    "jsontext": lambda rows: Reply(200, msgspec.json.encode(rows), _TEXT),
}
