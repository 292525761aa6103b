"""One worker process as the bookkeeper knows it, and its start.

Lives here: what fits `engine.contract.Worker` and speaks over a channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence

from rumbleup_async import child
from rumbleup_async.engine.contract import Dealt
from rumbleup_async.engine.seconds import Tally
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.fleet.channel import (
    Abandon,
    Channel,
    End,
    GoingOn,
    Halt,
    Holding,
    LastRound,
    Opened,
    Pausing,
    Setup,
    Share,
    Step,
    Wake,
)

PATIENCE = 5.0
"""Seconds that a process may take to say what it was asked for, beyond what its texts in flight may take."""


class RemoteWorker:
    """Fits `Worker`.

    `longest`: seconds after which whatever it has in flight is closed, unless it does not run at all. A process that is stopped
    and does not end in that time is killed.
    """

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel, longest: float) -> None:
        self.process = process
        self.channel = channel
        self._longest = longest
        self._giving_up: asyncio.TimerHandle | None = None
        self._is_killed = False
        self.has_begun = False
        self.is_done = False
        """It has said its last word, or has died."""
        self._tally = Tally()
        self.in_flight = 0
        self.window = 0
        self.is_hopeless = False

    def begin(self, setup: Setup, held: float) -> None:
        """Let it begin. `held`: seconds until anything may leave."""
        self.has_begun = True
        self.channel.say(setup)
        if held > 0:
            self.channel.say(Holding(held))

    def heard(self, step: Step) -> None:
        """Take note of what it has told of itself."""
        self.in_flight, self.window, self.is_hopeless = step.in_flight, step.window, step.is_hopeless
        if step.tally is not None:
            self._tally.add(step.tally)

    def take_tally(self) -> Tally:
        # A process tells its rate once a second; in between it keeps the same.
        tally, self._tally = self._tally, Tally(rate=self._tally.rate, allowed=self._tally.allowed)
        return tally

    def answer(self, dealt: Dealt) -> None:
        """The answer to its last `Step`."""
        self.channel.say(Opened(dealt.texts, dealt.more, dealt.proven, dealt.until))

    def wake(self) -> None:
        self.channel.say(Wake())

    def begin_last_round(self) -> None:
        self.channel.say(LastRound())

    def hold(self, seconds: float) -> None:
        """Another process was told to wait."""
        self.channel.say(Holding(seconds))

    def share(self, share: Share) -> None:
        """Another share of the rate from now on."""
        self.channel.say(share)

    def pause(self) -> None:
        self.channel.say(Pausing())

    def go_on(self) -> None:
        self.channel.say(GoingOn())

    def stop(self) -> None:
        self.channel.say(Halt())
        self._give_up_after(self._longest + PATIENCE)

    def abandon(self) -> None:
        self.channel.say(Abandon())
        self._give_up_after(PATIENCE)

    def end(self) -> None:
        self.channel.say(End())

    def ended(self) -> None:
        """Stop listening to this process. If it has not said its last word, it has died or is about to."""
        self.is_done = True
        self.in_flight = self.window = 0
        if self._giving_up is not None:
            self._giving_up.cancel()

    def kill(self) -> None:
        """End the process, whatever it does."""
        # Kill it once only. A second signal could take its exit status from whoever waits for it, who then warns of a child that
        # nobody knows.
        if self.process.returncode is None and not self._is_killed:
            self._is_killed = True
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def see_out(self) -> None:
        """Wait for the end of the process, which comes by itself after its last word."""
        if not self.is_done:
            self.kill()
        try:
            async with asyncio.timeout(PATIENCE):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()
        await self.channel.aclose()
        self.ended()

    def _give_up_after(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._giving_up is None or self._giving_up.when() > loop.time() + seconds:
            if self._giving_up is not None:
                self._giving_up.cancel()
            self._giving_up = loop.call_later(seconds, self.kill)


async def start(inherited: Sequence[int], longest: float) -> RemoteWorker:
    """A worker process, told nothing yet. It inherits the descriptors by which the ledger is held."""
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *child.command("rumbleup_async.fleet.worker_process", str(theirs.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), *inherited],
            env=child.environment(),
            # Ctrl-C reaches every process of a terminal's session; a process that still imports would end with a traceback.
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        raise ConfigurationError(f"no further process can be started: {error.strerror or error}") from None
    finally:
        theirs.close()
    return RemoteWorker(process, Channel(*await asyncio.open_unix_connection(sock=ours)), longest)
