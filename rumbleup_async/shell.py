"""Names of files as they are shown in a command that somebody pastes into a shell.

Lives here: quoting, and what steers a terminal. Pure.
"""

from __future__ import annotations

import shlex
import unicodedata

_STEERS = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of characters that are not seen, or turn the order of those beside them."""
_JOINS = "\u200c\u200d"
"""Written between letters in several scripts, and in emoji."""


def steers(char: str) -> bool:
    """Whether a character is not seen but moves something on a terminal."""
    return unicodedata.category(char) in _STEERS and char not in _JOINS


def pasteable(path: object) -> str:
    """A path as an argument that can be pasted into a shell, whatever its name is."""
    text = str(path)
    if text.startswith("-") and text != "-":
        text = f"./{text}"  # it would be taken for an option
    if not any(map(steers, text)):
        return shlex.quote(text)
    # Bytes, as bash and zsh know them: what is shown has no control character, what is pasted has.
    encoded = text.encode("utf-8", "surrogateescape")
    quoted = [chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\x{byte:02x}" for byte in encoded]
    return f"$'{''.join(quoted)}'"
