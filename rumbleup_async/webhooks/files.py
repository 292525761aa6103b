"""The file of a sink: readable by its owner only, and not shared by a link.

Lives here: opening it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from rumbleup_async.errors import ConfigurationError


def open_private(path: Path) -> int:
    """Open a file for reading and appending. A new file gets the mode 0600, and its name is durable.

    Returns the descriptor. ConfigurationError for a symbolic link, for what is no file, and for a file that cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        reason = "is a symbolic link; it must be a file of its own" if error.errno == errno.ELOOP else error.strerror
        raise ConfigurationError(f"{path}: {reason}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ConfigurationError(f"{path} is not a file")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return fd
