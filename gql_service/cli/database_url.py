"""The URL of a PostgreSQL database without its password: for people, and for PostgreSQL's own tools."""

import re

HIDDEN = "***"
_DRIVER = re.compile(r"^(postgres\w*)\+\w+(?=://)")
_SECRET_PARAMETER = re.compile(r"(?<=[?&])((?:ssl)?password)=[^&]*", re.IGNORECASE)


def with_hidden_password(url: str) -> str:
    """The URL with a placeholder for each password. Other texts, and URLs of SQLite, stay as they are.

    Whatever could belong to a password is hidden, because a URL may be written carelessly.
    """
    scheme, separator, rest = url.partition("://")
    if not scheme.startswith("postgres"):
        return url
    user, colon, at, location = _parts(rest)
    rest = f"{user}{colon}{HIDDEN if colon else ''}{at}{location}"
    return scheme + separator + _SECRET_PARAMETER.sub(rf"\1={HIDDEN}", rest)


def for_tools(url: str) -> str:
    """The URL for pg_dump and pg_restore, without passwords: these come from PGPASSWORD or ~/.pgpass."""
    scheme, separator, rest = _DRIVER.sub(r"\1", url).partition("://")
    user, _, at, location = _parts(rest)
    address, question, query = f"{user}{at}{location}".partition("?")
    kept = [each for each in query.split("&") if each and not _SECRET_PARAMETER.match(f"?{each}", 1)]
    return scheme + separator + address + (question if kept else "") + "&".join(kept)


def _parts(rest: str) -> tuple[str, str, str, str]:
    """The user, a colon if there is a password, an at sign if there is a user, and what comes after it."""
    credentials, at, location = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    return user, colon, at, location
