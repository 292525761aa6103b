"""Power cuts: ledger and book on a disk that loses, tears and swaps what was not synced: `python -m tests.power --runs 20`."""
