"""The Account API: the account of the key, its sub-accounts, a new sub-account.

Lives here: the model and one method an endpoint. Source of the facts: the Account API page. It was seen in part:
`extra` parameters are passed on as they are.
"""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import arguments
from rumbleup_async.provider.models import PRIVATE, Model
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup import answers, parameters
from rumbleup_async.rumbleup.models import as_phones

if TYPE_CHECKING:
    from rumbleup_async.provider.arguments import Id
    from rumbleup_async.provider.caller import Caller, Pages


GET = "/account/get"
SELECT = "/account/select"
CREATE = "/account/create/subaccount"


class Account(Model, frozen=True, kw_only=True):
    """An account. Source: Account API page.

    `cid`: its id, `c_` and text. `balance`: US dollars. `status`: Active, Closed, Disabled, Suspended or a newer word.
    `owner_cid`: the account above it. `proxy`: its sending numbers. The times come as `created` and `updated` too.
    """

    ALIASES: ClassVar = {"create_time": ("created",), "update_time": ("updated",)}
    PRIVATE: ClassVar = PRIVATE - {"name"}

    cid: str | None = None
    name: str | None = None
    status: str | None = None
    balance: decimal.Decimal | None = None
    owner_cid: str | None = None
    zipcode: str | None = None
    proxy: Annotated[tuple[str, ...], as_phones] = ()
    create_time: Moment | None = None
    update_time: Moment | None = None

    @property
    def is_active(self) -> bool:
        """Whether it may work; an account that names no status is taken to be active."""
        return (self.status or "active").strip().lower() == "active"


class Accounts:
    """`rumbleup.account`."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    async def get(self, *, cid: Id | None = None, timeout: float | None = None, **extra: Any) -> Account:
        """The account of the key, or the sub-account `cid`. `GET /account/get`. The cheapest check of a key.

        Raises KeyRefused (401) for a wrong key, NotAllowed (403), ApiError and its kin.
        """
        values = {"cid": None if cid is None else arguments.identifier(cid, "cid"), **extra}
        response = await self._call.read(parameters.reading(GET, values, timeout))
        return Account.read(answers.item(response, GET, known=("cid",), redact=self._call.redact), endpoint=GET)

    def select(
        self,
        *,
        name: str | None = None,
        q: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
        **extra: Any,
    ) -> Pages[Account]:
        """The accounts the key may see, by name or by a search. `GET /account/select`. `page_size`: 1 to 999."""
        if page_size is not None and page_size > 999:
            raise ConfigurationError("page_size is at most 999 here")
        values = {"name": name, "q": q, "_count": parameters.page_size(page_size), **extra}
        return self._call.select(SELECT, parameters.query(values), Account.read, timeout=timeout)

    async def create_subaccount(
        self,
        *,
        name: str,
        terms: Any,
        type: str,  # noqa: A002 - the API's word for it
        zipcode: str | int,
        tier: str | None = None,
        discount_code: str | None = None,
        timeout: float | None = None,
        **extra: Any,
    ) -> Account:
        """A new sub-account. `POST /account/create/subaccount`.

        `terms` agrees to the vendor's terms for it; which values it and `type` take is not documented in what could be
        read, so they are passed on as they are. Tried again only if nothing left; MaybeSentError: look with `select`.
        """
        if terms in (None, False, ""):
            raise ConfigurationError("a sub-account needs the agreement to its terms: terms=")
        values = {
            "name": name,
            "terms": terms,
            "type": type,
            "zipcode": str(zipcode),
            "tier": tier,
            "discount_code": discount_code,
            **extra,
        }
        response = await self._call.write(parameters.posting(CREATE, values, timeout))
        return Account.read(answers.item(response, CREATE, known=("cid",), redact=self._call.redact), endpoint=CREATE)
