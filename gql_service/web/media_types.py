"""Content negotiation: which of the offered media types a client prefers."""

from collections.abc import Sequence

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"


def essence(content_type: str | None) -> str:
    """A media type without its parameters, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()


def negotiate(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer an `Accept` header prefers, the first of equals; None where it accepts none.

    Without a header everything is acceptable. See RFC 9110, section 12.5.1.
    """
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [_parse(part) for part in accept.split(",")]
    best, best_quality = None, 0.0
    for offer in offers:
        quality = _quality(offer, ranges)
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


def _parse(part: str) -> tuple[str, float]:
    quality = 1.0
    for parameter in part.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
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
