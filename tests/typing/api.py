"""Type-checked and never run: every public method as a user writes it, and the types an editor shows.

If this file no longer passes `mypy --strict`, somebody's code no longer does.
"""

import datetime as dt
from collections.abc import Mapping, MutableMapping, Sequence
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, assert_type

from aiohttp import web
from prometheus_client.metrics_core import Metric

from rumbleup_async import (
    Account,
    AccountReport,
    Book,
    Brand,
    Campaign,
    CanaryState,
    Code,
    Contact,
    ContactRecord,
    Day,
    Group,
    Identity,
    LineLimits,
    Locks,
    MemoryLedger,
    Message,
    Moment,
    OptOuts,
    Outlook,
    Pages,
    Pause,
    Plan,
    Policy,
    Project,
    Proxy,
    Response,
    Result,
    RumbleUp,
    Run,
    RunOptions,
    Sendblue,
    SendblueMessage,
    Sending,
    Spending,
    State,
    Stop,
    Summary,
    Timeouts,
)
from rumbleup_async.events import Delivered, Event
from rumbleup_async.observe import Keys, Metrics, Page, Telemetry
from rumbleup_async.people import OptOut, RunBook


class Watching:
    """Hears of events."""

    def events(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Delivered):
                assert_type(event.seconds, float)
                assert_type(event.code, Code)


class Noting:
    """Hears of results and holds."""

    def results(self, results: Sequence[Result]) -> None: ...

    def held(self, seconds: float, reason: str) -> None: ...


async def messages(rumbleup: RumbleUp) -> None:
    contact = await rumbleup.messages.next(action=125, timeout=5)
    assert_type(contact, ContactRecord | None)
    assert_type(await rumbleup.messages.next(action=125, method="GET"), ContactRecord | None)
    message = await rumbleup.messages.send(
        phone="2025550101", action="125", text="STOP", flags=["a"], name="Ada", group=26, timeout=5
    )
    assert_type(message, Message)
    assert_type(message.price, Decimal | None)
    assert_type(message.sent_time, Moment | None)
    log = rumbleup.messages.log(
        phone=["2025550101"], proxy="2025550199", logid="rl_1", flags=("a", "b"), tcr_cid="C", since=dt.datetime.now(dt.UTC),
        before=1643673600000, page_size=100, timeout=5,
    )  # fmt: skip
    assert_type(log, Pages[Message])
    async for row in log:
        assert_type(row, Message)
    assert_type(log.total, int | None)
    assert_type(await log.all(), list[Message])


async def projects(rumbleup: RumbleUp) -> None:
    for resource in (rumbleup.projects, rumbleup.actions):
        project = await resource.get(125, timeout=5)
        assert_type(project, Project)
        assert_type(project.id, str)
        assert_type(project.proxy, tuple[str, ...])
        assert_type(project.delivered_percent, Decimal | None)
        await resource.create(
            name="N", message="STOP", media=Path("a.png"), media_part="media", group_file=b"phone,name\n", campaign_id="C",
            proxy="All", areacode=202, flags=["outsourced"], outsource_start=dt.datetime.now(dt.UTC),
            outsource_end=dt.datetime.now(dt.UTC), outsource_email="a@b.example", outsource_notes="n", outsource_contact="c",
            shorturl_domain="s.example", shorturl_tracking=True, type="MMS", extra={"odd": 1}, timeout=5,
        )  # fmt: skip
        await resource.update(125, name="N", group="26", media=BytesIO(b""), timeout=5)
        await resource.test(125, test_phone=2025550101, message="STOP", terms_agree=True, timeout=5)
        await resource.submit(125, terms_agree=True, contacts=4000, timeout=5)
        await resource.send(125, timeout=5)
        await resource.stop(125, timeout=5)
        assert_type(await resource.stats(action=125, name="N", days=7, timeout=5), list[Project])
        assert_type(await resource.stats(format="csv", since=dt.date(2025, 1, 1), before="2025-02-01"), str)
        assert_type(await resource.stats(format="xml", interval=dt.timedelta(days=1)), str)
        await resource.submit(125)  # type: ignore[call-arg]  # the terms have no default
        await resource.create(name="N", message="STOP", tcr_cid="C")  # type: ignore[call-arg]  # deprecated


async def registry(rumbleup: RumbleUp) -> None:
    assert_type(rumbleup.tcr.campaigns(campaign_id=["C"], brand_id="B", page_size=10, timeout=5), Pages[Campaign])
    assert_type(rumbleup.tcr.brands(brand_id="B", page_size=10, timeout=5), Pages[Brand])
    async for campaign in rumbleup.tcr.campaigns():
        assert_type(campaign.ready, bool)
        assert_type(campaign.brand_daily_cap, int | None)


async def account(rumbleup: RumbleUp) -> None:
    assert_type(await rumbleup.account.get(cid="c_demo1", timeout=5), Account)
    assert_type(rumbleup.account.select(name="N", q="q", page_size=10, timeout=5), Pages[Account])
    new = await rumbleup.account.create_subaccount(
        name="N", terms=True, type="t", zipcode=20001, tier="a", discount_code="d", timeout=5, odd=1
    )
    assert_type(new, Account)


