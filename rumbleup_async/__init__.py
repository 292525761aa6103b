"""Asyncio client for the RumbleUp and Sendblue texting APIs, with a bulk sender: at most once, every contact accounted for.

Lives here: the front door, explicit re-exports and nothing else. Cheap to import: nothing behind it is imported until it is used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rumbleup_async.admission import Go, Never, Wait
    from rumbleup_async.days import Day
    from rumbleup_async.engine.locks import Locks
    from rumbleup_async.engine.ports import Ledger, Observer
    from rumbleup_async.errors import (
        ApiError,
        BookError,
        BookLocked,
        ConfigurationError,
        DailyCapReached,
        ExchangeError,
        GroupNotActive,
        InvalidField,
        KeyRefused,
        Landline,
        LedgerError,
        LedgerFenced,
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
        WebhookRefused,
    )
    from rumbleup_async.events import EventObserver
    from rumbleup_async.ledger.memory import MemoryLedger
    from rumbleup_async.ledger.sqlite import SqliteLedger
    from rumbleup_async.lists.lines import Writable
    from rumbleup_async.messaging import Contact, Identity, Plan, Result, State, Text
    from rumbleup_async.money import Spending
    from rumbleup_async.pauses import Pause
    from rumbleup_async.people.book import Book
    from rumbleup_async.provider.caller import Pages
    from rumbleup_async.provider.times import Moment
    from rumbleup_async.reasons import Code, Reason
    from rumbleup_async.retry import Policy
    from rumbleup_async.rules.door import Rule
    from rumbleup_async.rules.hours import Hours, Schedule
    from rumbleup_async.rules.numbers import SuppressionStore
    from rumbleup_async.rules.outlook import Outlook
    from rumbleup_async.rumbleup.account import Account
    from rumbleup_async.rumbleup.account_reports import AccountReport
    from rumbleup_async.rumbleup.client import RumbleUp
    from rumbleup_async.rumbleup.contacts import Group
    from rumbleup_async.rumbleup.models import ContactRecord, Message
    from rumbleup_async.rumbleup.opt_outs import OptOuts
    from rumbleup_async.rumbleup.project_fields import ProjectFields, StatsWindow
    from rumbleup_async.rumbleup.project_models import Project
    from rumbleup_async.rumbleup.proxies import Proxy
    from rumbleup_async.rumbleup.tcr import Brand, Campaign
    from rumbleup_async.runs.canary import CanaryState
    from rumbleup_async.runs.keywords import RunKeywords
    from rumbleup_async.runs.options import RunOptions
    from rumbleup_async.runs.reconcile import Reconciled, Requeued
    from rumbleup_async.runs.run import Run
    from rumbleup_async.runs.sending import Sending
    from rumbleup_async.runs.summary import Summary
    from rumbleup_async.runs.trials import Tried
    from rumbleup_async.sendblue.client import Sendblue
    from rumbleup_async.sendblue.limits import LineLimits
    from rumbleup_async.sendblue.models import SendblueMessage
    from rumbleup_async.sendblue.opt_outs import SendblueOptOuts
    from rumbleup_async.session.client import AiohttpExchange
    from rumbleup_async.session.exchange import Exchange, Request, Response
    from rumbleup_async.session.limits import Timeouts
    from rumbleup_async.session.scripted import ScriptedExchange
    from rumbleup_async.stops import Cause, Stop

__all__ = [
    "Account",
    "AccountReport",
    "AiohttpExchange",
    "ApiError",
    "Book",
    "BookError",
    "BookLocked",
    "Brand",
    "Campaign",
    "CanaryState",
    "Cause",
    "Code",
    "ConfigurationError",
    "Contact",
    "ContactRecord",
    "DailyCapReached",
    "Day",
    "EventObserver",
    "Exchange",
    "ExchangeError",
    "Go",
    "Group",
    "GroupNotActive",
    "Hours",
    "Identity",
    "InvalidField",
    "KeyRefused",
    "Landline",
    "Ledger",
    "LedgerError",
    "LedgerFenced",
    "LedgerLocked",
    "LedgerMismatch",
    "LineLimits",
    "ListError",
    "Locks",
    "MaybeSentError",
    "MemoryLedger",
    "Message",
    "Moment",
    "Never",
    "NotAllowed",
    "NotFound",
    "NotSentError",
    "Observer",
    "OptOutMissing",
    "OptOuts",
    "Outlook",
    "OutsideHours",
    "Pages",
    "Pause",
    "Plan",
    "Policy",
    "Project",
    "ProjectFields",
    "Proxy",
    "ProxyUnavailable",
    "RateLimited",
    "Reason",
    "Reconciled",
    "Request",
    "Requeued",
    "Response",
    "Result",
    "Rule",
    "RumbleUp",
    "RumbleUpError",
    "RumbleUpWarning",
    "Run",
    "RunKeywords",
    "RunOptions",
    "Schedule",
    "ScriptedExchange",
    "Sendblue",
    "SendblueMessage",
    "SendblueOptOuts",
    "Sending",
    "ServerFailed",
    "Spending",
    "SqliteLedger",
    "State",
    "StatsWindow",
    "Stop",
    "Summary",
    "SuppressionStore",
    "TemplateError",
    "Text",
    "Timeouts",
    "Tried",
    "UnreadableReply",
    "Wait",
    "WebhookRefused",
    "Writable",
    "__version__",
]

__version__ = "0.2.0"
"""The version, here and nowhere else: packages, `rumbleup --version` and ledgers take it from this line."""

_NAMES = {
    "admission": ("Go", "Never", "Wait"),
    "days": ("Day",),
    "engine.locks": ("Locks",),
    "engine.ports": ("Ledger", "Observer"),
    "errors": (
        "ApiError",
        "BookError",
        "BookLocked",
        "ConfigurationError",
        "DailyCapReached",
        "ExchangeError",
        "GroupNotActive",
        "InvalidField",
        "KeyRefused",
        "Landline",
        "LedgerError",
        "LedgerFenced",
        "LedgerLocked",
        "LedgerMismatch",
        "ListError",
        "MaybeSentError",
        "NotAllowed",
        "NotFound",
        "NotSentError",
        "OptOutMissing",
        "OutsideHours",
        "ProxyUnavailable",
        "RateLimited",
        "RumbleUpError",
        "RumbleUpWarning",
        "ServerFailed",
        "TemplateError",
        "UnreadableReply",
        "WebhookRefused",
    ),
    "events": ("EventObserver",),
    "ledger": ("MemoryLedger", "SqliteLedger"),
    "lists.lines": ("Writable",),
    "messaging": ("Contact", "Identity", "Plan", "Result", "State", "Text"),
    "money": ("Spending",),
    "pauses": ("Pause",),
    "people": ("Book",),
    "provider.caller": ("Pages",),
    "provider.times": ("Moment",),
    "reasons": ("Code", "Reason"),
    "retry": ("Policy",),
    "rules.door": ("Rule",),
    "rules.hours": ("Hours", "Schedule"),
    "rules.numbers": ("SuppressionStore",),
    "rules.outlook": ("Outlook",),
    "rumbleup.account": ("Account",),
    "rumbleup.account_reports": ("AccountReport",),
    "rumbleup.client": ("RumbleUp",),
    "rumbleup.contacts": ("Group",),
    "rumbleup.models": ("ContactRecord", "Message"),
    "rumbleup.opt_outs": ("OptOuts",),
    "rumbleup.project_fields": ("ProjectFields", "StatsWindow"),
    "rumbleup.project_models": ("Project",),
    "rumbleup.proxies": ("Proxy",),
    "rumbleup.tcr": ("Brand", "Campaign"),
    "runs.canary": ("CanaryState",),
    "runs.keywords": ("RunKeywords",),
    "runs.options": ("RunOptions",),
    "runs.reconcile": ("Reconciled", "Requeued"),
    "runs.run": ("Run",),
    "runs.sending": ("Sending",),
    "runs.summary": ("Summary",),
    "runs.trials": ("Tried",),
    "sendblue.client": ("Sendblue",),
    "sendblue.limits": ("LineLimits",),
    "sendblue.models": ("SendblueMessage",),
    "sendblue.opt_outs": ("SendblueOptOuts",),
    "session.client": ("AiohttpExchange",),
    "session.exchange": ("Exchange", "Request", "Response"),
    "session.limits": ("Timeouts",),
    "session.scripted": ("ScriptedExchange",),
    "stops": ("Cause", "Stop"),
}
"""Where each name lives. It is imported when it is first asked for, so that who imports this package pays for what they use, and
the command is in charge of Ctrl-C before anything long begins."""
_WHERE = {name: module for module, names in _NAMES.items() for name in names}
_FORMER = {"Report": "AccountReport"}
"""Names of an earlier version and what they are called now; they go with the next version."""


def __getattr__(name: str) -> object:
    if name in _FORMER:
        import warnings

        warnings.warn(f"rumbleup_async.{name} is called {_FORMER[name]} now", DeprecationWarning, stacklevel=2)
        return __getattr__(_FORMER[name])
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
