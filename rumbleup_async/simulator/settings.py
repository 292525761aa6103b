"""The knobs of the simulated provider, with their units. Imports msgspec only.

Every field may be changed while the server runs, from Python (`simulator.change(...)`) and at the side address
(`POST /_simulator/settings`). What the provider's pages leave open (statuses and codes of a refused send, for one) is a
knob here and not a constant somewhere else.
"""

from typing import Any

import msgspec

__all__ = ["REFUSALS", "Settings"]

# Why a text was refused -> (HTTP status, code). The codes in capitals FIELD, LANDLINE, DAILYCAP and TIMERANGE are those of
# the proxy page; which status goes with them, and what `message/send` answers for a tagged contact, is not documented.
REFUSALS: dict[str, tuple[int, str | None]] = {
    "bad": (400, "BAD"),
    "daily-cap": (400, "DAILYCAP"),
    "dnd": (400, "DND"),
    "field": (400, "FIELD"),
    "landline": (400, "LANDLINE"),
    "time-range": (400, "TIMERANGE"),
}


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How this provider behaves just now."""

    api_key: str = "KEY:SECRET"
    """The one pair that is let in. A user part beginning with `c_` is a legacy key: Basic only."""
    any_key: bool = False
    """Whether any pair is let in that looks like one, for a rehearsal with a key of one's own."""
    latency: float = 0.0
    """Seconds between doing the work and answering it."""
    fast_mode: bool = True
    """Whether `message/send` takes phones that `message/next` never handed out."""
    require_opt_out: bool = True
    """Whether a text without the word STOP is answered 403."""
    lock_seconds: float = 300.0
    """How long a contact handed out by `message/next` stays invisible to others ("about 5 minutes")."""
    next_concurrency: int | None = None
    """More `message/next` than this at one time are answered 440. None: no limit."""
    next_skips_tagged: bool = True
    """Whether `message/next` passes over contacts that a send would refuse (dnd, bad, landline)."""
    daily_cap: int | None = None
    """Texts a day (UTC); after that DAILYCAP. None: no cap."""
    outside_hours: bool = False
    """While true every send is answered TIMERANGE."""
    rate_limit: float | None = None
    """Sends a second; above it 429. None: no limit."""
    retry_after: float | None = None
    """Seconds named in the Retry-After header of a 429. None: no such header."""
    log_lag: float = 0.0
    """Seconds until a text that left is visible in the message log."""
    page_size: int = 32
    """Rows a page when the request has no `_count`."""
    sparse_log: bool = False
    """Log rows without cid, action, group and status, as in the sample of the Message API page."""
    slow_seconds: float = 1.0
    """How late the fault `slow` answers."""
    drip_seconds: float = 0.0
    """Pause between two bytes of the fault `drip`."""
    delivered_rate: float = 1.0
    """Part of the texts that the carrier confirms as delivered."""
    undelivered_rate: float = 0.0
    """Part of the texts that it reports as undelivered; of the rest no receipt ever comes."""
    receipt_delay: float = 1.0
    """Seconds from a text to its receipt."""
    reply_rate: float = 0.0
    """Part of the texts that are replied to with a few words."""
    stop_rate: float = 0.0
    """Part of the texts that are replied to with STOP, which sets `dnd`."""
    reply_delay: float = 2.0
    """Seconds from a text to its reply."""
    webhook_burst: int = 1
    """Events that are posted at the same time."""
    webhook_gather: float = 0.0
    """Seconds to wait for a burst to be full."""
    webhook_repeat_rate: float = 0.0
    """Part of the events that are posted twice."""
    webhook_disorder: float = 0.0
    """Part of the events that are held back, so that later ones overtake them."""
    webhook_hold: float = 0.1
    """Seconds for which they are held back at most."""
    webhook_retry: float = 1.0
    """Seconds until a post that was not answered by 2xx is repeated; doubled each time. The page names no schedule."""
    webhook_retry_most: float = 300.0
    """Seconds between two attempts at most."""
    webhook_give_up: float = 86_400.0
    """Seconds after which an event is dropped (24 hours on the page)."""
    webhook_timeout: float = 10.0
    """Seconds that a receiver may take to answer."""
    lines: tuple[str, ...] = ()
    """Sendblue: the account's numbers to send from. Empty: any number will do."""
    line_rate: float | None = None
    """Sendblue: messages a second from one line; above it 429. None: no limit."""
    line_new_hour: int | None = None
    """Sendblue: new contacts of one line in any hour; above it 429 with the code 4001. None: no limit."""
    line_new_day: int | None = None
    """Sendblue: the same in any 24 hours."""
    signing_secret: str = ""
    """Sendblue: the secret in the `sb-signing-secret` header of status callbacks. Empty: no such header, as an integrator saw."""
    next_pause: bool = False
    """While true every `message/next` that has someone left is answered 441."""
    direct_send: bool = True
    """Whether `proxy/send` is enabled for this account."""
    report_delay: float = 0.0
    """Seconds until a report that was asked for is done."""
    test_first: bool = True
    """Whether a project has to be tested before it is sent (goes live) or submitted."""
    outsource_minimum: int = 0
    """Contacts below which a project cannot be submitted; the page says 2,500 unless support has changed it."""
    imported_group: str = "Active"
    """Status of a group made by an upload. A group that is not Active stops the calls of its projects."""
    refusals: dict[str, tuple[int, str | None]] = msgspec.field(default_factory=REFUSALS.copy)
    """Reason of a refused send -> (HTTP status, code); see REFUSALS for the reasons."""

    def change(self, changes: dict[str, Any]) -> None:
        """Set several fields, all or none. ValueError names an unknown field or a value of the wrong type."""
        if isinstance(changes.get("refusals"), dict):
            changes = {**changes, "refusals": {**self.refusals, **changes["refusals"]}}
        try:
            checked = msgspec.convert({**msgspec.to_builtins(self), **changes}, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"settings: {error}") from None
        for name in changes:
            setattr(self, name, getattr(checked, name))
