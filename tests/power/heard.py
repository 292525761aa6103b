"""Hears every write that this process makes to the files of a folder: those of SQLite, and those of Python.

Lives here: a layer under the very SQLite that Python has, which passes all on (its VFS interface, by ctypes), and one under `os`.
"""

import _sqlite3
import ctypes
import ctypes.util
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tests.power.disk import Change, Cut, Name, Sync, SyncFolder, Write

_P, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_OPEN: Final = ctypes.CFUNCTYPE(_INT, _P, _P, _P, _INT, _P)
_DELETE: Final = ctypes.CFUNCTYPE(_INT, _P, ctypes.c_char_p, _INT)
_WRITE: Final = ctypes.CFUNCTYPE(_INT, _P, _P, _INT, _LONG)
_CUT: Final = ctypes.CFUNCTYPE(_INT, _P, _LONG)
_SYNC: Final = ctypes.CFUNCTYPE(_INT, _P, _INT)
_MAIN_DB, _MAIN_JOURNAL, _WAL, _CREATE = 0x100, 0x800, 0x80000, 0x4


class _Vfs(ctypes.Structure):
    """sqlite3_vfs. What is not looked at here is passed on as it is."""

    _fields_ = (
        ("version", _INT),
        ("size", _INT),
        ("longest", _INT),
        ("next", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _OPEN),
        ("delete", _DELETE),
        ("others", _P * 13),
    )


class _Methods(ctypes.Structure):
    """sqlite3_io_methods."""

    _fields_ = (
        ("version", _INT),
        ("close", _P),
        ("read", _P),
        ("write", _WRITE),
        ("truncate", _CUT),
        ("sync", _SYNC),
        ("others", _P * 13),
    )


class _File(ctypes.Structure):
    """sqlite3_file."""

    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


def _library() -> ctypes.CDLL:
    """The SQLite that Python's module runs on: what that is linked with, or has in it."""
    for place in (getattr(_sqlite3, "__file__", None), None, ctypes.util.find_library("sqlite3")):
        found = ctypes.CDLL(place)
        if hasattr(found, "sqlite3_vfs_find"):
            found.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
            return found
    raise AssertionError("this Python hides its SQLite; use one that is linked with it")


class Hearing:
    """What was written to the files of `folder`, in order. Something else may be noted in between. `there`: names of files that
    are in it already."""

    def __init__(self, folder: Path, there: Iterable[str] = ()) -> None:
        self.folder = folder.resolve()
        self.heard: list[Any] = []
        self.wrongs: list[BaseException] = []
        """What went wrong in a call from SQLite, which has nowhere to go from there."""
        self._names = {name: number for number, name in enumerate(there, 1)}
        self._files = len(self._names)
        self._lock = threading.RLock()

    def note(self, change: Change) -> None:
        """This was written."""
        with self._lock:
            self.heard.append(change)

    def is_here(self, path: str | os.PathLike[str]) -> bool:
        """Whether such a file is one of ours; -shm is no file on a disk, but memory."""
        return Path(path).parent == self.folder and not os.fspath(path).endswith("-shm")

    def opened(self, path: str | os.PathLike[str]) -> int:
        """The number of this file, which is there now."""
        with self._lock:
            name = Path(path).name
            if name not in self._names:
                self._files += 1
                self._names[name] = self._files
                self.note(Name(name, self._files))
            return self._names[name]

    def gone(self, path: str | os.PathLike[str]) -> None:
        """This name was taken away."""
        with self._lock:
            if self._names.pop(Path(path).name, None) is not None:
                self.note(Name(Path(path).name, None))


@contextmanager
def hearing(folder: Path, there: Iterable[str] = ()) -> Iterator[Hearing]:
    """All that is written to the files of this folder, until it is left."""
    heard = Hearing(folder, there)
    with ExitStack() as stack:
        stack.enter_context(_under_python(heard))
        stack.enter_context(_under_sqlite(heard))
        yield heard
    assert not heard.wrongs, heard.wrongs


# ---- Python's own writes ----


class _System:
    """What Python has of the system, heard."""

    def __init__(self, heard: Hearing) -> None:
        self._heard = heard
        self._os: dict[str, Any] = {name: getattr(os, name) for name in _CALLS}
        self._files: dict[int, tuple[int, bool]] = {}
        """By descriptor: the file, and whether each write to it is durable."""
        self._folders: set[int] = set()

    def open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        descriptor: int = self._os["open"](path, flags, *rest, **more)
        if isinstance(path, str | os.PathLike):
            if Path(path).resolve() == self._heard.folder:
                self._folders.add(descriptor)
            elif self._heard.is_here(path) and flags & (os.O_WRONLY | os.O_RDWR):
                self._files[descriptor] = self._heard.opened(path), bool(flags & os.O_DSYNC)
        return descriptor

    def pwrite(self, descriptor: int, data: Any, at: int) -> int:
        done: int = self._os["pwrite"](descriptor, data, at)
        if descriptor in self._files:
            file, is_durable = self._files[descriptor]
            self._heard.note(Write(file, at, bytes(data[:done])))
            if is_durable:
                self._heard.note(Sync(file))
        return done

    def ftruncate(self, descriptor: int, size: int) -> None:
        self._os["ftruncate"](descriptor, size)
        if descriptor in self._files:
            self._heard.note(Cut(self._files[descriptor][0], size))

    def fsync(self, descriptor: int) -> None:
        self._os["fsync"](descriptor)
        if descriptor in self._files:
            self._heard.note(Sync(self._files[descriptor][0]))
        elif descriptor in self._folders:
            self._heard.note(SyncFolder())

    def unlink(self, path: Any, **more: Any) -> None:
        self._os["unlink"](path, **more)
        if self._heard.is_here(path):
            self._heard.gone(path)

    def close(self, descriptor: int) -> None:
        self._files.pop(descriptor, None)
        self._folders.discard(descriptor)
        self._os["close"](descriptor)


