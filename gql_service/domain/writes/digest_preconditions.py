"""Preconditions on keys: a write is done only if each named key holds the value whose digest the caller
knows."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gql_service.domain.documents.visibility import digest
from gql_service.domain.values.encryption import Undecipherable
from gql_service.domain.values.validation import Limits, check_key
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected
from gql_service.quoting import quoted

ExpectedDigests = Mapping[str, str | None]
"""The expected digest of each key. None means that the caller expects no entry they can see."""

NO_DIGESTS: ExpectedDigests = {}
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def parse_expected_digests(items: Sequence[Mapping[str, Any]] | None, limits: Limits) -> ExpectedDigests:
    """Parse items `{key, digest}`. Raises Rejected."""
    expected: dict[str, str | None] = {}
    for index, item in enumerate(items or ()):
        path, key, text = ("expected_digests", str(index)), item["key"], item.get("digest")
        check_key(key, limits, (*path, "key"))
        if key in expected:
            raise Rejected(Problem.INVALID_KEY, f"{quoted(key)} is listed twice.", (*path, "key"))
        if text is not None and not _DIGEST.fullmatch(text):
            message = (
                f"{quoted(text)} is not a digest. Use the 64 hexadecimal digits of the entry's `digest`, "
                "or null to expect no entry."
            )
            raise Rejected(Problem.INVALID_VALUE, message, (*path, "digest"))
        expected[key] = text
    return expected


def unmet_keys(draft: Draft, expected: ExpectedDigests) -> list[str]:
    """The keys that hold something else. Entries that have expired or that the writer cannot see are
    absent."""
    return sorted(key for key, text in expected.items() if not _holds(draft, key, text))


def _holds(draft: Draft, key: str, expected: str | None) -> bool:
    entry = draft.get(key)
    if entry is None or not draft.viewer.may_know_of(entry):
        return expected is None
    try:
        return expected is not None and digest(key, entry.type, draft.text(key, entry)) == expected
    except Undecipherable:  # nobody has ever received a digest of it
        return False
