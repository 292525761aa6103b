"""`account/get`, `account/select`, `account/create/subaccount`. Pure; imports only this folder. Source: the account page."""

from typing import Any

from . import paging
from .bodies import Params, truth
from .directory import Account
from .replies import Refusal, Reply, error, field, ok
from .state import World
from .times import Stamp

__all__ = ["Accounts"]


class Accounts:
    """Answers requests about the account and its sub-accounts."""

    def __init__(self, world: World, stamp: Stamp) -> None:
        self._world = world
        self._stamp = stamp

    def get(self, params: Params) -> Reply:
        """The account of the key, or one of its sub-accounts by `cid`."""
        cid = str(params.get("cid") or self._world.cid)
        account = self._all().get(cid)
        if account is None:
            raise Refusal(error(404, "No such account"))
        return ok(self._show(account))

    def select(self, params: Params) -> Reply:
        """All accounts, narrowed by `name` (its beginning) and `q` (any part of name or cid)."""
        name, q = str(params.get("name") or "").lower(), str(params.get("q") or "").lower()
        rows = [
            account
            for account in self._all().values()
            if account.name.lower().startswith(name) and q in f"{account.name} {account.cid}".lower()
        ]
        return paging.page(rows, params, self._world.settings.page_size, self._show)

    def create(self, params: Params) -> Reply:
        """A sub-account; `name`, `terms`, `type` and `zipcode` are required."""
        for name in ("name", "type", "zipcode"):
            if not str(params.get(name) or "").strip():
                raise field(f"{name}: is required")
        if not truth(params.get("terms")):
            raise field("terms: is required")
        accounts = self._world.directory.accounts
        cid = f"c_sub{len(accounts) + 1}"
        accounts[cid] = Account(cid, str(params["name"]), str(params["zipcode"]), self._world.clock(), str(params["type"]))
        return ok(self._show(accounts[cid]))

    def _all(self) -> dict[str, Account]:
        directory = self._world.directory
        return {directory.cid: Account(directory.cid, "Simulated account", "20001", directory.now), **directory.accounts}

    def _show(self, account: Account) -> dict[str, Any]:
        directory = self._world.directory
        own = account.cid == directory.cid
        shown = {
            "cid": account.cid,
            "name": account.name,
            "proxy": [number.proxy for number in directory.numbers.values() if number.status == "ok"] if own else [],
            "created": self._stamp.write("A", account.created),
            "updated": self._stamp.write("A", account.created),
            "balance": 1000.0 if own else 0.0,
            "zipcode": account.zipcode,
            "status": "Active",
        }
        if not own:
            shown |= {"owner_cid": directory.cid, "type": account.type}
        return shown
