"""The Report API: have a report of the account made, find it, fetch it, delete it. The report of a run is the ledger's.

Lives here: the models and one method an endpoint. Source of the facts: the Report API page and its page on report
types. The base and the five calls are documented; the paths of `get`, `download` and `delete` could not be read and
follow the API's habit `/resource/verb/id`: `path=` takes another.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar, Literal, overload

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import arguments
from rumbleup_async.provider.models import PRIVATE, Model, as_text
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup import answers, parameters
from rumbleup_async.rumbleup.downloads import download
from rumbleup_async.rumbleup.models import as_filter
from rumbleup_async.session.exchange import Request

if TYPE_CHECKING:
    from rumbleup_async.provider.arguments import Id
    from rumbleup_async.provider.caller import Caller, Pages


CREATE = "/report/create"
LIST = "/report/list"
GET = "/report/get/{id}"
DOWNLOAD = "/report/download/{id}"
DELETE = "/report/delete/{id}"


class AccountReportFile(Model, frozen=True, kw_only=True):
    """A file of a report. `size`: bytes; `count`: presumably rows; `url`: where it can be fetched."""

    PRIVATE: ClassVar = PRIVATE - {"name"}

    file: str | None = None
    name: str | None = None
    ext: str | None = None
    size: int | None = None
    count: int | None = None
    url: str | None = None


def _files(value: object) -> tuple[AccountReportFile, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(AccountReportFile.read(one) for one in items if isinstance(one, dict))


def _requester(value: object) -> str | None:
    """`requested_by` is `{name, id}`, "api" when a program asked."""
    if isinstance(value, dict):
        return as_text(value.get("name")) or as_text(value.get("id"))
    return as_text(value)


class AccountReport(Model, frozen=True, kw_only=True):
    """A report, which is made in the background. Source: Report API page, in two
    versions that name some fields differently.

    `id` is the wire's `rpid`. `report`: the original title, which chose the type; `title`: the present one. `status`:
    `done` when a file can be fetched, else an open set of words. `interval`: minutes between two runs of a periodic
    report. `files`: the newest first, six at most. A report expires 60 days after it was last made.
    """

    OWN_NAMES: ClassVar = {"id": "rpid"}
    ALIASES: ClassVar = {
        "create_time": ("ctime",),
        "update_time": ("mtime",),
        "start_time": ("stime",),
        "account_name": ("cname",),
    }
    PRIVATE: ClassVar = PRIVATE | {"query", "requested_by"}

    id: str | None = None
    cid: str | None = None
    account_name: str | None = None
    report: str | None = None
    title: str | None = None
    type: str | None = None
    email: str | None = None
    status: str | None = None
    interval: int | None = None
    requested_by: Annotated[str | None, _requester] = None
    query: Annotated[Any, as_filter] = None
    files: Annotated[tuple[AccountReportFile, ...], _files] = ()
    create_time: Moment | None = None
    update_time: Moment | None = None
    start_time: Moment | None = None

    @property
    def is_done(self) -> bool:
        """Whether it is made."""
        return (self.status or "").strip().lower() == "done"


class AccountReports:
    """`rumbleup.account_reports`."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    async def create(
        self,
        *,
        title: str,
        email: str | None = None,
        interval: int | None = None,
        timeout: float | None = None,
        path: str = CREATE,
        **extra: Any,
    ) -> AccountReport:
        """Order a report; poll `get`, or wait for the webhook REPORT_CREATED. `POST /report/create`.

        `title` chooses the type. `interval`: minutes after which it is made anew, again and again. `extra`: what the
        type takes; `Conversations`, which lists messages, takes `action`, `noaction`, `reaction`, `gid`, `msgtime`,
        `flags`, `noflags`, `in_mtime`, `out_mtime`, `q` and `filter` (all, unread, replied, responded, delivered,
        error, modified, dailycap, unreachable, nocarrier, expired, replies); several ids as a list.
        """
        if not title.strip():
            raise ConfigurationError("a report needs a title; it chooses the type")
        asked = {name: parameters.plain(value, name) for name, value in extra.items()}
        values = {"title": title, "email": email, "interval": interval, **asked}
        return _read(await self._call.write(parameters.posting(path, values, timeout)), path, self._call.redact)

    def list(
        self, *, page_size: int | None = None, timeout: float | None = None, path: str = LIST, **extra: Any
    ) -> Pages[AccountReport]:
        """The reports there are. `GET /report/list`, an integrator's path."""
        values = {"_count": parameters.page_size(page_size), **extra}
        return self._call.select(path, parameters.query(values), AccountReport.read, timeout=timeout)

    async def get(self, id: Id, *, timeout: float | None = None, path: str = GET, **extra: Any) -> AccountReport:  # noqa: A002
        """One report, with its files when it is done. `GET /report/get/{id}`."""
        path = arguments.path(path, id, "the report's id")
        return _read(await self._call.read(parameters.reading(path, extra, timeout)), path, self._call.redact)

    @overload
    async def download(
        self,
        id: Id,
        *,
        into: None = None,
        timeout: float | None = None,
        path: str = DOWNLOAD,
        **extra: Any,
    ) -> bytes: ...

    @overload
    async def download(
        self,
        id: Id,
        *,
        into: IO[bytes],
        timeout: float | None = None,
        path: str = DOWNLOAD,
        **extra: Any,
    ) -> int: ...

    async def download(
        self,
        id: Id,  # noqa: A002
        *,
        into: IO[bytes] | None = None,
        timeout: float | None = None,
        path: str = DOWNLOAD,
        **extra: Any,
    ) -> bytes | int:
        """The newest file of a report. `GET /report/download/{id}`.

        Without `into` it is held in memory, 64 MiB at most; `into`, an open binary file, is written as
        it comes, and the number of bytes returned. Which parameter chooses another file is not
        documented; `AccountReportFile.url` leads to each.
        """
        path = arguments.path(path, id, "the report's id")
        return await download(self._call, parameters.reading(path, extra, timeout), into)

    async def delete(
        self,
        id: Id,  # noqa: A002
        *,
        method: Literal["POST", "GET"] = "POST",
        timeout: float | None = None,
        path: str = DELETE,
    ) -> None:
        """Delete a report and its files. `POST /report/delete/{id}`.

        The reference's menu lists this call as a GET, and many calls of the API take both. A POST is the default
        because libraries and proxies repeat GETs; `method="GET"` if the server insists.
        """
        path = arguments.path(path, id, "the report's id")
        if method == "GET":
            # Deleting the same report once more does no further harm, so the mark of a read may stand.
            response = await self._call.once(Request("GET", path, read=True, timeout=arguments.seconds(timeout)))
        else:
            response = await self._call.write(parameters.posting(path, {}, timeout))
        answers.refuse_hidden(response, path, self._call.redact)


def _read(response: Any, path: str, redact: tuple[str, ...]) -> AccountReport:
    return AccountReport.read(answers.item(response, path, known=("rpid",), redact=redact), endpoint=path)
