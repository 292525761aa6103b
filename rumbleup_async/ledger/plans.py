"""What makes two runs the same.

Lives here: pure.
"""

from __future__ import annotations

import unicodedata

from rumbleup_async.messaging import Plan

_OPTIONS = {
    "consent_field": "--consent-field",
    "countries": "--country",
    "encoding": "--encoding",
    "flags": "--flag",
    "from_numbers": "--from",
    "group": "--group",
    "literal": "--literal",
    "must_say": "--must-say",
    "phone_field": "--phone-field",
    "send_style": "--send-style",
    "sheet": "--sheet",
    "skip_if": "--skip-if",
    "text_when": "--text-when",
}
"""What a detail of a plan is called on the command line; in Python it goes by its own name."""


def is_chosen(plan: Plan) -> bool:
    """Whether a function has chosen the text of each contact of the list."""
    return "chosen" in plan.details


def _called(name: str) -> str:
    return f"{name} ({_OPTIONS[name]})" if name in _OPTIONS else name


def compare(stored: Plan, plan: Plan) -> list[str]:
    """In what two plans differ, in words; the run's id does not count."""
    return [
        word
        for word, before, now in (
            ("provider", stored.provider, plan.provider),
            ("project (action)", stored.action, plan.action),
            ("text", _plain(stored.text), _plain(plan.text)),
            *(
                (_called(name), stored.details.get(name), plan.details.get(name))
                for name in sorted({*stored.details, *plan.details})
            ),
        )
        if before != now
    ]


def _plain(text: str) -> str:
    """A text whatever the editor did to its line ends and accents, which are no part of what is sent."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
