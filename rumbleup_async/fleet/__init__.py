"""Many processes over one ledger: one keeps the books, each of the others is an engine of its own.

May import errors, messaging, retry, finishing, child, bulk. Knows no provider: a sender is told the name of its client.
"""
