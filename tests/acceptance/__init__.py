"""The real command in real processes, against a simulated provider in another process."""
