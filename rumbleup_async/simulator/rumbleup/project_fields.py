"""The fields of a project's `create` and `update`: checks them and changes the project. Pure.

The names, both the current and the deprecated ones, are those of the Action and Project API pages and of the workflow
page.
"""

from typing import Any

import msgspec

from rumbleup_async.simulator.world import times
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.project_queue import Project
from rumbleup_async.simulator.world.replies import Refusal, error, field
from rumbleup_async.simulator.world.request_parsing import Params, Upload, listed, truth
from rumbleup_async.simulator.world.world import World

from . import contact_files

__all__ = ["apply", "check_group", "check_opt_out"]

_MISSING_OPT_OUT = "The message must contain opt-out instructions, for example: STOP to opt out"

_PLAIN = ("areacode", "outsource_email", "outsource_notes", "outsource_contact", "shorturl_domain", "type")
_EMPTY = (None, "", "null")


def apply(world: World, project: Project, params: Params, *, media_part: str | None) -> None:
    """Check all fields, then change the project. A refused request changes nothing.

    `media_part` is the only multipart name under which media is taken; None for any name.
    """
    card = msgspec.structs.replace(project.card)
    _texts(card, params)
    _outsourcing(card, params)
    card.media = _media(params, media_part) or card.media
    campaign = _campaign(world, project.campaign, params)
    proxy = _proxy(world, campaign, params)
    group = _group(world, params)
    # Nothing may be refused below this line. Only `group_file` can be, and it is read before anything changes.
    if group is not None:
        world.use_group(project, group)
    elif params.get("group_file") not in _EMPTY:
        world.use_group(project, contact_files.load(world, params["group_file"], "group_file"))
    project.campaign, project.brand = campaign, world.account_data.brand_of(campaign)
    if proxy is not None:
        card.proxy = proxy
        project.proxy = _default_proxy(world, campaign) if proxy == "All" else proxy
    elif not card.proxy:
        project.proxy = _default_proxy(world, campaign)
    project.card = card


def check_opt_out(message: str) -> None:
    """403 unless the message mentions STOP."""
    if "stop" not in message.lower():
        raise Refusal(error(403, _MISSING_OPT_OUT))


def check_group(world: World, gid: str) -> None:
    """400 if the group is not Active."""
    group = world.account_data.groups.get(gid)
    if group is not None and group.status != "Active":
        raise Refusal(error(400, f"The group must be Active, it is {group.status}. Activate it in the portal"))


def _texts(card: Any, params: Params) -> None:
    if "name" in params:
        card.name = _text("name", params["name"])
    if "message" in params or "msg" in params:
        card.message = _text("message", params.get("message", params.get("msg")))
        check_opt_out(card.message)
    for name in _PLAIN:
        if name in params:
            setattr(card, name, str(params[name] or ""))
    if card.type not in ("", "SMS", "MMS", "EVT"):
        raise field("type: SMS, MMS or EVT")
    if "shorturl_tracking" in params:
        card.shorturl_tracking = truth(params["shorturl_tracking"])
    if "flags" in params:
        card.flags = tuple(listed(params["flags"]))
    if "contact_filter" in params:
        card.contact_filter = _filter(params["contact_filter"])


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise field(f"{name}: is required")
    return value


def _filter(value: object) -> Any:
    if isinstance(value, str) and value:
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise field("contact_filter: not JSON") from None
    return value or None


def _outsourcing(card: Any, params: Params) -> None:
    for name in ("outsource_start", "outsource_end"):
        if name in params:
            setattr(card, name, None if params[name] in _EMPTY else _moment(name, str(params[name])))
    if card.outsource_start is not None and card.outsource_end is not None and card.outsource_end <= card.outsource_start:
        raise field("outsource_end: is not after outsource_start")


def _moment(name: str, text: str) -> float:
    moment = times.read(text)
    if moment is None or not times.zoned(text):
        raise field(f"{name}: a full date and time with its zone")
    return moment


def _media(params: Params, only: str | None) -> str | None:
    for part in ("media", "file"):
        value = params.get(part)
        if value in _EMPTY:
            continue
        if not isinstance(value, Upload):
            raise field(f"{part}: must be uploaded as a file")
        if only not in (None, part):
            raise field(f"{part}: unknown file, expected {only}")
        if value.content_type.partition("/")[0] not in ("image", "video", "audio", "application"):
            raise field(f"{part}: neither image nor video")
        if not value.data:
            raise field(f"{part}: is empty")
        return f"https://media.simulator.invalid/{len(value.data)}/{value.filename}"
    return None


def _campaign(world: World, held: str | None, params: Params) -> str | None:
    name = "campaignId" if "campaignId" in params else "tcr_cid"
    if name not in params:
        return held
    wanted = str(params[name] or "")
    if wanted in ("", "null", "No"):
        return None
    if wanted not in world.account_data.campaigns:
        raise field(f"{name}: no such campaign")
    return wanted


def _proxy(world: World, campaign: str | None, params: Params) -> str | None:
    name = next((name for name in ("proxy", "tcr_phone", "phone") if params.get(name) not in _EMPTY), None)
    if name is None:
        return None
    value = params[name]
    wanted = str(value[0]) if isinstance(value, list) and value else str(value)
    if campaign is not None and wanted.lower() == "all":
        return "All"
    number = digits(wanted) or wanted
    held = world.account_data.numbers.get(number)
    if held is None or held.status != "ok" or held.campaign != campaign:
        raise field(f"{name}: not a number of " + ("the campaign" if campaign else "the account without a campaign"))
    return number


def _default_proxy(world: World, campaign: str | None) -> str:
    held = world.account_data.campaigns.get(campaign or "")
    if held is not None and held.proxies:
        return held.proxies[0]
    return next((number.proxy for number in world.account_data.numbers.values() if number.campaign is None), "")


def _group(world: World, params: Params) -> str | None:
    value = params.get("group")
    if value in _EMPTY:
        return None
    gid = str(value)
    if gid not in world.account_data.groups:
        raise field("group: no such group")
    check_group(world, gid)
    return gid
