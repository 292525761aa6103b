"""The settings of the simulated provider, with their units. Pure.

Every field can be changed while the server runs, from Python (`simulator.change(...)`) and by the admin API (`POST
/_simulator/settings`). What the provider's pages leave open, such as the status and code of a refused send, is a
setting.
"""

from typing import Any

import msgspec

__all__ = ["REFUSALS", "Settings"]

REFUSALS: dict[str, tuple[int, str | None]] = {
    "bad": (400, "BAD"),
    "daily-cap": (400, "DAILYCAP"),
    "dnd": (400, "DND"),
    "field": (400, "FIELD"),
    "landline": (400, "LANDLINE"),
    "time-range": (400, "TIMERANGE"),
}
"""Reason of a refused send -> (HTTP status, code).

The proxy page names the codes FIELD, LANDLINE, DAILYCAP and TIMERANGE. Neither their HTTP status nor the answer of
`message/send` for a tagged contact is documented.
"""


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the provider behaves now."""

    api_key: str = "KEY:SECRET"
    """The only key that is accepted. A key that begins with `c_` is a legacy key, for Basic only."""
    any_key: bool = False
    """Whether every well-formed key is accepted, for a rehearsal with a real key."""
    latency: float = 0.0
    """Seconds between the work of a request and its answer."""
    fast_mode: bool = True
    """Whether `message/send` takes phones that `message/next` never handed out."""
    require_opt_out: bool = True
    """Whether a text without the word STOP is answered 403."""
    lock_seconds: float = 300.0
    """How long a contact handed out by `message/next` stays invisible to others ("about 5 minutes")."""
    next_concurrency: int | None = None
    """More concurrent `message/next` requests than this are answered 440. None: no limit."""
    next_skips_tagged: bool = True
    """Whether `message/next` passes over contacts that a send would refuse (dnd, bad, landline)."""
    daily_cap: int | None = None
    """Texts a day (UTC); further texts are answered DAILYCAP. None: no cap."""
    outside_hours: bool = False
    """While true, every send is answered TIMERANGE."""
    rate_limit: float | None = None
    """Sends a second; further sends are answered 429. None: no limit."""
    retry_after: float | None = None
    """Seconds in the Retry-After header of a 429. None: no such header."""
    log_lag: float = 0.0
    """Seconds from the sending of a text to its appearance in the message log."""
    page_size: int = 32
    """Rows in a page if the request has no `_count`."""
    sparse_log: bool = False
    """Log rows without cid, action, group and status, as in the sample of the Message API page."""
    slow_seconds: float = 1.0
    """Seconds by which the fault `slow` delays the answer."""
    drip_seconds: float = 0.0
    """Seconds between two bytes of the fault `drip`."""
    delivered_rate: float = 1.0
    """Part of the texts that the carrier reports as delivered."""
    undelivered_rate: float = 0.0
    """Part of the texts that the carrier reports as undelivered. The remaining texts never get a receipt."""
    receipt_delay: float = 1.0
    """Seconds from a text to its receipt."""
    reply_rate: float = 0.0
    """Part of the texts that get a reply of a few words."""
    stop_rate: float = 0.0
    """Part of the texts that get the reply STOP, which sets `dnd`."""
    reply_delay: float = 2.0
    """Seconds from a text to its reply."""
    webhook_burst: int = 1
    """Events that are posted at the same time."""
    webhook_gather: float = 0.0
    """Seconds for which a burst that is not full waits for more events."""
    webhook_repeat_rate: float = 0.0
    """Part of the events that are posted twice."""
    webhook_disorder: float = 0.0
    """Part of the events that are held back, so that later events overtake them."""
    webhook_hold: float = 0.1
    """The longest time, in seconds, for which an event is held back."""
    webhook_retry: float = 1.0
    """Seconds until a post that was not answered 2xx is repeated, doubled after each attempt. The page names no schedule."""
    webhook_retry_most: float = 300.0
    """The longest time, in seconds, between two attempts."""
    webhook_give_up: float = 86_400.0
    """Seconds after which an event is dropped; the page says 24 hours."""
    webhook_timeout: float = 10.0
    """Seconds after which a receiver that has not answered has failed."""
    lines: tuple[str, ...] = ()
    """Sendblue: the account's lines, which are the numbers to send from. Empty: every number is a line."""
    line_rate: float | None = None
    """Sendblue: messages a second from one line; further messages are answered 429. None: no limit."""
    line_new_hour: int | None = None
    """Sendblue: new contacts of one line in any hour; further ones are answered 429 with the code 4001. None: no limit."""
    line_new_day: int | None = None
    """Sendblue: new contacts of one line in any 24 hours, answered in the same way. None: no limit."""
    signing_secret: str = ""
    """Sendblue: the value of the `sb-signing-secret` header of status callbacks. Empty: no such header, as an integrator saw."""
    next_pause: bool = False
    """While true, `message/next` answers 441 although contacts are left."""
    direct_send: bool = True
    """Whether `proxy/send` is enabled for this account."""
    report_delay: float = 0.0
    """Seconds from the request for a report to its first file."""
    test_first: bool = True
    """Whether a project has to be tested before it is sent (goes live) or submitted."""
    outsource_minimum: int = 0
    """The fewest contacts of a project that can be submitted. The page says 2,500 unless support has changed it."""
    imported_group: str = "Active"
    """The status of a group made by an upload. The projects of a group that is not Active cannot be tested, sent or submitted."""
    refusals: dict[str, tuple[int, str | None]] = msgspec.field(default_factory=REFUSALS.copy)
    """Reason of a refused send -> (HTTP status, code). The reasons are those of REFUSALS."""

    def change(self, changes: dict[str, Any]) -> None:
        """Change several fields, all or none. ValueError names an unknown field or a value of the wrong type."""
        if isinstance(changes.get("refusals"), dict):
            changes = {**changes, "refusals": {**self.refusals, **changes["refusals"]}}
        try:
            checked = msgspec.convert({**msgspec.to_builtins(self), **changes}, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"settings: {error}") from None
        for name in changes:
            setattr(self, name, getattr(checked, name))
