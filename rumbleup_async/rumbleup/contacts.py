"""The Contacts API: list contacts, add or change one, import a file, look at a group, download a group.

Lives here: the group's model and one method an endpoint. Source of the facts: the Contacts page for the contact object
and the flags; the names of the calls from the reference's menu. Parameters, limits and answers of sync, import, group
and download are not documented in what could be read: what stands here is what integrators' code sends, `extra`
parameters are passed on as they are, and paths can be given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any, ClassVar, overload

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.provider import arguments
from rumbleup_async.provider.models import PRIVATE, Model
from rumbleup_async.rumbleup import answers, parameters, requests
from rumbleup_async.rumbleup.downloads import download
from rumbleup_async.rumbleup.models import ContactRecord

if TYPE_CHECKING:
    from rumbleup_async.provider.arguments import Id
    from rumbleup_async.provider.caller import Caller, Pages
    from rumbleup_async.rumbleup.parameters import Many, Time
    from rumbleup_async.session.multipart import FileLike

SELECT = "/contact/select"
SYNC = "/contact/sync"
IMPORT = "/contact/import"
GROUP = "/group/get/{id}"
DOWNLOAD = "/contact/download"


class Group(Model, frozen=True, kw_only=True):
    """A group of contacts. No page describes the object: these fields are guesses at names, everything else is in `extra`.

    `id` is read from `gid`, `group` or `id`. A project's group must be active.
    """

    OWN_NAMES: ClassVar = {"id": "gid"}
    ALIASES: ClassVar = {"id": ("group", "id")}
    PRIVATE: ClassVar = PRIVATE - {"name"}

    id: str | None = None
    name: str | None = None
    status: str | None = None
    count: int | None = None


class Contacts:
    """`rumbleup.contacts`. Errors as everywhere: ApiError and its kin, MaybeSentError where a change may have been made."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    def select(
        self,
        *,
        action: Many | None = None,
        group: Many | None = None,
        since: Time | None = None,
        flags: Many | None = None,
        noflags: Many | None = None,
        q: str | None = None,
        page_size: int | None = None,
        start: str | None = None,
        timeout: float | None = None,
        **extra: Any,
    ) -> Pages[ContactRecord]:
        """The contacts that fit, all pages. `GET /contact/select`, which the overview page uses as its sample of a list.

        No filter is documented in what could be read. These are an integrator's, as are `actions` and `filter`, which pass
        through `extra`: `action`, `group`: ids of a project, a group; `flags`, `noflags`: tags a contact has, or has not; `q`: a
        search. `start`: the `next_token` of pages that were broken off.
        """
        values = {
            "action": action,
            "group": group,
            "since": None if since is None else parameters.milliseconds(since),
            "flags": flags,
            "noflags": noflags,
            "q": q,
            "_count": parameters.page_size(page_size),
            **extra,
        }
        return self._call.select(SELECT, parameters.query(values), ContactRecord.read, start=start, timeout=timeout)

    async def sync(
        self,
        *,
        phone: str | int,
        action: Id | None = None,
        flags: Iterable[str] | None = None,
        timeout: float | None = None,
        **fields: Any,
    ) -> ContactRecord:
        """Add a contact, or change the one with this phone. `POST /contact/sync`, JSON.

        `fields`: those of a contact (`first_name`, `last_name`, `email`, `custom1` ...) and whatever else the call takes.
        `action`: attaches the contact to a project, as an integrator does it. The answer is not documented; what of it looks
        like a contact is read as one.
        """
        values: dict[str, Any] = {
            "phone": requests.phone_digits(phone),
            "action": None if action is None else arguments.identifier(action, "action"),
            "flags": None if flags is None else [flags] if isinstance(flags, str) else list(flags),
            **fields,
        }
        response = await self._call.write(parameters.posting(SYNC, values, timeout))
        answers.refuse_hidden(response, SYNC, self._call.redact)
        contact = ContactRecord.read(_inner(answers.opened(response), "phone"), endpoint=SYNC)
        return contact if contact.phone else msgspec.structs.replace(contact, phone=values["phone"])

    async def import_(
        self, file: FileLike, *, part: str = "csv", timeout: float | None = None, path: str = IMPORT, **extra: Any
    ) -> Group:
        """Import a CSV of contacts; a group is made of them. `POST /contact/import`, multipart, read while it is sent.

        `part` is the name of the file's part: an integrator's, not documented. The answer is not documented either: what of it
        looks like a group is read as one. The underscore stands there because `import` is a word of Python's.
        """
        request = await parameters.uploading(path, extra, {part: file}, timeout)
        response = await self._call.write(request)
        answers.refuse_hidden(response, path, self._call.redact)
        return Group.read(_inner(answers.opened(response), "gid", "group"), endpoint=path)

    async def group(self, id: Id, *, timeout: float | None = None, path: str = GROUP, **extra: Any) -> Group:  # noqa: A002
        """A group. `GET /group/get/{id}`: that there is such a call is documented, its path is an integrator's."""
        path = arguments.path(path, id, "the group's id")
        response = await self._call.read(parameters.reading(path, extra, timeout))
        return Group.read(answers.item(response, path, known=("gid", "group", "name"), redact=self._call.redact), endpoint=path)

    @overload
    async def download(
        self, group: Id | None = None, *, into: None = None, timeout: float | None = None, path: str = DOWNLOAD, **extra: Any
    ) -> bytes: ...

    @overload
    async def download(
        self, group: Id | None = None, *, into: IO[bytes], timeout: float | None = None, path: str = DOWNLOAD, **extra: Any
    ) -> int: ...

    async def download(
        self,
        group: Id | None = None,
        *,
        into: IO[bytes] | None = None,
        timeout: float | None = None,
        path: str = DOWNLOAD,
        **extra: Any,
    ) -> bytes | int:
        """The contacts of a group as the file the API makes of them, CSV. `POST /contact/download`.

        `group` is sent as `gid`, which an integrator found to be required. Without `into` the file is held in memory, 64 MiB at
        most; `into`, an open binary file, is written as it comes, and the number of bytes returned. A read, so it is tried
        again after trouble.
        """
        values = {"gid": None if group is None else arguments.identifier(group, "group"), **extra}
        if not any(value is not None for value in values.values()):
            raise ConfigurationError("say what to download: a group")
        request = parameters.posting(path, values, timeout)
        return await download(self._call, request, into)


def _inner(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """The object itself, where the answer wraps it in `data`."""
    data = value.get("data")
    return data if isinstance(data, dict) and not any(name in value for name in names) else value
