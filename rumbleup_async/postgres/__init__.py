"""The ledger on PostgreSQL, for a run that several machines send. Knows neither providers nor HTTP."""
