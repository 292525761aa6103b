"""The async session layer: one HTTP exchange at a time. Knows no texts, no pace and no provider."""

from typing import TYPE_CHECKING

from rumbleup_async.session.exchange import Exchange, MaybeSentError, NotSentError, Request, Response
from rumbleup_async.session.limits import Timeouts, check_base_url
from rumbleup_async.session.scripted import ScriptedExchange

if TYPE_CHECKING:
    from rumbleup_async.session.client import AiohttpExchange

__all__ = [
    "AiohttpExchange",
    "Exchange",
    "MaybeSentError",
    "NotSentError",
    "Request",
    "Response",
    "ScriptedExchange",
    "Timeouts",
    "check_base_url",
]


def __getattr__(name: str) -> object:
    if name != "AiohttpExchange":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # aiohttp takes longer to import than everything else together.
    from rumbleup_async.session.client import AiohttpExchange

    return AiohttpExchange
