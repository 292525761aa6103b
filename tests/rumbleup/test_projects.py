"""Projects: what is refused before anything leaves, what is warned of, and what the sample files do not show."""

import datetime as dt
import json
import re
import warnings
from typing import Any

import pytest

from rumbleup_async import ConfigurationError, NotAllowed, Project, RumbleUp, RumbleUpWarning, UnreadableReply
from rumbleup_async.errors import MaybeSentError, ServerFailed
from rumbleup_async.rumbleup.project_fields import ProjectFields, StatsWindow
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.session.scripted import ScriptedExchange

TEXT = "Hi. Reply STOP to opt out"


def answering(body: object, status: int = 200) -> ScriptedExchange:
    """An exchange that answers everything alike."""
    return ScriptedExchange(lambda _: Response(status, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": " ", "message": TEXT},
        {"name": "N", "message": ""},
        {"name": "N", "message": TEXT, "group": ""},
        {"name": "N", "message": TEXT, "tcr_cid": "C"},
        {"name": "N", "message": TEXT, "extra": {"tcr_phone": "2025550199"}},
        {"name": "N", "message": TEXT, "extra": {"phone": ["2025550199"]}},
        {"name": "N", "message": TEXT, "colour": "red"},
        {"name": "N", "message": TEXT, "extra": {"odd": object()}},
        {"name": "N", "message": TEXT, "media": b"x", "extra": {"odd": {"a": 1}}},
        {"name": "N", "message": TEXT, "outsource_end": "2025-03-05 10:00"},
        {"name": "N", "message": TEXT, "media": b"x", "group_file": b"phone,name\n2025550101,A\n", "media_part": "group_file"},
        {"name": "N", "message": TEXT, "timeout": 0},
        {"name": "N", "message": TEXT, "timeout": float("nan")},
    ],
)
async def test_a_wrong_project_never_leaves(arguments: dict[str, Any]) -> None:
    """A mistake would come back as a vague 400, or not at all, instead of a sentence that names it."""
    exchange = answering({"action": 1})
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(ConfigurationError):
            await client.projects.create(**arguments)
    assert exchange.requests == []


@pytest.mark.parametrize("id_", ["", " ", "..", "a\nb", True, "x" * 300])
async def test_an_impossible_id_never_leaves(id_: Any) -> None:
    """A path would be asked for that is not the project's."""
    exchange = answering({"action": 1})
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(ConfigurationError):
            await client.projects.stop(id_)
    assert exchange.requests == []


async def test_an_id_stays_one_step_of_the_path() -> None:
    """An id from a spreadsheet could reach another endpoint."""
    exchange = answering({"action": 1})
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        await client.projects.get("1/../../account?x=1")
    assert exchange.requests[0].path == "/project/get/1%2F..%2F..%2Faccount%3Fx%3D1"


async def test_nothing_to_change_is_said() -> None:
    """An update of nothing would look as if something had been changed."""
    async with RumbleUp("KEY:SECRET", exchange=answering({"action": 1})) as client:
        with pytest.raises(ConfigurationError, match="nothing to change"):
            await client.projects.update(1)


async def test_a_created_project_must_have_an_id() -> None:
    """A script would go on with the project None."""
    async with RumbleUp("KEY:SECRET", exchange=answering({"name": "N"})) as client:
        with pytest.raises(UnreadableReply, match="may have been created"):
            await client.projects.create(name="N", message=TEXT)


async def test_outsource_fields_without_the_flag_are_warned_of() -> None:
    """The dates would be ignored by the server, and nobody would notice."""
    start = dt.datetime(2025, 3, 5, 10, tzinfo=dt.UTC)
    async with RumbleUp("KEY:SECRET", exchange=answering({"action": 1})) as client:
        with pytest.warns(RumbleUpWarning, match="outsourced"):
            await client.projects.create(name="N", message=TEXT, outsource_start=start)
        await client.projects.create(name="N", message=TEXT, outsource_start=start, flags=["outsourced"])


@pytest.mark.parametrize(
    ("told", "answered", "warned"), [(2499, None, True), (2500, 12, False), (None, 2499, True), (None, None, False)]
)
async def test_a_small_outsourced_project_is_warned_of(told: int | None, answered: int | None, warned: bool) -> None:
    """The vendor would not take it, on the day of the vote."""
    async with RumbleUp("KEY:SECRET", exchange=answering({"action": 1, "contact_count": answered})) as client:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            await client.projects.submit(1, terms_agree=True, contacts=told)
    assert [str(one.message)[:5] for one in found] == (["2,499"] if warned else [])


