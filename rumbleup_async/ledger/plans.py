"""What makes two runs the same.

Lives here: pure. May import: messaging.
"""

from __future__ import annotations

import unicodedata

from rumbleup_async.messaging import Plan


def compare(stored: Plan, plan: Plan) -> list[str]:
    """In what two plans differ, in words; the run's id does not count."""
    return [
        word
        for word, before, now in (
            ("provider", stored.provider, plan.provider),
            ("project (action)", stored.action, plan.action),
            ("text", _plain(stored.text), _plain(plan.text)),
            *((name, stored.details.get(name), plan.details.get(name)) for name in sorted({*stored.details, *plan.details})),
        )
        if before != now
    ]


def _plain(text: str) -> str:
    """A text whatever the editor did to its line ends and accents, which are no part of what is sent."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
