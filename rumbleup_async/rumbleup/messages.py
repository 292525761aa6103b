"""The Message API: next, send, log.

Lives here: one method an endpoint. Source of the facts: the Message API page; statuses of message/next: its reference
page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from rumbleup_async.errors import NotFound, UnreadableReply
from rumbleup_async.provider import arguments, belonging, replies, times
from rumbleup_async.rumbleup import answers, next_contact, parameters, requests, wire
from rumbleup_async.rumbleup.models import ContactRecord, Message
from rumbleup_async.rumbleup.parameters import Many, Time
from rumbleup_async.session.exchange import Request, Response

if TYPE_CHECKING:
    from rumbleup_async.provider.caller import Caller, Pages


class Messages:
    """`rumbleup.messages`."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller
        self._answers = belonging.Answers(wire.decipher_send, wire.whose, wire.usual)

    async def next(
        self, *, action: str | int, method: Literal["POST", "GET"] = "POST", timeout: float | None = None
    ) -> ContactRecord | None:
        """The next contact of a project to text, locked for the caller for about five minutes; None when none is left (404).

        A POST, as the page's sample has it, because it has a side effect and HTTP libraries repeat GETs. The reference lists
        a GET: `method="GET"` if the server insists. A GET that is repeated locks one contact more for five minutes.

        Raises RateLimited for 440 (too many at once) and for 429, ApiError with status 441 if others were faster (contacts
        remain: ask again in a couple of seconds), UnreadableReply if the answer names no phone, or two.
        """
        values = {"action": requests.project_id(action)}
        try:
            if method == "GET":
                # Marked as a read for the exchange's sake; it is not tried again.
                response = await self._call.once(parameters.reading(requests.NEXT, values, timeout))
            else:
                response = await self._call.write(parameters.posting(requests.NEXT, values, timeout))
            value = next_contact.read_next(response, requests.NEXT)
            contact = ContactRecord.read(value, endpoint=requests.NEXT)
            if not contact.phone:
                answers.raise_hidden(response, value, requests.NEXT, self._call.redact)
        except NotFound as error:
            if not error.readable:
                # Any web server answers 404 for a wrong address; only the API's own error object says that the work is done.
                raise
            return None
        if not contact.phone:
            raise UnreadableReply("a contact without a phone", status=response.status, endpoint=requests.NEXT)
        return contact

    async def send(
        self,
        *,
        phone: str | int,
        action: str | int,
        text: str,
        flags: Iterable[str] = (),
        name: str | None = None,
        group: str | int | None = None,
        literal: bool = False,
        timeout: float | None = None,
    ) -> Message:
        """Send one text. The answer means that delivery is scheduled; how it went comes later, by webhook or in the log.

        `phone`: 10 digits, +1 and punctuation are taken off. `flags`: tags for the message record. `name`, `group`: for a contact
        that this send creates. `literal`: let a text pass that holds what looks like a merge field, or a typed `\\n`.

        Sent at most once: it is tried again only when nothing left. MaybeSentError, ServerFailed and UnreadableReply mean that
        the person may have been texted: look into `log` before doing anything about it. Other ApiErrors mean that nothing
        was sent.
        """
        text = arguments.single(text, "the text", literal=literal)
        name = None if name is None else arguments.written(name, "the name")
        if group is not None:
            arguments.identifier(group, "group")
        send = requests.SendBody(
            requests.phone_digits(phone), requests.project_id(action), text, requests.tags(flags), name, group
        )
        request = Request("POST", requests.SEND, arguments.encode(send), timeout=arguments.seconds(timeout))
        sent = belonging.Sent(send.phone, text, next((flag for flag in send.flags if flag.startswith("run-")), ""))
        response = await self._call.send(request, self._answers, sent, (text,))
        return sent_message(response, requests.SEND, (text, *self._call.redact))

    def log(
        self,
        *,
        phone: Many | None = None,
        proxy: Many | None = None,
        logid: Many | None = None,
        flags: Many | None = None,
        tcr_cid: Many | None = None,
        since: Time | None = None,
        before: Time | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> Pages[Message]:
        """Every message of the log that fits, all pages, fetched as they are iterated over.

        Filters take one value or a list. `since`/`before`: an aware datetime, Unix milliseconds, or text as the API takes it.
        The order of rows is not documented. Raises UnreadableReply if the server repeats a page token.
        """
        if isinstance(phone, (str, int)):
            phone = [phone] if not isinstance(phone, str) else phone.split(",")
        filters = {
            "phone": None if phone is None else requests.comma([requests.log_phone(one) for one in phone]),
            "proxy": None if proxy is None else requests.comma(proxy),
            "logid": None if logid is None else requests.comma(logid),
            "flags": None if flags is None else requests.comma(flags),
            "tcr_cid": None if tcr_cid is None else requests.comma(tcr_cid),
            "since": None if since is None else times.milliseconds(since),
            "before": None if before is None else times.milliseconds(before),
            "_count": parameters.page_size(page_size),
        }
        return self._call.select(requests.LOG, filters, Message.read, timeout=timeout, to_the_end=True)


def sent_message(response: Response, endpoint: str, redact: tuple[str, ...] = ()) -> Message:
    """The message of a send's answer; UnreadableReply without a logid, because then nobody knows whether it was taken.

    What is in `redact` is quoted by no error.
    """
    value = replies.read_json(response, endpoint)
    message = Message.read(value, endpoint=endpoint)
    if message.logid is None:
        answers.raise_hidden(response, value, endpoint, redact)
        raise UnreadableReply("an answer without a logid; the text may have been sent", status=response.status, endpoint=endpoint)
    return message
