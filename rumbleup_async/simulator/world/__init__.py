"""What the provider knows and does, without requests and faults: contacts, projects, texts, receipts, replies.

It also has the values that all rooms share: settings, a request's parameters, a reply, times as text.
"""
