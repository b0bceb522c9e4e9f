"""The data: tenants, a platform, another one for flags, users with badges and a document each, tokens."""

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.flags import define_flags
from gql_service import instants, strict_json
from gql_service.domain.documents.entries import Content, Entry
from gql_service.domain.tenants import Platform
from gql_service.domain.users import access_tokens
from gql_service.domain.values.types import type_of
from gql_service.names import fold, search_texts
from gql_service.settings import Settings
from gql_service.store import migrations, tables
from gql_service.store.connection import Connection
from gql_service.store.database import open_database

TENANT, PLATFORM, FLAGS_PLATFORM = "bench-tenant", "bench", "bench-flags"
MAX_SAMPLE = 1000
_OTHER_TENANTS = [f"bench-tenant-{number:02}" for number in range(2, 51)]
_BADGES = ("projectCreated", "firstApplicationCreated", "firstDeployment")
_CHUNK = 2000
_CREATED_AT = 1_700_000_000_000
_FLAGS_ID = str(uuid.UUID(int=2, version=4))

Row = dict[str, Any]


class Person(NamedTuple):
    """A user that requests refer to."""

    id: str
    username: str


class Dataset(NamedTuple):
    """The loaded data that requests need."""

    users: int
    sample: Sequence[Person]
    """Users from the whole range of ids; requests rotate over them."""
    tokens: Mapping[str, str]
    """The tokens of `admin`, of `member`, and of `consultant`, who has permissions in 50 tenants; the invalid
    tokens `expired` and `revoked`."""


async def load(url: str, users: int, *, conditional: bool = False) -> Dataset:
    """Create the tables in an empty database, and fill them. The same number of users gives the same users.

    Documents have the attributes that a patch would give them. If `conditional`, each has two more entries:
    one is hidden from its user, the other has a validity window.
    """
    people = list(_people(users))
    settings = Settings(database_url=url)
    await migrations.upgrade(settings)
    engine = create_async_engine(settings.database_url)
    async with engine.begin() as transaction:
        await _fill(transaction, people, conditional)
    await engine.dispose()
    database = open_database(settings)
    tokens = await database.write(lambda transaction: _issue_tokens(transaction, people))
    flags = Platform(_FLAGS_ID, FLAGS_PLATFORM, TENANT, "Flags", _CREATED_AT)
    await database.write(lambda transaction: define_flags(transaction, flags, settings, _CREATED_AT))
    await database.close()
    step = max(1, users // MAX_SAMPLE)
    return Dataset(users, people[1 : users + 1 : step][:MAX_SAMPLE], tokens)


def _people(users: int) -> Iterator[Person]:
    """The admin, the members, the consultant."""
    source = random.Random(users)  # noqa: S311 - the ids must be reproducible
    names = ["admin", *(f"user_{number:06}" for number in range(1, users + 1)), "consultant"]
    for name in names:
        yield Person(str(uuid.UUID(int=source.getrandbits(128), version=4)), name)


async def _fill(transaction: AsyncConnection, people: Sequence[Person], conditional: bool) -> None:
    ids = [TENANT, *_OTHER_TENANTS]
    tenants = [{"id": each, "name": each.title(), "created_at": _CREATED_AT} for each in ids]
    platform = {"id": str(uuid.UUID(int=1, version=4)), "key": PLATFORM, "tenant_id": TENANT}
    await transaction.execute(insert(tables.tenants), tenants)
    platforms = [platform, {"id": _FLAGS_ID, "key": FLAGS_PLATFORM, "tenant_id": TENANT}]
    for each in platforms:
        named = each | {"name": each["key"].title(), "created_at": _CREATED_AT}
        await transaction.execute(insert(tables.platforms), named)
    await _insert(transaction, tables.users, [_user(person) for person in people])
    memberships = [
        {"user_id": person.id, "tenant_id": tenant} for person in people for tenant in _tenants(person)
    ]
    await _insert(transaction, tables.memberships, memberships)
    holders = [
        {"permission": permission, "user_id": person.id}
        for person in people
        for permission in _permissions(person)
    ]
    await _insert(transaction, tables.permission_holders, holders)
    await _insert(transaction, tables.user_texts, [row for person in people for row in _texts(person)])
    await _insert(transaction, tables.earned_badges, [row for person in people for row in _badges(person)])
    documents = [
        _document(person, number, platform["id"], conditional) for number, person in enumerate(people)
    ]
    await _insert(transaction, tables.documents, documents)


async def _insert(transaction: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), _CHUNK):
        await transaction.execute(insert(table), rows[start : start + _CHUNK])


