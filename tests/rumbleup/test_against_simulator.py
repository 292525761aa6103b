"""Every endpoint over real TCP: what the client asks, the simulator accepts, and what it answers, the client reads."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from rumbleup_async import (
    ApiError,
    DailyCapReached,
    GroupNotActive,
    InvalidField,
    KeyRefused,
    Landline,
    NotAllowed,
    NotFound,
    OptOutMissing,
    OutsideHours,
    Project,
    ProxyUnavailable,
    RateLimited,
    RumbleUp,
    ServerFailed,
    UnreadableReply,
)
from rumbleup_async.simulator import Server, Simulator, serve
from rumbleup_async.simulator.trouble.quirks import QUIRKS

TEXT = "Hi. Reply STOP to opt out"
CONTACTS = b"phone,first_name,custom1\n2025550101,Ada,x\n2025550102,Ben,y\n2025550103,Cleo,z\n"
ROOT = Path(__file__).parents[2]


async def _live(client: RumbleUp) -> Project:
    project = await client.projects.create(name="Ward 7", message=TEXT, group_file=CONTACTS)
    await client.projects.test(project.id, test_phone="2025550100")
    return await client.projects.send(project.id)


async def test_the_life_of_a_project(rumbleup: RumbleUp, tmp_path: Path) -> None:
    """A project could be made that never goes live, or could not be stopped."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG" + bytes(100_000))
    project = await rumbleup.projects.create(
        name="Ward 7", message=TEXT, media=picture, group_file=CONTACTS, flags=["outsourced"], shorturl_tracking=True
    )
    assert (project.status, project.name, project.contact_count) == ("Draft", "Ward 7", 3)
    assert project.media is not None
    assert all(len(number) == 10 for number in project.proxy)
    assert (await rumbleup.actions.get(project.id)).id == project.id
    assert (await rumbleup.projects.update(project.id, name="Ward 8", media=b"other")).name == "Ward 8"
    tested = await rumbleup.projects.test(project.id, test_phone="2025550100")
    assert (tested.status, tested.test_time is not None) == ("Testing", True)
    live = await rumbleup.projects.send(project.id)
    assert (live.is_live, live.live_time is not None) == (True, True)
    seen = []
    while (contact := await rumbleup.messages.next(action=project.id)) is not None:
        seen.append(contact.first_name)
        await rumbleup.messages.send(phone=contact.phone, action=project.id, text=TEXT, flags=["ward"])
    assert sorted(filter(None, seen)) == ["Ada", "Ben", "Cleo"]
    (counted,) = await rumbleup.projects.stats(action=project.id)
    assert counted.sent == 3
    assert "Ward 8" in await rumbleup.projects.stats(format="csv", action=project.id)
    assert len(await rumbleup.messages.log(flags="ward", page_size=2).all()) == 3
    assert (await rumbleup.actions.stop(project.id)).status == "Testing"


async def test_refusals_have_their_meaning(rumbleup: RumbleUp, simulator: Simulator) -> None:
    """A person would be told that the key is wrong when it is the text, or the group."""
    with pytest.raises(OptOutMissing):
        await rumbleup.projects.create(name="N", message="Hi")
    with pytest.raises(NotFound):
        await rumbleup.projects.get(999)
    with pytest.raises(InvalidField):
        await rumbleup.projects.create(name="N", message=TEXT, group=999)
    simulator.change(imported_group="Draft")
    project = await rumbleup.projects.create(name="N", message=TEXT, group_file=CONTACTS)
    with pytest.raises(GroupNotActive):
        await rumbleup.projects.test(project.id, test_phone="2025550100")


@pytest.mark.parametrize(("fault", "kind", "status", "code"), [
    ("401", KeyRefused, 401, ""),
    ("403", NotAllowed, 403, ""),
    ("403-opt-out", OptOutMissing, 403, ""),
    ("400", InvalidField, 400, ""),
    ("429", RateLimited, 429, ""),
    ("440", RateLimited, 440, ""),
    ("440-in-body", RateLimited, 440, ""),
    ("daily-cap", DailyCapReached, 400, "DAILYCAP"),
    ("time-range", OutsideHours, 400, "TIMERANGE"),
    ("landline", Landline, 400, "LANDLINE"),
    ("500-before", ServerFailed, 500, ""),
    ("502-html-after", ServerFailed, 502, ""),
    ("html", UnreadableReply, 200, ""),
    ("empty", UnreadableReply, 200, ""),
    ("redirect", UnreadableReply, 307, ""),
])  # fmt: skip
async def test_every_meaning_has_its_error(
    rumbleup: RumbleUp, simulator: Simulator, fault: str, kind: type[ApiError], status: int, code: str
) -> None:
    """A program could not tell what to do: wait, stop, mend the text, or leave this person alone."""
    simulator.set_faults({f"send:{fault}": 1.0})
    with pytest.raises(ApiError) as caught:
        await rumbleup.messages.send(phone="2025550101", action=125, text=TEXT)
    error = caught.value
    assert (type(error), error.status, error.code, error.endpoint) == (kind, status, code, "/message/send")
    assert error.message
    told = f"{error!s}{error!r}{error.__dict__}"
    assert not any(secret in told for secret in ("2025550101", "SECRET", TEXT))


