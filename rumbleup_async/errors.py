"""Every exception this library raises, in one tree, named by meaning.

Lives here: exceptions that carry data (status, code, the provider's words, the endpoint), never a socket, never a
secret.

    RumbleUpError                     catch this for all of them
    ├── ConfigurationError            a setting, key, address or option is wrong; nothing was sent
    │   ├── ListError                 the contact list cannot be read; names the file, the row and the remedy
    │   ├── TemplateError             the text or a merge field in it is wrong
    │   ├── BookError                 the book of people cannot be used as asked
    │   │   └── BookLocked            another process keeps it to itself
    │   └── LedgerError               the ledger cannot be used as asked
    │       ├── LedgerFenced          another process has taken over what this one had open
    │       ├── LedgerLocked          another process is writing it
    │       └── LedgerMismatch        it belongs to another list, text or project
    ├── WebhookRefused                what came to the webhook address is no event: not JSON, no object, too large
    ├── ExchangeError                 one HTTP exchange did not come to an answer
    │   ├── NotSentError              ... and nothing of the request left: trying again is safe
    │   └── MaybeSentError            ... and the request may have been carried out: never repeat a send on it
    └── ApiError                      the provider answered, and the answer is an error
        ├── KeyRefused                401
        ├── NotAllowed                403 without further reason
        │   └── OptOutMissing         403 because the text does not tell people how to opt out
        ├── NotFound                  404
        ├── InvalidField              400, or code FIELD
        │   └── GroupNotActive        400 because the contact group is not active
        ├── Landline                  code LANDLINE
        ├── DailyCapReached           code DAILYCAP
        ├── OutsideHours              code TIMERANGE
        ├── ProxyUnavailable          code PROXY: the sending number cannot be used
        ├── RateLimited               429 or 440; `after` seconds if the provider said so
        ├── ServerFailed              5xx, 408, 425, 499: the request may have been carried out
        └── UnreadableReply           an answer that is not what the endpoint returns

Warnings: RumbleUpWarning, for a call that is carried out and probably not what was meant.
"""

from __future__ import annotations

from typing import Any

from rumbleup_async.reasons import Code, Reason


class RumbleUpError(Exception):
    """The root of every error this library raises."""


class ConfigurationError(RumbleUpError):
    """A setting, key, address or option is wrong. Nothing was sent."""


class ListError(ConfigurationError):
    """The contact list cannot be used. The message names the file, the row where there is one, and the remedy."""


class TemplateError(ConfigurationError):
    """The text, or a merge field in it, is wrong."""


class BookError(ConfigurationError):
    """The book of people cannot be used as asked: damaged, of a newer version or another key, replaced, or not a book."""


class BookLocked(BookError):
    """Another process kept the book of people to itself for too long."""


class LedgerError(ConfigurationError):
    """The ledger cannot be used as asked: unreadable, of a newer version, a link, or not a ledger."""


class LedgerFenced(LedgerError):
    """Another process took this one for dead and has taken over its entries. This one may send nothing more."""


class LedgerLocked(LedgerError):
    """Another process (or another run in this one) is writing this ledger."""


class LedgerMismatch(LedgerError):
    """The ledger was begun with another list, text or project; the message says what differs."""


class ExchangeError(RumbleUpError):
    """One HTTP exchange did not come to an answer. `why` is the reason as data, `reason` in words; `endpoint` is the path it was
    for."""

    def __init__(self, why: Reason | str, *, endpoint: str = "") -> None:
        super().__init__(f"{endpoint}: {why}" if endpoint else str(why))
        self.why = Reason(Code.OTHER, why) if isinstance(why, str) else why
        self.endpoint = endpoint

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


class NotSentError(ExchangeError):
    """Nothing of the request left this machine in a form a server could act on: trying again is safe.

    `crowded`: there was no room for a connection more, while others are open: it will go as soon as one of them is free.
    """

    def __init__(self, why: Reason | str, *, endpoint: str = "", crowded: bool = False) -> None:
        super().__init__(why, endpoint=endpoint)
        self.crowded = crowded


class MaybeSentError(ExchangeError):
    """Bytes of the request may have reached the server and no complete answer came back.

    For a send this means the person may have been texted: do not repeat it, look it up in the message log.
    """


class ApiError(RumbleUpError):
    """The provider answered with an error.

    `status` is the HTTP status or, where the provider uses one of its special numbers, that; `code` its opaque code or "";
    `message` its own words, phone numbers masked; `endpoint` the path; `request_id` what the answer's headers call the request,
    or "" (none is documented; support can find a request by it). `readable`: the answer was the API's error object, not a page of
    something on the way. Source: the error object of the API overview page.
    """

    request_id: str = ""
    readable: bool = True

    def __init__(self, message: str, *, status: int = 0, code: str = "", endpoint: str = "") -> None:
        where = f"{endpoint}: " if endpoint else ""
        words = [str(status) if status else "", code, message]
        super().__init__(where + " ".join(word for word in words if word))
        self.message = message
        self.status = status
        self.code = code
        self.endpoint = endpoint

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """An error that came from another process: its message is not put together a second time."""
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(state)
    return error


class KeyRefused(ApiError):
    """401: the API key is missing or wrong. Check RUMBLEUP_API_KEY (the pair KEY:SECRET)."""


class NotAllowed(ApiError):
    """403 without further reason: the account or key may not use this endpoint; support enables it."""


class OptOutMissing(NotAllowed):
    """403 because the text does not tell people how to opt out: it must mention STOP."""


class NotFound(ApiError):
    """404."""


class InvalidField(ApiError):
    """400 or code FIELD: a parameter is missing or wrong; `message` says which."""


class GroupNotActive(InvalidField):
    """400: the project's contact group is not active; activate it in the portal."""


class Landline(ApiError):
    """Code LANDLINE: the destination is a landline; nothing was sent."""


class DailyCapReached(ApiError):
    """Code DAILYCAP: the TCR brand's cap for today is used up; nothing more is accepted today."""


class OutsideHours(ApiError):
    """Code TIMERANGE: outside the hours in which texts may be sent."""


class ProxyUnavailable(ApiError):
    """Code PROXY: the sending number is not available, not operational or released; another one may work."""


class RateLimited(ApiError):
    """429 or 440: asked too fast. `after` is the provider's wish in seconds, None if it gave none."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", endpoint: str = "", after: float | None = None) -> None:
        super().__init__(message, status=status, code=code, endpoint=endpoint)
        self.after = after


class ServerFailed(ApiError):
    """5xx or 408: the server failed, or lost patience. For a call with side effects it may have been carried out all the same."""


class UnreadableReply(ApiError):
    """The answer is not what this endpoint returns: HTML, an empty body, broken JSON, another shape."""


class RumbleUpWarning(UserWarning):
    """The call is carried out, and probably will not do what was meant."""


class WebhookRefused(RumbleUpError):
    """What came to the webhook address is no event: not JSON, not an object, or too large. The message quotes nothing of it."""
