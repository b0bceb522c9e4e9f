"""What a new document must agree with besides itself: the definitions there are, and the key ring."""

from gql_service.domain.definitions.definitions import PlatformDefinitions
from gql_service.domain.documents.entries import Entry
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.search import index
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.errors import Rejected
from gql_service.quoting import quoted
from gql_service.transfer.record_fields import InvalidRecord


def admit(
    document: MetadataDocument, tenant_id: str, platform: PlatformDefinitions, keys: KeyRing
) -> list[index.IndexRow]:
    """Hold a document to the definitions of its platform, and tell how its entries are found.

    `tenant_id` is the tenant whose admins administer it. Raises Broken, naming the key at fault.
    """
    found: list[index.IndexRow] = []
    if not platform.definitions and '"isIndexed":true' not in (document.attributes or ""):
        return found
    content = document.content()
    for key in content:
        entry = content.get(key)
        assert entry is not None
        place = CipherContext(tenant_id, document.user_id, document.platform_id, key)
        try:
            _check(place, entry, platform, keys)
            if entry.is_indexed:
                found.append(index.row_of(place, entry, _text(place, entry, keys), keys))
        except Rejected as rejected:
            raise InvalidRecord(f"{quoted(key)}: {rejected.message}") from None
        except Undecipherable as error:
            message = f"{quoted(key)} is indexed or defined, so that its value must be known, and {error}."
            raise InvalidRecord(f"{message} GQL_SERVICE_ENCRYPTION_KEYS must have its key.") from None
    return found


def key_ids(document: MetadataDocument) -> set[str]:
    """The ids of the keys that its values are encrypted with."""
    if '"ciphertext":' not in (document.conditions or ""):
        return set()
    content = document.content()
    entries = [entry for key in content if (entry := content.get(key)) is not None]
    return {entry.ciphertext.partition(":")[0] for entry in entries if entry.ciphertext}


def _check(place: CipherContext, entry: Entry, platform: PlatformDefinitions, keys: KeyRing) -> None:
    """A strict platform without any definition takes what comes: an export tells definitions last, so that
    they never keep out what was there before them."""
    definition = platform.definitions.get(place.key)
    if definition is not None:
        text = _text(place, entry, keys)
        definition.check(place.key, entry.type, text, (), secret=entry.is_encrypted)
    elif platform.strict and platform.definitions:
        raise InvalidRecord(
            f"The platform accepts defined keys only, and {quoted(place.key)} is not defined."
        )


def _text(place: CipherContext, entry: Entry, keys: KeyRing) -> str:
    if entry.text is not None:
        return entry.text
    return keys.decrypt(place, entry.ciphertext or "")
