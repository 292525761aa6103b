"""The book of people: who was texted by which run, and who has opted out. All runs of an organisation share one.

Knows neither providers nor HTTP nor ledgers.
"""

from rumbleup_async.people.book import Book
from rumbleup_async.people.entries import Again, Found, OptOut, Pull, Scope, Tally, Texted
from rumbleup_async.people.run_book import RunBook

__all__ = ["Again", "Book", "Found", "OptOut", "Pull", "RunBook", "Scope", "Tally", "Texted"]
