"""The async session layer: one HTTP exchange at a time, paced. Knows no provider; may import `errors`."""

from rumbleup_async.session.client import AiohttpExchange, Timeouts, check_base_url
from rumbleup_async.session.exchange import Exchange, MaybeSentError, NotSentError, Request, Response
from rumbleup_async.session.pace import Hold, Pace
from rumbleup_async.session.scripted import ScriptedExchange

__all__ = [
    "AiohttpExchange",
    "Exchange",
    "Hold",
    "MaybeSentError",
    "NotSentError",
    "Pace",
    "Request",
    "Response",
    "ScriptedExchange",
    "Timeouts",
    "check_base_url",
]