async def test_a_number_that_cannot_send_is_named(rumbleup: RumbleUp) -> None:
    """A caller would give the person up where another number would do."""
    with pytest.raises(ProxyUnavailable):
        await rumbleup.proxies.send(phone="2025550101", text=TEXT, proxy="2025550177")


async def test_submitting(rumbleup: RumbleUp) -> None:
    """A project for the vendor's texters could not be ordered."""
    project = await rumbleup.projects.create(name="N", message=TEXT, group_file=CONTACTS)
    await rumbleup.projects.test(project.id, test_phone="2025550100")
    with pytest.warns(UserWarning, match="2,500"):
        submitted = await rumbleup.projects.submit(project.id, terms_agree=True, contacts=3)
    assert submitted.submit_time is not None


async def test_the_registry_and_the_numbers(rumbleup: RumbleUp, simulator: Simulator) -> None:
    """Nobody could see which campaign is ready, or from which number a text may come."""
    campaigns = await rumbleup.tcr.campaigns().all()
    assert campaigns
    assert all(campaign.ready for campaign in campaigns)
    chosen = campaigns[0]
    assert chosen.campaign_id is not None
    (same,) = await rumbleup.tcr.campaigns(campaign_id=[chosen.campaign_id]).all()
    assert same == chosen
    assert (await rumbleup.tcr.brands().all())[0].brand_id == chosen.brand_id
    numbers = await rumbleup.proxies.select(status="ok").all()
    assert numbers
    assert all(number.ready for number in numbers)
    assert numbers[0].proxy is not None
    sent = await rumbleup.proxies.send(phone="2025550107", text=TEXT, proxy=numbers[0].proxy)
    assert sent.phone == "2025550107"
    assert [text.phone for text in simulator.truth] == ["2025550107"]


async def test_the_account_and_its_sub_accounts(rumbleup: RumbleUp) -> None:
    """A key could not be checked."""
    account = await rumbleup.account.get()
    assert account.cid
    assert account.is_active
    new = await rumbleup.account.create_subaccount(name="Ward 7", terms=True, type="campaign", zipcode=20001)
    assert new.cid
    assert new.cid in {one.cid for one in await rumbleup.account.select(page_size=1).all()}


async def test_contacts_and_groups(rumbleup: RumbleUp) -> None:
    """A list could not be brought in, found, or taken out again."""
    contact = await rumbleup.contacts.sync(phone="+1 202 555 0109", first_name="Dora", flags=["optin"])
    assert contact.phone == "2025550109"
    group = await rumbleup.contacts.import_(CONTACTS)
    assert group.id is not None
    assert (await rumbleup.contacts.group(group.id)).id == group.id
    found = await rumbleup.contacts.select(group=group.id, page_size=2).all()
    assert sorted(one.first_name or "" for one in found) == ["Ada", "Ben", "Cleo"]
    assert b"2025550102" in await rumbleup.contacts.download(group.id)


async def test_reports(rumbleup: RumbleUp) -> None:
    """A report could be ordered and never fetched."""
    project = await _live(rumbleup)
    await rumbleup.messages.send(phone="2025550101", action=project.id, text=TEXT)
    report = await rumbleup.account_reports.create(title="Conversations", action=[project.id])
    assert report.id is not None
    assert (await rumbleup.account_reports.get(report.id)).is_done
    assert [one.id for one in await rumbleup.account_reports.list().all()] == [report.id]
    assert b"2025550101" in await rumbleup.account_reports.download(report.id)
    await rumbleup.account_reports.delete(report.id)
    assert await rumbleup.account_reports.list().all() == []


