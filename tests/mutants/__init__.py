"""The promise, broken on purpose: for every function that docs/promise.md names, one fault and the test that notices it.

`python -m tests.mutants` copies the package, builds one fault into the copy, runs the test that must fail, and goes on to the
next; `python -m tests.mutants 3 7` tries those of these lemmas only. It ends with exit code 1 if a test has passed all the same.
The museum (`tests/prove/museum.py`) does the same with faults of other programs and whole worlds.
"""
