"""What reaches a terminal, and what comes from it.

Lives here: text that steers no terminal, names that can be pasted into a shell, keys that were pressed too early.
May import: nothing of ours.

Names of accounts, files and projects, reasons and the words of servers are other people's. A control character in them could
move the cursor, change what stands on the screen already, or type into the shell.
"""

from __future__ import annotations

import codecs
import contextlib
import shlex
import sys
import unicodedata
from typing import IO

_STEERS = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that are not seen, or turn the order of those beside them."""
_JOINS = "\u200c\u200d"
"""Written between letters in several scripts, and in emoji."""


def visible(text: str, keep: str = "") -> str:
    """The text with every character that would steer a terminal shown as its number; those in `keep` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or not _steers(char) else _number(char) for char in text)


def _steers(char: str) -> bool:
    return unicodedata.category(char) in _STEERS and char not in _JOINS


def _number(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def pasteable(path: object) -> str:
    """A path as an argument that can be pasted into a shell, whatever its name is."""
    text = str(path)
    if text.startswith("-") and text != "-":
        text = f"./{text}"  # it would be taken for an option
    if not any(_steers(char) for char in text):
        return shlex.quote(text)
    # Bytes, as bash and zsh know them: what is shown has no control character, what is pasted has.
    quoted = [chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\x{byte:02x}" for byte in _bytes(text)]
    return f"$'{''.join(quoted)}'"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


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
