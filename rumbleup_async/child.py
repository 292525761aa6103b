"""Processes of our own: nothing in the current folder is run in them, and their environment says only what they need.

Lives here: how they are started, and, run as a program, their first steps.

A list lies in a folder that other people may write to. `python -m` would look there first for every module, so a `random.py`
beside the list would be run, with the key in its hands. Here Python is told not to (`-P`); the modules come from where this
process has them, the standard library and this package from where they lie, and the current folder, if it is on the path at all,
is looked at last.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

PACKAGE = "rumbleup_async"

_NEEDED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "CONDA_PREFIX",
    "SYSTEMROOT", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "__PYVENV_LAUNCHER__",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "OPENSSL_MODULES", "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
    "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPLATLIBDIR", "PYTHONUTF8", "PYTHONCOERCECLOCALE",
    "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONMALLOC", "PYTHONHASHSEED", "PYTHONDEVMODE", "PYTHONFAULTHANDLER",
    "PYTHONASYNCIODEBUG",
})  # fmt: skip
"""Variables by which Python is found and started, names are looked up and certificates checked. Keys travel another way."""


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What of the environment a process of ours is told: no key, no address, and no path to modules."""
    environ = os.environ if environ is None else environ
    return {name: value for name, value in environ.items() if name in _NEEDED or name.startswith("LC_")}


def command(module: str, *arguments: str) -> list[str]:
    """The command that calls `main()` of one of our modules in another process, with these arguments."""
    here = sys.modules[PACKAGE].__file__ if PACKAGE in sys.modules else None
    path, last = _path()
    told = {"module": module, "package": here, "path": path, "last": last}
    return [sys.executable, "-P", os.path.abspath(__file__), json.dumps(told), *arguments]  # noqa: PTH100


def _path() -> tuple[list[str], list[str]]:
    """Where this process has its modules from: first, and last of all."""
    try:
        current = os.path.realpath(os.getcwd())  # noqa: PTH109
    except OSError:
        current = ""
    first: list[str] = []
    last: list[str] = []
    for entry in sys.path:
        place = os.path.abspath(entry)  # noqa: PTH100 - "" is the current folder
        (last if os.path.realpath(place) == current else first).append(place)
    return list(dict.fromkeys(first)), list(dict.fromkeys(last))


def main() -> None:
    """The first steps of such a process."""
    told: dict[str, Any] = json.loads(sys.argv.pop(1))
    known = set(told["path"])
    sys.path[:] = [*told["path"], *(entry for entry in sys.path if entry not in known), *told["last"]]
    package = told["package"]
    if package is not None and os.path.isfile(package):  # noqa: PTH113 - not so in an archive
        folder = os.path.dirname(package)  # noqa: PTH120
        spec = importlib.util.spec_from_file_location(PACKAGE, package, submodule_search_locations=[folder])
        if spec is not None and spec.loader is not None:
            sys.modules[PACKAGE] = module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
    importlib.import_module(told["module"]).main()


if __name__ == "__main__":
    main()
