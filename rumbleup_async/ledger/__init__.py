"""The durable record of a run: the only place where its truth lives. Knows neither providers nor HTTP."""

from rumbleup_async.ledger.files import instead, path_of
from rumbleup_async.ledger.identity import Consent, identity_of
from rumbleup_async.ledger.memory import MemoryLedger
from rumbleup_async.ledger.reader import Reader
from rumbleup_async.ledger.sqlite import SqliteLedger

__all__ = ["Consent", "MemoryLedger", "Reader", "SqliteLedger", "identity_of", "instead", "path_of"]
