"""The project object of the RumbleUp API.

Source: the Action API page and its newer form, the Project API page; `link`: seen by an integrator.
"""

from __future__ import annotations

import decimal
from typing import Annotated, Any, ClassVar

from rumbleup_async.provider.models import PRIVATE, Model, as_items, as_text
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup.models import as_campaign, as_filter, as_group, as_phones

Percent = decimal.Decimal | None
"""Percent, 0 to 100."""


class Project(Model, frozen=True, kw_only=True):
    """A project, which the API also calls an action: what every call on projects answers, and a row of `stats`.

    `id` is the wire's `action`, "" in a row of `stats` that has none; the wire's `project` is the name again. `status`
    is Draft, Testing, Live, Archived or a newer word, in any case: compare with `is_live` or in lower case. `type`: SMS
    or MMS. `sent_by`: self, outsourced or fullservice. `proxy`: the sending numbers. `campaign_id`: the TCR campaign,
    None where the API says "No". `contact_filter`: an object, or the text the API gave where that is no JSON.
    `redirect` and `shortids` belong together by position.

    Counters are numbers of contacts or texts; `received` counts opt-outs in, `replies` does not. `..._percent` is
    percent of sent (`sent_percent` of target), `..._target_percent` percent of target. `cost`, `tax` and the estimates
    are US dollars; `estimate_cost` has the tax in it. `test_time` is that of the first test.

    Deprecated names the API may still use are read into the fields that replace them: `tcrcid`, `live`, `updated`,
    `tested`, `lastmsg`, `lastreply`, `submitted`, `percent`, `outsource_start`, `outsource_end`, `phone`.
    """

    ALIASES: ClassVar = {
        "name": ("project",),
        "campaign_id": ("campaignId", "tcr_cid", "tcrcid"),
        "proxy": ("phone", "tcr_phone"),
        "message": ("msg",),
        "live_time": ("live",),
        "update_time": ("updated",),
        "test_time": ("tested",),
        "sent_time": ("lastmsg",),
        "reply_time": ("lastreply",),
        "submit_time": ("submitted",),
        "sent_percent": ("percent",),
        "outsource_start_time": ("outsource_start",),
        "outsource_end_time": ("outsource_end",),
    }
    OWN_NAMES: ClassVar = {"id": "action"}
    MAY_SAY_NO: ClassVar = (as_campaign,)
    PRIVATE: ClassVar = (PRIVATE - {"name"}) | {
        "message",
        "test_phone",
        "outsource_email",
        "outsource_notes",
        "contact_filter",
        "link",
    }

    id: Annotated[str, as_text] = ""
    name: str | None = None
    status: str | None = None
    cid: str | None = None
    account: str | None = None
    num: str | None = None
    type: str | None = None
    sent_by: str | None = None
    message: str | None = None
    media: str | None = None
    campaign_id: Annotated[str | None, as_campaign] = None
    proxy: Annotated[tuple[str, ...], as_phones] = ()
    areacode: str | None = None
    test_phone: str | None = None
    flags: tuple[str, ...] = ()
    link: str | None = None

    group: Annotated[str | None, as_group] = None
    group_name: str | None = None
    group_count: int | None = None
    contact_filter: Annotated[Any, as_filter] = None
    contact_count: int | None = None

    submit_time: Moment | None = None
    outsource_start_time: Moment | None = None
    outsource_end_time: Moment | None = None
    outsource_email: str | None = None
    outsource_notes: str | None = None

    clicks: int | None = None
    shortids: Annotated[tuple[str, ...], as_items] = ()
    links: Annotated[tuple[str, ...], as_items] = ()
    redirect: Annotated[tuple[str, ...], as_items] = ()

    live_time: Moment | None = None
    test_time: Moment | None = None
    update_time: Moment | None = None
    sent_time: Moment | None = None
    reply_time: Moment | None = None

    estimate_cost: decimal.Decimal | None = None
    estimate_tax: decimal.Decimal | None = None
    cost: decimal.Decimal | None = None
    tax: decimal.Decimal | None = None

    target: int | None = None
    sent: int | None = None
    segments_sent: int | None = None
    delivered: int | None = None
    received: int | None = None
    dnd: int | None = None
    bad: int | None = None
    spam: int | None = None
    landline: int | None = None
    err: int | None = None
    skipped: int | None = None
    replies: int | None = None
    responses: int | None = None
    autoresponses: int | None = None

    sent_percent: Percent = None
    delivered_percent: Percent = None
    received_percent: Percent = None
    dnd_percent: Percent = None
    bad_percent: Percent = None
    spam_percent: Percent = None
    landline_percent: Percent = None
    err_percent: Percent = None
    skipped_percent: Percent = None
    replies_percent: Percent = None

    received_target_percent: Percent = None
    dnd_target_percent: Percent = None
    bad_target_percent: Percent = None
    spam_target_percent: Percent = None
    landline_target_percent: Percent = None
    err_target_percent: Percent = None
    skipped_target_percent: Percent = None
    replies_target_percent: Percent = None

    @property
    def action(self) -> str:
        """The id under its name on the wire."""
        return self.id

    @property
    def is_live(self) -> bool:
        """Whether texts can be sent into it."""
        return (self.status or "").lower() == "live"

    @property
    def known_contacts(self) -> int | None:
        """How many contacts it would reach, as far as the API says: after its filter, else in its group."""
        return self.contact_count if self.contact_count is not None else self.group_count
