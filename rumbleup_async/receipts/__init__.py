"""What became of texts after they were sent: delivered or not, replied to, opted out.

Lives here: what is kept of that beside a ledger, or in its database, without ever writing to the run itself.

    from rumbleup_async import receipts
    receipts.counts("voters-125.ledger")
"""

from rumbleup_async.receipts.opening import counts
from rumbleup_async.receipts.told import Counts

__all__ = ["Counts", "counts"]
