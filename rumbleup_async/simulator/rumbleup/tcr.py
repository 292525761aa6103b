"""Registered campaigns and brands: `tcr/campaign/select` and `tcr/brand/select`. Pure.

Source: the TCR API page. `ok` says whether a campaign may be used; `status` is what the registry says.
"""

from typing import Any

from rumbleup_async.simulator.world.account_data import Campaign
from rumbleup_async.simulator.world.replies import Reply
from rumbleup_async.simulator.world.request_parsing import Params, listed
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from . import paging

__all__ = ["Registry"]

_YEAR = 365 * 86_400.0


class Registry:
    """The endpoints of campaigns and brands."""

    def __init__(self, world: World, stamp: Stamp) -> None:
        self._world = world
        self._stamp = stamp

    def campaigns(self, params: Params) -> Reply:
        """All campaigns, or those with certain ids or brands."""
        ids, brands = listed(params.get("campaignId")) or listed(params.get("tcr_cid")), listed(params.get("brandId"))
        rows = [
            campaign
            for campaign in self._world.account_data.campaigns.values()
            if (not ids or campaign.campaign in ids) and (not brands or campaign.brand in brands)
        ]
        return paging.page(rows, params, self._world.settings.page_size, self._campaign)

    def brands(self, params: Params) -> Reply:
        """All brands, or those with certain ids."""
        ids = listed(params.get("brandId"))
        rows = [(brand, name) for brand, name in self._world.account_data.brands.items() if not ids or brand in ids]
        return paging.page(rows, params, self._world.settings.page_size, self._brand)

    def _brand(self, row: tuple[str, str]) -> dict[str, Any]:
        return {"cid": self._world.cid, "brandId": row[0], "companyName": row[1]}

    def _campaign(self, campaign: Campaign) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "cid": self._world.cid,
            "campaignId": campaign.campaign,
            "brandId": campaign.brand,
            "brandName": self._world.account_data.brands[campaign.brand],
            "ok": campaign.ok,
            "status": campaign.status,
            "proxy": list(campaign.proxies),
            "autoRenewal": True,
            "ageGated": False,
            "numberPool": len(campaign.proxies) > 1,
            "embeddedLink": True,
            "embeddedPhone": False,
            "directLending": False,
            "subscriberOptout": True,
            "subscriberOptin": True,
            "subscriberHelp": True,
            "usecase": "POLITICAL",
            "description": "Simulated campaign",
            "privacyLink": "https://simulator.invalid/privacy",
            "messageFlow": "Contacts agree on a form",
            "optinMessage": "You are in. STOP to opt out",
            "optoutMessage": "You are out",
            "helpMessage": "Write to the campaign",
            "sample1": "Hi @name@, vote today. STOP to opt out",
            "sample2": "Hi @name@, did you vote? STOP to opt out",
            "messageSentPerDay": "1000-2000",
            "helpKeywords": ["HELP"],
            "optinKeywords": ["START"],
            "optoutKeywords": ["STOP"],
            "createDate": self._stamp.write("C", campaign.created),
            "billedDate": self._stamp.write("C", campaign.created),
            "nextRenewalOrExpirationDate": self._stamp.write("C", campaign.created + _YEAR),
            "sent_time": self._stamp.write("C", campaign.created),
            "mnoMetadata": {"10017": {"mno": "T-Mobile", "minMsgSamples": 2}},
        }
        if campaign.cap is not None:
            shown["brandDailyCap"] = campaign.cap
        return shown
