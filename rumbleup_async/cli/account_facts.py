"""What the provider says of the account before a campaign: its balance, and what carriers take from its brands.

Lives here: two reads, neither of which is needed. Whoever does not answer in a few seconds, or with an error, is passed over.
"""

from __future__ import annotations

import asyncio
import decimal
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rumbleup_async.cli.providers import Row
from rumbleup_async.errors import RumbleUpError
from rumbleup_async.provider.client import Client
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.rumbleup.tcr import Campaign
from rumbleup_async.session.limits import Timeouts

_PATIENCE: Final = 5.0
"""Seconds for each of both."""
_ATT: Final = "10017"
"""AT&T in the registry's record of a campaign."""
_PAGE: Final = 32


class Cap(msgspec.Struct, frozen=True):
    """What carriers take under one campaign of the registry. `a_day`: segments a day that T-Mobile takes from its brand, over all
    vendors; `a_minute`: that AT&T takes. None where the record does not say it."""

    campaign: str
    brand: str
    a_day: int | None
    a_minute: int | None


class AccountFacts(msgspec.Struct, frozen=True):
    """`balance`: US dollars; None where it is not known."""

    balance: float | None = None
    caps: list[Cap] = []


async def account_facts(client: Client) -> AccountFacts:
    """What the provider says; nothing of a provider that is not asked, or does not answer."""
    if not isinstance(client, RumbleUp):
        return AccountFacts()
    balance, caps = await asyncio.gather(_balance(client), _caps(client))
    return AccountFacts(balance, caps)


async def _balance(client: RumbleUp) -> float | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            found = (await client.account.get(timeout=_PATIENCE)).balance
    except (RumbleUpError, TimeoutError):
        return None
    return None if found is None or not found.is_finite() else float(round(found, 6) + decimal.Decimal(0))


async def _caps(client: RumbleUp) -> list[Cap]:
    caps: list[Cap] = []
    try:
        async with asyncio.timeout(_PATIENCE):
            async for campaign in client.tcr.campaigns(page_size=_PAGE, timeout=_PATIENCE):
                if campaign.ready and (cap := _cap_of(campaign)) is not None:
                    caps.append(cap)
                if len(caps) >= _PAGE:
                    break
    except (RumbleUpError, TimeoutError):
        return []
    return caps


def _cap_of(campaign: Campaign) -> Cap | None:
    record: Any = campaign.mno_metadata.get(_ATT)
    found = record.get("tpm") if isinstance(record, dict) else None
    a_minute = found if isinstance(found, int) and not isinstance(found, bool) else None
    if campaign.brand_daily_cap is None and a_minute is None:
        return None
    return Cap(campaign.campaign_id or "", campaign.brand_name or campaign.brand_id or "", campaign.brand_daily_cap, a_minute)


async def facts_before(client: Client, row: Row, environ: Mapping[str, str] | None, *, is_dry: bool) -> AccountFacts:
    """The same before a run. The client of a dry run reaches nothing: where the environment has a key, one is made for this."""
    if not is_dry:
        return await account_facts(client)
    if row.identity(environ) is None:
        return AccountFacts()
    async with row.connect(environ, Timeouts(read=_PATIENCE)) as other:
        return await account_facts(other)
