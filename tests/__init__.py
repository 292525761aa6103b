"""The tests. A package, so that they can share `tests.history` and be run as modules."""
