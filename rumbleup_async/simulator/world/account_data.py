"""What the account has beside contacts and texts: groups, campaigns, brands, numbers, sub-accounts. Pure.

The lists are small, and only the control plane reads them. A project's `Card` also lives here; its queue is in
`project_queue`.
"""

from typing import Any

import msgspec

__all__ = ["BRAND", "CAMPAIGN", "CID", "GROUP", "PROXY", "Account", "AccountData", "Campaign", "Card", "Group", "Number"]

CID = "c_demo1"
PROXY = "2025550199"
GROUP = "26"
CAMPAIGN = "CSIM001"
BRAND = "BSIM001"


class Card(msgspec.Struct):
    """A project's own fields. Times are Unix seconds."""

    name: str = ""
    message: str = ""
    status: str = "Draft"
    media: str = ""
    areacode: str = ""
    contact_filter: Any = None
    flags: tuple[str, ...] = ()
    outsource_start: float | None = None
    outsource_end: float | None = None
    outsource_email: str = ""
    outsource_notes: str = ""
    outsource_contact: str = ""
    shorturl_domain: str = ""
    shorturl_tracking: bool = False
    type: str = ""
    proxy: str = ""
    test_phone: str = ""
    created: float = 0.0
    updated: float | None = None
    tested: float | None = None
    went_live: float | None = None
    submitted: float | None = None


class Group(msgspec.Struct):
    """A contact group. Each contact names its groups; the group does not list its contacts."""

    gid: str
    name: str
    status: str = "Active"
    created: float = 0.0


class Campaign(msgspec.Struct, kw_only=True):
    """A registered campaign. `cap` is the number of texts a day for its brand; None means no cap."""

    campaign: str
    brand: str = BRAND
    proxies: tuple[str, ...] = ()
    cap: int | None = None
    status: str = "ACTIVE"
    ok: bool = True
    created: float = 0.0


class Number(msgspec.Struct):
    """A sending number (proxy). Its status is `ok`, `done`, `pending`, `error` or `failed`."""

    proxy: str
    campaign: str | None = None
    status: str = "ok"
    reference: str = ""
    created: float = 0.0


class Account(msgspec.Struct):
    """The account or a sub-account."""

    cid: str
    name: str
    zipcode: str
    created: float
    type: str = ""


class AccountData:
    """The account's lists, each by its id."""

    def __init__(self, cid: str, now: float) -> None:
        self.cid = cid
        self.now = now
        self.groups: dict[str, Group] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.brands: dict[str, str] = {BRAND: "Simulated brand"}
        self.numbers: dict[str, Number] = {}
        self.accounts: dict[str, Account] = {}
        self.brand_caps: dict[str, int] = {}
        """Brand -> texts a day."""
        self.ensure_group(GROUP)
        self.add_campaign(Campaign(campaign=CAMPAIGN, proxies=(PROXY, "2025550198"), created=now))
        self.numbers["2025550190"] = Number("2025550190", created=now)  # without a campaign, as a toll-free number

    def ensure_group(self, gid: str, name: str = "", status: str = "Active") -> Group:
        """The group with this id; it is created if it does not exist."""
        group = self.groups.get(gid)
        if group is None:
            group = self.groups[gid] = Group(gid, name or f"Group {gid}", status, self.now)
        return group

    def new_group(self, name: str, status: str, now: float) -> Group:
        """A new group with the next free id."""
        taken = (int(gid) for gid in self.groups if gid.isascii() and gid.isdigit())
        gid = str(max(taken, default=0) + 1)
        group = self.groups[gid] = Group(gid, name, status, now)
        return group

    def add_campaign(self, campaign: Campaign) -> None:
        """Register a campaign and its numbers. A campaign with the same id is replaced."""
        self.campaigns[campaign.campaign] = campaign
        self.brands.setdefault(campaign.brand, f"Brand {campaign.brand}")
        if campaign.cap is not None:
            self.brand_caps[campaign.brand] = campaign.cap
        for proxy in campaign.proxies:
            self.numbers[proxy] = Number(proxy, campaign.campaign, created=campaign.created)

    def brand_of(self, campaign: str | None) -> str | None:
        """The brand of a campaign; None if there is no such campaign."""
        held = self.campaigns.get(campaign or "")
        return None if held is None else held.brand
