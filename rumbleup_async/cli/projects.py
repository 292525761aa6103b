"""`rumbleup projects get|create|update|test|submit|send|stop|stats`.

Lives here: the Project API on the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.completing import projects
from rumbleup_async.cli.console import fail, guarded
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.output import Extra, OutFile, Wait, Yes, call, confirm, moment, pairs, show, show_all
from rumbleup_async.cli.output_file import save
from rumbleup_async.rumbleup.projects import Projects

app = Commands(help="Projects, which the API also calls actions.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The project.", autocompletion=projects)]
Group = Annotated[str | None, typer.Option("--group", metavar="ID", help="The contact group; it must be active.")]
GroupFile = Annotated[
    Path | None, typer.Option("--group-file", metavar="CSV", help="Contacts in place of a group: phone, and name or first_name.")
]
Media = Annotated[Path | None, typer.Option("--media", metavar="FILE", help="A picture or film.")]
Campaign = Annotated[str | None, typer.Option("--campaign", metavar="ID", help="The TCR campaign to text under.")]
Proxy = Annotated[str | None, typer.Option("--proxy", metavar="P", help="A sending number, or All of the campaign's.")]
Areacode = Annotated[str | None, typer.Option("--areacode", metavar="N", help="The area code of the sending numbers.")]
Flag = Annotated[
    list[str] | None, typer.Option("--flag", metavar="F", help="A flag of the project, such as outsourced; repeatable.")
]
Start = Annotated[
    str | None,
    typer.Option("--outsource-start", metavar="TIME", help="When the vendor's texters begin, such as 2026-03-05T10:00-05:00."),
]
End = Annotated[
    str | None, typer.Option("--outsource-end", metavar="TIME", help="When they end, such as 2026-03-05T20:00-05:00.")
]
Email = Annotated[str | None, typer.Option("--outsource-email", help="Whom the vendor's texters write to.")]
Notes = Annotated[str | None, typer.Option("--outsource-notes", help="What the vendor's texters should know.")]
Domain = Annotated[str | None, typer.Option("--shorturl-domain", help="The domain of shortened links.")]
Tracking = Annotated[bool | None, typer.Option("--shorturl-tracking/--no-shorturl-tracking", help="Count clicks.")]

_GIVEN = {"flags": "--flag", "campaign_id": "--campaign", "campaignId": "--campaign"}
"""What is called otherwise by our options."""

COLUMNS = ("id", "name", "status", "contact_count", "sent", "delivered", "replies", "dnd", "err", "sent_time")


@app.command(epilog="Example: rumbleup projects get 125")
@guarded
def get(project: Id, as_json: Json = False) -> None:
    """Show a project, with its counters."""
    show(call(lambda rumbleup: rumbleup.projects.get(project)), as_json=as_json)


@app.command(epilog='Example: rumbleup projects create --name "Ward 7" --message "Hi. STOP to opt out" --group 26')
@guarded
def create(
    name: Annotated[str, typer.Option("--name", help="Its name.")],
    message: Annotated[str, typer.Option("--message", help="What is to be sent; it must mention STOP.")],
    group: Group = None,
    group_file: GroupFile = None,
    media: Media = None,
    campaign: Campaign = None,
    proxy: Proxy = None,
    areacode: Areacode = None,
    flag: Flag = None,
    outsource_start: Start = None,
    outsource_end: End = None,
    outsource_email: Email = None,
    outsource_notes: Notes = None,
    outsource_contact: Annotated[str | None, typer.Option("--outsource-contact", help="Whom the vendor's texters ask.")] = None,
    shorturl_domain: Domain = None,
    shorturl_tracking: Tracking = None,
    extra: Extra = None,
    timeout: Wait = 30.0,
    as_json: Json = False,
) -> None:
    """Create a project, as a draft. Nothing is sent."""
    fields = _fields(
        campaign, proxy, areacode, flag, outsource_start, outsource_end, outsource_email, outsource_notes, shorturl_domain,
        shorturl_tracking, outsource_contact,
    )  # fmt: skip
    more = pairs(extra, Projects.create, **_GIVEN)
    project = call(
        lambda rumbleup: rumbleup.projects.create(
            name=name, message=message, group=group, group_file=group_file, media=media, extra=more, **fields
        ),
        timeout,
    )
    show(project, as_json=as_json)


@app.command(epilog='Example: rumbleup projects update 125 --name "Ward 8"')
@guarded
def update(
    project: Id,
    name: Annotated[str | None, typer.Option("--name", help="Its name.")] = None,
    message: Annotated[str | None, typer.Option("--message", help="What is to be sent.")] = None,
    group: Group = None,
    group_file: GroupFile = None,
    media: Media = None,
    campaign: Campaign = None,
    proxy: Proxy = None,
    areacode: Areacode = None,
    flag: Flag = None,
    outsource_start: Start = None,
    outsource_end: End = None,
    outsource_email: Email = None,
    outsource_notes: Notes = None,
    shorturl_domain: Domain = None,
    shorturl_tracking: Tracking = None,
    extra: Extra = None,
    timeout: Wait = 30.0,
    as_json: Json = False,
) -> None:
    """Change a project. What no option names stays as it is."""
    fields = _fields(
        campaign, proxy, areacode, flag, outsource_start, outsource_end, outsource_email, outsource_notes, shorturl_domain,
        shorturl_tracking, None,
    )  # fmt: skip
    more = pairs(extra, Projects.update, **_GIVEN)
    changed = call(
        lambda rumbleup: rumbleup.projects.update(
            project, name=name, message=message, group=group, group_file=group_file, media=media, extra=more, **fields
        ),
        timeout,
    )
    show(changed, as_json=as_json)


@app.command("test", epilog="Example: rumbleup projects test 125 --phone 2025550101")
@guarded
def try_out(
    project: Id,
    phone: Annotated[str, typer.Option("--phone", metavar="P", help="A phone of yours.")],
    message: Annotated[str | None, typer.Option("--message", help="Another text for the test.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send the message to a phone of yours."""
    confirm(f"Send 1 test text of project {project}?", yes=yes)
    show(call(lambda rumbleup: rumbleup.projects.test(project, test_phone=phone, message=message)), as_json=as_json)


