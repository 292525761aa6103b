"""Many processes over one ledger: one keeps the books, each of the others is an engine of its own.

Knows no provider: a sender is told the name of its client.
"""
