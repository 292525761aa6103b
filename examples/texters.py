"""Concurrent mode: the server hands out the contacts of a project, and a function of ours chooses each text.

RUMBLEUP_API_KEY=KEY:SECRET python examples/texters.py 125 texters.ledger
"""

from __future__ import annotations

import asyncio
import sys

from rumbleup_async import Contact, Locks, RumbleUp

GREETINGS = {"es": "Hola", "en": "Hi"}


async def polling_place(city: str) -> str | None:
    """In a service this asks a database; other texters go on meanwhile."""
    await asyncio.sleep(0.01)
    return {"Springfield": "12 Main St", "Dayton": "the library"}.get(city)


async def choose_text(contact: Contact) -> str | None:
    """The text for one contact, None to leave the contact alone."""
    place = await polling_place(contact.fields.get("city", ""))
    if place is None:
        return None
    greeting = GREETINGS.get(contact.fields.get("language", "en"), "Hi")
    return f"{greeting} {contact.fields['first_name']}, your polling place is {place}. STOP to opt out"


async def main(action: str, ledger: str) -> int:
    # Contacts left alone stay with the server and are locked for minutes: do not wait long for them at the end.
    locks = Locks(patience=5.0)
    async with (
        RumbleUp.from_env() as rumbleup,
        rumbleup.concurrent_mode(action=action, text=choose_text, texters=16, ledger=ledger, locks=locks) as run,
    ):
        async for result in run.send():
            print(f"{result.row}: {result.state} {result.reason}".rstrip())
        summary = run.summary
        lost = run.lost_draws
    print(f"{summary.sent} sent, {summary.skipped} skipped, {summary.unknown} unknown, {lost} answers lost")
    return 1 if summary.unknown or summary.stopped else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(*sys.argv[1:])))