async def contacts(rumbleup: RumbleUp) -> None:
    found = rumbleup.contacts.select(
        action=125, group=[26], since=1, flags="a", noflags=["b"], q="q", page_size=10, timeout=5, filter="all"
    )
    assert_type(found, Pages[ContactRecord])
    assert_type(await rumbleup.contacts.sync(phone=2025550101, action=125, flags=["a"], timeout=5, first_name="A"), ContactRecord)
    assert_type(await rumbleup.contacts.import_("list.csv", part="csv", timeout=5), Group)
    assert_type(await rumbleup.contacts.group(26, timeout=5), Group)
    assert_type(await rumbleup.contacts.download(26, timeout=5), bytes)
    assert_type(await rumbleup.contacts.download(26, into=BytesIO()), int)


async def proxies(rumbleup: RumbleUp) -> None:
    numbers = rumbleup.proxies.select(
        areacode=202, campaign_id="C", brand_id="B", status=["ok"], reference_id="r", page_size=10, timeout=5
    )
    assert_type(numbers, Pages[Proxy])
    sent = await rumbleup.proxies.send(phone="2025550101", text="STOP", proxy=2025550199, campaign_id="C", file="u", timeout=5)
    assert_type(sent, Message)


async def account_reports(rumbleup: RumbleUp) -> None:
    assert_type(
        await rumbleup.account_reports.create(title="Conversations", email="a@b.example", interval=60, timeout=5, q="x"),
        AccountReport,
    )
    assert_type(rumbleup.account_reports.list(page_size=10, timeout=5), Pages[AccountReport])
    report = await rumbleup.account_reports.get("r", timeout=5)
    assert_type(report.files[0].size, int | None)
    assert_type(await rumbleup.account_reports.download("r", timeout=5), bytes)
    assert_type(await rumbleup.account_reports.download("r", into=BytesIO()), int)
    await rumbleup.account_reports.delete("r", method="GET", timeout=5)


async def people(rumbleup: RumbleUp, book: Book) -> None:
    assert_type(rumbleup.opt_outs, OptOuts)
    assert_type(await rumbleup.opt_outs.pull(book), int)
    assert_type(await rumbleup.opt_outs.look(), list[OptOut])
    assert_type(await rumbleup.opt_outs.age(book), float | None)


async def client() -> None:
    RumbleUp("KEY:SECRET", proxy="http://127.0.0.1:8080", proxy_auth="ada:word", transport="pool")
    Sendblue("KEY", "SECRET", proxy="http://127.0.0.1:8080", proxy_auth="ada:word")
    async with RumbleUp.from_env(timeouts=Timeouts(read=5)) as rumbleup:
        assert_type(rumbleup, RumbleUp)
        with rumbleup.raw() as answers:
            await rumbleup.account.get()
        assert_type(answers, list[Response])


async def runs(rumbleup: RumbleUp) -> None:
    async with rumbleup.fast_mode(
        action=125, text="Hi {first_name}. STOP", ledger=Path("run.ledger"), rate=200, concurrency=64, processes=2, limit=10,
        phone_field="cell", encoding="cp1252", skip_if=["opt_out", "status=gone"], keep="*", flags=["a"], group=26,
        max_segments=3, literal=True, suppress={"2025550101"}, countries=("US", "toll-free"), policy=Policy(max_capped=5),
        same_account=True, same_server=True, original=True,
    ) as run:  # fmt: skip
        async for result in run.send("voters.csv"):
            assert_type(result, Result)
        assert_type(run.list_notes, tuple[str, ...])
        assert_type(run.goes_on_with, str)
        assert_type(run.summary.stopped, str | None)
        assert_type(run.summary.stop, Stop | None)
        assert_type(await run.count_reasons(), dict[str, dict[str, int]])
        assert_type((await run.resend_absent()).queued, int)
        assert_type((await run.reconcile(settle=900)).problem, str)

    async def choose(contact: Contact) -> str | None:
        return contact.fields.get("text")

    assert_type(
        rumbleup.concurrent_mode(
            action="125", text=choose, texters=16, literal=True, countries=["CA"], locks={"patience": 60}, same_account=True,
            same_server=True, original=True,
        ),
        Run,
    )  # fmt: skip
    assert_type(
        rumbleup.resume(
            "run.ledger", rate=0, suppress=["2025550101"], locks=Locks(), reconcile=False, settle=900, same_account=True,
            same_server=True, original=True, log_lost=True,
        ),
        Run,
    )  # fmt: skip
    await rumbleup.messages.send(phone="2025550101", action=125, text="Hi [First Name]. STOP", literal=True)
    rumbleup.fast_mode(action=125, text="STOP", processes="2")  # type: ignore[arg-type]  # a number


