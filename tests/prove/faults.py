"""What can go wrong, by name: what a provider or a network does to one request, and what ends a whole process.

Data only. Every kind is counted when it is met: by a text or a draw, or by a process with work before it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Fault(NamedTuple):
    """What becomes of one request. `leaves`: the probability that the provider takes it all the same."""

    name: str
    kind: str
    """`nothing left`, `maybe` (no complete answer) or `answer`."""
    leaves: float
    words: str = ""
    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})
    seconds: float = 0.0
    """How long the caller waits for it. Shorter than the real timeouts: who waits for room looks again 50 times a second."""


_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}
_PAGE = b"<html><body><h1>Something went wrong</h1></body></html>"


def _error(status: int, message: str = "no", code: str = "") -> bytes:
    tail = f',"code":"{code}"' if code else ""
    return f'{{"status":{status},"message":"{message}"{tail}}}'.encode()


REQUEST_FAULTS: tuple[Fault, ...] = (
    Fault("connection refused", "nothing left", 0, "the connection was refused"),
    Fault("no DNS", "nothing left", 0, "the host name was not found", seconds=1.0),
    Fault("no TLS", "nothing left", 0, "no TLS connection"),
    Fault("pool exhausted", "nothing left", 0, "no connection in time", seconds=1.5),
    Fault("connected, reset before write", "maybe", 0, "the connection was reset"),
    Fault("written, reset before answer", "maybe", 0.5, "the connection was reset"),
    Fault("answer cut in its head", "maybe", 1, "the server closed the connection without an answer"),
    Fault("answer cut in its body", "maybe", 1, "the answer broke off: the answer was cut short"),
    Fault("wrong content length", "maybe", 1, "the answer broke off: the answer was cut short", seconds=3.0),
    Fault("slow past the timeout", "maybe", 0.5, "no answer in time", seconds=3.0),
    Fault("kept connection closed", "maybe", 0, "the server closed the connection without an answer"),
    Fault("429", "answer", 0, status=429, body=_error(429, "slow down")),
    Fault("429 with Retry-After", "answer", 0, status=429, body=_error(429), headers={**_JSON, "Retry-After": "2"}),
    Fault("429 in the body of a 200", "answer", 0, status=200, body=b'{"status":429,"message":"slow","retryAfter":700}'),
    Fault("440", "answer", 0, status=440, body=_error(440, "too many")),
    Fault("500, taken", "answer", 1, status=500, body=_error(500)),
    Fault("500, not taken", "answer", 0, status=500, body=_error(500)),
    Fault("502, taken", "answer", 1, status=502, body=_PAGE, headers=_HTML),
    Fault("502, not taken", "answer", 0, status=502, body=_PAGE, headers=_HTML),
    Fault("503, taken", "answer", 1, status=503, body=_error(503)),
    Fault("503, not taken", "answer", 0, status=503, body=b"", headers={"Retry-After": "3"}),
    Fault("504, taken", "answer", 1, status=504, body=_PAGE, headers=_HTML),
    Fault("504, not taken", "answer", 0, status=504, body=_PAGE, headers=_HTML),
    Fault("HTML under 200", "answer", 0.5, status=200, body=_PAGE, headers=_HTML),
    Fault("empty body under 200", "answer", 0.5, status=200, body=b"", headers=_JSON),
    Fault("JSON cut short under 200", "answer", 0.5, status=200, body=b'{"logid":"rl_', headers=_JSON),
    Fault("text taken days later", "maybe", 0.5, "no answer in time", seconds=3.0),
    Fault("redirect", "answer", 0.5, status=307, body=b"", headers={"Location": "/api/message/send"}),
    Fault("408", "answer", 0.5, status=408, body=b""),
    Fault("refused: landline", "answer", 0, status=400, body=_error(400, "landline", "LANDLINE")),
    Fault("refused: bad field", "answer", 0, status=400, body=_error(400, "a field", "FIELD")),
    Fault("403 without more", "answer", 0, status=403, body=_error(403, "not authorized")),
    Fault("outside hours", "answer", 0, status=400, body=_error(400, "too late", "TIMERANGE")),
)
"""What may meet a single text."""

STRAYS = (
    "answer late: an empty one",
    "answer late: a 429",
    "answer late: a refusal",
    "answer twice",
    "answer for somebody else",
    "answer for nobody",
)
"""Answers too many on a kept connection, just before the true one, which then waits there for the next request."""

NONE_NOW = Fault("441", "answer", 0, status=441, body=_error(441, "nobody this time"))
LOST_DRAW = Fault("lost draw", "maybe", 1, "no answer in time", seconds=3.0)

DRAW_FAULTS: tuple[Fault, ...] = (
    *(NONE_NOW, LOST_DRAW) * 6,
    *(
        fault
        for fault in REQUEST_FAULTS
        if not fault.name.startswith(("refused", "403", "outside", "429 in", "redirect", "408", "JSON", "text taken"))
    ),
)
"""What may meet a draw in concurrent mode. `leaves`: a contact is locked all the same."""

BARS: tuple[Fault, ...] = (
    Fault("401 mid-run", "answer", 0, status=401, body=_error(401, "unauthorized")),
    Fault("403 opt-out missing", "answer", 0, status=403, body=_error(403, "must include opt-out instructions, STOP")),
    Fault("daily cap mid-run", "answer", 0, status=400, body=_error(400, "cap", "DAILYCAP")),
)
"""Answered to every text from some moment on, until a person has seen to it."""

GATEWAY_FAULTS: tuple[Fault, ...] = (
    Fault("4xx page", "answer", 0, status=404, body=_PAGE, headers=_HTML),
    Fault("4xx of a gateway in JSON", "answer", 0, status=400, body=b'{"message":"Forbidden"}', headers=_JSON),
    Fault("402", "answer", 0, status=402, body=b'{"message":"Insufficient balance"}', headers=_JSON),
    Fault("suspended account in JSON", "answer", 0, status=400, body=_error(400, "Account suspended", "FIELD")),
    Fault("another no of the API", "answer", 0, status=409, body=_error(409, "conflict")),
)
"""What may meet a single text, too, of gateways and accounts: in some worlds, which draw them by randomness of their own."""

REFUSING = Fault("refused mid-run, all of them", "answer", 0, status=400, body=_error(400, "General error"))
"""What every text is answered with from some moment on, as if it were about the text."""

SICK = Fault("one sick node", "answer", 0, status=404, body=_PAGE, headers=_HTML)
"""What every third request is answered with, from some moment on."""

CRASHES = (
    "crash before intent commit",
    "crash after intent commit",
    "crash before result commit",
    "crash after result commit",
    "crash between two steps",
    "crash on opening",
)
DISK = ("disk full", "write error", "fsync error")
OTHER = ("cancelled at an await", "every task cancelled", "signal once", "signal twice", "left early", "outage")
PROCESS_ENDINGS = (*CRASHES, *DISK, *OTHER)
ENDINGS = (*PROCESS_ENDINGS, *(fault.name for fault in (*BARS, REFUSING, SICK)))
"""What ends a process, or may."""

SET_CLOCKS = ("wall clock set back", "wall clock set forward", "machine asleep")
"""What happens to this machine's clock while a process runs."""

