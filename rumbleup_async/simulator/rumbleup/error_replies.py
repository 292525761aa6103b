"""The error replies of the RumbleUp API: refusals, 429, and the wording of faults. Pure.

Sources: the API overview page and the proxy pages.
"""

from rumbleup_async.simulator.trouble.fault_kinds import Kind
from rumbleup_async.simulator.world.replies import Reply, error
from rumbleup_async.simulator.world.settings import Settings

__all__ = ["MOVED", "ErrorReplies", "refused", "throttled"]

MOVED = "/api/message/send/moved"
"""The path that the fault `redirect` names. It sends a text, so that a client which follows the redirect texts twice."""


def refused(settings: Settings, reason: str, message: str) -> Reply:
    """The final refusal of a text, with the status and code that the settings give for this reason."""
    status, code = settings.refusals[reason]
    return error(status, message, code)


def throttled(retry_after: float | None) -> Reply:
    """429, with a Retry-After header if seconds are given."""
    headers = b"" if retry_after is None else f"Retry-After: {retry_after:g}\r\n".encode()
    return error(429, "Too many requests", headers=headers)


class ErrorReplies:
    """The replies of faults."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def error(self, kind: Kind) -> Reply:
        """An error with the kind's status and message."""
        return error(kind.status, kind.message)

    def refusal(self, kind: Kind) -> Reply:
        """The refusal of a text for the kind's reason."""
        return refused(self._settings, kind.refusal, kind.sentence)

    def redirect(self, kind: Kind) -> Reply:
        """A redirect to MOVED."""
        return error(kind.status, "Moved", headers=b"Location: %s\r\n" % MOVED.encode())

    def retry_after(self, kind: Kind) -> Reply:  # noqa: ARG002
        """429 with a Retry-After header: the setting's seconds, or 1."""
        seconds = self._settings.retry_after
        return throttled(1 if seconds is None else seconds)

    def status_in_body(self, kind: Kind) -> Reply:
        """400 on the status line; the kind's status is in the body."""
        return error(kind.status, kind.message, line=400)
