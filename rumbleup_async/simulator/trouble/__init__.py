"""What can go wrong: faults, which spoil a request or a reply, and quirks, which are contradictions of the documentation."""
