"""The kinds of faults as data: what happens, whether the work was done all the same, and on which endpoints. Pure.

A fault is named KIND or ENDPOINT:KIND, for example `hang-after`, `next:441` or `log:500-before`. Endpoints are `send`,
`next`, `log` and the resources `account`, `project`, `tcr`, `contact`, `proxy` and `report`. A kind without an endpoint
is meant for the first endpoint of its `Kind`. The short names in ALIASES stand for the variant that harms a sender
most: the text has left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rumbleup_async.simulator.world.replies import Wire

__all__ = ["ALIASES", "ENDPOINTS", "KINDS", "TAG_KINDS", "Kind", "parse", "resolve"]

ENDPOINTS = ("send", "next", "log", "account", "project", "tcr", "contact", "proxy", "report")

Answer = Literal["true", "error", "html", "empty", "refusal", "redirect", "retry-after", "status-in-body", "duplicate-phone"]
"""Which reply the fault makes, before `wire` decides how it reaches the caller. `true` is the reply of the work itself."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to fail. `left` says whether the work was done all the same: the text left, or the contact was locked."""

    name: str
    sentence: str
    left: bool
    wire: Wire = Wire.WHOLE
    answer: Answer = "true"
    status: int = 0
    message: str = ""
    refusal: str = ""
    endpoints: tuple[str, ...] = ENDPOINTS


def _both(name: str, sentence: str, wire: Wire) -> list[Kind]:
    return [
        Kind(f"{name}-before", f"{sentence}; nothing was done.", False, wire),
        Kind(f"{name}-after", f"{sentence}, but the work was done.", True, wire),
    ]


def _server_error(status: int, message: str) -> list[Kind]:
    return [
        Kind(f"{status}-before", f"{status} with a JSON error; nothing was done.", False, Wire.WHOLE, "error", status, message),
        Kind(
            f"{status}-after", f"{status} with a JSON error, but the work was done.", True, Wire.WHOLE, "error", status, message
        ),
    ]


def _refusal(name: str, sentence: str) -> Kind:
    return Kind(name, sentence, False, answer="refusal", refusal=name, endpoints=("send",))


_OPT_OUT = "Your message must contain opt-out instructions, for example: STOP to opt out"

