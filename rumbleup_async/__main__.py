"""`python -m rumbleup_async` and the `rumbleup` command.

Lives here: the step from a process to the command line. May import: cli, once its libraries are known to be there.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without its extra installed, say how to get it."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError:
        sys.stderr.write("rumbleup: the command line needs two more packages; install rumbleup_async[cli]\n")
        sys.exit(2)
    from rumbleup_async.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