_CALLS: Final = ("open", "pwrite", "ftruncate", "fsync", "unlink", "close")
"""Whatever else writes to our files is found out at the end, when the files hold more than was heard."""


@contextmanager
def _under_python(heard: Hearing) -> Iterator[None]:
    system = _System(heard)
    with patch.multiple(os, **{name: getattr(system, name) for name in _CALLS}):
        yield


# ---- those of SQLite ----


class _Layer:
    """Ours over that which SQLite has."""

    def __init__(self, heard: Hearing, below: Any) -> None:
        self._heard = heard
        self._below = below
        self._files: dict[int, tuple[int, Any]] = {}
        """By the address of SQLite's handle: the file, and the methods below."""
        self._patched: dict[int, _Methods] = {}
        self._first: set[int] = set()
        """Handles of which SQLite syncs the folder with the file."""
        self.vfs = _Vfs.from_buffer_copy(below.contents)
        self.vfs.name = b"heard"
        self.vfs.open = _OPEN(self._guarded(self._open))
        self.vfs.delete = _DELETE(self._guarded(self._delete))
        self._write, self._cut = _WRITE(self._guarded(self._on_write)), _CUT(self._guarded(self._on_cut))
        self._sync = _SYNC(self._guarded(self._on_sync))

    def _guarded(self, call: Callable[..., int]) -> Callable[..., int]:
        def guarded(*given: Any) -> int:
            try:
                return call(*given)
            except BaseException as error:
                self._heard.wrongs.append(error)
                return 10  # SQLITE_IOERR

        return guarded

    def _open(self, vfs: int, name: int | None, handle: int, flags: int, given: int | None) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        code: int = self._below.contents.open(ctypes.addressof(self._below.contents), name, handle, flags, given)
        if code or not path or not flags & (_MAIN_DB | _MAIN_JOURNAL | _WAL) or not self._heard.is_here(path):
            return code
        file = ctypes.cast(handle, ctypes.POINTER(_File)).contents
        below = file.methods
        address = ctypes.addressof(below.contents)
        if address not in self._patched:
            ours = self._patched[address] = _Methods.from_buffer_copy(below.contents)
            ours.write, ours.truncate, ours.sync = self._write, self._cut, self._sync
        self._files[handle] = self._heard.opened(path), below.contents
        if flags & _CREATE and flags & (_MAIN_JOURNAL | _WAL):
            self._first.add(handle)
        file.methods = ctypes.pointer(self._patched[address])
        return code

    def _delete(self, vfs: int, name: bytes, sync: int) -> int:
        code: int = self._below.contents.delete(ctypes.addressof(self._below.contents), name, sync)
        path = name.decode()
        if not code and self._heard.is_here(path):
            self._heard.gone(path)
            if sync:
                self._heard.note(SyncFolder())
        return code

    def _on_write(self, handle: int, data: int, size: int, at: int) -> int:
        file, below = self._files[handle]
        code: int = below.write(handle, data, size, at)
        self._heard.note(Write(file, at, ctypes.string_at(data, size)))
        return code

    def _on_cut(self, handle: int, size: int) -> int:
        file, below = self._files[handle]
        code: int = below.truncate(handle, size)
        self._heard.note(Cut(file, size))
        return code

    def _on_sync(self, handle: int, flags: int) -> int:
        file, below = self._files[handle]
        code: int = below.sync(handle, flags)
        if not code:
            self._heard.note(Sync(file))
            if handle in self._first:
                self._first.discard(handle)
                self._heard.note(SyncFolder())
        return code


_layers: Final[list[_Layer]] = []
"""They stay for good: SQLite looks at one for as long as a connection lives that was opened through it."""


@contextmanager
def _under_sqlite(heard: Hearing) -> Iterator[None]:
    library = _library()
    below = library.sqlite3_vfs_find(None)
    layer = _Layer(heard, below)
    _layers.append(layer)
    assert library.sqlite3_vfs_register(ctypes.byref(layer.vfs), 1) == 0
    try:
        yield
    finally:
        library.sqlite3_vfs_unregister(ctypes.byref(layer.vfs))
        library.sqlite3_vfs_register(below, 1)
