"""The Project API, which is also the Action API: get, create, update, test, submit, send, stop, stats.

Lives here: one method an endpoint. Source of the facts: the Action API page and its newer form, the Project API page;
the workflow page.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import msgspec

from rumbleup_async.errors import ConfigurationError, RumbleUpWarning, UnreadableReply
from rumbleup_async.provider import arguments
from rumbleup_async.rumbleup import answers, group_files, parameters, project_fields, requests
from rumbleup_async.rumbleup.project_fields import OUTSOURCED, OUTSOURCED_MINIMUM, ProjectFields, StatsWindow
from rumbleup_async.rumbleup.project_models import Project

if TYPE_CHECKING:
    from rumbleup_async.provider.arguments import Id
    from rumbleup_async.provider.caller import Caller
    from rumbleup_async.session.exchange import Response
    from rumbleup_async.session.multipart import FileLike


class Projects:
    """`rumbleup.projects`, and `rumbleup.actions` under the API's other name for the same things.

    Every method raises ApiError and its kin for an answer that is an error: OptOutMissing if the message does not mention STOP,
    GroupNotActive, InvalidField, NotFound, KeyRefused, NotAllowed; the pages mark none of them as worth repeating. Calls that
    change something are tried again only if nothing of them left; MaybeSentError and ServerFailed mean that the change may have
    been made: look with `get` or `stats`. `timeout`: seconds to wait for the next bytes of the answer.

    There is no call that lists, deletes or archives projects; `stats` is the nearest to a list.
    """

    def __init__(self, caller: Caller, resource: Literal["project", "action"]) -> None:
        self._call = caller
        self._resource = resource

    async def get(self, id: Id, *, timeout: float | None = None) -> Project:  # noqa: A002 - the API's word for it
        """One project. `GET /project/get/{id}`."""
        path = self._path("get", id)
        return _read(await self._call.read(parameters.reading(path, {}, timeout)), path, id, self._call.redact)

    async def create(
        self,
        *,
        name: str,
        message: str,
        group: Id | None = None,
        group_file: FileLike | None = None,
        media: FileLike | None = None,
        media_part: str = "file",
        group_file_part: str = "group_file",
        timeout: float | None = None,
        extra: Mapping[str, Any] | None = None,
        **fields: Unpack[ProjectFields],
    ) -> Project:
        """A new project, in the state Draft. `POST /project/create`, JSON, or multipart if there is a file.

        `message`: what is to be sent; it must tell people how to opt out. `group`: the contact group, which must be active.
        `group_file`: a CSV of contacts in place of a group, with the column phone and name or first_name. `media`: a picture or
        film. Files are a path, bytes, or an open binary file, and are read while they are sent. `media_part` and
        `group_file_part` name their parts; the page's sample of this call names the media `file`. `extra`: fields that are not
        documented, sent as they are. Other fields: see `ProjectFields`.

        Raises ConfigurationError before anything is sent if a field or a file is wrong, UnreadableReply if the answer names no
        project, which may have been created all the same.
        """
        name = arguments.written(name, "the project's name")
        message = arguments.written(message, "the project's message")
        _either(group, group_file)
        values = project_fields.values(name, message, group, fields, extra)
        if OUTSOURCED not in (values.get("flags") or ()) and any(key.startswith("outsource_") for key in values):
            warnings.warn(f"the outsource fields count only with flags=[{OUTSOURCED!r}]", category=RumbleUpWarning, stacklevel=2)
        files = await _files(media, media_part, group_file, group_file_part, values)
        path = f"/{self._resource}/create"
        project = await self._change(path, values, files, timeout, "")
        if not project.id:
            raise UnreadableReply("an answer without a project id; the project may have been created", endpoint=path)
        return project

    async def update(
        self,
        id: Id,  # noqa: A002
        *,
        name: str | None = None,
        message: str | None = None,
        group: Id | None = None,
        group_file: FileLike | None = None,
        media: FileLike | None = None,
        media_part: str = "media",
        group_file_part: str = "group_file",
        timeout: float | None = None,
        extra: Mapping[str, Any] | None = None,
        **fields: Unpack[ProjectFields],
    ) -> Project:
        """Change a project; what is not given stays. `POST /project/update/{id}`.

        As `create`, but the page's sample of this call names the media part `media`, and `outsource_contact` is not listed.
        """
        _either(group, group_file)
        values = project_fields.values(name, message, group, fields, extra)
        files = await _files(media, media_part, group_file, group_file_part, values)
        if not values and not files:
            raise ConfigurationError("there is nothing to change")
        return await self._change(self._path("update", id), values, files, timeout, id)

    async def test(
        self,
        id: Id,  # noqa: A002
        *,
        test_phone: str | int,
        message: str | None = None,
        terms_agree: bool | None = None,
        timeout: float | None = None,
    ) -> Project:
        """Send the message to a phone of yours; the project becomes Testing. `POST /project/test/{id}`.

        One text is sent, at most once. `message`: another text for the test. `terms_agree` is optional here.
        """
        phone = requests.phone_digits(test_phone)
        values = {"test_phone": phone, "message": message, "terms_agree": terms_agree}
        return await self._change(self._path("test", id), values, {}, timeout, id)

    async def submit(
        self,
        id: Id,  # noqa: A002
        *,
        terms_agree: bool,
        contacts: int | None = None,
        timeout: float | None = None,
    ) -> Project:
        """Hand the project to the vendor's own texters, for its outsource times. `POST /project/submit/{id}`.

        `terms_agree=True` says, on behalf of the account: you may text these people and order this; once it has begun nothing
        can be changed; with short notice fewer texts may get through; the vendor may change what is needed to make it work; and
        short notice or a short window raises the risk that carriers take it for spam. (By the page: less than 48 hours' notice
        may limit delivery; less than 24 hours, or less than an hour for each 10,000 contacts, raises the spam rate.) It has no
        default because nobody else can agree for you; without it nothing is sent and ConfigurationError is raised.

        `contacts`: how many there are, if you know. Below 2,500 after filtering the vendor does not take a project: a
        RumbleUpWarning then, before the call if `contacts` says so, else after it if the answer does.
        """
        if terms_agree is not True:
            raise ConfigurationError("submit needs terms_agree=True: read what it means in the method's documentation")
        if contacts is not None:
            _warn_if_few(contacts)
        project = await self._change(self._path("submit", id), {"terms_agree": True}, {}, timeout, id)
        if contacts is None:
            _warn_if_few(project.known_contacts)
        return project

    async def send(self, id: Id, *, timeout: float | None = None) -> Project:  # noqa: A002
        """Go live: from now on texts can be sent into the project. Sends nothing itself. `POST /project/send/{id}`."""
        return await self._change(self._path("send", id), {}, {}, timeout, id)

    async def stop(self, id: Id, *, timeout: float | None = None) -> Project:  # noqa: A002
        """Stop a live project; it becomes Testing again. `POST /project/stop/{id}`."""
        return await self._change(self._path("stop", id), {}, {}, timeout, id)

    @overload
    async def stats(
        self, *, format: Literal["json"] = "json", timeout: float | None = None, **window: Unpack[StatsWindow]
    ) -> list[Project]: ...

    @overload
    async def stats(
        self, *, format: Literal["csv", "xml"], timeout: float | None = None, **window: Unpack[StatsWindow]
    ) -> str: ...

    async def stats(
        self,
        *,
        format: Literal["json", "csv", "xml"] = "json",  # noqa: A002 - the API's word for it
        timeout: float | None = None,
        **window: Unpack[StatsWindow],
    ) -> list[Project] | str:
        """The projects of a window of time with their figures, by default those of the past 24 hours. `GET /project/stats`.

        `format`: `csv` and `xml` give the text as it came. JSON is asked for otherwise, though the server's own default is CSV,
        and read as an array, an object with `data`, or CSV all the same. No paging is documented.
        """
        path = f"/{self._resource}/stats"
        if format not in {"json", "csv", "xml"}:
            raise ConfigurationError("format must be json, csv or xml")
        values = {"format": format, **project_fields.window(self._resource, window)}
        response = await self._call.read(parameters.reading(path, values, timeout))
        if format != "json":
            answers.refuse_hidden(response, path, self._call.redact)
            return answers.text(response, path)
        return [Project.read(row, endpoint=path) for row in answers.rows(response, path, self._call.redact)]

    def _path(self, verb: str, id: Id) -> str:  # noqa: A002
        return arguments.path(f"/{self._resource}/{verb}/{{id}}", id, "the project's id")

    async def _change(
        self,
        path: str,
        values: Mapping[str, Any],
        files: Mapping[str, FileLike],
        timeout: float | None,
        id: Id,  # noqa: A002
    ) -> Project:
        if files:
            request = await parameters.uploading(path, values, files, timeout)
        else:
            request = parameters.posting(path, values, timeout)
        message = values.get("message")
        if isinstance(message, str):
            _warn_of_signs(message)
        redact = (message,) if isinstance(message, str) else ()
        return _read(await self._call.write(request, redact), path, id, (*redact, *self._call.redact))


async def _files(
    media: FileLike | None, media_part: str, contacts: FileLike | None, contacts_part: str, fields: Collection[str]
) -> dict[str, FileLike]:
    files: dict[str, FileLike] = {}
    for given, part in ((media, media_part), (contacts, contacts_part)):
        if given is not None and (not part or part in fields):
            raise ConfigurationError(f"a file needs a part with a name of its own, not {part!r}")
    if media is not None:
        files[media_part] = media
    if contacts is not None:
        await group_files.check(contacts)
        if contacts_part in files:
            raise ConfigurationError("the two files need parts of different names")
        files[contacts_part] = contacts
    return files


def _either(group: Id | None, contacts: FileLike | None) -> None:
    if group is not None and contacts is not None:
        raise ConfigurationError("give either group or group_file; a file is used only where no group is given")


def _read(response: Response, path: str, asked: Id, redact: tuple[str, ...]) -> Project:
    """The project of an answer; where the answer does not name its id, that which was asked for."""
    project = Project.read(answers.item(response, path, known=("action", "project"), redact=redact), endpoint=path)
    return project if project.id else msgspec.structs.replace(project, id=str(asked))


def _warn_of_signs(message: str) -> None:
    """The server fills in `@first_name@` and nothing else that is known; what is written otherwise may be read by everybody."""
    from rumbleup_async.screening.escapes import escapes
    from rumbleup_async.screening.placeholders import first

    others = re.sub(r"@\w+@", "x", message)
    found = first(others)
    if found is not None:
        warnings.warn(
            f"the message holds {found.shown}, which looks like a merge field; those of a project are written @first_name@",
            category=RumbleUpWarning,
            stacklevel=4,
        )
    for escape in escapes(others)[:1]:
        warnings.warn(
            f"the message holds {escape.shown}, which may be sent as it is instead of {escape.meaning}",
            category=RumbleUpWarning,
            stacklevel=4,
        )


def _warn_if_few(contacts: int | None) -> None:
    if contacts is not None and contacts < OUTSOURCED_MINIMUM:
        warnings.warn(
            f"{contacts:,} contacts: a project for the vendor's texters needs {OUTSOURCED_MINIMUM:,} after filtering",
            category=RumbleUpWarning,
            stacklevel=3,
        )
