"""Applies a fault to a request: whether its work is done, and which reply the caller gets. Pure.

Both providers use it; each has its own `ErrorReplies`.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from rumbleup_async.simulator.world.replies import HTML, Reply, Wire

from .fault_kinds import Kind
from .response_mutations import repeat_phone

__all__ = ["ErrorReplies", "spoil"]

_PAGE = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Please stand by</h1></body></html>"


class ErrorReplies(Protocol):
    """How a provider words the replies of faults."""

    def error(self, kind: Kind) -> Reply:
        """An error with the kind's status and message."""

    def refusal(self, kind: Kind) -> Reply:
        """The refusal of a text for the kind's reason."""

    def redirect(self, kind: Kind) -> Reply:
        """A redirect to a path that sends."""

    def retry_after(self, kind: Kind) -> Reply:
        """An error with a Retry-After header."""

    def status_in_body(self, kind: Kind) -> Reply:
        """An error whose own status is only in the body."""


def spoil(kind: Kind | None, work: Callable[[], Reply], errors: ErrorReplies) -> Reply:
    """Answer a request under a fault, or without one. A fault that strikes before the work keeps the work from being done."""
    if kind is None:
        return work()
    reply = _answer(kind, work() if kind.left else Reply(200, b"{}"), errors)
    return reply if kind.wire is Wire.WHOLE else msgspec.structs.replace(reply, wire=kind.wire)


def _answer(kind: Kind, true_reply: Reply, errors: ErrorReplies) -> Reply:
    match kind.answer:
        case "true":
            return true_reply
        case "html":
            return Reply(kind.status, _PAGE % kind.status, HTML)
        case "empty":
            return Reply(kind.status, b"")
        case "refusal":
            return errors.refusal(kind)
        case "redirect":
            return errors.redirect(kind)
        case "retry-after":
            return errors.retry_after(kind)
        case "status-in-body":
            return errors.status_in_body(kind)
        case "duplicate-phone":
            return msgspec.structs.replace(true_reply, body=repeat_phone(true_reply.body, same=False))
        case "error":
            return errors.error(kind)
