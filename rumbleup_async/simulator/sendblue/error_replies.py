"""The error replies of the Sendblue API, and how faults are worded. Pure.

No page describes an error body or the status of a refusal. Those chosen here are guesses, except for the codes of the
limits page.
"""

import msgspec

from rumbleup_async.simulator.trouble.fault_kinds import Kind
from rumbleup_async.simulator.world.replies import Reply
from rumbleup_async.simulator.world.settings import Settings

__all__ = ["ErrorReplies", "error", "throttled"]


def error(status: int, message: str, code: int | None = None, headers: bytes = b"") -> Reply:
    """An error with a JSON body."""
    body = msgspec.json.encode({"status": "ERROR", "error_code": code, "error_message": message})
    return Reply(status, body, headers=headers)


def throttled(message: str, retry_after: float | None) -> Reply:
    """429 with the code 5509, and with a Retry-After header if seconds are given."""
    return error(429, message, 5509, b"" if retry_after is None else f"Retry-After: {retry_after:g}\r\n".encode())


class ErrorReplies:
    """The replies of faults."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def error(self, kind: Kind) -> Reply:
        """An error with the kind's status and message."""
        return error(kind.status, kind.message)

    def refusal(self, kind: Kind) -> Reply:
        """The refusal of a text for the kind's reason."""
        return error(400, kind.sentence, 4002 if kind.refusal in {"dnd", "landline"} else 4001)

    def redirect(self, kind: Kind) -> Reply:
        """A redirect to the endpoint that sends."""
        return error(kind.status, "Moved", headers=b"Location: /api/send-message\r\n")

    def retry_after(self, kind: Kind) -> Reply:  # noqa: ARG002
        """429 with a Retry-After header: the setting's seconds, or 1."""
        seconds = self._settings.retry_after
        return throttled("Too many requests", 1 if seconds is None else seconds)

    def status_in_body(self, kind: Kind) -> Reply:
        """An error with the kind's status; this API has no status in the body."""
        return self.error(kind)
