"""Filters for the entries of a document."""

import strawberry

from gql_service.domain.documents.visibility import EntryView


@strawberry.input(description="A filter for entries. All conditions must hold.")
class EntryFilter:
    key_prefix: str | None = strawberry.field(default=None, description="The key starts with this text.")
    category: str | None = strawberry.field(default=None, description="The category equals this text.")
    source: str | None = strawberry.field(default=None, description="The source equals this text.")

    def matches(self, row: EntryView) -> bool:
        """Whether an entry matches."""
        return (
            (self.key_prefix is None or row.metadata_key.startswith(self.key_prefix))
            and (self.category is None or row.entry.category == self.category)
            and (self.source is None or row.entry.source == self.source)
        )