OFF_CLOCKS = (
    "wall clock put right between processes",
    "wall clock hours off at a look",
    "provider's clock hours off",
    "provider's times in another zone",
    "no Date in answers",
)
"""How the clocks stand to each other when the log is asked."""

CLOCKS = (*SET_CLOCKS, *OFF_CLOCKS)

LOG_FORMS = (
    "log: phones with an extension",
    "log: phones masked",
    "log: phones as floats",
    "log: phones behind a prefix",
    "log: phones of nobody",
    "log: no filter heeded",
    "log: lists and tags not heeded",
    "log: one phone of a list heeded",
    "log: rows left out",
    "log: rows counted and not shown",
    "log: more rows said in other words",
    "log: cut after 30 rows",
    "log: rows nested",
    "log: rows twice",
    "log: fields left out",
    "log: tags in other forms",
    "log: times in other forms",
    "log: words altered, tags lost",
)
"""Ways in which the provider's log may be written, or leave out what it should show."""

LOG = (
    *("log lagging", "log without tags", "log page repeated", "log unreadable", "crash during reconcile"),
    *LOG_FORMS,
    *("queued again, then stopped", "text taken days later"),
)
"""What may meet the settling of unknowns."""

LEDGER = (
    "ledger under another account",
    "ledger against another server",
    "ledger copied",
    "ledger moved",
    "log of the ledger tidied away",
    "another text for the ledger",
)
"""What may befall the books between two processes."""

KINDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [fault.name for fault in (*REQUEST_FAULTS, *GATEWAY_FAULTS)]
        + [*STRAYS, NONE_NOW.name, LOST_DRAW.name, *ENDINGS, *CLOCKS, *LOG, *LEDGER]
    )
)
