"""The tables of the usual way: SQLAlchemy ORM classes, with JSON columns that the ORM decodes."""

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """All tables; instants are milliseconds."""

    type_annotation_map: ClassVar = {int: BigInteger}


class User(Base):
    __tablename__ = "users"
    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    username: Mapped[str]
    email: Mapped[str]
    image: Mapped[str | None]
    profile_fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    permissions: Mapped[list[str]] = mapped_column(JSON)
    is_platform_owner: Mapped[bool]


class Membership(Base):
    __tablename__ = "memberships"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(primary_key=True)


class Platform(Base):
    __tablename__ = "platforms"
    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    tenant_id: Mapped[str]


class EarnedBadge(Base):
    __tablename__ = "earned_badges"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    earned_at: Mapped[int]


class AccessToken(Base):
    __tablename__ = "access_tokens"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
    user: Mapped[User] = relationship(lazy="raise")


class Document(Base):
    __tablename__ = "documents"
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    platform_id: Mapped[str] = mapped_column(primary_key=True)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSON)
    revision: Mapped[int]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)
    created_at: Mapped[int] = mapped_column(deferred=True)
    updated_at: Mapped[int] = mapped_column(deferred=True)


class DocumentChange(Base):
    __tablename__ = "document_changes"
    user_id: Mapped[str] = mapped_column(primary_key=True)
    platform_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[str]
    changed_at: Mapped[int]
    source: Mapped[str]
    changes: Mapped[dict[str, Any]] = mapped_column(JSON)


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    tenant_id: Mapped[str]
    platform_id: Mapped[str]
    user_id: Mapped[str]
    actor_id: Mapped[str]
    occurred_at: Mapped[int]
    revision: Mapped[int]
    changed_keys: Mapped[list[str]] = mapped_column(JSON)
    hidden_keys: Mapped[list[str]] = mapped_column(JSON)
