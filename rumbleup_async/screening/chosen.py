"""Texts that a function of the caller's chooses, one for each contact.

Lives here: what is made of its answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import Contact, Planned, Skipped
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.screening.opt_out import says_stop
from rumbleup_async.screening.screen import Screen

Writer = Callable[[Contact], str | Awaitable[str | None] | None]
"""Chooses the text for a contact; None leaves the contact alone."""


async def chosen(
    screen: Screen, writer: Writer, contact: Contact, phone: str, *, require_opt_out: bool = True
) -> Planned | Skipped:
    """The contact with the text that the function chooses, screened. `phone`: in the provider's form.

    Raises what the function raises, and ConfigurationError where it returns neither a text nor None.
    """
    text = writer(contact)
    if inspect.isawaitable(text):
        text = await text
    return judged(screen, contact, phone, text, require_opt_out=require_opt_out)


def judged(screen: Screen, contact: Contact, phone: str, text: object, *, require_opt_out: bool) -> Planned | Skipped:
    """The contact with the text that was chosen for it, if that may be sent."""
    if text is None:
        return Skipped(contact.row, phone, Reason(Code.NO_TEXT))
    if not isinstance(text, str):
        raise ConfigurationError(f"the function that chooses texts returned {type(text).__name__}; a text is a string, or None")
    if require_opt_out and not says_stop(text):
        return Skipped(contact.row, phone, Reason(Code.NO_STOP))
    return screen.with_text(contact, text)
