"""A command of Django that texts the people of a queryset, and goes on where it was when it is called again.

Copy examples/django_command.py to yourapp/management/commands/send_texts.py and put your model into `people`. Then:

    RUMBLEUP_API_KEY=KEY:SECRET python manage.py send_texts 125 friday --text "Hi {first_name}. STOP to opt out"

The rows are read as they are sent; none of them is changed. What became of each of them is in the ledger friday.ledger:
`rumbleup report friday.ledger --out friday.csv`.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rumbleup_async import RumbleUp, RumbleUpError, State, Summary


def people() -> Iterator[dict[str, Any]]:
    """A phone and what the text merges. With a model of yours, for example:

    yield from Voter.objects.order_by("pk").values("phone", "first_name").iterator(chunk_size=2000)

    The order must be the same each time: a run that goes on compares the list with its ledger.
    """
    yield {"phone": "2025550101", "first_name": "Ada"}
    yield {"phone": "2025550102", "first_name": "Grace"}


class Command(BaseCommand):  # type: ignore[misc]  # Django ships no types
    help = "Text people, at most once each"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", type=int, help="the id of the project")
        parser.add_argument("run", help="the name of the ledger")
        parser.add_argument("--text", required=True)

    def handle(self, *_: Any, **options: Any) -> None:
        # The queryset is read here, in the thread of Django; the loop below would refuse a query.
        contacts = list(people())
        try:
            summary = asyncio.run(self.send(contacts, options["action"], options["text"], f"{options['run']}.ledger"))
        except RumbleUpError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{summary.sent} of {summary.total} sent, {summary.unknown} unknown")
        if summary.stop is not None:
            raise CommandError(f"stopped: {summary.stop}")

    async def send(self, contacts: list[dict[str, Any]], action: int, text: str, ledger: str) -> Summary:
        async with RumbleUp.from_env() as rumbleup, rumbleup.fast_mode(action=action, text=text, ledger=ledger, rate=50) as run:
            async for result in run.send(contacts):
                if result.state is not State.SENT:
                    self.stderr.write(f"row {result.row}: {result.state}: {result.reason}")
            return run.summary