def _tenants(person: Person) -> list[str]:
    return [TENANT, *(_OTHER_TENANTS if person.username == "consultant" else ())]


def _permissions(person: Person) -> list[str]:
    permission = "admin" if person.username == "admin" else "read"
    return [f"{tenant}::{permission}" for tenant in _tenants(person)]


def _user(person: Person) -> Row:
    return {
        "id": person.id,
        "tenant_id": TENANT,
        "username": person.username,
        "name_key": fold(person.username),
        "email": _email(person),
        "email_key": fold(_email(person)),
        "image": f"https://images.example.com/{person.id}.png",
        "profile_fields": strict_json.dumps(_profile(person)),
        "permissions": strict_json.dumps(_permissions(person)),
        "is_platform_owner": False,
        "revision": 1,
        "created_at": _CREATED_AT,
        "updated_at": _CREATED_AT,
    }


def _texts(person: Person) -> list[Row]:
    """What the user is found by."""
    texts = search_texts(person.username, _email(person), _profile(person), ("tenant", "private"))
    return [{"user_id": person.id, "tenant_id": TENANT, "text": text} for text in texts]


def _email(person: Person) -> str:
    return f"{person.username}@example.com"


def _profile(person: Person) -> Row:
    return {"firstName": {"value": "Bench"}, "lastName": {"value": f"User {person.username[-6:]}"}}


def _badges(person: Person) -> list[Row]:
    return [
        {"user_id": person.id, "name": name, "earned_at": _CREATED_AT + day * 86_400_000}
        for day, name in enumerate(_BADGES)
    ]


def _document(person: Person, number: int, platform_id: str, conditional: bool) -> Row:
    metadata = {
        "theme": "dark",
        "language": "en",
        "timezone": "Europe/Berlin",
        "fontSize": 12 + number % 5,
        "betaFeatures": number % 2 == 0,
        "onboarding": {"completed": True, "step": number % 7, "skipped": ["tour", "survey"]},
        "crmId": f"crm-{number:08}",
        "lastProject": f"project-{number % 97}",
        "notifications": {"email": True, "push": False, "digest": "weekly"},
        "dashboard": {"columns": 3, "widgets": ["builds", "reviews", "alerts"]},
        "note": f"Prefers to be called at the desk of {person.username}.",
    }
    content = Content("{}", None, "{}", _CREATED_AT)
    for key, value in metadata.items():
        content.put(key, _entry(person, value))
    if conditional:
        content.put("tier", _entry(person, "premium")._replace(is_public=False, is_editable=False))
        content.put(
            "trial", _entry(person, True)._replace(valid_from=_CREATED_AT, valid_until=4 * _CREATED_AT)
        )
    return {
        "user_id": person.id,
        "platform_id": platform_id,
        "expires_at": content.expires_at,
        "revision": 1,
        "created_at": _CREATED_AT,
        "updated_at": _CREATED_AT,
        **content.encode(revision=1),
    }


def _entry(person: Person, value: object) -> Entry:
    text = strict_json.dumps(value)
    return Entry(
        type=type_of(text),
        text=text,
        ciphertext=None,
        category=None,
        description=None,
        source=None,
        is_indexed=False,
        is_public=True,
        is_editable=True,
        is_encrypted=False,
        valid_from=None,
        valid_until=None,
        created_at=_CREATED_AT,
        updated_at=_CREATED_AT,
        created_by=person.id,
        updated_by=person.id,
    )


async def _issue_tokens(transaction: Connection, people: Sequence[Person]) -> dict[str, str]:
    now = instants.now()
    admin, member, consultant = people[0].id, people[1].id, people[-1].id

    async def issue(user_id: str, expires_at: int | None = None) -> str:
        token = await access_tokens.issue(transaction, user_id, label="bench", now=now, expires_at=expires_at)
        return str(token)

    tokens = {
        "admin": await issue(admin, now + 7 * 86_400_000),
        "member": await issue(member),
        "consultant": await issue(consultant),
        "expired": await issue(admin, now - 1),
        "revoked": await issue(admin),
    }
    await access_tokens.revoke(transaction, tokens["revoked"].split("_")[1], now=now)
    return tokens
