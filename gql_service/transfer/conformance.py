"""Checks an imported document against the definitions of its platform, and computes its search index."""

from gql_service.domain.definitions.definitions import PlatformDefinitions
from gql_service.domain.documents.entries import Entry
from gql_service.domain.documents.rows import MetadataDocument
from gql_service.domain.search import index
from gql_service.domain.values.encryption import CipherContext, KeyRing, Undecipherable
from gql_service.errors import Rejected
from gql_service.quoting import quoted
from gql_service.transfer.record_fields import InvalidRecord


def check_conformance(
    document: MetadataDocument, tenant_id: str, platform: PlatformDefinitions, keys: KeyRing
) -> list[index.IndexedEntry]:
    """Check a document against the definitions of its platform; returns its rows of the search index.

    `tenant_id` is the tenant whose admins administer the document. Raises InvalidRecord, naming the key.
    """
    rows: list[index.IndexedEntry] = []
    if not platform.definitions and '"isIndexed":true' not in (document.attributes or ""):
        return rows
    content = document.content()
    for key in content:
        entry = content.get(key)
        assert entry is not None
        context = CipherContext(tenant_id, document.user_id, document.platform_id, key)
        try:
            _check_entry(context, entry, platform, keys)
            paths = platform.indexed_paths(key)
            if entry.is_indexed or index.has_parts(entry, paths):
                rows.append(index.indexed(context, entry, _text(context, entry, keys), keys, paths))
        except Rejected as rejected:
            raise InvalidRecord(f"{quoted(key)}: {rejected.message}") from None
        except Undecipherable as error:
            raise InvalidRecord(
                f"{quoted(key)} is indexed or has a definition, so its value must be decrypted, but {error}. "
                "Check the keys in GQL_SERVICE_ENCRYPTION_KEYS."
            ) from None
    return rows


def encryption_key_ids(document: MetadataDocument) -> set[str]:
    """The ids of the keys that the values of the document are encrypted with."""
    if '"ciphertext":' not in (document.conditions or ""):
        return set()
    content = document.content()
    entries = [entry for key in content if (entry := content.get(key)) is not None]
    return {entry.ciphertext.partition(":")[0] for entry in entries if entry.ciphertext}


def _check_entry(context: CipherContext, entry: Entry, platform: PlatformDefinitions, keys: KeyRing) -> None:
    """Check an entry against its definition, if any.

    A strict platform without any definitions accepts all keys: an export puts definitions last, so that they
    do not reject older documents.
    """
    definition = platform.definitions.get(context.key)
    if definition is not None:
        text = _text(context, entry, keys)
        definition.check(context.key, entry.type, text, (), secret=entry.is_encrypted)
    elif platform.strict and platform.definitions:
        raise InvalidRecord(
            f"The platform accepts only defined keys, and {quoted(context.key)} is not defined. "
            "Define the key, or set the mode of the platform to open."
        )


def _text(context: CipherContext, entry: Entry, keys: KeyRing) -> str:
    if entry.text is not None:
        return entry.text
    return keys.decrypt(context, entry.ciphertext or "")
