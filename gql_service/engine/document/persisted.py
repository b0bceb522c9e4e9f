"""Documents found by the SHA-256 of their text: trusted ones, and those that clients have registered.

Clients register documents by Apollo's protocol of automatic persisted queries:
https://www.apollographql.com/docs/apollo-server/performance/apq
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from enum import Enum

from gql_service.errors import BadUserInput, Forbidden, RequestError


class Trust(Enum):
    """What happens to a document that is not in the folder of trusted documents."""

    OPEN = "open"
    """It is executed."""
    LOG = "log"
    """It is executed, and its hash is logged."""
    TRUSTED_ONLY = "trusted-only"
    """It is rejected."""


class PersistedQueryNotFound(RequestError):
    """No document has this hash; the client has to send the text together with the hash."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    status = 200

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")  # Apollo's clients look for this message


def sha256_hex(text: str) -> str:
    """The SHA-256 of a document's UTF-8 text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class PersistedDocuments:
    """Finds the text of a document by its hash, and checks whether a text may be executed.

    `on_untrusted` is called with the hash of each untrusted document under Trust.LOG. At most `capacity`
    texts of clients with `max_size` characters are kept; the oldest is removed first.
    """

    def __init__(
        self,
        trusted: Iterable[str],
        trust: Trust,
        capacity: int,
        max_size: int,
        on_untrusted: Callable[[str], None],
    ) -> None:
        self._trusted = {sha256_hex(text): text for text in trusted}
        self._trust = trust
        self._capacity = capacity
        self._max_size = max_size
        self._on_untrusted = on_untrusted
        self._size = 0
        self._registered: OrderedDict[str, str] = OrderedDict()

    def find_text(self, query: str | None, hash: str | None) -> str:
        """The text of the document that a request identifies by its text, its hash, or both.

        Raises PersistedQueryNotFound, BadUserInput for a wrong hash, or Forbidden for an untrusted text.
        """
        if query is None:
            text = self._trusted.get(hash or "") or self._registered.get(hash or "")
            if text is None:
                raise PersistedQueryNotFound
            return text
        if hash is not None and hash != sha256_hex(query):
            raise BadUserInput("The hash is not the SHA-256 of `query`.")
        self._check_trust(query)
        return query

    def register(self, hash: str, text: str) -> None:
        """Remember the text of a valid document by its hash, which `find_text` has checked."""
        if hash in self._registered:
            return
        self._registered[hash] = text
        self._size += len(text)
        while len(self._registered) > self._capacity or self._size > self._max_size:
            _, removed = self._registered.popitem(last=False)
            self._size -= len(removed)

    def _check_trust(self, query: str) -> None:
        if self._trust is Trust.OPEN or (hash := sha256_hex(query)) in self._trusted:
            return
        if self._trust is Trust.TRUSTED_ONLY:
            raise Forbidden("This server only executes trusted documents, and this one is not trusted.")
        self._on_untrusted(hash)
