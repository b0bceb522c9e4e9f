"""Users with their profiles, badges, notifications and access tokens."""
