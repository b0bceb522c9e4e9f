"""Content negotiation: which of the offered media types a client prefers."""

from collections.abc import Sequence
from functools import lru_cache

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


def essence(content_type: bytes | None) -> str:
    """A media type without its parameters, in lower case."""
    return (content_type or b"").decode("latin-1").partition(";")[0].strip().lower()


@lru_cache(256)
def negotiate(accept: bytes | None, offers: tuple[str, ...]) -> str | None:
    """The offer an `Accept` header prefers, the first of equals; None where it accepts none.

    Without a header everything is acceptable. See RFC 9110, section 12.5.1.
    """
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [_parse(part) for part in accept.split(b",")]
    best, best_quality = None, 0.0
    for offer in offers:
        quality = _quality(offer, ranges)
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


def _parse(part: bytes) -> tuple[str, float]:
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
    """The quality of the most specific range that covers the offer."""
    found = dict(reversed(ranges))
    for pattern in (offer, offer.partition("/")[0] + "/*", "*/*"):
        if pattern in found:
            return found[pattern]
    return 0.0
