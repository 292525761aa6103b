"""What a project is made of, as the Project API takes it. Lives here: the fields of create and update, the window of
stats, and the refusal of what is deprecated.

Source: the parameter tables of the Action API and Project API pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import arguments
from rumbleup_async.rumbleup import parameters

if TYPE_CHECKING:
    from rumbleup_async.provider.arguments import Id
    from rumbleup_async.rumbleup.parameters import Time

OUTSOURCED_MINIMUM = 2500
"""Contacts that a project for the vendor's texters needs after filtering; support can change it for an account."""

OUTSOURCED = "outsourced"
"""The flag without which the outsource_... fields do not count."""

_RENAMED = {"tcr_cid": "campaign_id", "tcr_phone": "proxy", "phone": "proxy", "campaignId": "campaign_id"}


class ProjectFields(TypedDict, total=False):
    """What `create` and `update` take beside the name and the message.

    `campaign_id`: the TCR campaign to text under. `proxy`: with a campaign one number of it, which fixes
    the area code of the others, or `All`; without one a verified number of the account. `areacode`: seen in
    the page's sample only. `flags`: a list; `outsourced` is the supported value, and the outsource fields
    count only with it. `outsource_start`, `outsource_end`: aware datetimes. `type`: SMS or MMS,
    undocumented. `shorturl_tracking`: count clicks.
    """

    campaign_id: str | None
    proxy: str | int | None
    areacode: str | int | None
    flags: Iterable[str] | None
    outsource_start: dt.datetime | None
    outsource_end: dt.datetime | None
    outsource_email: str | None
    outsource_notes: str | None
    outsource_contact: str | None
    shorturl_domain: str | None
    shorturl_tracking: bool | None
    type: str | None


class StatsWindow(TypedDict, total=False):
    """What `stats` is asked for. Without a window the server shows what was created or sent within the past 24 hours.

    `action`: one project. `name`: its name's beginning, or a pattern. `since`, `before`: an aware datetime, Unix
    milliseconds or text. `days`: so many days back. `interval`: so long back, a timedelta or milliseconds.
    """

    action: Id | None
    name: str | None
    since: Time | None
    before: Time | None
    days: float | None
    interval: dt.timedelta | int | None


def values(
    name: str | None, message: str | None, group: Id | None, fields: ProjectFields, extra: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What is sent of a project beside its files, by the wire's names. Raises
    ConfigurationError for a field it does not have."""
    unknown = fields.keys() - ProjectFields.__annotations__.keys()
    for key in (*sorted(unknown), *(extra or {})):
        if key in _RENAMED:
            raise ConfigurationError(f"{key} is deprecated, or not how it is called here; use {_RENAMED[key]}")
    if unknown:
        raise ConfigurationError(f"a project has no {', '.join(sorted(unknown))}; undocumented fields go into extra=")
    flags = fields.get("flags")
    start, end = fields.get("outsource_start"), fields.get("outsource_end")
    found: dict[str, Any] = {
        "name": name,
        "message": message,
        "group": None if group is None else arguments.identifier(group, "group"),
        "campaignId": fields.get("campaign_id"),
        "proxy": _text(fields.get("proxy")),
        "areacode": _text(fields.get("areacode")),
        "flags": None if flags is None else [flags] if isinstance(flags, str) else [str(flag) for flag in flags],
        "outsource_start": None if start is None else parameters.moment(start, "outsource_start"),
        "outsource_end": None if end is None else parameters.moment(end, "outsource_end"),
        "outsource_email": fields.get("outsource_email"),
        "outsource_notes": fields.get("outsource_notes"),
        "outsource_contact": fields.get("outsource_contact"),
        "shorturl_domain": fields.get("shorturl_domain"),
        "shorturl_tracking": fields.get("shorturl_tracking"),
        "type": fields.get("type"),
        **(extra or {}),
    }
    return {key: value for key, value in found.items() if value is not None}


def window(resource: str, asked: StatsWindow) -> dict[str, object]:
    """The query of `stats`. The older page filters by `action`, the newer one
    by `project`: each path gets its own word."""
    unknown = asked.keys() - StatsWindow.__annotations__.keys()
    if unknown:
        raise ConfigurationError(f"stats knows no {', '.join(sorted(unknown))}")
    found: dict[str, object] = {**asked}
    action = asked.get("action")
    found["action"] = None
    found[resource] = None if action is None else arguments.identifier(action, "action")
    return found


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)
