"""The Proxy API: the account's sending numbers, and texts straight from one of them.

Lives here: the model and one method an endpoint. Source of the facts: the Proxy API page and its reference pages. That
numbers can be ordered is documented, at a path that could not be read; there is no method for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rumbleup_async.provider import arguments, belonging
from rumbleup_async.provider.models import Model
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup import parameters, requests, wire
from rumbleup_async.rumbleup.messages import sent_message
from rumbleup_async.rumbleup.models import Message

if TYPE_CHECKING:
    from rumbleup_async.provider.caller import Caller, Pages
    from rumbleup_async.rumbleup.parameters import Many

SELECT = "/proxy/select"
SEND = "/proxy/send"


class Proxy(Model, frozen=True, kw_only=True):
    """A sending number. Source: Proxy API page.

    `proxy`: 10 digits, or a short code of 4 to 6. `status`: ok (ready), done (gone), pending, error, failed (mostly the pairing
    with a campaign, or a toll-free verification). `reference_id`: that of the order it came from. The wire writes
    `referenceId`, `campaignId`, `campaignName`, `brandId`, `brandName`.
    """

    OWN_NAMES: ClassVar = {
        "reference_id": "referenceId",
        "campaign_id": "campaignId",
        "campaign_name": "campaignName",
        "brand_id": "brandId",
        "brand_name": "brandName",
    }

    proxy: str | None = None
    cid: str | None = None
    status: str | None = None
    reference_id: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    brand_id: str | None = None
    brand_name: str | None = None
    create_time: Moment | None = None
    update_time: Moment | None = None

    @property
    def ready(self) -> bool:
        """Whether it can send."""
        return (self.status or "").strip().lower() == "ok"


class Proxies:
    """`rumbleup.proxies`."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller
        self._answers = belonging.Answers(wire.decipher_send, wire.whose, wire.usual)

    def select(
        self,
        *,
        areacode: Many | None = None,
        campaign_id: Many | None = None,
        brand_id: Many | None = None,
        status: Many | None = None,
        reference_id: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
        **extra: Any,
    ) -> Pages[Proxy]:
        """The sending numbers that fit. `GET /proxy/select`. `status`: one word or several. Whether it has pages is unknown."""
        values = {
            "areacode": areacode,
            "campaignId": campaign_id,
            "brandId": brand_id,
            "status": status,
            "referenceId": reference_id,
            "_count": parameters.page_size(page_size),
            **extra,
        }
        return self._call.select(SELECT, parameters.query(values), Proxy.read, timeout=timeout)

    async def send(
        self,
        *,
        phone: str | int,
        text: str,
        proxy: str | int | None = None,
        campaign_id: str | None = None,
        file: str | None = None,
        literal: bool = False,
        timeout: float | None = None,
        **extra: Any,
    ) -> Message:
        """Send one text without a project or a contact. `POST /proxy/send`. Support must enable it for the account.

        `proxy`: the number it comes from; `campaign_id`: the TCR campaign; `file`: undocumented, as are the names of all these
        fields, which are an integrator's. `literal`: as for `messages.send`. The API still refuses landlines, texts outside the
        hours and above the brand's cap.

        Sent at most once: it is tried again only when nothing left. MaybeSentError or ServerFailed means that the person may
        have been texted: look into `messages.log`. Landline, DailyCapReached, OutsideHours, ProxyUnavailable, InvalidField,
        NotAllowed mean that nothing was sent.
        """
        text = arguments.single(text, "the text", literal=literal)
        values = {
            "phone": requests.phone_digits(phone),
            "proxy": None if proxy is None else str(proxy),
            "text": text,
            "campaignId": campaign_id,
            "file": file,
            **extra,
        }
        sent = belonging.Sent(str(values["phone"]), text)
        response = await self._call.send(parameters.posting(SEND, values, timeout), self._answers, sent, (text,))
        return sent_message(response, SEND, (text, *self._call.redact))
