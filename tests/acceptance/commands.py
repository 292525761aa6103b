"""Commands that run while a test goes on, on pipes or on a terminal, and what none of them may show."""

import base64
import os
import re
import select
import signal
import subprocess

from tests.acceptance.provider_process import KEY, until
from tests.acceptance.shell import GUARD, Done, Heard

_private = re.compile(
    r"(?<!\d)(?:\d[\s().+-]{0,3}){9}\d(?!\d)|hunter2|quokka|Traceback|" + re.escape(base64.b64encode(KEY.encode()).decode())
)
"""What may never be on standard error: a phone, the key, the text, a traceback."""
_time = re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b")
"""A date with a time has as many digits as a phone."""

LAUNCH = """
import fcntl, os, resource, signal, sys, termios
if sys.argv[1] == "terminal":
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
elif sys.argv[1] == "small-disk":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
elif sys.argv[1] == "no-stderr":
    os.close(2)
elif sys.argv[1] == "background":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Prepares a process, which then becomes the command."""

_samples = re.compile(r"row [\d,]+ \([^)]*\), \**\d\d, [\d,]+ segments?:\s*\n[^\n]*\n")
"""The finished texts of a plan's page."""


def leaked(done: Done) -> str:
    """What a command printed that may never be in a log; "" if nothing."""
    found = _private.search(_time.sub("", done.err))
    if found is not None:
        return f"{found[0]!r} on standard error"
    return "the key on standard output" if "hunter2" in done.out else ""


class Running:
    """A command that runs."""

    def __init__(self, heard: Heard, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._heard = heard

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = GUARD) -> Done:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=seconds)
        return self._heard(Done(self.process.returncode, out, err or ""))


class Terminal:
    """A command that runs on a terminal of its own."""

    def __init__(self, heard: Heard, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self.shown = ""
        self._heard = heard
        self._master = master

    def read_until(self, words: str) -> None:
        """Wait until the words are on the screen."""
        until(lambda: self._read() and words in self.shown, f"{words!r} was never shown")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait(self) -> Done:
        """Wait for the end of the command. Everything on the screen counts as standard error."""
        until(lambda: self._read() and self.process.poll() is not None, "the command did not end")
        self._read()
        self.hang_up()
        # Before the question a person sees some finished texts, and nothing but a person reads them there.
        self._heard(Done(self.process.returncode, "", _samples.sub("", self.shown)))
        return Done(self.process.returncode, "", self.shown)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _read(self) -> bool:
        while select.select([self._master], [], [], 0)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the command has ended
                break
            if not data:
                break
            self.shown += data.decode()
        return True
