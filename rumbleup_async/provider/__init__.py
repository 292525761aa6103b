"""What the clients of all providers are made of: calling endpoints, reading
replies, connections, and the way into a run.

Knows no provider.
"""
