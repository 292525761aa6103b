"""The TCR API (The Campaign Registry): which campaigns and brands the account may text under.

Lives here: the models and one method an endpoint. Source of the facts: the TCR API page and its reference page on
objects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from rumbleup_async.provider.models import PRIVATE, Model
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup import parameters, requests
from rumbleup_async.rumbleup.models import as_phones

if TYPE_CHECKING:
    from rumbleup_async.provider.caller import Caller, Pages
    from rumbleup_async.rumbleup.parameters import Many

CAMPAIGNS = "/tcr/campaign/select"
BRANDS = "/tcr/brand/select"


def _camel(*fields: str) -> dict[str, str]:
    """The wire's names, which this page alone writes in camel case."""
    return {field: re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), field) for field in fields}


class Campaign(Model, frozen=True, kw_only=True):
    """A campaign of the registry. The wire's names are in camel case (`campaignId`, `brandDailyCap`).

    `ok`: whether texts may be sent under it now; see `ready`. `status`: ACTIVE, DISABLED, EXPIRED, REVIEW FAILED, REVIEW IN
    PROGRESS, PENDING or a newer word. `proxy`: its sending numbers, 10 digits. `brand_daily_cap`: texts a day that one carrier
    takes from the brand. `message_sent_per_day`: a range such as "1000-2000". `mno_metadata`: what the registry says of each
    carrier, copied.
    """

    OWN_NAMES: ClassVar = _camel(
        "campaign_id", "brand_id", "brand_name", "brand_daily_cap", "auto_renewal", "age_gated", "number_pool", "embedded_link",
        "embedded_phone", "direct_lending", "subscriber_optout", "subscriber_optin", "subscriber_help", "privacy_link",
        "message_flow", "optin_message", "optout_message", "help_message", "message_sent_per_day", "help_keywords",
        "optin_keywords", "optout_keywords", "create_date", "billed_date", "next_renewal_or_expiration_date", "mno_metadata",
    )  # fmt: skip
    ALIASES: ClassVar = {"campaign_id": ("tcr_cid",), "status": ("staztus",), "proxy": ("tcr_phone",)}
    PRIVATE: ClassVar = PRIVATE | {
        "sample1",
        "sample2",
        "optin_message",
        "optout_message",
        "help_message",
        "message_flow",
        "description",
    }

    campaign_id: str | None = None
    cid: str | None = None
    brand_id: str | None = None
    brand_name: str | None = None
    ok: bool | None = None
    status: str | None = None
    proxy: Annotated[tuple[str, ...], as_phones] = ()
    brand_daily_cap: int | None = None
    auto_renewal: bool | None = None
    age_gated: bool | None = None
    number_pool: bool | None = None
    embedded_link: bool | None = None
    embedded_phone: bool | None = None
    direct_lending: bool | None = None
    subscriber_optout: bool | None = None
    subscriber_optin: bool | None = None
    subscriber_help: bool | None = None
    usecase: str | None = None
    description: str | None = None
    privacy_link: str | None = None
    message_flow: str | None = None
    optin_message: str | None = None
    optout_message: str | None = None
    help_message: str | None = None
    sample1: str | None = None
    sample2: str | None = None
    message_sent_per_day: str | None = None
    help_keywords: tuple[str, ...] = ()
    optin_keywords: tuple[str, ...] = ()
    optout_keywords: tuple[str, ...] = ()
    create_date: Moment | None = None
    billed_date: Moment | None = None
    next_renewal_or_expiration_date: Moment | None = None
    sent_time: Moment | None = None
    mno_metadata: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether texts may be sent under it: `ok` if the server says it, else whether the status is ACTIVE."""
        return self.ok if self.ok is not None else (self.status or "").strip().upper() == "ACTIVE"


class Brand(Model, frozen=True, kw_only=True):
    """A brand of the registry. Only these two fields are documented; the rest is in `extra`."""

    OWN_NAMES: ClassVar = _camel("brand_id", "company_name")

    brand_id: str | None = None
    company_name: str | None = None


class Tcr:
    """`rumbleup.tcr`. Both calls are reads; they raise KeyRefused, NotAllowed and UnreadableReply while iterated over."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    def campaigns(
        self,
        *,
        campaign_id: Many | None = None,
        brand_id: Many | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> Pages[Campaign]:
        """The campaigns, all or those of these ids. `GET /tcr/campaign/select`."""
        values = {"campaignId": _comma(campaign_id), "brandId": _comma(brand_id), "_count": parameters.page_size(page_size)}
        return self._call.select(CAMPAIGNS, values, Campaign.read, timeout=timeout)

    def brands(self, *, brand_id: Many | None = None, page_size: int | None = None, timeout: float | None = None) -> Pages[Brand]:
        """The brands, all or those of these ids. `GET /tcr/brand/select`."""
        values = {"brandId": _comma(brand_id), "_count": parameters.page_size(page_size)}
        return self._call.select(BRANDS, values, Brand.read, timeout=timeout)


def _comma(values: Many | None) -> str | None:
    return None if values is None else requests.comma(values)
