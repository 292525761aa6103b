"""`rumbleup proxies select|send`.

Lives here: the Proxy API on the command line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import guarded
from rumbleup_async.cli.options import Json, Literal
from rumbleup_async.cli.output import Extra, Limit, Lines, Yes, confirm, one_text, pairs, show_pages, show_sent
from rumbleup_async.cli.single_book import BookFile, Gap, NoBook, single
from rumbleup_async.cli.single_hours import Anyway, Rehearsal, Zone, require_hours
from rumbleup_async.provider import arguments
from rumbleup_async.rumbleup.proxies import Proxies

app = Commands(help="Sending numbers, and texts straight from one of them.")


@app.command(epilog="Example: rumbleup proxies select --status ok")
@guarded
def select(
    areacode: Annotated[
        list[str] | None, typer.Option("--areacode", metavar="N", help="Numbers with this area code; repeatable.")
    ] = None,
    campaign: Annotated[
        list[str] | None, typer.Option("--campaign", metavar="ID", help="Numbers of a TCR campaign; repeatable.")
    ] = None,
    brand: Annotated[list[str] | None, typer.Option("--brand", metavar="ID", help="Numbers of a brand; repeatable.")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="S", help="Numbers with this status, such as ok; repeatable.")
    ] = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="ID", help="Numbers of an order.")] = None,
    limit: Limit = None,
    as_json: Lines = False,
) -> None:
    """List the account's sending numbers."""
    show_pages(
        lambda rumbleup: rumbleup.proxies.select(
            areacode=areacode or None,
            campaign_id=campaign or None,
            brand_id=brand or None,
            status=status or None,
            reference_id=reference,
        ),
        ("proxy", "status", "campaign_id", "campaign_name", "brand_name", "update_time"),
        limit=limit,
        as_json=as_json,
    )


@app.command(epilog='Example: rumbleup proxies send --phone 2025550101 --proxy 2025550199 --text "Hi. STOP to opt out"')
@guarded
def send(
    phone: Annotated[str, typer.Option("--phone", metavar="P", help="10 digits, with or without +1.")],
    text: Annotated[str, typer.Option("--text", metavar="T", help="The text, sent as it is.")],
    proxy: Annotated[str | None, typer.Option("--proxy", metavar="P", help="The number to send from.")] = None,
    campaign: Annotated[str | None, typer.Option("--campaign", metavar="ID", help="The TCR campaign.")] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="URL", help="Media, as the API takes it; undocumented.")] = None,
    extra: Extra = None,
    literal: Literal = False,
    zone: Zone = None,
    hours_anyway: Anyway = False,
    rehearsal: Rehearsal = None,
    book: BookFile = None,
    no_book: NoBook = False,
    gap: Gap = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send one text without a project. Support must enable it for the account."""
    fields = pairs(extra, Proxies.send, campaign_id="--campaign", campaignId="--campaign")
    arguments.single(text, "the text", literal=literal)
    require_hours(phone, "RUMBLEUP_BASE_URL", zone=zone, anyway=hours_anyway, rehearsal=rehearsal)
    with single(phone, "rumbleup", "no project", book=book, no_book=no_book, gap=gap, rehearsal=rehearsal) as one:
        confirm("Send 1 text?", yes=yes)
        with one.claimed(text):
            sent = one_text(
                lambda rumbleup: rumbleup.proxies.send(
                    phone=phone, text=text, proxy=proxy, campaign_id=campaign, file=file, literal=literal, **fields
                )
            )
    show_sent(sent, f"logid {sent.logid}", as_json=as_json)
