"""Real processes that are killed, stopped and interrupted at random moments, over and over: `python -m tests.kills --kills N`."""
