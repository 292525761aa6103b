"""What an error that ends a command means to whoever has called it: words with a remedy, and an exit code.

Lives here: the kinds of errors.

A mistake of this program is one thing; a machine without memory, a damaged installation or a locale that lacks a
character are others, and nobody should be asked to report those.
"""

from __future__ import annotations

import asyncio
import os.path
import traceback

from rumbleup_async.errors import ConfigurationError, MaybeSentError, RumbleUpError, ServerFailed

FINE = 0
UNKNOWNS = 1
WRONG = 2
STOPPED = 3
INTERRUPTED = 130

MEMORY = "memory ran out"
_HOW_TO_GO_ON = "what may have left is in the ledger: see rumbleup status LEDGER, and go on with rumbleup resume LEDGER"
_NOT_ON_WINDOWS = frozenset({"fcntl", "termios", "resource"})


def told(error: BaseException) -> tuple[str, int]:
    """The words for an error, "" for an interruption, and the exit code."""
    error = _first_of(error)
    if isinstance(error, KeyboardInterrupt | asyncio.CancelledError):
        return "", INTERRUPTED
    if isinstance(error, ConfigurationError):
        return str(error), WRONG
    if isinstance(error, MaybeSentError | ServerFailed):
        return str(error), UNKNOWNS
    if isinstance(error, RumbleUpError):
        return str(error), STOPPED
    return _unforeseen(error), STOPPED


def _first_of(error: BaseException) -> BaseException:
    """The error in a group of them that says most: the first, but an interruption before all."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_first_of(one) for one in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, Exception)), leaves[0])


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"{MEMORY}; take fewer --processes, a smaller --concurrency or a part of the list; {_HOW_TO_GO_ON}"
    if isinstance(error, RecursionError):
        return "something in a list, a ledger or an answer is nested too deeply to be read"
    if isinstance(error, ImportError):
        return not_loaded(error)
    if isinstance(error, UnicodeError):
        return "a name or a text holds characters that cannot be written here; set LC_ALL=C.UTF-8, or rename the file"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):  # Python has no code for it
        return f"the system gives no further thread (ulimit -u); end other programs, or raise the limit; {_HOW_TO_GO_ON}"
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or type(error).__name__}"
    # Its message may hold private data, so only its place is told.
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" at {os.path.basename(frame.filename)}:{frame.lineno}" for frame in place)  # noqa: PTH119
    return f"unexpected {type(error).__name__}{where}; this is a mistake in rumbleup_async, please report it"


def not_loaded(error: ImportError) -> str:
    """What a module that cannot be imported means."""
    name = error.name or "a module"
    if name in _NOT_ON_WINDOWS:
        return "this needs Linux or macOS"
    package = name.partition(".")[0]
    return (
        f"{name} cannot be loaded: the installation lacks it or is damaged; mend it with: "
        f"pip install --force-reinstall {'' if package == 'rumbleup_async' else package + ' '}'rumbleup_async[cli]'"
    )
