"""A long run in quiet and in trouble, whose process must not grow: `python -m tests.soak --contacts N --minutes M`."""
