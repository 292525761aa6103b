"""`python -m rumbleup_async` and the `rumbleup` command.

Lives here: the step from a process to the command line.
"""

from __future__ import annotations

import io
import os
import signal
import sys


def main() -> None:
    """Run the command line; without its extra installed, say how to get it."""
    # Until a command has its own handlers there is nothing to tidy up, and Ctrl-C shall not print a traceback. What a script
    # runs in the background has it ignored, and shall go on.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from importlib.util import find_spec

    from rumbleup_async import collector

    _open_standard_streams()
    _let_every_character_pass()
    collector.look_seldom()
    if None in map(find_spec, ("rich", "typer")):
        sys.stderr.write("rumbleup: the command line needs two more packages; install rumbleup_async[cli]\n")
        sys.exit(2)
    from rumbleup_async.cli.failures import STOPPED, told

    try:
        from rumbleup_async.cli.app import main as run

        run()
    except (ImportError, MemoryError) as error:
        # Inside a command they are met there; this is what a damaged installation says before it comes to one.
        sys.stderr.write(f"rumbleup: {told(error)[0]}\n")
        sys.exit(STOPPED)
    finally:
        collector.end()


def _open_standard_streams() -> None:
    """Under a wrapper that closes one of them, the first socket or file would take its number, and our words would go there."""
    for number, mode, name in ((0, os.O_RDONLY, "stdin"), (1, os.O_WRONLY, "stdout"), (2, os.O_WRONLY, "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is the one that is missing.
            os.open(os.devnull, mode)
            setattr(sys, name, open(number, "r" if mode == os.O_RDONLY else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _let_every_character_pass() -> None:
    """A name that the terminal's encoding lacks is shown by its number: half a table and a traceback would be less."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
