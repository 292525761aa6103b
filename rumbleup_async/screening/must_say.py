"""Words that each text of a run must hold, such as the name of the sender or who paid for it.

Lives here: finding them. Pure.

They must stand in what is the same in every text: a value that is merged may be another one, or empty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import ConfigurationError, TemplateError

if TYPE_CHECKING:
    from rumbleup_async.screening.template import Template

_STRAIGHT: Final = str.maketrans("\u2018\u2019\u201c\u201d\u2010\u2011\u2013\u2014", "''\"\"----")
"""Typographic quotes and dashes as those of typewriters."""


def read_words(given: Iterable[object]) -> tuple[str, ...]:
    """The words of `--must-say`, each once. ConfigurationError for some that no text can hold."""
    found: dict[str, None] = {}
    for words in [given] if isinstance(given, str) else given:
        if not isinstance(words, str) or not any(char.isalnum() for char in words):
            raise ConfigurationError("must-say takes words that each text must hold, such as 'Paid for by Ada for Senate'")
        found[" ".join(words.split())] = None
    return tuple(found)


def missing(pieces: Iterable[str], words: Iterable[str]) -> str:
    """The first of the words that stand in none of these pieces of a text; "" where all of them do."""
    plain = [_plain(piece) for piece in pieces] if words else []
    for one in words:
        asked = re.escape(_plain(one))
        if not any(re.search(rf"(?<!\w){asked}(?!\w)", piece) for piece in plain):
            return one
    return ""


def require_words(template: Template, words: Iterable[str]) -> None:
    """Raise `TemplateError` unless every text made from the template says these words, whatever is merged."""
    if not (unsaid := missing(template.pieces, words)):
        return
    where = "; a value or a fallback that is merged does not count" if template.fields else ""
    raise TemplateError(f"the text does not say {unsaid!r}, which every text must (--must-say){where}; add the words to the text")


def _plain(text: str) -> str:
    """A text as it is compared: without case, kinds of quotes and dashes, and line breaks."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_STRAIGHT).casefold().split())