@pytest.mark.parametrize("terms", [False, None, 1, "yes"])
async def test_nobody_agrees_by_accident(terms: Any) -> None:
    """Terms would be agreed to by a value that happens to be true."""
    exchange = answering({"action": 1})
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        with pytest.raises(ConfigurationError, match="terms_agree"):
            await client.projects.submit(1, terms_agree=terms)
    assert exchange.requests == []


@pytest.mark.parametrize("error", [MaybeSentError("cut"), None])
async def test_a_change_is_made_once(error: MaybeSentError | None) -> None:
    """A test text would be sent twice to whoever holds the test phone."""

    def script(_: Request) -> Response:
        if error is not None:
            raise error
        return Response(502, {}, b"")

    exchange = ScriptedExchange(script)
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        for call in (client.projects.test(1, test_phone="2025550101"), client.projects.send(1), client.projects.stop(1)):
            with pytest.raises((MaybeSentError, ServerFailed)):
                await call
    assert len(exchange.requests) == 3
    assert {request.method for request in exchange.requests} == {"POST"}


async def test_an_error_under_200_is_an_error() -> None:
    """A refusal would be read as a project without fields: the page allows status and HTTP status to differ."""
    async with RumbleUp("KEY:SECRET", exchange=answering({"status": 403, "message": "Not enabled"})) as client:
        with pytest.raises(NotAllowed):
            await client.projects.get(1)
        with pytest.raises(NotAllowed):
            await client.projects.stats()


async def test_intervals_and_dates_of_stats() -> None:
    """Another window would be asked for than the caller meant."""
    exchange = answering([])
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        await client.projects.stats(interval=dt.timedelta(days=7), since=dt.date(2022, 2, 1), days=0.5)
        with pytest.raises(ConfigurationError):
            await client.projects.stats(since=dt.datetime(2022, 2, 1))  # noqa: DTZ001 - that is the mistake
        with pytest.raises(ConfigurationError):
            await client.projects.stats(group=3)  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError):
            await client.projects.stats(format="jsontext")  # type: ignore[call-overload]
    assert exchange.requests[0].query == "format=json&interval=604800000&since=1643673600000&days=0.5"


def test_a_repr_shows_no_text_and_no_number() -> None:
    """A log would hold what was written to whom."""
    shown = repr(Project.read({
        "action": 1, "name": "Ward 7", "message": "Dear Ada", "proxy": ["2025550199"], "test_phone": "2025550101",
        "outsource_email": "desk@campaign.example", "contact_filter": {"phone": "2025550101"}, "odd": "2025550101",
    }))  # fmt: skip
    assert "Ward 7" in shown
    for secret in ("Ada", "55501", "desk", "odd"):
        assert secret not in shown


def test_every_field_is_an_argument() -> None:
    """A field of the page could not be set, or would be dropped in silence."""
    assert ProjectFields.__annotations__.keys() == {
        "campaign_id", "proxy", "areacode", "flags", "outsource_start", "outsource_end", "outsource_email", "outsource_notes",
        "outsource_contact", "shorturl_domain", "shorturl_tracking", "type",
    }  # fmt: skip
    assert StatsWindow.__annotations__.keys() == {"action", "name", "since", "before", "days", "interval"}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Hi {first_name}. STOP to opt out", "{first_name}, which looks like a merge field"),
        ("Hi [First Name]. STOP to opt out", "those of a project are written @first_name@"),
        ("One\\nTwo. STOP to opt out", "instead of a line break"),
    ],
)
async def test_signs_that_the_server_may_not_know_are_warned_of(rumbleup: RumbleUp, message: str, said: str) -> None:
    """A whole project would go out with `{first_name}` in it; its own placeholder draws no warning."""
    with pytest.warns(RumbleUpWarning, match=re.escape(said)):
        await rumbleup.projects.create(name="Ward 7", message=message, group=26)
    await rumbleup.projects.create(name="Ward 8", message="Hi @first_name@. STOP to opt out", group=26)
