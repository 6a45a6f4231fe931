"""Inbound webhooks: verify, store, answer; the work is a task."""
