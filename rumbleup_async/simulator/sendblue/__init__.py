"""The Sendblue API over the same world: its four message endpoints."""