@app.command(epilog="Example: rumbleup projects submit 125 --terms-agree --contacts 12000")
@guarded
def submit(
    project: Id,
    terms_agree: Annotated[bool, typer.Option("--terms-agree", help="Agree to the vendor's terms; see above.")] = False,
    contacts: Annotated[
        int | None, typer.Option("--contacts", min=0, metavar="N", help="How many contacts there are, if known.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Hand a project to the vendor's texters.

    --terms-agree says, on behalf of the account: these people may be texted; once it has begun nothing can be changed;
    with short notice fewer texts may get through; the vendor may change what is needed; and short notice or a short
    window raises the risk that carriers take it for spam.
    """
    if not terms_agree:
        fail("submitting needs --terms-agree; what it means stands in: rumbleup projects submit --help")
    confirm(f"Submit project {project} to the vendor's texters?", yes=yes)
    show(call(lambda rumbleup: rumbleup.projects.submit(project, terms_agree=True, contacts=contacts)), as_json=as_json)


@app.command(epilog="Example: rumbleup projects send 125")
@guarded
def send(project: Id, yes: Yes = False, as_json: Json = False) -> None:
    """Take a project live: from now on texts can be sent into it."""
    confirm(f"Let project {project} go live?", yes=yes)
    show(call(lambda rumbleup: rumbleup.projects.send(project)), as_json=as_json)


@app.command(epilog="Example: rumbleup projects stop 125 --yes")
@guarded
def stop(project: Id, yes: Yes = False, as_json: Json = False) -> None:
    """Stop a live project; it goes back to testing."""
    confirm(f"Stop project {project}?", yes=yes)
    show(call(lambda rumbleup: rumbleup.projects.stop(project)), as_json=as_json)


@app.command(epilog="Example: rumbleup projects stats --days 7")
@guarded
def stats(
    action: Annotated[
        str | None, typer.Option("--action", "--project", metavar="ID", autocompletion=projects, help="One project.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The beginning of a name, or a pattern.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Milliseconds or a date.")] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Milliseconds or a date.")] = None,
    days: Annotated[float | None, typer.Option("--days", min=0.0, metavar="N", help="The last N days.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="The API's CSV, as it comes.")] = False,
    as_xml: Annotated[bool, typer.Option("--xml", help="The API's XML, as it comes.")] = False,
    out: OutFile = None,
    timeout: Wait = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the figures of projects, by default of the past 24 hours."""
    window: dict[str, Any] = {"action": action, "name": name, "since": since, "before": before, "days": days}
    if as_csv + as_xml + as_json > 1:
        fail("give one of --csv, --xml, --json")
    if as_csv or as_xml:
        text = call(lambda rumbleup: rumbleup.projects.stats(format="csv" if as_csv else "xml", **window), timeout)
        save(lambda file: file.write(text.encode()), out)
        return
    if out is not None:
        fail("--out goes with --csv or --xml")
    projects = call(lambda rumbleup: rumbleup.projects.stats(**window), timeout)
    show_all(projects, COLUMNS, as_json=as_json)


def _fields(
    campaign: str | None,
    proxy: str | None,
    areacode: str | None,
    flags: list[str] | None,
    start: str | None,
    end: str | None,
    email: str | None,
    notes: str | None,
    domain: str | None,
    tracking: bool | None,
    contact: str | None,
) -> dict[str, Any]:
    return {
        "campaign_id": campaign,
        "proxy": proxy,
        "areacode": areacode,
        "flags": flags or None,
        "outsource_start": moment(start, "--outsource-start"),
        "outsource_end": moment(end, "--outsource-end"),
        "outsource_email": email,
        "outsource_notes": notes,
        "outsource_contact": contact,
        "shorturl_domain": domain,
        "shorturl_tracking": tracking,
    }
