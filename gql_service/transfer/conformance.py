"""What a new document must agree with besides itself: the definitions there are, and the key ring."""

from gql_service.domain.definitions.definitions import PlatformRules
from gql_service.domain.documents.entries import Entry
from gql_service.domain.documents.rows import Document
from gql_service.domain.search import index
from gql_service.domain.values.encryption import KeyRing, Place, Undecipherable
from gql_service.errors import Rejected
from gql_service.transfer.record_fields import Broken


def admit(document: Document, tenant_id: str, platform: PlatformRules, keys: KeyRing) -> list[index.Row]:
    """Hold a document to the definitions of its platform, and tell how its entries are found.

    `tenant_id` is the tenant whose admins administer it. Raises Broken, naming the key at fault.
    """
    found: list[index.Row] = []
    if not platform.definitions and '"isIndexed":true' not in (document.attributes or ""):
        return found
    content = document.content()
    for key in content:
        entry = content.get(key)
        assert entry is not None
        place = Place(tenant_id, document.user_id, document.platform_id, key)
        try:
            _check(place, entry, platform, keys)
            if entry.is_indexed:
                found.append(index.row_of(place, entry, _text(place, entry, keys), keys))
        except Rejected as rejected:
            raise Broken(f"{key[:40]!r}: {rejected.message}") from None
        except Undecipherable as error:
            message = f"{key[:40]!r} is indexed or defined, so that its value must be known, and {error}."
            raise Broken(f"{message} GQL_SERVICE_ENCRYPTION_KEYS must have its key.") from None
    return found


def key_ids(document: Document) -> set[str]:
    """The ids of the keys that its values are encrypted with."""
    if '"ciphertext":' not in (document.conditions or ""):
        return set()
    content = document.content()
    entries = [entry for key in content if (entry := content.get(key)) is not None]
    return {entry.ciphertext.partition(":")[0] for entry in entries if entry.ciphertext}


def _check(place: Place, entry: Entry, platform: PlatformRules, keys: KeyRing) -> None:
    """A strict platform without any definition takes what comes: an export tells definitions last, so that
    they never keep out what was there before them."""
    definition = platform.definitions.get(place.key)
    if definition is not None:
        text = _text(place, entry, keys)
        definition.check(place.key, entry.type, text, (), secret=entry.is_encrypted)
    elif platform.strict and platform.definitions:
        raise Broken(f"The platform accepts defined keys only, and {place.key[:40]!r} is not defined.")


def _text(place: Place, entry: Entry, keys: KeyRing) -> str:
    if entry.text is not None:
        return entry.text
    return keys.decrypt(place, entry.ciphertext or "")
