"""Many processes over one ledger: a supervisor and its worker processes, whose books are kept in one place."""