async def a_run_as_it_stands(run: Run) -> None:
    assert_type(await run.load("voters.csv", print), bool)
    assert_type(run.plan, Plan)
    assert_type((run.is_concurrent, run.has_whole_list, run.is_used), tuple[bool, bool, bool])
    assert_type(run.counts, Mapping[State, int])
    assert_type((run.elapsed, run.held, run.held_for), tuple[float, float, str])
    assert_type((run.in_flight, run.window, run.lost_draws), tuple[int, int, int])
    assert_type(run.lost_until, dt.datetime | None)
    assert_type((run.notes, run.text_notes, run.absent_fields), tuple[Sequence[str], list[str], tuple[str, ...]])
    assert_type(await run.count_absent(), int)
    assert_type(await run.outlook(), Outlook | None)
    await run.pause("the office is closed", who="Ada")
    await run.go_on(who="Ada")
    assert_type(run.paused, Pause | None)
    assert_type(run.book, RunBook | None)
    assert_type((run.budget, run.spending), tuple[int | None, Spending | None])
    assert_type((run.day, run.canary), tuple[Day | None, CanaryState | None])
    await run.heard(opted_out=["2025550101"], undelivered=["2025550102", ("2025550103", "rl_1")])
    await run.note("approval", "by the board")
    sending = run.send()
    assert_type(sending, Sending)
    summary = await sending
    assert_type((summary.tag, summary.as_dict()["sent"]), tuple[str, Any])
    async for result in sending:
        assert_type((result.code, result.reason), tuple[Code, str])
        assert_type(result.as_dict(), dict[str, str | int])


async def options(rumbleup: RumbleUp, sendblue: Sendblue) -> None:
    given = RunOptions(rate=50, concurrency=8, limit=10, policy=Policy(), suppress={"2025550101"}, skip_if=["opt_out"])
    rumbleup.fast_mode(action=125, text="STOP", ledger=MemoryLedger(), options=given)
    rumbleup.concurrent_mode(action=125, text="STOP", options=given)
    rumbleup.resume("run.ledger", options=given)
    sendblue.fast_mode(from_numbers=["+12025550199"], text="STOP", options=given)
    sendblue.resume("run.ledger", options=given)
    rumbleup.fast_mode(action=125, text="STOP", ratee=5)  # type: ignore[call-arg]  # mistyped
    RunOptions(observer=Watching())
    RunOptions(observer=[Watching(), Noting()])
    RunOptions(observer=print)  # type: ignore[arg-type]  # an object with methods
    RunOptions(rate="50")  # type: ignore[arg-type]  # a number
    assert_type(rumbleup.identity, Identity)
    assert_type(rumbleup.account_reports.list(), Pages[AccountReport])
    async for page in rumbleup.account.select().by_page():
        assert_type(page, list[Account])
    await rumbleup.aclose()


async def sendblue_calls(sendblue: Sendblue) -> None:
    message = await sendblue.messages.send(
        number=2025550101, from_number="+12025550199", content="Hi", media_url="https://a.example/b.png", send_style="confetti",
        status_callback="https://a.example/c", timeout=5,
    )  # fmt: skip
    assert_type(message, SendblueMessage)
    assert_type(message.status, str | None)
    assert_type(message.date_created, Moment | None)
    assert_type(await sendblue.messages.get("H-1", timeout=5), SendblueMessage)
    assert_type(await sendblue.messages.status(handle="H-1", timeout=5), SendblueMessage)
    assert_type(sendblue.messages.list(number="+1", is_outbound=True, order_by="sentAt", limit=5), Pages[SendblueMessage])
    await sendblue.messages.list(order_by="sent_at").all()  # type: ignore[arg-type]  # the API writes camelCase
    await sendblue.messages.send(number="1", content="Hi")  # type: ignore[call-arg]  # a line must be named
    limits = LineLimits(per_second=None, new_per_hour=10)
    async with sendblue.fast_mode(from_numbers=["+12025550199"], text="STOP", limits=limits) as run:
        assert_type(run, Run)
        assert_type(await run.send(["2025550101"]), Summary)
    assert_type(
        sendblue.fast_mode(
            from_numbers=["+12025550199"], text="STOP", limits={"per_second": 1}, encoding="cp1252", skip_if=["opt_out"],
            keep=["van_id"], literal=True, countries=("US",), same_account=True, same_server=True, original=True,
        ),
        Run,
    )  # fmt: skip
    assert_type(sendblue.resume("run.ledger", limits=limits, same_account=True, same_server=True, log_lost=True), Run)


async def observing(rumbleup: RumbleUp) -> None:
    page = Page(
        ["ledgers", Path("a.ledger"), "postgresql://ada@db.example/texts"], Keys(read="", steer="key"), hosts=["localhost"]
    )
    assert_type(page.application(), web.Application)
    await page.asgi()({"type": "http"}, _receive, _send)
    await page.aclose()
    RunOptions(observer=[Metrics(), Telemetry(each=1000)])
    assert_type(next(Metrics().collect()), Metric)


async def _receive() -> dict[str, Any]:
    return {"type": "http.request"}


async def _send(message: MutableMapping[str, Any]) -> None:
    print(message)
