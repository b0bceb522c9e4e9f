"""Scopes of access tokens. They only reduce what the user of a token may do."""

from enum import StrEnum


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "READ"
    WRITE = "WRITE"
    EVALUATE = "EVALUATE"
    EVENTS = "EVENTS"
    ADMIN = "ADMIN"


SCOPE_PREFIX = "gql_service:"
"""How our scopes begin in the tokens of an issuer, which has scopes of its own."""

Scopes = frozenset[Scope] | None
"""The scopes of a token; None stands for all, those of later versions included."""


def parse_scopes(text: str | None) -> Scopes:
    """The scopes that a token is stored with. Scopes of a later version are ignored."""
    return (
        None if text is None else frozenset(Scope(name) for name in text.split() if name in Scope.__members__)
    )


def scopes_text(scopes: Scopes) -> str | None:
    """The text to store scopes as."""
    return None if scopes is None else " ".join(scope for scope in Scope if scope in scopes)
