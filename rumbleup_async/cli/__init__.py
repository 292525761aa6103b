"""The command line: the composition root, the only room that knows all rooms."""
