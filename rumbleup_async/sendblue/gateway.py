"""Sendblue as the bulk engine sees it: deliver one text over the line that its permit names.

Lives here: the fit between the engine's ports and the wire.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from rumbleup_async.engine.ports import Permit
from rumbleup_async.errors import MaybeSentError, NotSentError
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.provider import arguments, belonging
from rumbleup_async.provider.answer_clock import AnswerClock
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.sendblue import failures, requests, wire
from rumbleup_async.sendblue.lines import Lines
from rumbleup_async.session.exchange import Exchange, Request
from rumbleup_async.stops import Stop


class SendblueGateway:
    """Sends the texts of one run. The permit of each names its line, and `lines` gives the number.

    What is in `redact` (key and secret) is kept out of every reason, as is the text itself. `send_style`, `status_callback`: as
    for a single message.
    """

    def __init__(
        self,
        exchange: Exchange,
        lines: Lines,
        *,
        send_style: str | None = None,
        status_callback: str | None = None,
        owns_exchange: bool = False,
        redact: tuple[str, ...] = (),
        address: str = "SENDBLUE_BASE_URL",
    ) -> None:
        self._exchange = exchange
        self._lines = lines
        self._send_style = send_style
        self._status_callback = status_callback
        self._owns_exchange = owns_exchange
        self._redact = redact
        self._address = address
        self._clock = AnswerClock()
        self._answers = belonging.Answers(wire.decipher_send, wire.whose)

    async def deliver(self, text: Text, permit: Permit, /) -> Outcome:
        """One attempt to hand one text to the provider. Never raises for what the network or the provider does."""
        number = self._lines.number(permit)
        body = requests.SendBody(
            text.phone, number, text.text, send_style=self._send_style, status_callback=self._status_callback
        )
        redact = (text.text, *self._redact)
        judge = self._answers.to(belonging.Sent(text.phone, text.text), redact)
        began = self._clock.begins()
        try:
            response = await self._exchange(Request("POST", requests.SEND, arguments.encode(body), judge=judge))
            self._clock.see(response, began)
            outcome = judge.outcome(response)
            if isinstance(outcome, Refused) and failures.read_failure(response, redact).about_line and response.status >= 400:
                return self._line_refused(outcome, permit)
            return self._noted(outcome, permit)
        except NotSentError as error:
            self._lines.did_not_leave(permit)
            return NotSent(error.why, self._address, error.crowded)
        except MaybeSentError as error:
            return Unknown(error.why.over(permit.line))
        finally:
            self._lines.answered(permit)

    def _noted(self, outcome: Outcome, permit: Permit) -> Outcome:
        """The outcome with its line, which is told how it fared."""
        lines = self._lines
        match outcome:
            case Accepted():
                lines.went_well(permit)
                return Accepted(outcome.logid, Reason(Code.LINE, str(permit.line)))
            case Throttled():
                lines.did_not_leave(permit)
                # The limits are a line's. Where others can go on, the whole run need not rest for what this one was told.
                return msgspec.structs.replace(outcome, after=None) if lines.not_now(permit, outcome.after) else outcome
            case Refused():
                if not outcome.about_recipient:
                    lines.refused(permit)
                return msgspec.structs.replace(outcome, why=outcome.why.over(permit.line))
            case Unknown():
                return msgspec.structs.replace(outcome, why=outcome.why.over(permit.line))
            case _:
                lines.did_not_leave(permit)
                return outcome

    def _line_refused(self, outcome: Refused, permit: Permit) -> Outcome:
        """The number to send from will not do; nothing was sent. Another one may try, without any fault of the contact."""
        self._lines.did_not_leave(permit)
        self._lines.rest(permit, self._lines.limits.rest)
        if self._lines.others(permit):
            return Throttled(
                Reason(Code.LINE_REFUSED, f"line {permit.line} is refused: {outcome.why}"), outcome.status, alone=outcome.alone
            )
        return Barred(Bar.NO_LINE, Reason(Code.NO_LINE, outcome.why.detail), outcome.status, outcome.code, alone=outcome.alone)

    def watch_clock(self, wall_clock: Callable[[], float], off: Callable[[Stop], None]) -> None:
        """As `engine.ports.WatchesClock`."""
        self._clock.watch(wall_clock, off)

    async def aclose(self) -> None:
        """Close the connections of this run, if they are its own."""
        if self._owns_exchange:
            await self._exchange.aclose()
