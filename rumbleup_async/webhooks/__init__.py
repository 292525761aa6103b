"""Webhooks: an aiohttp.web receiver for the events that a provider posts.

Lives here: checking, parsing, answering and dispatching, for any provider whose parser is handed in.
"""

from rumbleup_async.webhooks import checks
from rumbleup_async.webhooks.jsonlines import JsonLines
from rumbleup_async.webhooks.ports import Check, Event, Failure, Parser, Record, Sink, Statistics
from rumbleup_async.webhooks.receiver import Receiver
from rumbleup_async.webhooks.serving import serve
from rumbleup_async.webhooks.sqlite import SQLite

__all__ = [
    "Check",
    "Event",
    "Failure",
    "JsonLines",
    "Parser",
    "Receiver",
    "Record",
    "SQLite",
    "Sink",
    "Statistics",
    "checks",
    "serve",
]
