"""Maintenance of stored data: deletion of expired data, key rotation, erasure of users."""
