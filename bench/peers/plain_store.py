"""The database of the usual way: asynchronous ORM sessions, loaders for each request, and the write."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload, undefer
from strawberry.dataloader import DataLoader

from bench.peers.changes import instant, merge
from bench.peers.plain_models import (
    AccessToken,
    Document,
    DocumentChange,
    EarnedBadge,
    Event,
    Membership,
    Platform,
    User,
)
from gql_service.auth import tokens
from gql_service.strict_json import dumps

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Store:
    """The database of one process. On SQLite, writers take turns and begin with `BEGIN IMMEDIATE`."""

    def __init__(self, url: str) -> None:
        sqlite = url.startswith("sqlite")
        url = url.replace("sqlite://", "sqlite+aiosqlite://").replace("postgresql:", "postgresql+asyncpg:")
        create = partial(create_async_engine, url, max_overflow=0, json_serializer=dumps)
        reader = create(pool_size=10, isolation_level="AUTOCOMMIT")
        writer = create(pool_size=1 if sqlite else 10)
        if sqlite:
            for engine in (reader, writer):
                event.listen(engine.sync_engine, "connect", _set_pragmas)
            event.listen(writer.sync_engine, "begin", _begin_immediate)
        self.reading = async_sessionmaker(reader, expire_on_commit=False)
        self._writing = async_sessionmaker(writer, expire_on_commit=False)

    async def token(self, id: str) -> AccessToken | None:
        """A token that is neither expired nor revoked, with its user."""
        statement = (
            select(AccessToken)
            .options(joinedload(AccessToken.user))
            .where(AccessToken.id == id, AccessToken.revoked_at.is_(None))
            .where(AccessToken.expires_at.is_(None) | (AccessToken.expires_at > instant()))
        )
        async with self.reading() as session:
            return (await session.scalars(statement)).one_or_none()

    async def members(self, tenant_id: str, limit: int) -> Sequence[User]:
        statement = select(User).join(Membership).where(Membership.tenant_id == tenant_id)
        async with self.reading() as session:
            return (await session.scalars(statement.order_by(Membership.user_id).limit(limit))).all()

    async def patch(
        self, user_id: str, platform: Platform, actor_id: str, metadata: dict[str, Any]
    ) -> Document:
        """Lock the document, merge the changes, and store them, if there are any, with their history."""
        key, now = {"user_id": user_id, "platform_id": platform.id}, instant()
        async with self._writing.begin() as session:
            with_attributes = [undefer(Document.attributes)]
            document = await session.get(
                Document, (user_id, platform.id), with_for_update=True, options=with_attributes
            )
            if document is None:
                document = Document(**key, metadata_={}, attributes={}, revision=0, created_at=now)
                session.add(document)
            values, attributes = dict(document.metadata_), dict(document.attributes)
            changes = merge(values, attributes, metadata, actor_id, now)
            if changes:
                document.metadata_, document.attributes = values, attributes
                document.revision, document.updated_at = document.revision + 1, now
                written: dict[str, Any] = key | {"actor_id": actor_id, "revision": document.revision}
                session.add(DocumentChange(**written, changed_at=now, source="graphql", changes=changes))
                session.add(
                    Event(
                        **written,
                        type="document.changed",
                        tenant_id=platform.tenant_id,
                        occurred_at=now,
                        changed_keys=sorted(changes),
                        hidden_keys=[],
                    )
                )
            return document


class Loaders:
    """The loaders of one request."""

    def __init__(self, store: Store) -> None:
        def load(
            statement: Callable[[list[K]], Any], key: Callable[[Any], K]
        ) -> Callable[[list[K]], Awaitable[list[Any]]]:
            async def rows(keys: list[K]) -> list[Any]:
                async with store.reading() as session:
                    found = {key(row): row for row in await session.scalars(statement(keys))}
                return [found.get(each) for each in keys]

            return rows

        async def badges(user_ids: list[str]) -> list[list[EarnedBadge]]:
            statement = select(EarnedBadge).where(EarnedBadge.user_id.in_(user_ids))
            found: dict[str, list[EarnedBadge]] = {id: [] for id in user_ids}
            async with store.reading() as session:
                ordered = statement.order_by(EarnedBadge.earned_at, EarnedBadge.name)
                for row in await session.scalars(ordered):
                    found[row.user_id].append(row)
            return [found[id] for id in user_ids]

        self.user = DataLoader[str, User | None](
            load(lambda ids: select(User).where(User.id.in_(ids)), lambda row: row.id)
        )
        self.user_named = DataLoader[str, User | None](
            load(lambda names: select(User).where(User.username.in_(names)), lambda row: row.username)
        )
        self.platform = DataLoader[str, Platform | None](
            load(lambda keys: select(Platform).where(Platform.key.in_(keys)), lambda row: row.key)
        )
        self.badges = DataLoader[str, list[EarnedBadge]](badges)
        self._documents: dict[str, DataLoader[str, Document | None]] = {}
        self._load = load

    async def document(self, platform_id: str, user_id: str) -> Document | None:
        if platform_id not in self._documents:
            documents_of_platform = select(Document).where(Document.platform_id == platform_id)
            self._documents[platform_id] = DataLoader(
                self._load(
                    lambda ids: documents_of_platform.where(Document.user_id.in_(ids)),
                    lambda row: row.user_id,
                )
            )
        return await self._documents[platform_id].load(user_id)


async def authenticate(store: Store, authorization: str | None) -> User | None:
    """The caller; None without a valid token."""
    presented = tokens.from_header(authorization)
    row = None if presented is None else await store.token(presented.id)
    return row.user if presented and row and presented.matches(row.digest) else None


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy begins the transactions
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
