"""Webhooks: reading, checking, receiving, keeping."""
