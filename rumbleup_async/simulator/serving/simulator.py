"""`Simulator`: the provider as its user holds it, in tests, demos and benchmarks.

It needs neither an event loop nor a socket; `server.serve` puts it on one.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rumbleup_async.simulator.rumbleup.api import RumbleUp
from rumbleup_async.simulator.sendblue.api import Sendblue
from rumbleup_async.simulator.trouble.faults import Faults
from rumbleup_async.simulator.world.account_data import BRAND, GROUP, Campaign
from rumbleup_async.simulator.world.deliveries import Deliveries
from rumbleup_async.simulator.world.inbound import Inbound
from rumbleup_async.simulator.world.phones import digits
from rumbleup_async.simulator.world.replies import Reply
from rumbleup_async.simulator.world.request_counts import Requests
from rumbleup_async.simulator.world.settings import Settings
from rumbleup_async.simulator.world.texts import Texts
from rumbleup_async.simulator.world.webhook_queue import EVENTS, Webhooks
from rumbleup_async.simulator.world.world import World

__all__ = ["Simulator"]


class Simulator:
    """The state and the behaviour of a provider. The same seed and the same requests give the same replies.

    `clock` returns Unix seconds; all other times are in seconds. `faults` are names of `KINDS` with their rates,
    `quirks` are names of `QUIRKS`. All other parameters, and `more`, are fields of `Settings`, which describes them.

    `keep_texts=False` keeps a digest of each text instead of the text, for runs of many millions. The log then shows
    empty texts.

    ValueError for an unknown name and for a value that does not fit.
    """

    def __init__(
        self,
        *,
        api_key: str = "KEY:SECRET",
        seed: int = 0,
        latency: float = 0.0,
        faults: Mapping[str, float] | Iterable[str] = (),
        action: int | str = "125",
        fast_mode: bool = True,
        require_opt_out: bool = True,
        lock_seconds: float = 300.0,
        next_concurrency: int | None = None,
        next_skips_tagged: bool = True,
        daily_cap: int | None = None,
        outside_hours: bool = False,
        rate_limit: float | None = None,
        retry_after: float | None = None,
        log_lag: float = 0.0,
        page_size: int = 32,
        sparse_log: bool = False,
        slow_seconds: float = 1.0,
        drip_seconds: float = 0.0,
        refusals: Mapping[str, tuple[int, str | None]] | None = None,
        keep_texts: bool = True,
        quirks: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
        **more: Any,
    ) -> None:
        self._first: dict[str, Any] = {
            "api_key": api_key,
            "latency": latency,
            "fast_mode": fast_mode,
            "require_opt_out": require_opt_out,
            "lock_seconds": lock_seconds,
            "next_concurrency": next_concurrency,
            "next_skips_tagged": next_skips_tagged,
            "daily_cap": daily_cap,
            "outside_hours": outside_hours,
            "rate_limit": rate_limit,
            "retry_after": retry_after,
            "log_lag": log_lag,
            "page_size": page_size,
            "sparse_log": sparse_log,
            "slow_seconds": slow_seconds,
            "drip_seconds": drip_seconds,
        }
        self._first |= more
        if refusals is not None:
            self._first["refusals"] = dict(refusals)
        self._first_rates = Faults(seed, faults).rates
        self._first_quirks = frozenset(quirks)
        self._action = str(action)
        self._keep_texts = keep_texts
        self._clock = clock
        self.seed = seed
        self.stalled = False
        self.reset()

    def reset(self) -> None:
        """Forget all texts, contacts, tags and counts, and restore the settings, faults and quirks of the beginning."""
        self.settings = Settings()
        self.settings.change(self._first)
        self.world = World(self.settings, seed=self.seed, keep_texts=self._keep_texts, clock=self._clock)
        self.world.add_project(self._action)
        self.faults = Faults(self.seed, self._first_rates)
        self.requests = Requests()
        self.deliveries = Deliveries(self.world, self.seed)
        self.inbound = Inbound(self.world, self.seed)
        self.webhooks = Webhooks(self.settings, self.seed)
        self.rumbleup = RumbleUp(
            self.world,
            faults=self.faults,
            quirks=self._first_quirks,
            deliveries=self.deliveries,
            inbound=self.inbound,
            webhooks=self.webhooks,
            requests=self.requests,
        )
        # Sendblue comes second: it takes the receipts of its own messages and leaves the others to RumbleUp.
        self.sendblue = Sendblue(
            self.world,
            faults=self.faults,
            deliveries=self.deliveries,
            inbound=self.inbound,
            webhooks=self.webhooks,
            requests=self.requests,
        )

    @property
    def truth(self) -> Texts:
        """Every text that left, oldest first."""
        return self.world.texts

    def change(self, **settings: Any) -> None:
        """Change fields of `Settings`, all or none. ValueError for an unknown field or a wrong value."""
        self.settings.change(settings)

    def add_project(
        self, action: int | str, *, live: bool = True, group: int | str = GROUP, proxy: int | str | None = None
    ) -> None:
        """Add a project (action) with this id, or change the one that exists."""
        world = self.world
        if proxy is None:
            world.add_project(str(action), live=live, group=str(group))
        else:
            world.add_project(str(action), live=live, group=str(group), proxy=str(proxy))

    def add_contacts(self, action: int | str, contacts: Iterable[Mapping[str, Any]]) -> int:
        """Import contacts for `message/next`, in this order. Each needs the field `phone`; other fields are kept.

        Returns how many of them were new to the project.
        """
        if str(action) not in self.world.projects:
            self.add_project(action)
        return self.world.add_contacts(str(action), contacts)

    def add_campaign(
        self,
        campaign: str,
        *,
        brand: str = BRAND,
        proxies: Iterable[int | str] = (),
        cap: int | None = None,
        status: str = "ACTIVE",
        ok: bool = True,
    ) -> None:
        """Register a TCR campaign. `cap` is the number of texts a day (UTC) of its brand; further ones are answered DAILYCAP."""
        self.world.account_data.add_campaign(
            Campaign(
                campaign=campaign,
                brand=brand,
                proxies=tuple(map(str, proxies)),
                cap=cap,
                status=status,
                ok=ok,
                created=self.world.clock(),
            )
        )

    def group(self, gid: int | str, status: str = "Active") -> None:
        """Set the status of a group, which is created if it does not exist. Only projects of Active groups can go live."""
        self.world.account_data.ensure_group(str(gid)).status = status

    def reply(self, phone: str, text: str, action: int | str | None = None) -> str:
        """A contact replies now; `STOP` opts it out. Without an action the reply is to the project of the contact's last text.

        Returns the reply's log id.
        """
        return self.inbound.take(digits(phone) or phone, text, None if action is None else str(action)).logid

    def receipt(self, phone: str, outcome: str | None) -> None:
        """Choose the receipts of this phone's texts: delivered, landline, unreachable, spam, failed or none.

        With None the rates decide again. ValueError for another word.
        """
        self.deliveries.plan(digits(phone) or phone, outcome)

    def webhook(self, url: str, *, user: str = "", password: str = "", events: Iterable[str] = EVENTS) -> None:
        """Post events to this loopback address while the simulator is served.

        User and password make Basic credentials, a user alone makes a Bearer token. ValueError for another host or an
        unknown event.
        """
        self.deliveries.catch_up()
        self.webhooks.add(url, user=user, password=password, events=tuple(events))

    def event(self, type: str, data: Mapping[str, Any]) -> None:  # noqa: A002
        """Post an event of any type to the hooks, for example `PROXY_PROVISIONED`."""
        self.webhooks.tell(type, dict(data))

    def contact(self, phone: str) -> dict[str, Any] | None:
        """A contact as the account has it, with its `groups`; None if there is no such contact."""
        phone = digits(phone) or phone
        shown = self.world.contact(phone)
        return None if shown is None else {**shown, "groups": list(self.world.contacts[phone].groups)}

    def tag(self, phone: str, *tags: str) -> None:
        """Add tags to a contact. Every send to a contact with `dnd`, `bad` or `landline` is refused for good."""
        self.world.tag(digits(phone) or phone, *tags)

    def fault(self, phone: str, kinds: str | Sequence[str | None] | None) -> None:
        """Set the faults of one phone, which come before the rates.

        One name is for every attempt, a list is for the next attempts in turn, None removes the faults. ValueError for
        an unknown name.
        """
        self.faults.set_phone(digits(phone) or phone, kinds)

    def set_faults(self, rates: Mapping[str, float] | Iterable[str]) -> None:
        """Replace all fault rates, for example with `{"hang": 0.01, "next:441": 0.1}`. ValueError for a wrong name or rate."""
        self.faults.set_rates(rates)

    def set_quirks(self, *names: str) -> None:
        """Turn these quirks on and all others off. ValueError for a name that is not in `QUIRKS`."""
        self.rumbleup.quirks.set(names)

    def block_line(self, number: str, blocked: bool = True) -> None:
        """Block a Sendblue line, so that nothing leaves from it, or unblock it."""
        lines = self.sendblue.lines
        (lines.blocked.add if blocked else lines.blocked.discard)(number)

    def stall(self) -> None:
        """Read requests but neither work on them nor answer them, until `resume`."""
        self.stalled = True

    def resume(self) -> None:
        """Work on the requests that have piled up, as far as their callers still wait, and on all later ones."""
        self.stalled = False

    def answer(self, method: str, target: str, authorization: str | None, content_type: str | None, body: bytes) -> Reply:
        """Answer one request of the RumbleUp API without a server."""
        return self.rumbleup.answer(method, target, authorization, content_type, body)

    def pass_time(self) -> None:
        """Let all receipts, replies and reports come that are due."""
        if self.webhooks.hooks or self.sendblue.messages.awaits_receipts:
            self.deliveries.catch_up()
            self.rumbleup.finish_reports()
        self.inbound.catch_up()
