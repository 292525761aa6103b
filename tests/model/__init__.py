"""A model of who may send what, and until when, where several machines share a ledger; and its explorer."""
