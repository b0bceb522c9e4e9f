"""Content negotiation (RFC 9110): which of the offered media types a client prefers."""

from collections.abc import Sequence
from functools import lru_cache

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


def essence(content_type: bytes | None) -> str:
    """A media type without its parameters, in lower case; empty if there is none."""
    return (content_type or b"").decode("latin-1").partition(";")[0].strip().lower()


def charset(content_type: bytes | None) -> str | None:
    """The parameter `charset` of a media type, in lower case; None if there is none."""
    for parameter in (content_type or b"").decode("latin-1").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return None


@lru_cache(256)
def negotiate(accept: bytes | None, offers: tuple[str, ...]) -> str | None:
    """The offer that an `Accept` header prefers, or None if it accepts none. See RFC 9110, section 12.5.1.

    Of equally preferred offers, it is the first. Without a header, everything is acceptable.
    """
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [_parse_range(part) for part in accept.split(b",")]
    best, best_quality = None, 0.0
    for offer in offers:
        quality = _quality(offer, ranges)
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


@lru_cache(256)
def response_media_type(accept: bytes | None) -> str | None:
    """The media type of a GraphQL response, or None if the `Accept` header allows neither of the two.

    A client that names `application/graphql-response+json`, or sends no header, gets it unless it prefers
    JSON. Wildcards mean JSON: their clients, such as Apollo's gateway, expect status 200 even if the
    document is invalid.
    """
    if accept is None or not accept.strip():
        return GRAPHQL_RESPONSE
    names_it = any(_parse_range(part)[0] == GRAPHQL_RESPONSE for part in accept.split(b","))
    return negotiate(accept, (GRAPHQL_RESPONSE, JSON) if names_it else (JSON, GRAPHQL_RESPONSE))


def _parse_range(part: bytes) -> tuple[str, float]:
    """A media range and its quality, such as `("text/*", 0.5)`."""
    quality = 1.0
    for parameter in part.split(b";")[1:]:
        name, _, value = parameter.partition(b"=")
        if name.strip().lower() == b"q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                quality = 0.0
    return essence(part), quality


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific range that matches the offer; 0 if none does."""
    qualities = dict(reversed(ranges))  # the first of equal ranges wins
    for pattern in (offer, offer.partition("/")[0] + "/*", "*/*"):
        if pattern in qualities:
            return qualities[pattern]
    return 0.0
