"""Sending numbers, `proxy/select`, and a text without a project, `proxy/send`. Pure.

Sources: the proxy pages for objects, statuses and the codes of a refused send. The parameters of a send are those an
integrator uses.
"""

from typing import Any

from rumbleup_async.simulator.world.account_data import Number
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Refusal, Reply, error, field, ok
from rumbleup_async.simulator.world.request_parsing import Params, listed
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from . import paging
from .error_replies import refused
from .message_object import MessageObjects

__all__ = ["Proxies"]


class Proxies:
    """The endpoints of sending numbers."""

    def __init__(self, world: World, objects: MessageObjects, stamp: Stamp) -> None:
        self._world = world
        self._objects = objects
        self._stamp = stamp

    def select(self, params: Params) -> Reply:
        """The numbers that pass all filters: areacode, campaignId, brandId, status, referenceId."""
        brand_of = self._world.account_data.brand_of
        filters = {name: listed(params.get(name)) for name in ("areacode", "campaignId", "brandId", "status", "referenceId")}
        rows = [
            number
            for number in self._world.account_data.numbers.values()
            if all(
                not wanted or held in wanted
                for wanted, held in zip(
                    filters.values(),
                    (number.proxy[:3], number.campaign, brand_of(number.campaign), number.status, number.reference),
                    strict=True,
                )
            )
        ]
        return paging.page(rows, params, self._world.settings.page_size, self._show)

    def send(self, params: Params) -> Reply:
        """Let a text leave from one of the numbers, and answer with its message-log object."""
        world = self._world
        settings = world.settings
        now = world.clock()
        if not settings.direct_send:
            raise Refusal(error(403, "API is not authorized for this account"))
        if not world.limits.admit(now):
            raise Refusal(error(429, "Too many requests"))
        phone = digits(params.get("phone") or "")
        if phone is None:
            raise field("phone: not a valid phone number")
        text = params.get("text")
        if not isinstance(text, str) or not text.strip():
            raise field("text: is required")
        number = self._number(params)
        if tag := world.blocked_by(phone):
            raise Refusal(refused(settings, tag, f"Contact cannot be texted: {tag}"))
        if settings.outside_hours:
            raise Refusal(refused(settings, "time-range", "Outside the allowed sending window"))
        if world.limits.cap_reached(world.account_data.brand_of(number.campaign), now):
            raise Refusal(refused(settings, "daily-cap", "The daily cap of the brand is reached"))
        position = world.take_direct(phone=phone, text=text, proxy=number.proxy, campaign=number.campaign, now=now)
        return ok({"cid": world.cid, **self._objects.text(position)})

    def _number(self, params: Params) -> Number:
        account_data = self._world.account_data
        campaign = str(params.get("campaignId") or "")
        if campaign and campaign not in account_data.campaigns:
            raise field("campaignId: no such campaign")
        wanted = params.get("proxy")
        if wanted in (None, ""):
            numbers = [n for n in account_data.numbers.values() if n.status == "ok" and (not campaign or n.campaign == campaign)]
            if not numbers:
                raise Refusal(error(400, "No number is available", "PROXY"))
            return numbers[0]
        number = account_data.numbers.get(digits(wanted) or str(wanted))
        if number is None or number.status != "ok" or (campaign and number.campaign != campaign):
            raise Refusal(error(400, "The number is not available", "PROXY"))
        return number

    def _show(self, number: Number) -> dict[str, Any]:
        account_data = self._world.account_data
        brand = account_data.brand_of(number.campaign)
        return {
            "cid": self._world.cid,
            "proxy": number.proxy,
            "create_time": self._stamp.write("B", number.created),
            "update_time": self._stamp.write("B", number.created),
            "referenceId": number.reference,
            "campaignId": number.campaign or "",
            "campaignName": "" if number.campaign is None else f"Campaign {number.campaign}",
            "brandId": brand or "",
            "brandName": "" if brand is None else account_data.brands[brand],
            "status": number.status,
        }
