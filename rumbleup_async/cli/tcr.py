"""`rumbleup tcr campaigns|brands`.

Lives here: the TCR API on the command line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import guarded
from rumbleup_async.cli.output import Limit, Lines, show_pages

app = Commands(help="The Campaign Registry: campaigns and brands.")

Brands = Annotated[list[str] | None, typer.Option("--brand", metavar="ID", help="The id of a brand; repeatable.")]


@app.command(epilog="Example: rumbleup tcr campaigns --brand BDEMO01")
@guarded
def campaigns(
    campaign: Annotated[
        list[str] | None, typer.Option("--campaign", metavar="ID", help="The id of a campaign; repeatable.")
    ] = None,
    brand: Brands = None,
    limit: Limit = None,
    as_json: Lines = False,
) -> None:
    """List the campaigns to text under, and whether they are ready."""
    show_pages(
        lambda rumbleup: rumbleup.tcr.campaigns(campaign_id=campaign or None, brand_id=brand or None),
        ("campaign_id", "brand_name", "usecase", "ok", "status", "proxy", "brand_daily_cap"),
        limit=limit,
        as_json=as_json,
    )


@app.command(epilog="Example: rumbleup tcr brands --json")
@guarded
def brands(brand: Brands = None, limit: Limit = None, as_json: Lines = False) -> None:
    """List the brands."""
    show_pages(
        lambda rumbleup: rumbleup.tcr.brands(brand_id=brand or None), ("brand_id", "company_name"), limit=limit, as_json=as_json
    )
