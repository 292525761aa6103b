"""The truth: every text that left, in order. Pure.

A million texts have to fit into memory, so they are stored as columns; a `Text` is made when somebody reads it. A log
id is computed from the text's position, and the position from the log id; neither is stored.
"""

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import overload

import msgspec

__all__ = ["Text", "Texts", "digest"]

_MASK = (1 << 128) - 1
_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that multiplying modulo 2^128 can be undone
_BACK = pow(_STEP, -1, 1 << 128)


def digest(text: str) -> str:
    """The BLAKE2b digest (16 bytes, hexadecimal) that is kept of a text where the texts themselves are not kept."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """One text that left. `time` is in Unix seconds; `text` is None when the simulator does not keep texts."""

    phone: str
    action: str
    text: str | None
    text_hash: str
    flags: tuple[str, ...]
    group: str
    logid: str
    time: float


class Texts(Sequence[Text]):
    """All texts that left, oldest first."""

    def __init__(self, *, seed: int = 0, keep_texts: bool = True) -> None:
        self.keep_texts = keep_texts
        self._offset = int.from_bytes(blake2b(f"logid {seed}".encode(), digest_size=16).digest(), "big")
        self.phones: list[str] = []
        self.actions: list[str] = []
        self.groups: list[str] = []
        self.flags: list[tuple[str, ...]] = []
        self.times = array("d")
        self.untagged: set[int] = set()
        """Positions of the texts whose tags the log has lost or altered."""
        self.altered: set[int] = set()
        """Those of them whose tags stand in the log in other letters."""
        self._texts: list[str] = []
        self._hashes = bytearray()
        self._tag_sets: dict[tuple[str, ...], tuple[str, ...]] = {}  # equal tag lists share one tuple
        self._by_phone: dict[str, int | array[int]] = {}
        self._by_flag: dict[str, int | array[int]] = {}
        self._names: dict[str, str] = {}  # equal actions and groups share one string

    def append(
        self, *, phone: str, action: str, text: str, flags: tuple[str, ...], group: str, time: float, tagged: bool = True
    ) -> int:
        """Record a text that leaves now and return its position."""
        position = len(self.phones)
        names = self._names
        self.phones.append(phone)
        self.actions.append(names.setdefault(action, action))
        self.groups.append(names.setdefault(group, group))
        self.flags.append(self._tag_sets.setdefault(flags, flags) if flags else ())
        self.times.append(time)
        if self.keep_texts:
            self._texts.append(text)
        else:
            self._hashes += blake2b(text.encode(), digest_size=16).digest()
        _add(self._by_phone, phone, position)
        if tagged:
            for flag in dict.fromkeys(flags):
                _add(self._by_flag, flag, position)
        else:
            self.untagged.add(position)
        return position

    def logid(self, position: int) -> str:
        """The log id of a position: `rl_` and 32 hexadecimal digits. The same seed gives the same log ids."""
        return f"rl_{(position * _STEP + self._offset) & _MASK:032x}"

    def position(self, logid: str) -> int | None:
        """The position of a log id, or None if no text has this log id."""
        try:
            number = int(logid.removeprefix("rl_"), 16)
        except ValueError:
            return None
        position = ((number - self._offset) * _BACK) & _MASK
        return position if position < len(self) and self.logid(position) == logid else None

    def text(self, position: int) -> str | None:
        """The text at this position, or None if texts are not kept."""
        return self._texts[position] if self.keep_texts else None

    def text_hash(self, position: int) -> str:
        """The digest of the text at this position."""
        if self.keep_texts:
            return digest(self._texts[position])
        return self._hashes[16 * position : 16 * position + 16].hex()

    def of_phone(self, phone: str) -> Sequence[int]:
        """Positions of the texts to one phone, oldest first."""
        return _all(self._by_phone, phone)

    def of_flag(self, flag: str) -> Sequence[int]:
        """Positions of the texts that have this tag in the log, oldest first."""
        return _all(self._by_flag, flag)

    def __len__(self) -> int:
        return len(self.phones)

    @overload
    def __getitem__(self, index: int) -> Text: ...
    @overload
    def __getitem__(self, index: slice) -> list[Text]: ...

    def __getitem__(self, index: int | slice) -> Text | list[Text]:
        if isinstance(index, slice):
            return [self._at(position) for position in range(*index.indices(len(self)))]
        position = index if index >= 0 else index + len(self)
        if not 0 <= position < len(self):
            raise IndexError(index)
        return self._at(position)

    def __iter__(self) -> Iterator[Text]:
        return map(self._at, range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} texts>"

    def _at(self, position: int) -> Text:
        return Text(
            phone=self.phones[position],
            action=self.actions[position],
            text=self.text(position),
            text_hash=self.text_hash(position),
            flags=self.flags[position],
            group=self.groups[position],
            logid=self.logid(position),
            time=self.times[position],
        )


def _add(index: dict[str, "int | array[int]"], key: str, position: int) -> None:
    # Most phones get one text, so most entries stay a plain int.
    held = index.setdefault(key, position)
    if isinstance(held, array):
        held.append(position)
    elif held != position:
        index[key] = array("q", (held, position))


def _all(index: dict[str, "int | array[int]"], key: str) -> Sequence[int]:
    held = index.get(key)
    if held is None:
        return ()
    return (held,) if isinstance(held, int) else held
