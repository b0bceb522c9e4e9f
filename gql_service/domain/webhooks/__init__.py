"""Webhooks: events that are sent to URLs of tenants."""
