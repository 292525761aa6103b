"""What a cell says once its dress is off, and whether it says anything.

Lives here: the words in which databases, spreadsheets and programming languages write "nothing", and what a spreadsheet
puts around a value. Pure.

"Hi NULL" reaches a real person, so a cell that says "nothing" is empty for every field. Where such a word is a name,
too, the spelling decides: people write `Nan`, `Na` and `Nil`, programs write `nan`, `NaN`, `NAN` and `NA`. In doubt the
cell is empty: an empty cell costs a text and says why.
"""

from __future__ import annotations

import re
from typing import Final

from rumbleup_async.patterns import when_used

_WORDS: Final = (
    *("null", "none", "undefined", "undef", "nothing", "unset", "unknown", "missing", "blank", "empty", "dbnull"),
    *("nonetype", "notavailable", "infinity", "qnan", "snan", "nullptr", "nan", "nil", "na", "inf", "nul"),
)
"""Words of letters alone, which nobody is called, or at least not in the spellings of `EMPTY`."""

_NAMES: Final = frozenset({"Nan", "Na", "Nil", "Infinity", "Inf", "Blank"})

_IN_BRACKETS: Final = ("null", "none", "nil", "nan", "na", "n/a", "undefined", "unknown", "missing", "empty", "blank", "unset")

_PHRASES: Final = (
    *("none given", "not available", "not applicable", "not provided", "not specified", "not given", "not known", "not set"),
    *("not entered", "not found", "no name", "no value", "no data", "no entry", "no answer", "missing value"),
)

_MARKS: Final = (
    *("n/a", "n.a.", "n.a", "n/d", "n.d.", "n/k", "n\\a", "n-a", "n / a", "k.a.", "s/d", "#n/a #n/a", "#n/a n/a", "#n/a", "#na"),
    *("#nv", "#n/d", "#nd", "#null", "#missing", "#error", "#err", "#getting_data", "loading...", "pd.na", "np.nan", "numpy.nan"),
    *("math.nan", "pd.nat", "\\n", "\\null", "«null»", "-nan", "+nan", "nan(ind)", "-nan(ind)", "nan(snan)", "-inf", "+inf"),
    *("1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "1.#inf", "-1.#inf", "1.#snan", "#null!", "double.nan", "number.nan"),
    *("[object object]", "[object undefined]", "[object null]", "<class 'nonetype'>", "%!s(<nil>)", "%!v(<nil>)", "%!d(<nil>)"),
    *("system.dbnull", "dbnull.value", "db_null", "sql_null", "null_value", "na_character_", "na_integer_", "na_real_"),
    *("[]", "{}", "()", "<>", "#ref", "#value", "#name", "#num", "#div/0", "#spill", "#calc", "n.v.", "s/n", "sin nombre"),
)

EMPTY: Final = frozenset(
    {form for word in _WORDS for form in (word, word.upper(), word.capitalize())} - _NAMES
    | {"NaN", "NaT", "NotAvailable", "DBNull", "NoneType", "sNaN", "qNaN"}
)
"""Every spelling of a word of letters alone that stands for nothing; what else stands for it is known by `clean`."""

_any_case: Final = frozenset(
    {*_PHRASES, *_MARKS}
    | {
        f"{a}{word}{z}"
        for word in (*_IN_BRACKETS, *_PHRASES)
        for a, z in ("()", "[]", "<>", "{}", "$$", "??", "**", ("{{", "}}"), ("__", "__"))
    }
)

_IN_A_NAME: Final = frozenset(
    {"null", "NULL", "(null)", "(NULL)", "undefined", "nan", "NaN", "NaT", "<NA>", "#N/A", "\\N", "<null>", "[null]"}
)
"""What programs put before or behind the other half of a name: `Ada null`, `undefined Lovelace`."""

# `#REF!`, `#DIV/0!`, `#NAME?` and their translations, `Err:502` of LibreOffice, and a column too narrow for its number.
_error = when_used(r"#¡?[^\W\d_][\w/ .]*[!?]|#+|[Ee]rr:\s?\d{3}")
# Strokes, dots and question marks: what people and programs put into a cell so that it is not empty.
_stroke = when_used(r"[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d._?*/\\~#=,;:|'\"`\u2026\s]*")
_invisible: Final = "\x00\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"

_formula = when_used(r"[=+]\s*(?:T\s*)?\(?\s*\"(?P<double>(?:[^\"]|\"\")*)\"\s*\)?", re.IGNORECASE)
_number = when_used(r"=\s*(?P<number>\+?[0-9][0-9 ().\-]*)")
_quoted = when_used(r"\"(?P<quoted>[^\"]*)\"|'(?P<single>[^']*)'")
# In `'t Hooft` and `'s-Gravenhage` the apostrophe is a letter's place.
_elided = when_used(r"'[tTsSnNkKdDlLmMrR][ \-\u2011]")


def undress(value: str) -> str:
    """The value without what a spreadsheet puts around it: `="Ada"`, `=("Ada")`, `"Ada"`, `'Ada'`, a leading `'`.

    >>> undress('="Ada"'), undress("'2025550101"), undress("'t Hooft"), undress("O'Neil")
    ('Ada', '2025550101', "'t Hooft", "O'Neil")
    """
    for _ in range(4):  # each layer is another program's
        if value[:1] not in ("=", "+", '"', "'"):
            break
        match = _formula.fullmatch(value) or _quoted.fullmatch(value) or _number.fullmatch(value)
        if match is not None and match.lastgroup is not None:
            bare = match[match.lastgroup].replace('""', '"')
        elif value[0] == "'" and not _elided.match(value):
            bare = value[1:]
        else:
            break
        value = bare.strip()
    return value


def _is_nothing(value: str) -> bool:
    if value in EMPTY or value.rstrip(".,;:!") in EMPTY or value.lower() in _any_case or _error.fullmatch(value):
        return True
    if " " not in value:
        return False
    # A name put together of two cells of which neither or only one was there.
    parts = value.split()
    return parts[0] in _IN_A_NAME or parts[-1] in _IN_A_NAME or all(part in EMPTY or part.lower() in _any_case for part in parts)


def clean(value: str) -> str:
    """A stripped cell as it counts: without its dress, and "" if it says nothing.

    >>> clean('="Ada"'), clean("NULL"), clean("#N/A"), clean("--"), clean("O'Neil"), clean("Nan")
    ('Ada', '', '', '', "O'Neil", 'Nan')
    """
    if value.isalnum():
        return "" if value in EMPTY else value
    if not value.isprintable():
        value = value.strip(_invisible).strip().strip(_invisible)
    if value[:1].isalnum():
        return "" if _is_nothing(value) else value
    value = undress(value)
    # What still begins with = is a formula that nobody has worked out.
    return "" if value[:1] == "=" or _stroke.fullmatch(value) or _is_nothing(value) else value


class Clean(dict[str, str]):
    """`cells[raw]` is a raw cell stripped and clean. Names come again and again:
    looking one up costs less than looking at it."""

    def __missing__(self, raw: str) -> str:
        value = clean(raw.strip())
        if len(self) >= _MOST:
            self.clear()
        if len(raw) < _LONG:
            self[raw] = value
        return value


_MOST: Final = 20_000
_LONG: Final = 80


def says_nothing(value: str) -> bool:
    """Whether a stripped cell is empty, or stands for an empty one."""
    return not clean(value)
