"""Asyncio client for the RumbleUp texting API, with a bulk sender that texts at most once and accounts for every contact.

Lives here: the front door, explicit re-exports and nothing else. Cheap to import: the command line, the simulator and everything
heavy stay outside until they are used.
"""

from rumbleup_async.errors import (
    ApiError,
    ConfigurationError,
    DailyCapReached,
    ExchangeError,
    GroupNotActive,
    InvalidField,
    KeyRefused,
    Landline,
    LedgerError,
    LedgerLocked,
    LedgerMismatch,
    ListError,
    MaybeSentError,
    NotAllowed,
    NotFound,
    NotSentError,
    OptOutMissing,
    OutsideHours,
    RateLimited,
    RumbleUpError,
    ServerFailed,
    TemplateError,
    UnreadableReply,
)
from rumbleup_async.messaging import Result, State
from rumbleup_async.retry import Policy, Stop
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.session.client import AiohttpExchange, Timeouts
from rumbleup_async.session.exchange import Exchange, Request, Response
from rumbleup_async.session.scripted import ScriptedExchange

__all__ = [
    "AiohttpExchange",
    "ApiError",
    "ConfigurationError",
    "DailyCapReached",
    "Exchange",
    "ExchangeError",
    "GroupNotActive",
    "InvalidField",
    "KeyRefused",
    "Landline",
    "LedgerError",
    "LedgerLocked",
    "LedgerMismatch",
    "ListError",
    "MaybeSentError",
    "NotAllowed",
    "NotFound",
    "NotSentError",
    "OptOutMissing",
    "OutsideHours",
    "Policy",
    "RateLimited",
    "Request",
    "Response",
    "Result",
    "RumbleUp",
    "RumbleUpError",
    "ScriptedExchange",
    "ServerFailed",
    "State",
    "Stop",
    "TemplateError",
    "Timeouts",
    "UnreadableReply",
    "__version__",
]

__version__ = "0.1.0"
