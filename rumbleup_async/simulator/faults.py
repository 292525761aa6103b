"""What can go wrong, as data, and the seeded choice of it by rate and by phone. Pure; imports `replies` only.

A fault is named KIND or ENDPOINT:KIND, for example `hang-after`, `next:441` or `log:500-before`; endpoints are `send`,
`next`, `log`, and the resources `account`, `project`, `tcr`, `contact`, `proxy` and `report`. A kind without an endpoint is
meant for the first one listed in its row of KINDS. The short names in ALIASES stand for the variant that hurts a sender
most: the text has left.

The choice for a send hangs on the seed, the phone and how many attempts that phone has seen, on nothing else, so that a
run can be replayed whatever order the requests arrive in.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Literal

from .replies import Wire

__all__ = ["ALIASES", "ENDPOINTS", "KINDS", "Faults", "Kind", "parse", "resolve"]

ENDPOINTS = ("send", "next", "log", "account", "project", "tcr", "contact", "proxy", "report")

Answer = Literal["true", "error", "html", "empty", "refusal", "redirect", "special"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to fail. `left` says whether the work (the text, the lock) was done before the reply was spoiled."""

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
    Kind("429-retry-after", "429 instead of the work, with Retry-After.", False, answer="special", status=429),
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
        answer="special",
        status=440,
        message="Too many concurrent requests",
        endpoints=("next", "send"),
    ),
    Kind(
        "441-in-body",
        "400 on the status line, 441 in the body.",
        False,
        answer="special",
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
        answer="special",
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
"""Short name -> the name it stands for."""

_OF_TAGS = ("log-missing-tags", "log-altered-tags")


def resolve(name: str) -> tuple[str, Kind]:
    """The endpoint and the kind that a name means. ValueError lists the kinds when there is none."""
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
    """`["hang=0.01", "next:441=0.1"]` as rates. ValueError says what is wrong with the first bad one."""
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


class Faults:
    """Which request fails how. Faults set for a phone come before the rates."""

    def __init__(self, seed: int, rates: Mapping[str, float] | Iterable[str] = ()) -> None:
        self.seed = seed
        self.active = False
        self._attempts: dict[tuple[str, str], int] = {}
        self._plans: dict[tuple[str, str], tuple[list[Kind | None], bool]] = {}
        self.set_rates(rates)

    def set_rates(self, rates: Mapping[str, float] | Iterable[str]) -> None:
        """Replace all rates. The rates of one endpoint together may not exceed 1."""
        if not isinstance(rates, Mapping):
            rates = parse(rates)
        by_endpoint: dict[str, list[tuple[Kind, float]]] = {endpoint: [] for endpoint in ENDPOINTS}
        for name, rate in sorted(rates.items()):
            endpoint, kind = resolve(name)
            if not 0 <= rate <= 1:
                raise ValueError(f"fault {name!r}: the rate is a part of 1, from 0 to 1")
            by_endpoint[endpoint].append((kind, rate))
        of_tags = [(kind.name, rate) for kind, rate in by_endpoint["log"] if kind.name in _OF_TAGS]
        table: dict[str, tuple[list[float], list[Kind]]] = {}
        for endpoint, all_rows in by_endpoint.items():
            rows = [row for row in all_rows if row[0].name not in _OF_TAGS]
            edges = list(accumulate(rate for _, rate in rows))
            if edges and edges[-1] > 1 + 1e-9:
                raise ValueError(f"the fault rates of {endpoint!r} add up to more than 1")
            if rows:
                table[endpoint] = (edges, [kind for kind, _ in rows])
        self.rates = dict(rates)
        self._table = table
        self._of_tags = of_tags
        self._refresh()

    def set_phone(self, phone: str, faults: str | Sequence[str | None] | None) -> None:
        """One name: every attempt of this phone. A list: its next attempts in turn, then none. None: no more faults."""
        for endpoint in ENDPOINTS:
            self._plans.pop((endpoint, phone), None)
        if faults is not None:
            for name in [faults] if isinstance(faults, str) else faults:
                endpoint, kind = ("send", None) if name is None else resolve(name)
                if endpoint == "next" and kind is not None and not kind.left:
                    raise ValueError(f"fault {name!r}: the phone is known only after the work; give it a rate instead")
                plan, _ = self._plans.setdefault((endpoint, phone), ([], isinstance(faults, str)))
                plan.append(kind)
        self._refresh()

    def choose(self, endpoint: str, key: str) -> Kind | None:
        """The fault of the next request with this key (for a send its phone), if it has one."""
        attempt = self._attempts.get((endpoint, key), 0) + 1
        self._attempts[endpoint, key] = attempt
        plan = self._plans.get((endpoint, key))
        if plan is not None:
            return _step(plan)
        rows = self._table.get(endpoint)
        if rows is None:
            return None
        edges, kinds = rows
        place = bisect_right(edges, self._draw(f"{endpoint} {key} {attempt}"))
        return kinds[place] if place < len(kinds) else None

    def planned(self, endpoint: str, phone: str) -> Kind | None:
        """The fault set for a phone that is only known once the work is done, as in `message/next`."""
        plan = self._plans.get((endpoint, phone))
        return None if plan is None else _step(plan)

    def spoils_tags(self, phone: str, nth: int) -> str:
        """The kind by which the log spoils the tags of the text that leaves now, the nth to this phone; "" for none."""
        kind = self.planned("log", phone)
        if kind is not None and kind.name in _OF_TAGS:
            return kind.name
        drawn = self._draw(f"tags {phone} {nth}") if self._of_tags else 1.0
        for name, rate in self._of_tags:
            if drawn < rate:
                return name
            drawn -= rate
        return ""

    def _draw(self, words: str) -> float:
        hashed = blake2b(f"{self.seed} {words}".encode(), digest_size=7).digest()
        return int.from_bytes(hashed, "big") / (1 << 56)

    def _refresh(self) -> None:
        self.active = bool(self._table or self._plans or self._of_tags)


def _step(plan: tuple[list[Kind | None], bool]) -> Kind | None:
    kinds, always = plan
    if always:
        return kinds[0]
    return kinds.pop(0) if kinds else None
