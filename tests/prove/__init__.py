"""The promise, proved by simulation: seeded worlds, crash points, and a museum of faults that the harness must catch."""
