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
    ProxyUnavailable,
    RateLimited,
    RumbleUpError,
    RumbleUpWarning,
    ServerFailed,
    TemplateError,
    UnreadableReply,
)
from rumbleup_async.messaging import Result, State
from rumbleup_async.retry import Policy, Stop
from rumbleup_async.rumbleup.account import Account
from rumbleup_async.rumbleup.caller import Pages
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.rumbleup.contacts import Group
from rumbleup_async.rumbleup.models import Message
from rumbleup_async.rumbleup.project_models import Project
from rumbleup_async.rumbleup.proxies import Proxy
from rumbleup_async.rumbleup.reports import Report
from rumbleup_async.rumbleup.tcr import Brand, Campaign
from rumbleup_async.rumbleup.times import Moment
from rumbleup_async.session.client import AiohttpExchange, Timeouts
from rumbleup_async.session.exchange import Exchange, Request, Response
from rumbleup_async.session.scripted import ScriptedExchange

__all__ = [
    "Account",
    "AiohttpExchange",
    "ApiError",
    "Brand",
    "Campaign",
    "ConfigurationError",
    "DailyCapReached",
    "Exchange",
    "ExchangeError",
    "Group",
    "GroupNotActive",
    "InvalidField",
    "KeyRefused",
    "Landline",
    "LedgerError",
    "LedgerLocked",
    "LedgerMismatch",
    "ListError",
    "MaybeSentError",
    "Message",
    "Moment",
    "NotAllowed",
    "NotFound",
    "NotSentError",
    "OptOutMissing",
    "OutsideHours",
    "Pages",
    "Policy",
    "Project",
    "Proxy",
    "ProxyUnavailable",
    "RateLimited",
    "Report",
    "Request",
    "Response",
    "Result",
    "RumbleUp",
    "RumbleUpError",
    "RumbleUpWarning",
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
