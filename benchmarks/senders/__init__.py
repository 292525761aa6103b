"""Senders: each sends so many texts to a server in a process of its own and prints what that cost, as one line of JSON.

Ours and others' alike, so that all are measured the same way: `python -m benchmarks.senders.NAME --url URL --texts N`. Those of
others run in the peers' environment: they import their library, the standard library and `job`, nothing else.
"""
