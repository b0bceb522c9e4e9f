"""Every page of the console, by who may open it: what is tested of all pages is tested of these."""

MEMBER = ["profile", "settings", "p/{platform}/settings", "notifications", "data"]
TABS = ["metadata", "effective", "history", "badges", "access", "changes", "danger"]
ADMIN = [
    "p/{platform}/users",
    *(f"p/{{platform}}/users/{{user}}?tab={tab}" for tab in TABS),
    "p/{platform}/definitions",
    "p/{platform}/definitions/beta",
    "p/{platform}/define",
    "p/{platform}/activity",
    "p/{platform}/webhooks",
    "p/{platform}/bulk",
]
OWNER = ["tenants", "platforms", "health"]
