"""The RumbleUp API over the world. Each resource has a file, written from the provider's pages and not from the client."""
