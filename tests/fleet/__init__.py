"""Several sending processes over one ledger, as a Python program uses them."""
