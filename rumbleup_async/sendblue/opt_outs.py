"""Whom Sendblue's messages show to have opted out, and its call by which a number is opted out there.

Lives here: reading the inbound list, and that call. Sources: the Messages API page (`opted_out` of listed messages and of those
that came in), the reference of contacts (`POST /api/v2/contacts/opt-out`, `{number, opted_out}`).

Sendblue documents no list of who has opted out. What people have written is as much as there is: as far back as the list of
messages goes, and as far as its flag or their words say it. So it adds to a book of people and never stands for one.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.people.entries import OptOut, Pull
from rumbleup_async.people.replies import read_reply
from rumbleup_async.provider import arguments, replies
from rumbleup_async.provider.models import as_bool
from rumbleup_async.sendblue import requests
from rumbleup_async.sendblue.failures import error_of, words_of
from rumbleup_async.session.exchange import Request, Response

if TYPE_CHECKING:
    from rumbleup_async.messaging import Identity
    from rumbleup_async.people.book import Book
    from rumbleup_async.provider.caller import Caller
    from rumbleup_async.sendblue.messages import Messages
    from rumbleup_async.sendblue.models import Message

_OVERLAP: Final = 600.0
"""Seconds by which reads overlap: a list may show a message late."""

FLAG: Final = "opted_out"


class OptOuts:
    """`sendblue.opt_outs`. Raises what the calls raise."""

    def __init__(self, caller: Caller, messages: Messages, identity: Identity, world: str) -> None:
        self._call = caller
        self._messages = messages
        self.source = f"{identity.provider} {identity.server} {identity.account} inbound"
        """Under which name a book keeps how far the inbound list was read."""
        self._world = world
        self._looked: float | None = None
        self._known: set[tuple[str, str]] = set()

    async def pull(self, book: Book, heard: Callable[[int], None] | None = None) -> int:
        """Read the opt-outs in the inbound list into a book: all of it the first time, later what has come since. How many it
        shows. What was read is kept if the rest cannot be: the next pull goes on there. `heard` is told how many so far."""
        began, known = time.time(), await book.pull_of(self.source)
        reached = float(known.cursor) if known.cursor else float(known.at)
        number = known.read if known.cursor else 0
        pages = self._messages.list(is_outbound=False, created_at_gte=_moment(reached - _OVERLAP) if reached else None)
        async for rows in pages.by_page():
            found = self._opt_outs(rows, began)
            number += len(found)
            self._known.update((one.phone, one.word) for one in found)
            # A time that is yet to come would have the next pull skip what comes until then.
            reached = max([reached, *(min(at, began) for row in rows if (at := _written(row)) is not None)])
            await book.add_opt_outs(found, Pull(self.source, known.at, str(reached) if reached else "", number))
            if heard is not None:
                heard(number)
        await book.add_opt_outs([], Pull(self.source, int(began), "", number))
        self._looked = began
        return number

    async def look(self, since: float | None = None) -> list[OptOut]:
        """Those that the inbound list has shown since the last look; the first time, since this Unix second."""
        began = time.time()
        start = (self._looked if self._looked is not None else began if since is None else since) - _OVERLAP
        rows = await self._messages.list(is_outbound=False, created_at_gte=_moment(start)).all()
        found = self._opt_outs(rows, began)
        self._looked = began
        new = [one for one in found if (one.phone, one.word) not in self._known]
        self._known.update((one.phone, one.word) for one in new)
        return new

    async def tell(self, number: str | int, *, opted_out: bool = True, timeout: float | None = None) -> None:
        """Opt a number out at Sendblue, which then blocks what is sent to it; `opted_out=False` opts it in again.

        `number`: E.164, a US number in any way of writing. Raises UnreadableReply where the answer says something else.
        """
        body = arguments.encode(_Body(requests.e164(number), opted_out))
        path = requests.OPT_OUT
        response = await self._call.write(Request("POST", path, body, timeout=arguments.seconds(timeout)))
        value = replies.read_json(response, path)
        told = value if isinstance(value, dict) else {}
        if str(told.get("status")).upper() in {"ERROR", "FAILED"} or words_of(told.get("error")):
            raise error_of(Response(400, response.headers, response.body), path, self._call.redact)
        if as_bool(told.get(FLAG)) not in (opted_out, None) or not told:
            raise UnreadableReply("an answer that does not say whether the number is opted out", endpoint=path)

    def _opt_outs(self, rows: Sequence[Message], now: float) -> list[OptOut]:
        found = []
        for row in rows:
            phone = requests.digits(row.contact)
            said = read_reply(row.content or "") if row.incoming and not row.opted_out else None
            if not phone or not (row.opted_out or (said is not None and said.is_opt_out)):
                continue
            since = int(_written(row) or now)
            if said is None:
                found.append(OptOut(phone, since, self.source, FLAG, True, self._world))
            else:
                found.append(OptOut(phone, since, self.source, said.word, said.is_sure, self._world))
        return found


class _Body(msgspec.Struct):
    number: str
    opted_out: bool

    def __repr__(self) -> str:
        return f"_Body(opted_out={self.opted_out})"


def _written(row: Message) -> float | None:
    """When a message came, in Unix seconds; None where it does not say so."""
    moment = row.date_created or row.date_sent
    return None if moment is None or moment.at is None else moment.at.timestamp()


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(max(0.0, seconds), dt.UTC)


SendblueOptOuts = OptOuts
"""The same under the name by which the package offers it, beside that of RumbleUp."""
