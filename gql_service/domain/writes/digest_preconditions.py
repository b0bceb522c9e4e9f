"""What a caller expects keys to hold, told by digests: a write is done only where all of it is so."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gql_service.domain.documents.visibility import digest
from gql_service.domain.values.encryption import Undecipherable
from gql_service.domain.values.validation import Limits, check_key
from gql_service.domain.writes.draft import Draft
from gql_service.errors import Problem, Rejected

ExpectedDigests = Mapping[str, str | None]
"""Keys to the digests of what they hold; None stands for no entry that the caller could see."""

NO_DIGESTS: ExpectedDigests = {}
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def parse_expected_digests(given: Sequence[Mapping[str, Any]] | None, limits: Limits) -> ExpectedDigests:
    """Read `{key, digest}`. Raises Rejected."""
    expected: dict[str, str | None] = {}
    for index, each in enumerate(given or ()):
        field, key, text = ("expected_digests", str(index)), each["key"], each.get("digest")
        check_key(key, limits, (*field, "key"))
        if key in expected:
            raise Rejected(Problem.INVALID_KEY, f"{key[:40]!r} is named twice.", (*field, "key"))
        if text is not None and not _DIGEST.fullmatch(text):
            message = (
                f"{text[:70]!r} is no digest: give the 64 hexadecimal digits that `digest` of the entry "
                "answers, or null where there must be no entry."
            )
            raise Rejected(Problem.INVALID_VALUE, message, (*field, "digest"))
        expected[key] = text
    return expected


def unmet_keys(draft: Draft, expected: ExpectedDigests) -> list[str]:
    """The keys that hold something else. What has expired, or is hidden from the caller, counts as absent."""
    return sorted(key for key, text in expected.items() if not _holds(draft, key, text))


def _holds(draft: Draft, key: str, expected: str | None) -> bool:
    entry = draft.get(key)
    if entry is None or not draft.sees(entry):
        return expected is None
    try:
        return expected is not None and digest(key, entry.type, draft.text(key, entry)) == expected
    except Undecipherable:  # then nobody has been told a digest of it
        return False
