"""Tests in a real browser: `make browser`. They are a tier of their own, for they need Chromium."""
