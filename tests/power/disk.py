"""A disk as POSIX promises it, and no better: what was synced is there after a power cut, of all else any part, in any order.

Lives here: bytes and names, nothing of ours. A write is torn into sectors, and what it does not touch it does not spoil. A name
is there for sure once its folder was synced.
"""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

SECTOR: Final = 512
Image = dict[str, bytes]
"""What stands in the files of a folder."""


class Write(NamedTuple):
    """Bytes for a file."""

    file: int
    at: int
    data: bytes


class Cut(NamedTuple):
    """A file gets this size."""

    file: int
    size: int


class Sync(NamedTuple):
    """All that was written to a file is on the disk."""

    file: int


class Name(NamedTuple):
    """A name is that of this file from now on, of none for None."""

    name: str
    file: int | None


class SyncFolder(NamedTuple):
    """All names are on the disk."""


Change = Write | Cut | Sync | Name | SyncFolder


class Disk:
    """What is on it for sure, and what may be. `base`: what was on it before; its files have numbers from 1 on."""

    def __init__(self, base: Image) -> None:
        self._names = {name: number for number, name in enumerate(base, 1)}
        self._files = dict(enumerate(base.values(), 1))
        self._pending: dict[int, list[Write | Cut]] = {}
        self._moves: list[Name] = []

    def apply(self, change: Change) -> None:
        """The next change comes."""
        match change:
            case Write(file) | Cut(file):
                self._pending.setdefault(file, []).append(change)
            case Sync(file):
                self._files[file] = made(self._files.get(file, b""), self._pending.pop(file, []))
            case Name():
                self._moves.append(change)
            case SyncFolder():
                self._names = self._named(self._moves)
                self._moves.clear()

    def whole(self) -> Image:
        """If the power stays."""
        return self._image(self._named(self._moves), self._made(self._pending))

    def images(self, chance: random.Random) -> Iterator[tuple[str, Image]]:
        """What may be there if it goes now: nothing that was not synced; all; of each file all or nothing; all but some sectors
        of its last write, one of which may be spoilt; and any sectors of all writes in any order."""
        yield "nothing of it", self._image(self._names, {})
        if not self._pending and not self._moves:
            return
        yield "all of it", self.whole()
        some = {file: changes for file, changes in self._pending.items() if chance.random() < 0.5}
        yield "that of some files", self._image(self._some_names(chance), self._made(some))
        torn = {
            file: [*changes[:-1], *_spoilt(_sectors(changes[-1:], chance), chance)] for file, changes in self._pending.items()
        }
        yield "all, the last write torn", self._image(self._named(self._moves), self._made(torn))
        drawn = {file: _sectors(changes, chance) for file, changes in self._pending.items()}
        for changes in drawn.values():
            chance.shuffle(changes)
        yield "any sectors, in any order", self._image(self._some_names(chance), self._made(drawn))

    def _made(self, pending: dict[int, list[Write | Cut]]) -> dict[int, bytes]:
        return {file: made(self._files.get(file, b""), changes) for file, changes in pending.items()}

    def _image(self, names: dict[str, int], changed: dict[int, bytes]) -> Image:
        return {name: changed.get(file, self._files.get(file, b"")) for name, file in names.items()}

    def _named(self, moves: list[Name]) -> dict[str, int]:
        names = dict(self._names)
        for name, file in moves:
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        return names

    def _some_names(self, chance: random.Random) -> dict[str, int]:
        """Of each name any beginning of what became of it."""
        moves: list[Name] = []
        for name in dict.fromkeys(move.name for move in self._moves):
            of_it = [move for move in self._moves if move.name == name]
            moves += of_it[: chance.randrange(len(of_it) + 1)]
        return self._named(moves)


def made(data: bytes, changes: list[Write | Cut]) -> bytes:
    """A file after these changes."""
    found = bytearray(data)
    for change in changes:
        if isinstance(change, Cut):
            del found[change.size :]
            found.extend(bytes(change.size - len(found)))
        else:
            found.extend(bytes(max(0, change.at - len(found))))
            found[change.at : change.at + len(change.data)] = change.data
    return bytes(found)


def _sectors(changes: list[Write | Cut], chance: random.Random) -> list[Write | Cut]:
    """Any sectors of these writes."""
    found: list[Write | Cut] = []
    for change in changes:
        if isinstance(change, Cut):
            found += [change] if chance.random() < 0.5 else []
            continue
        at, end = change.at, change.at + len(change.data)
        while at < end:
            upto = min(end, (at // SECTOR + 1) * SECTOR)
            if chance.random() < 0.5:
                found.append(Write(change.file, at, change.data[at - change.at : upto - change.at]))
            at = upto
    return found


def _spoilt(changes: list[Write | Cut], chance: random.Random) -> list[Write | Cut]:
    """The same, or one of its sectors is noise."""
    if changes and chance.random() < 0.5:
        place = chance.randrange(len(changes))
        if isinstance(one := changes[place], Write):
            changes[place] = one._replace(data=chance.randbytes(len(one.data)))
    return changes
