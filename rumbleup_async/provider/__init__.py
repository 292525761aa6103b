"""What the clients of all providers are made of: calling endpoints, reading replies, connections, and the way into a run.

Knows no provider; may import errors, messaging, retry, finishing, session, and, where a run is made, bulk and ledger.
"""
