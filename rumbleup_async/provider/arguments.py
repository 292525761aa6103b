"""Arguments of any provider's calls, checked before they travel.

Lives here: pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from rumbleup_async.errors import ConfigurationError

Id: TypeAlias = str | int
"""An id of the API, as a number or as text; replies show it as text."""

encode = msgspec.json.Encoder().encode

BROKEN_TEXT = "a text holds half a character (a lone surrogate), which cannot be sent; read its source as UTF-8"


def written(text: object, what: str) -> str:
    """A text that a person wrote, as given; ConfigurationError for none, for bytes, and for what cannot be encoded."""
    if not isinstance(text, str):
        raise ConfigurationError(f"{what} must be text, not {type(text).__name__}")
    if not text.strip():
        raise ConfigurationError(f"{what} is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(BROKEN_TEXT) from None
    return text


def single(text: object, what: str, *, literal: bool) -> str:
    """A text that is sent to one person as it is: `written`, its accents composed and without invisible marks.

    ConfigurationError for one that holds a merge field, which nobody fills in, or a typed `\\n`; `literal` lets these pass.
    """
    from rumbleup_async.screening.marks import tidy
    from rumbleup_async.screening.template import check_single

    text = written(tidy(written(text, what)), what)
    if not literal:
        check_single(text, what)
    return text


def identifier(value: Id, what: str = "id") -> str:
    """An id as text; ConfigurationError if it is empty or cannot be one."""
    given: object = value
    text = str(given).strip() if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
    if not text or not text.isprintable() or len(text) > 200:
        raise ConfigurationError(f"{what} must be the number or the text by which the API knows it")
    return text


def path(template: str, value: Id, what: str = "id") -> str:
    """`/project/get/{id}` with the id filled in, safe whatever it holds."""
    text = identifier(value, what)
    if text in {".", ".."}:
        raise ConfigurationError(f"{what} must be the number or the text by which the API knows it")
    return template.replace("{id}", quote(text, safe=""))


def seconds(timeout: float | None) -> float | None:
    """The `timeout=` of a call, checked."""
    given: object = timeout
    if given is not None and not (isinstance(given, (int, float)) and 0 < given < math.inf):
        raise ConfigurationError("timeout must be a number of seconds above 0")
    return timeout


def query(values: Mapping[str, str | None]) -> str:
    """A percent-encoded query of the values that are not None."""
    try:
        return urlencode({key: value for key, value in values.items() if value is not None})
    except UnicodeEncodeError:
        raise ConfigurationError(BROKEN_TEXT) from None
