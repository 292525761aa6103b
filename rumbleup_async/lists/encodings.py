"""In which encoding a list is written, and what is to be said of it before anybody is texted.

Lives here: the guesses, and the notes. Pure.

UTF-8 proves itself: hardly a line of another encoding is valid UTF-8 by chance. Of what is not, Excel on Windows writes
Windows-1252 and Excel on a Mac Mac Roman; which of them it is, is told by where the bytes stand in words, for a capital
Ž behind a small letter is no name. It is a guess, so it is said, with an example.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.patterns import when_used

_WINDOWS: Final = "cp1252"
_MAC: Final = "mac_roman"
_CALLED: Final = {_WINDOWS: "Windows-1252", _MAC: "Mac Roman"}

_NO_TEXT: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})


def named(encoding: str) -> str:
    """The name of an encoding as Python knows it. ConfigurationError for one that it
    does not know, or that is none of texts."""
    try:
        found = codecs.lookup(encoding.strip())
    except (LookupError, ValueError):
        raise ConfigurationError(f"{encoding!r} is no encoding; try utf-8, cp1252 (Windows), mac_roman or utf-16") from None
    name = found.name.replace("-", "_")
    if name in _NO_TEXT or not getattr(found, "_is_text_encoding", True) or found.incrementaldecoder is None:
        raise ConfigurationError(f"{encoding!r} is no encoding of texts; try utf-8, cp1252 (Windows), mac_roman or utf-16")
    return found.name


def utf16(head: bytes) -> str:
    """The name of UTF-16, by its mark or because every other byte is zero; or ""."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    some = head[:4096]
    half = len(some) // 2
    first, second = some[0::2].count(0), some[1::2].count(0)
    if half < 4 or max(first, second) < 0.6 * half or min(first, second) > 0.05 * half:
        return ""
    return "utf-16-le" if second > first else "utf-16-be"


# What Windows-1252 has at these places no word has: a capital or a sign behind a small
# letter. Mac Roman has small letters there.
_mac = when_used(
    rb"[A-Za-z][\x81\x8d\x8f\x90\x9d]"
    rb"|[a-z][\x87-\x8c\x8e\x98\x9b\x9c\x9f]"
    rb"|[A-Z][\x87-\x8c\x8e\x98\x9b\x9c\x9f][a-z\x80-\x9f]"
    rb"|[a-z](?:[\x91\x93-\x97\x99][a-z]|[\x91\x93](?![A-Za-z]))"
    rb"|(?<![A-Za-z\x80-\xff])[\x80\x81\x83\x86][a-z][a-z]"
)
# And the other way round: Mac Roman has capitals and signs where Windows-1252 has the accented letters.
_windows = when_used(rb"[a-z][\xdf-\xff]|[\xdf-\xff][a-z]{2}|[A-Z][\xc0-\xc8\xcb-\xcf\xd6-\xde]")
_high = when_used(rb"[A-Za-z][\x80-\x9f]|[\x80-\x9f][A-Za-z]")

_of_utf8 = when_used(rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}")

_garbled = when_used(
    "[\u00c2\u00c3][\u00a0-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    "|\u00e2\u20ac[\u0080-\uffff]|\u221a[\u00a0-\u00ff\u2020-\u2122]"
)
"""UTF-8 that a program has read as Windows-1252 or Mac Roman: `JosÃ©`, `Donâ€™t`, `Jos√©`."""
_entity = when_used(
    r"&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|amp|quot|apos|lt|gt|nbsp|[A-Za-z]{1,3}(?:acute|grave|uml|circ|tilde|cedil|slash|ring));"
)
_word = when_used(r"[^\W\d_]*[^\x00-\x7f\s]+(?:[^\W\d_]|[^\x00-\x7f\s])*")


def guess(lines: list[bytes], *, mac_ends: bool) -> str:
    """The encoding of lines that are not UTF-8."""
    data = b"\n".join(lines)
    if _windows.search(data):
        return _WINDOWS
    return _MAC if _mac.search(data) or (mac_ends and _high.search(data)) else _WINDOWS


