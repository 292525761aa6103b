"""`account/get`, `account/select`, `account/create/subaccount`. Pure.

Source: the account page.
"""

from typing import Any

from rumbleup_async.simulator.world.account_data import Account
from rumbleup_async.simulator.world.replies import Refusal, Reply, error, field, ok
from rumbleup_async.simulator.world.request_parsing import Params, truth
from rumbleup_async.simulator.world.times import Stamp
from rumbleup_async.simulator.world.world import World

from . import paging

__all__ = ["Accounts"]


class Accounts:
    """The endpoints of the account and its sub-accounts."""

    def __init__(self, world: World, stamp: Stamp) -> None:
        self._world = world
        self._stamp = stamp

    def get(self, params: Params) -> Reply:
        """The key's account, or the sub-account with this `cid`."""
        cid = str(params.get("cid") or self._world.cid)
        account = self._all().get(cid)
        if account is None:
            raise Refusal(error(404, "No such account"))
        return ok(self._show(account))

    def select(self, params: Params) -> Reply:
        """All accounts. `name` is the beginning of the name, `q` is any part of name or cid."""
        name, q = str(params.get("name") or "").lower(), str(params.get("q") or "").lower()
        rows = [
            account
            for account in self._all().values()
            if account.name.lower().startswith(name) and q in f"{account.name} {account.cid}".lower()
        ]
        return paging.page(rows, params, self._world.settings.page_size, self._show)

    def create(self, params: Params) -> Reply:
        """A new sub-account. `name`, `terms`, `type` and `zipcode` are required."""
        for name in ("name", "type", "zipcode"):
            if not str(params.get(name) or "").strip():
                raise field(f"{name}: is required")
        if not truth(params.get("terms")):
            raise field("terms: is required")
        accounts = self._world.account_data.accounts
        cid = f"c_sub{len(accounts) + 1}"
        accounts[cid] = Account(cid, str(params["name"]), str(params["zipcode"]), self._world.clock(), str(params["type"]))
        return ok(self._show(accounts[cid]))

    def _all(self) -> dict[str, Account]:
        account_data = self._world.account_data
        return {
            account_data.cid: Account(account_data.cid, "Simulated account", "20001", account_data.now),
            **account_data.accounts,
        }

    def _show(self, account: Account) -> dict[str, Any]:
        account_data = self._world.account_data
        own = account.cid == account_data.cid
        shown = {
            "cid": account.cid,
            "name": account.name,
            "proxy": [number.proxy for number in account_data.numbers.values() if number.status == "ok"] if own else [],
            "created": self._stamp.write("A", account.created),
            "updated": self._stamp.write("A", account.created),
            "balance": 1000.0 if own else 0.0,
            "zipcode": account.zipcode,
            "status": "Active",
        }
        if not own:
            shown |= {"owner_cid": account_data.cid, "type": account.type}
        return shown
