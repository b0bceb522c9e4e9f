"""Every page of the console, by who may open it: what is tested of all pages is tested of these."""

MEMBER = ["profile"]
ADMIN: list[str] = []
OWNER = ["tenants", "platforms", "health"]