class _Seen:
    """How many lines are of a kind, and the first of them."""

    __slots__ = ("count", "example", "line")

    def __init__(self) -> None:
        self.count = 0
        self.line = 0
        self.example = ""

    def add(self, line: int, example: str) -> None:
        self.count += 1
        if self.count == 1:
            self.line, self.example = line, "".join(c if c.isprintable() else " " for c in example[:20])

    def __str__(self) -> str:
        return f"e.g. line {self.line:,}" + (f": {self.example}" if self.example else "")


class Notes:
    """Makes text of the bytes of a list, and keeps in mind what was not as it should be."""

    def __init__(self, encoding: str | None, mac_ends: bool) -> None:
        self.lines = 0
        """Lines that have been made so far."""
        self._encoding = encoding
        self._mac_ends = mac_ends
        self._guessed = ""
        self._foreign, self._broken, self._garbled, self._coded = _Seen(), _Seen(), _Seen(), _Seen()

    @property
    def guessed(self) -> str:
        """What lines that are not UTF-8 were read as; "" if there was none."""
        return _CALLED[self._guessed] if self._foreign.count else ""

    def text(self, data: bytes, *, counted: bool = True) -> str:
        """The data as UTF-8, or line by line as UTF-8 and, where that fails, as what the lines that fail seem to be."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = self._mixed(data, counted)
        if counted:
            if not text.isascii():
                self._look_at_letters(text)
            if "&" in text and _entity.search(text):
                self._count(text, _entity, self._coded)
        return text

    def _mixed(self, data: bytes, counted: bool) -> str:
        end = "\r" if self._mac_ends else "\n"
        lines = data.split(end.encode())
        if not self._guessed:
            self._guessed = guess([line for line in lines if not _is_utf8(line)], mac_ends=self._mac_ends)
        made: list[str] = []
        for number, line in enumerate(lines, self.lines + 1):
            try:
                made.append(line.decode("utf-8"))
            except UnicodeDecodeError:
                # A line that is UTF-8 but for a byte or two was cut or damaged:
                # the letters in it are not to be guessed.
                is_damaged = _of_utf8.search(line) is not None
                made.append(line.decode("utf-8" if is_damaged else self._guessed, "replace"))
                if counted and not is_damaged:
                    found = _word.search(made[-1])
                    self._foreign.add(number, found[0] if found else "")
        return end.join(made)

    def _look_at_letters(self, text: str) -> None:
        if "\ufffd" in text:
            self._count(text, _BROKEN, self._broken, example=False)
        if ("\u00c3" in text or "\u00c2" in text or "\u00e2\u20ac" in text or "\u221a" in text) and _garbled.search(text):
            self._count(text, _garbled, self._garbled)

    def _count(self, text: str, what: re.Pattern[str], seen: _Seen, *, example: bool = True) -> None:
        for number, line in enumerate(text.split("\r" if self._mac_ends else "\n"), self.lines + 1):
            if found := what.search(line):
                word = _word.search(line, max(0, found.start() - 12)) if what is _garbled else found
                seen.add(number, (word or found)[0] if example else "")

    def __call__(self) -> list[str]:
        """The notes, in words."""
        notes = []
        if self._foreign.count:
            notes.append(
                f"{_lines(self._foreign.count)} not UTF-8; read as {_CALLED[self._guessed]}, {self._foreign}; "
                "if that is wrong, name the encoding with --encoding"
            )
        if self._broken.count:
            called = self._encoding or "UTF-8"
            notes.append(
                f"{_lines(self._broken.count)} damaged, with characters that are not of {called}, {self._broken}; "
                "no text that would hold one is sent"
            )
        if self._garbled.count:
            notes.append(
                f"{_lines(self._garbled.count)} garbled, as of UTF-8 that was read as something else, {self._garbled}; "
                "export the list again as CSV UTF-8"
            )
        if self._coded.count:
            notes.append(
                f"{_lines(self._coded.count)} written with codes of web pages, {self._coded}; where the text "
                "merges such a value, the row is skipped, unless --literal is given"
            )
        return notes


_BROKEN: Final = when_used("\ufffd")


def _lines(count: int) -> str:
    return f"{count:,} lines are" if count != 1 else "1 line is"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
