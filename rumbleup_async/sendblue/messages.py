"""The Messages API: send, get, list, status.

Lives here: one method an endpoint. Source of the facts: the Messages API page and its reference.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import arguments, belonging
from rumbleup_async.sendblue import answers, requests, wire
from rumbleup_async.sendblue.models import Message
from rumbleup_async.session.exchange import Request

if TYPE_CHECKING:
    from rumbleup_async.provider.caller import Caller, Pages

Time = dt.datetime | str
"""An aware datetime, or text as the API takes it (ISO 8601)."""


class Messages:
    """`sendblue.messages`."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller
        self._answers = belonging.Answers(wire.decipher_send, wire.whose)

    async def send(
        self,
        *,
        number: str | int,
        from_number: str | int,
        content: str | None = None,
        media_url: str | None = None,
        send_style: str | None = None,
        status_callback: str | None = None,
        literal: bool = False,
        timeout: float | None = None,
    ) -> Message:
        """Send one message. The answer means that it was accepted; how it went comes later, by callback or `status`.

        `number`: the recipient, `from_number`: one of your lines; both in E.164, a US number in any way of writing. `content`,
        `media_url` or both. `send_style`: a word of `SendStyle`. `status_callback`: where this message's status is posted.
        `literal`: let content pass that holds what looks like a merge field, or a typed `\\n`.

        Sent at most once: it is tried again only when nothing left. MaybeSentError, ServerFailed (408 and 409 among them) and
        UnreadableReply mean that the person may have been texted: look with `list(number=...)` before doing anything about it.
        Other ApiErrors mean that nothing was sent, also those that came as a 200 with ERROR, DECLINED or an error code.
        """
        if content is None and media_url is None:
            raise ConfigurationError("a message needs content, a media_url or both")
        words = None if content is None else requests.content(arguments.single(content, "the content", literal=literal))
        body = requests.SendBody(
            requests.e164(number),
            requests.line(from_number),
            words,
            requests.link(media_url, "media_url"),
            requests.style(send_style),
            requests.link(status_callback, "status_callback"),
        )
        redact = () if words is None else (words,)
        request = Request("POST", requests.SEND, arguments.encode(body), timeout=arguments.seconds(timeout))
        response = await self._call.send(request, self._answers, belonging.Sent(body.number, words or ""), redact)
        return wire.sent(response, (*redact, *self._call.redact))

    async def get(self, message_id: str, *, timeout: float | None = None) -> Message:
        """One message by its handle; NotFound if there is none. That the id is the handle is not said; the samples look so."""
        path = arguments.path(requests.MESSAGE, message_id, "message_id")
        response = await self._call.read(Request("GET", path, read=True, timeout=arguments.seconds(timeout)))
        return answers.one(response, path, self._call.redact)

    async def status(self, *, handle: str, timeout: float | None = None) -> Message:
        """How a message stands now."""
        asked = arguments.query({"handle": arguments.identifier(handle, "handle")})
        response = await self._call.read(
            Request("GET", requests.STATUS, query=asked, read=True, timeout=arguments.seconds(timeout))
        )
        return answers.one(response, requests.STATUS, self._call.redact)

    def list(
        self,
        *,
        number: str | None = None,
        from_number: str | None = None,
        to_number: str | None = None,
        sendblue_number: str | None = None,
        is_outbound: bool | None = None,
        status: str | None = None,
        service: str | None = None,
        message_type: str | None = None,
        group_id: str | None = None,
        account_email: str | None = None,
        worker_id: str | None = None,
        created_at_gte: Time | None = None,
        created_at_lte: Time | None = None,
        sent_at_gte: Time | None = None,
        sent_at_lte: Time | None = None,
        updated_at_gte: Time | None = None,
        updated_at_lte: Time | None = None,
        order_by: Literal["createdAt", "updatedAt", "sentAt"] = "createdAt",
        order_direction: Literal["asc", "desc"] = "asc",
        limit: int | None = None,
        offset: int | None = None,
        timeout: float | None = None,
    ) -> Pages[Message]:
        """Every message that fits, all pages, fetched as they are iterated over. `limit`: rows a page, not rows in all.

        Oldest first unless told otherwise, so that what comes in meanwhile is added at the end and skips nothing; what comes
        twice all the same (by its handle) is left out. Times: aware datetimes, or text as the API takes it.
        """
        if order_by not in {"createdAt", "updatedAt", "sentAt"} or order_direction not in {"asc", "desc"}:
            raise ConfigurationError("order_by is createdAt, updatedAt or sentAt; order_direction is asc or desc")
        filters = {
            "number": _word(number, "number"),
            "from_number": _word(from_number, "from_number"),
            "to_number": _word(to_number, "to_number"),
            "sendblue_number": _word(sendblue_number, "sendblue_number"),
            "is_outbound": None if is_outbound is None else "true" if is_outbound else "false",
            "status": None if status is None else str(_word(status, "status")).upper(),
            "service": _word(service, "service"),
            "message_type": _word(message_type, "message_type"),
            "group_id": _word(group_id, "group_id"),
            "account_email": _word(account_email, "account_email"),
            "worker_id": _word(worker_id, "worker_id"),
            "created_at_gte": _moment(created_at_gte, "created_at_gte"),
            "created_at_lte": _moment(created_at_lte, "created_at_lte"),
            "sent_at_gte": _moment(sent_at_gte, "sent_at_gte"),
            "sent_at_lte": _moment(sent_at_lte, "sent_at_lte"),
            "updated_at_gte": _moment(updated_at_gte, "updated_at_gte"),
            "updated_at_lte": _moment(updated_at_lte, "updated_at_lte"),
            "order_by": order_by,
            "order_direction": order_direction,
            "limit": _count(limit, "limit", 1),
        }
        start = _count(offset, "offset", 0)
        return self._call.select(
            requests.MESSAGES, filters, Message.read, key=_handle, start=start, timeout=timeout, to_the_end=True
        )


def _handle(message: Message) -> str | None:
    return message.message_handle


def _word(value: str | None, what: str) -> str | None:
    if value is None:
        return None
    if not str(value).strip():
        raise ConfigurationError(f"an empty {what} would search for everything; leave it out, or do not ask")
    return str(value)


def _moment(value: Time | None, what: str) -> str | None:
    if value is None or isinstance(value, str):
        return _word(value, what)
    if value.utcoffset() is None:
        raise ConfigurationError(f"{what} must be a datetime with a zone, such as one with tzinfo=datetime.UTC")
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _count(value: int | None, what: str, least: int) -> str | None:
    if value is None:
        return None
    given: object = value
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise ConfigurationError(f"{what} must be a whole number of at least {least}")
    return str(value)
