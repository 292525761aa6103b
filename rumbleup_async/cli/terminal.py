"""What reaches a terminal, and what comes from it.

Lives here: text that steers no terminal, keys that were pressed too early.

Names of accounts, files and projects, reasons and the words of servers are other people's. A control character in them
could move the cursor, change what stands on the screen already, or type into the shell.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import textwrap
from typing import IO

from rumbleup_async.shell import pasteable, steers

__all__ = ["Tamed", "fitted", "forget_typed", "pasteable", "visible", "width_of"]


def visible(text: str, keep: str = "") -> str:
    """The text with every character that would steer a terminal shown as its number; those in `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not steers(char) else _number(char) for char in text)


def _number(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


_TO_PASTE = ("rumbleup ", "pip install ", "://")


def fitted(line: str, width: int) -> str:
    """The line broken between words where it is wider than the terminal. One that has something to paste stays whole: the
    terminal itself goes on in the next row, and what is copied from there has no break in it. A width of 0 is not known."""
    if width <= 0 or len(line) <= width or any(words in line for words in _TO_PASTE):
        return line
    indent = " " * (len(line) - len(line.lstrip(" ")) + 4)
    if len(indent) * 2 > width:
        return line
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )


def width_of(stream: IO[str]) -> int:
    """The columns of the terminal behind a stream; 0 if there is none, or it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def forget_typed() -> None:
    """Throw away what was typed on the terminal before this moment."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    with contextlib.suppress(ImportError, OSError, ValueError):
        import termios

        with contextlib.suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


class Tamed:
    """A binary stream on a terminal: what is written to it as UTF-8 steers nothing."""

    def __init__(self, terminal: IO[bytes]) -> None:
        self._terminal = terminal
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode

    def write(self, data: bytes) -> int:
        """Take the bytes; as many as there are."""
        self._terminal.write(visible(self._decode(bytes(data)), keep="\n\t").encode("utf-8"))
        return len(data)

    def flush(self) -> None:
        """Pass on what was written."""
        self._terminal.flush()