_ALL: list[Kind] = [
    *_both("hang", "The request is never answered", Wire.HANG),
    *_both("close", "The connection is closed without a reply", Wire.CLOSE),
    *_both("reset", "The connection is reset (RST) without a reply", Wire.RESET),
    Kind("cut-status", "The connection is closed within the status line, but the work was done.", True, Wire.CUT_STATUS),
    Kind("cut-head", "The connection is closed within the headers, but the work was done.", True, Wire.CUT_HEAD),
    Kind("half-body", "The connection is closed after half of the body, but the work was done.", True, Wire.HALF_BODY),
    Kind("wrong-length", "Content-Length is too small for the body; the work was done.", True, Wire.SHORT_LENGTH),
    Kind("slow", "The true reply comes after `slow_seconds`.", True, Wire.SLOW),
    Kind("drip", "The true reply comes byte by byte.", True, Wire.DRIP),
    Kind("keepalive-close", "A true reply, then the kept-alive connection is closed without warning.", True, Wire.THEN_CLOSE),
    Kind("keepalive-close-next", "A true reply; the connection closes as the next request arrives.", True, Wire.CLOSE_NEXT),
    *_server_error(500, "Internal server error"),
    *_server_error(502, "Bad gateway"),
    *_server_error(503, "Service unavailable"),
    *_server_error(504, "Gateway timeout"),
    Kind("502-html-before", "502 with an HTML page; nothing was done.", False, answer="html", status=502),
    Kind("502-html-after", "502 with an HTML page, but the work was done.", True, answer="html", status=502),
    Kind("html", "200 with an HTML page; nothing was done.", False, answer="html", status=200),
    Kind("html-after", "200 with an HTML page, but the work was done.", True, answer="html", status=200),
    Kind("empty", "200 with an empty body; the work was done.", True, answer="empty", status=200),
    Kind("429", "429 instead of the work, without Retry-After.", False, answer="error", status=429, message="Too many requests"),
    Kind("429-retry-after", "429 instead of the work, with Retry-After.", False, answer="retry-after", status=429),
    Kind(
        "440",
        "440 instead of the work: too many requests at one time.",
        False,
        answer="error",
        status=440,
        message="Too many concurrent requests",
        endpoints=("next", "send"),
    ),
    Kind(
        "441",
        "441 instead of the work: nobody to hand out this time.",
        False,
        answer="error",
        status=441,
        message="Try again in a couple of seconds",
        endpoints=("next", "send"),
    ),
    Kind(
        "440-in-body",
        "400 on the status line, 440 in the body.",
        False,
        answer="status-in-body",
        status=440,
        message="Too many concurrent requests",
        endpoints=("next", "send"),
    ),
    Kind(
        "441-in-body",
        "400 on the status line, 441 in the body.",
        False,
        answer="status-in-body",
        status=441,
        message="Try again in a couple of seconds",
        endpoints=("next", "send"),
    ),
    Kind("400", "400 without a code.", False, answer="error", status=400, message="General error"),
    Kind("401", "401 although the key is right.", False, answer="error", status=401, message="Invalid credentials"),
    Kind("403", "403: not allowed for this account.", False, answer="error", status=403, message="API is not authorized"),
    Kind(
        "403-opt-out",
        "403 that names the missing opt-out wording.",
        False,
        answer="error",
        status=403,
        message=_OPT_OUT,
        endpoints=("send",),
    ),
    _refusal("daily-cap", "The brand's daily cap is reached (DAILYCAP)."),
    _refusal("time-range", "Outside the sending window (TIMERANGE)."),
    _refusal("landline", "The phone is a landline (LANDLINE)."),
    _refusal("dnd", "The contact has opted out."),
    Kind(
        "redirect",
        "307 to another path that sends when it is followed.",
        False,
        answer="redirect",
        status=307,
        endpoints=("send",),
    ),
    Kind("redirect-after", "The same 307, but the text has left.", True, answer="redirect", status=307, endpoints=("send",)),
    Kind(
        "duplicate-phone",
        "The contact has the key `phone` twice, with different values.",
        True,
        answer="duplicate-phone",
        endpoints=("next",),
    ),
    Kind("log-missing-tags", "A text's row in the log has lost its tags, for good.", True, endpoints=("log",)),
    Kind(
        "log-altered-tags", "A text's row in the log has its tags in capitals and cut to 9 characters.", True, endpoints=("log",)
    ),
    Kind("log-repeat-page", "A page other than the first repeats the page before it.", True, endpoints=("log",)),
    Kind("log-repeat-token", "`next_token` is the token that was asked with.", True, endpoints=("log",)),
]

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind by its name."""

ALIASES: dict[str, str] = {
    "hang": "hang-after",
    "close": "close-after",
    "reset": "reset-after",
    "500": "500-after",
    "502": "502-after",
    "503": "503-after",
    "504": "504-after",
    "502-html": "502-html-after",
    "log-500": "log:500-before",
}
"""Short name -> the name that it stands for."""

TAG_KINDS = ("log-missing-tags", "log-altered-tags")
"""The kinds that are decided when a text leaves and then concern its row in the log for good."""


def resolve(name: str) -> tuple[str, Kind]:
    """The endpoint and the kind that a name means. ValueError lists all kinds if the name is unknown."""
    endpoint, colon, kind_name = ALIASES.get(name, name).rpartition(":")
    kind = KINDS.get(ALIASES.get(kind_name, kind_name))
    if kind is None:
        raise ValueError(f"unknown fault {name!r}; known: {', '.join(sorted({*KINDS, *ALIASES}))}")
    if not colon:
        return kind.endpoints[0], kind
    if endpoint not in kind.endpoints:
        raise ValueError(f"fault {kind.name!r} exists for {', '.join(kind.endpoints)}, not for {endpoint!r}")
    return endpoint, kind


def parse(specifications: Iterable[str]) -> dict[str, float]:
    """Read rates such as `["hang=0.01", "next:441=0.1"]`. ValueError says what is wrong with the first wrong one."""
    rates: dict[str, float] = {}
    for specification in specifications:
        name, equals, number = specification.partition("=")
        resolve(name)
        if name in rates:
            raise ValueError(f"fault {name!r} is given more than once; give its rate once")
        try:
            rates[name] = float(number)
        except ValueError:
            raise ValueError(f"fault {specification!r}: write KIND=RATE, for example hang=0.01") from None
        if not equals or not 0 <= rates[name] <= 1:
            raise ValueError(f"fault {specification!r}: the rate is a part of 1, from 0 to 1")
    return rates
