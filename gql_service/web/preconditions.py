"""Conditional requests (RFC 9110, section 13). The entity tag of a document is its revision, followed by a
digest of what the viewer sees if that depends on more than the revision. Only the revision counts for writes.

Two decisions differ from the letter of the RFC, or go beyond it:

- A tag that a proxy has changed meets `If-Match`, too. Proxies that compress responses make tags weak, as
  nginx does (`W/"33"`), or add the coding, as Apache and Caddy do (`"33-gzip"`). Such a tag still names the
  revision, and a revision is never used for two states.
- A header that is not a list of entity tags is an error, not a tag that never matches. A client that forgets
  the quotation marks would otherwise be told to read the document again, for ever.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from starlette.datastructures import Headers

from gql_service.errors import BadUserInput
from gql_service.quoting import quoted

IF_MATCH, IF_NONE_MATCH = "If-Match", "If-None-Match"
_ENTITY_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
"""RFC 9110, section 8.8.3, in the characters of ISO 8859-1."""
_LIST = re.compile(rf"[ \t,]*{_ENTITY_TAG}(?:[ \t]*,[ \t,]*{_ENTITY_TAG})*[ \t,]*")
_TAG = re.compile(_ENTITY_TAG)
_ADDED_BY_PROXIES = re.compile(r'^W/|--?(?:gzip|br|zstd|deflate)(?="$)')
_DIGEST = re.compile(r'\.[0-9a-f]{16}(?="$)')
_UNQUOTED = re.compile(r"(W/)?[!#-+\--~]+", re.IGNORECASE)
"""A single tag without its quotation marks."""


def entity_tag(revision: int, seen: str | None = None) -> str:
    """The tag of a document at a revision. `seen` is what the viewer sees, if that depends on more than the
    revision: on the time, or on who they are."""
    if seen is None:
        return f'"{revision}"'
    return f'"{revision}.{blake2b(seen.encode(), digest_size=8).hexdigest()}"'


class TagCondition(NamedTuple):
    """The value of `If-Match` or `If-None-Match`."""

    tags: frozenset[str]
    """Entity tags, without what proxies add."""
    revisions: frozenset[str]
    """The same without digests."""
    matches_any: bool = False
    """Whether the value is `*`."""

    def matches(self, revision: int) -> bool:
        """Whether a revision is named; `*` names all documents that were written at least once."""
        return revision > 0 if self.matches_any else f'"{revision}"' in self.revisions


class Preconditions(NamedTuple):
    """The conditions of a request, None if it has no such header."""

    if_match: TagCondition | None
    if_none_match: TagCondition | None

    def is_stale(self, revision: int) -> bool:
        """Whether `If-Match` fails. It is evaluated first (RFC 9110, section 13.2.2)."""
        return self.if_match is not None and not self.if_match.matches(revision)

    def is_known(self, revision: int) -> bool:
        """Whether `If-None-Match` fails: the client has this revision."""
        return self.if_none_match is not None and self.if_none_match.matches(revision)

    def is_cached(self, revision: int, tag: str) -> bool:
        """Whether `If-None-Match` fails for a reader: the client has the very document."""
        condition = self.if_none_match
        return condition is not None and (
            condition.matches(revision) if condition.matches_any else tag in condition.tags
        )

    def allow_write(self, revision: int) -> bool:
        """Whether a document at this revision may be written."""
        return not self.is_stale(revision) and not self.is_known(revision)


def read_preconditions(headers: Headers) -> Preconditions:
    """Raises BadUserInput for a malformed header."""
    return Preconditions(*(_condition(name, headers.getlist(name)) for name in (IF_MATCH, IF_NONE_MATCH)))


def _condition(name: str, lines: Sequence[str]) -> TagCondition | None:
    """The condition of a header, whose lines are joined (RFC 9110, section 5.3). Raises BadUserInput."""
    if not lines:
        return None
    value = ", ".join(lines).strip(" \t")
    if value == "*":
        return TagCondition(frozenset(), frozenset(), matches_any=True)
    if not _LIST.fullmatch(value):
        raise BadUserInput(_fault(name, value))
    tags = frozenset(_ADDED_BY_PROXIES.sub("", tag) for tag in _TAG.findall(value))
    return TagCondition(tags, frozenset(_DIGEST.sub("", tag) for tag in tags))


def _fault(name: str, value: str) -> str:
    """What is wrong with a header, and how it is written."""
    if not value.strip(" \t,"):
        return f"The header {name} is empty. Leave it out, or send the ETag of the document."
    if _UNQUOTED.fullmatch(value) and "*" not in value:
        opaque = value[2:] if value[:2].upper() == "W/" else value
        tag = opaque if len(opaque) <= 20 else "33"
        return f'The header {name} has no quotation marks. Quote the value: {name}: "{tag}".'
    return (
        f"The header {name} is malformed: {quoted(value)}. Send `*`, or entity tags in quotation marks, "
        f'separated by commas, such as {name}: "33".'
    )