@pytest.mark.filterwarnings("ignore::rumbleup_async.errors.RumbleUpWarning")
@pytest.mark.parametrize("quirk", sorted(QUIRKS))
async def test_every_quirk_is_survived(quirk: str) -> None:
    """A server that means the other of two pages would end the campaign."""
    async with serve(Simulator(quirks=[quirk])) as server, RumbleUp("KEY:SECRET", base_url=server.url) as client:
        project = await client.projects.create(name="Ward 7", message=TEXT, media=b"PICTURE", group_file=CONTACTS)
        assert project.name == "Ward 7"
        await client.projects.update(project.id, media=b"OTHER")
        assert (await client.projects.test(project.id, test_phone="2025550100")).id == project.id
        live = await client.projects.send(project.id)
        assert live.is_live or quirk == "no-status"
        await _text_everybody(client, project.id, quirk)
        (counted,) = await client.projects.stats(action=project.id)
        assert (counted.id, counted.name, counted.sent) == (project.id, "Ward 7", 3)
        assert len(await client.messages.log(flags="ward", page_size=2).all()) == 3
        assert (await client.projects.submit(project.id, terms_agree=True)).id == project.id
        with pytest.raises(NotFound):
            await client.projects.get(999)
        assert all(one.ready and one.campaign_id for one in await client.tcr.campaigns().all())
        assert (await client.account.get()).cid
        assert all(len(one.proxy or "") in {10, 11} for one in await client.proxies.select().all())
        assert len(await client.contacts.select(page_size=2).all()) >= 3
        report = await client.account_reports.create(title="Conversations")
        assert report.id is not None
        assert (await client.account_reports.get(report.id)).id == report.id


async def _text_everybody(client: RumbleUp, action: str, quirk: str) -> None:
    if quirk == "duplicate-phone":
        with pytest.raises(UnreadableReply, match="two different phones"):
            await client.messages.next(action=action)
    elif quirk == "html-error":
        # A 404 that is a web page may be that of a wrong address, so it does not mean that everybody is texted.
        for _ in range(3):
            contact = await client.messages.next(action=action)
            assert contact is not None
            await client.messages.send(phone=contact.phone, action=action, text=TEXT, flags=["ward"])
        with pytest.raises(NotFound):
            await client.messages.next(action=action)
        return
    elif quirk == "other-phone":
        # Whoever the answer is for, it says nothing of this person.
        while (contact := await client.messages.next(action=action)) is not None:
            with pytest.raises(UnreadableReply, match="another person"):
                await client.messages.send(phone=contact.phone, action=action, text=TEXT, flags=["ward"])
        return
    elif quirk == "next-get-only":
        # Never by GET, because aiohttp repeats GETs and each draws a contact: an error is the safe side.
        with pytest.raises(ApiError):
            await client.messages.next(action=action)
    else:
        while (contact := await client.messages.next(action=action)) is not None:
            sent = await client.messages.send(phone=contact.phone, action=action, text=TEXT, flags=["ward"])
            assert sent.logid
        return
    for phone in ("2025550101", "2025550102", "2025550103"):
        await client.messages.send(phone=phone, action=action, text=TEXT, flags=["ward"])


async def test_a_wrong_key_is_named(server: Server) -> None:
    """A mistyped key would look like a broken network."""
    async with RumbleUp("KEY:WRONG", base_url=server.url) as client:
        with pytest.raises(KeyRefused):
            await client.account.get()


async def test_a_landline_is_named(rumbleup: RumbleUp, simulator: Simulator) -> None:
    """A landline would be tried again and again."""
    await rumbleup.contacts.sync(phone="2025550108", flags=["landline"])
    project = await _live(rumbleup)
    with pytest.raises(Landline):
        await rumbleup.messages.send(phone="2025550108", action=project.id, text=TEXT)
    assert all(text.phone != "2025550108" for text in simulator.truth)


async def test_the_example_walks_the_life_of_a_project(server: Server, simulator: Simulator) -> None:
    """The first script that a new user copies would not run."""
    environ = {**os.environ, "RUMBLEUP_API_KEY": "KEY:SECRET", "RUMBLEUP_BASE_URL": server.url, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "examples" / "project_life.py"), "2025550100",
        env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert err.decode() == ""
    assert out.decode().splitlines()[-1] == "the project is Testing"
    assert out.decode().count("is accepted") == 3
    assert {"2025550101", "2025550102", "2025550103"} <= {text.phone for text in simulator.truth}
