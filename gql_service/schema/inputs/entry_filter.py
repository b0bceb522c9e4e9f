"""Filters for the entries of a document."""

import strawberry

from gql_service.domain.documents import visibility


@strawberry.input(description="A filter for entries. All conditions must hold.")
class EntryFilter:
    key_prefix: str | None = strawberry.field(default=None, description="The key starts with this text.")
    category: str | None = strawberry.field(default=None, description="The category equals this text.")
    source: str | None = strawberry.field(default=None, description="The source equals this text.")

    def wanted(self, *, include_inactive: bool) -> visibility.EntryFilter:
        prefix = self.key_prefix or ""
        return visibility.EntryFilter(prefix, self.category, self.source, include_inactive)
