"""`Simulator`: the provider as its user holds it, in tests, demos and benchmarks. Imports only this folder.

It is not tied to an event loop or a socket; `server.serve` puts it on one.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .directory import BRAND, GROUP, Campaign
from .faults import Faults
from .replies import Reply
from .requests import Requests
from .rumbleup import RumbleUp
from .settings import Settings
from .state import World, digits
from .texts import Texts
from .webhooks import EVENTS, Webhooks

__all__ = ["Simulator"]


class Simulator:
    """A RumbleUp server's state, behaviour and memory. The same seed and requests give the same replies.

    Times are seconds; `clock` gives Unix seconds. The knobs are described at `Settings`, the faults in `faults.KINDS`, the quirks
    in `QUIRKS`.
    `keep_texts=False` keeps a digest of each text instead of its words, for runs of many millions; the log then shows
    empty texts. `more` are further fields of `Settings`.
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
        """Back to how the simulator was made: no texts, contacts, tags, counters, and the first settings and faults."""
        self.settings = Settings()
        self.settings.change(self._first)
        self.world = World(self.settings, seed=self.seed, keep_texts=self._keep_texts, clock=self._clock)
        self.world.add_project(self._action)
        self.faults = Faults(self.seed, self._first_rates)
        self.api = RumbleUp(self.world, self.faults, self.seed, self._first_quirks)

    @property
    def truth(self) -> Texts:
        """Every text that left, in order: phone, action, text, flags, logid, time (Unix seconds)."""
        return self.world.texts

    @property
    def requests(self) -> Requests:
        """Counters: `.count("message/send")`, `.count("message/send", 502)`, `.faults["hang-after"]`."""
        return self.api.requests

    def change(self, **settings: Any) -> None:
        """Change settings while running, all or none; names as in `Settings`. ValueError if one does not fit."""
        self.settings.change(settings)

    def add_project(
        self, action: int | str, *, live: bool = True, group: int | str = GROUP, proxy: int | str | None = None
    ) -> None:
        """A project (action) under this id, or new settings for one that exists."""
        world = self.world
        if proxy is None:
            world.add_project(str(action), live=live, group=str(group))
        else:
            world.add_project(str(action), live=live, group=str(group), proxy=str(proxy))

    def add_contacts(self, action: int | str, contacts: Iterable[Mapping[str, Any]]) -> int:
        """Import contacts for `message/next`, in this order; each needs `phone`, other fields pass through."""
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
        """Register a TCR campaign. `cap`: texts a day (UTC) of its brand over all projects; then `DAILYCAP`."""
        self.world.directory.add_campaign(
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
        """Give a group a status, making it if need be; projects of one that is not Active cannot go on."""
        self.world.directory.ensure_group(str(gid)).status = status

    def reply(self, phone: str, text: str, action: int | str | None = None) -> str:
        """A contact replies now; `STOP` opts it out. Without an action it is that of its last text. Returns the log id."""
        return self.api.received.take(digits(phone) or phone, text, None if action is None else str(action)).logid

    def receipt(self, phone: str, outcome: str | None) -> None:
        """What the carrier will say of this phone's texts: delivered, landline, unreachable, spam, failed or none."""
        self.api.deliveries.plan(digits(phone) or phone, outcome)

    def webhook(self, url: str, *, user: str = "", password: str = "", events: Iterable[str] = EVENTS) -> None:
        """Post events to this loopback address while served: Basic with user and password, Bearer with a user alone."""
        self.api.deliveries.catch_up()
        self.api.webhooks.add(url, user=user, password=password, events=tuple(events))

    def event(self, type: str, data: Mapping[str, Any]) -> None:  # noqa: A002
        """Tell the hooks of an event of any type, `PROXY_PROVISIONED` for one."""
        self.api.webhooks.tell(type, dict(data))

    @property
    def webhooks(self) -> Webhooks:
        """What was posted and what still waits: `.delivered["DELIVERY_RECEIPT"]`, `.pending`."""
        return self.api.webhooks

    def contact(self, phone: str) -> dict[str, Any] | None:
        """A contact as the account has it, with `groups`; None if there is none."""
        phone = digits(phone) or phone
        shown = self.world.contact(phone)
        return None if shown is None else {**shown, "groups": list(self.world.contacts[phone].groups)}

    def tag(self, phone: str, *tags: str) -> None:
        """Tag a contact; `dnd`, `bad` and `landline` make every send to it a final refusal."""
        self.world.tag(digits(phone) or phone, *tags)

    def fault(self, phone: str, kinds: str | Sequence[str | None] | None) -> None:
        """Faults for one phone, ahead of the rates: a name for every attempt, a list for its next ones, None for none."""
        self.faults.set_phone(digits(phone) or phone, kinds)

    def set_faults(self, rates: Mapping[str, float] | Iterable[str]) -> None:
        """Replace the fault rates, for example `{"hang": 0.01, "next:441": 0.1}`."""
        self.faults.set_rates(rates)

    def set_quirks(self, *names: str) -> None:
        """Turn these quirks on and all others off; the names and what they mean are in `QUIRKS`."""
        self.api.quirks.set(names)

    def block_line(self, number: str, blocked: bool = True) -> None:
        """Let nothing leave from this Sendblue line any more, or again."""
        (self.api.sendblue.blocked.add if blocked else self.api.sendblue.blocked.discard)(number)

    def stall(self) -> None:
        """From now on requests are read but neither worked on nor answered, until `resume`."""
        self.stalled = True

    def resume(self) -> None:
        """Work on the requests that piled up (of callers still there) and on all later ones."""
        self.stalled = False

    def answer(self, method: str, target: str, authorization: str | None, content_type: str | None, body: bytes) -> Reply:
        """What the server answers to one request, without a server."""
        return self.api.answer(method, target, authorization, content_type, body)
