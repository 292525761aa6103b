"""RumbleUp as the bulk engine sees it: deliver one text, get an outcome; draw one contact, get an answer.

Lives here: the fit between the engine's port and the wire.
"""

from __future__ import annotations

from collections.abc import Callable

from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import MaybeSentError, NotSentError
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Draw, NotSent, Outcome, Unknown
from rumbleup_async.provider import arguments, belonging
from rumbleup_async.provider.answer_clock import AnswerClock
from rumbleup_async.rumbleup import next_contact, requests, wire
from rumbleup_async.session.exchange import Exchange, Fit, Request, Response
from rumbleup_async.stops import Stop


class RumbleUpGateway:
    """Sends the texts of one run into one project over message/send. Every message carries `flags`, the run's tag among them.

    What is in `redact` (the key) is kept out of every reason, as is the text itself: a provider may quote what it refuses.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        action: str,
        flags: tuple[str, ...] = (),
        group: int | str | None = None,
        owns_exchange: bool = False,
        redact: tuple[str, ...] = (),
        address: str = "RUMBLEUP_BASE_URL",
    ) -> None:
        self._exchange = exchange
        self._owns_exchange = owns_exchange
        self._redact = redact
        self._address = address
        self._clock = AnswerClock()
        self._action = action
        self._flags = flags
        self._group = group
        self._tag = next((flag for flag in flags if flag.startswith(("run-", "test-"))), "")
        self._answers = belonging.Answers(wire.decipher_send, wire.whose, wire.usual)
        self._next_body = arguments.encode({"action": action})

    async def deliver(self, text: Text, permit: Permit, /) -> Outcome:  # noqa: ARG002 - RumbleUp chooses the number
        """One attempt to hand one text to the provider. Never raises for what the network or the provider does."""
        body = arguments.encode(requests.SendBody(text.phone, self._action, text.text, self._flags, text.name, self._group))
        judge = self._answers.to(belonging.Sent(text.phone, text.text, self._tag), (text.text, *self._redact))
        began = self._clock.begins()
        try:
            response = await self._exchange(Request("POST", requests.SEND, body, judge=judge))
        except NotSentError as error:
            return NotSent(error.why, self._address, error.crowded)
        except MaybeSentError as error:
            return Unknown(error.why)
        self._clock.see(response, began)
        return judge.outcome(response)

    async def draw(self) -> Draw:
        """Ask once for the next contact of the project. A POST: it has a side effect, and HTTP libraries repeat GETs."""
        try:
            response = await self._exchange(Request("POST", requests.NEXT, self._next_body, judge=self._judge_draw))
        except NotSentError as error:
            return NotSent(error.why, self._address, error.crowded)
        except MaybeSentError as error:
            return Unknown(error.why)
        return next_contact.decipher_next(response, self._redact)

    def _judge_draw(self, response: Response) -> Fit:
        # What is no contact and no word that there is none may be the answer to another request.
        body = response.body
        if 200 <= response.status < 300 and b'"phone"' in body and b'"logid"' not in body:
            return Fit.LIKELY
        return Fit.UNFIT if isinstance(next_contact.decipher_next(response, self._redact), Unknown) else Fit.LIKELY

    def watch_clock(self, wall_clock: Callable[[], float], off: Callable[[Stop], None]) -> None:
        """As `engine.ports.WatchesClock`."""
        self._clock.watch(wall_clock, off)

    async def aclose(self) -> None:
        """Close the connections of this run, if they are its own."""
        if self._owns_exchange:
            await self._exchange.aclose()
