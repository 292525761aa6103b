"""Bytes from anywhere for whatever reads bytes of others: lists, replies, webhooks, requests to the live page."""
