"""Documents known by their SHA-256: those a client registered lately, and those the operator trusts."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from gql_service.errors import Forbidden, RequestError


class Trust(Enum):
    """What becomes of a document that is not in the folder of trusted ones."""

    OPEN = "open"
    LOG = "log"
    TRUSTED_ONLY = "trusted-only"


class PersistedQueryNotFound(RequestError):
    """The client is to send the document once, together with its hash."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    status = 200

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class HashMismatch(RequestError):
    code = "BAD_USER_INPUT"
    status = 400


def digest(text: str) -> str:
    """The SHA-256 of a document's UTF-8 text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_folder(folder: Path) -> dict[str, str]:
    """The documents of all `.graphql` files of a folder, by hash. Raises OSError."""
    texts = (path.read_text() for path in sorted(folder.rglob("*.graphql")))
    return {digest(text): text for text in texts}


class PersistedDocuments:
    """Finds a document's text by its hash, and decides whether a text may be executed."""

    def __init__(
        self, trusted: Mapping[str, str], trust: Trust, capacity: int, note: Callable[[str], None]
    ) -> None:
        self._trusted = trusted
        self._trust = trust
        self._capacity = capacity
        self._note = note
        self._registered: OrderedDict[str, str] = OrderedDict()

    def text(self, query: str | None, hash: str | None) -> str:
        """The text of the document that a request means by its text, its hash, or both.

        Raises PersistedQueryNotFound, HashMismatch, and Forbidden where only trusted documents may be sent.
        """
        if query is None:
            found = self._trusted.get(hash or "") or self._registered.get(hash or "")
            if found is None:
                raise PersistedQueryNotFound
            return found
        if hash is not None and hash != digest(query):
            raise HashMismatch("The hash is not the SHA-256 of the document.")
        self._judge(query)
        if hash is not None:
            self._registered[hash] = query
            if len(self._registered) > self._capacity:
                self._registered.popitem(last=False)
        return query

    def _judge(self, query: str) -> None:
        if self._trust is Trust.OPEN or (hash := digest(query)) in self._trusted:
            return
        if self._trust is Trust.TRUSTED_ONLY:
            raise Forbidden("Only documents that the operators trust may be sent.")
        self._note(hash)
