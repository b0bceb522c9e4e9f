"""A server with lively data for pictures: many users, long names, writing from right to left, 2,000 keys."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gql_service import demo, instants
from gql_service.auth.policy import Policy
from gql_service.domain.maintenance import write_counts
from gql_service.domain.tenants import create_platform, platforms_by_keys
from gql_service.domain.users import notifications, provisioning
from gql_service.domain.users.access_tokens import issue
from gql_service.domain.users.rows import User, by_usernames
from gql_service.store.connection import Connection
from tests.support.receiver import Answer, Received, receiving
from tests.support.service import Service, serving
from tests.support.users import write
from tests.support.webhooks import SETTINGS
from tests.support.world import OPERATOR, Caller

PLATFORM = "acme-corp"
MANY_KEYS = "many_keys"
DAY = 24 * 3600 * 1000
HEBREW, ARABIC = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u0645\u0631\u062d\u0628\u0627"
LONG = "Wolfeschlegelsteinhausenbergerdorff Bartholomew Maximilian Featherstonehaugh-Cholmondeley the Third"
NAMES = ["Ada Byron", "Li Wei", "Zoë Müller", "Noor al-Din", "Mbali Dube", "Ivan Petrov", "Tom"]
FLAG: dict[str, Any] = {"category": "feature_flag", "valueType": "boolean"}
FLAG |= {"default": False, "isEditable": False}
DEFINITIONS: list[dict[str, Any]] = [
    {"key": "theme", "valueType": "string", "choices": ["light", "dark", "system"], "default": "system"}
    | {"title": "Theme", "section": "Looks", "position": 1, "description": "Colours of all pages."},
    {"key": "fontSize", "valueType": "number", "minimum": 10, "maximum": 24, "default": 14}
    | {"title": "Size of the text", "section": "Looks", "position": 2, "description": "In pixels."},
    {"key": "greeting", "valueType": "string", "maxLength": 200, "title": f"Greeting ({HEBREW})"}
    | {"section": "Looks", "position": 3},
    {"key": "mails", "valueType": "boolean", "default": True, "title": "News by email", "section": "Mail"},
    {"key": "quiet_until", "valueType": "date", "title": "Quiet until", "section": "Mail"},
    {"key": "layout", "valueType": "json", "default": {"columns": 2, "panels": ["news", "tasks"]}}
    | {"title": "Layout of the start page", "section": "Start page", "schema": {"type": "object"}},
    {"key": "plan", "valueType": "string", "choices": ["free", "team", "pro"], "isIndexed": True}
    | {"isEditable": False, "title": "Plan", "section": "Account", "default": "free"},
    {"key": "integration.customer_id", "valueType": "string", "isEncrypted": True, "isPublic": False},
    FLAG | {"key": "new_search", "variants": [{"name": "on", "value": True, "weight": 25_000}]},
    {"key": "checkout_button", "valueType": "string", "category": "feature_flag", "default": "grey"}
    | {"isEditable": False, "description": "Which colour sells more."}
    | {"variants": [{"name": each, "value": each, "weight": 20_000} for each in ("blue", "green", "orange")]},
    FLAG | {"key": "old_import", "enabled": False, "description": "Switched off after the incident of May."},
    {"key": f"a.key.with.a.name.as.long.as.{'some.people.make.them.' * 4}indeed", "valueType": "string"},
]
NOTES = [
    ("Your export is ready", "It stays for seven days."),
    ("Badge earned: First application", "You have created your first application."),
    (f"{ARABIC}!", f"{ARABIC} {HEBREW}"),
    (
        "A long one",
        "The maintenance of the northern region begins on Saturday and takes two hours. " * 4,
    ),
]


class Scene(NamedTuple):
    """The server, and who is in the pictures."""

    service: Service
    member: Caller
    admin: Caller
    owner: Caller

    @property
    def platform_key(self) -> str:
        """As a `World` has it."""
        return PLATFORM


@contextmanager
def built_scene(folder: Path) -> Iterator[Scene]:
    """A server on a new database in this folder, with everything that the pictures show."""
    settings = SETTINGS | {"self_deletion": True}
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        receiver.answer = _answer
        service = stack.enter_context(serving(f"sqlite+aiosqlite:///{folder / 'scene.sqlite3'}", **settings))
        scene = service.write(lambda tx: _people(tx, service))
        _define(scene)
        _write_entries(scene)
        _count_writes(scene)
        _add_webhooks(scene, receiver.port)
        yield scene


def _answer(request: Received) -> Answer:
    if "broken" in request.path:
        return Answer(503, b'{"error": "The queue is full. Try again later."}')
    return Answer(200, b'{"received": true}')


async def _people(tx: Connection, service: Service) -> Scene:
    services, now = service.services, service.clock()
    long_ago = now - 40 * DAY
    tokens = await demo.load(tx, policy=services.policy, write_settings=services.write_settings, now=long_ago)
    member, admin = await by_usernames(tx, [demo.MEMBER, demo.ADMIN])
    assert member is not None
    assert admin is not None
    name = "The customer portal of the northern region (staging, second attempt)"
    await create_platform(tx, OPERATOR, key="portal-north", tenant_id=demo.TENANT, name=name, now=now)
    owner = await _create(tx, "olivia_owner", "Olivia Owner", now, is_platform_owner=True)
    await _create(tx, "x" * 60, LONG, now)
    await _create(tx, MANY_KEYS, f"{HEBREW} {ARABIC}", long_ago)
    for number in range(240):
        person = NAMES[number % len(NAMES)]
        username = f"{person.split()[0].lower()}_{number:03}".replace("ö", "o").replace("ë", "e")
        await _create(tx, username, f"{person} {number}", now - number * DAY)
    for hours, (title, body) in enumerate(NOTES):
        instant = now - hours * DAY // 3
        await notifications.notify(tx, member.user_id, kind="test", title=title, body=body, now=instant)
    for label in ("Laptop", "Nightly export of the metadata to the warehouse", "CI"):
        await issue(tx, member.user_id, label=label, now=now - 3 * DAY, expires_at=now + 30 * DAY)
    own = str(await issue(tx, owner.user_id, label="pictures", now=now))
    return Scene(
        service,
        Caller(service, member, tokens.member),
        Caller(service, admin, tokens.admin),
        Caller(service, owner, own),
    )


async def _create(tx: Connection, username: str, name: str, now: int, **fields: Any) -> User:
    first, _, last = name.partition(" ")
    profile = {"firstName": {"value": first}} | ({"lastName": {"value": last}} if last else {})
    return await provisioning.create(
        tx,
        Policy().user_for_operator(),
        username=username,
        tenant_id=demo.TENANT,
        email=f"{username}@example.com",
        profile_fields=profile,
        now=now,
        **fields,
    )


def _define(scene: Scene) -> None:
    for definition in DEFINITIONS:
        write(scene.admin, "defineMetadata", {"platformKey": PLATFORM} | definition)


def _write_entries(scene: Scene) -> None:
    """Changes of the last weeks, by several people."""
    service, now = scene.service, scene.service.clock()
    at = {days: instants.rfc3339(now + days * DAY) for days in (-20, -2, 14, 60, 400)}
    own = {"isPublic": True, "isEditable": True}
    entries: list[dict[str, Any]] = [
        {"metadataKey": "theme", "metadataValue": "dark"} | own,
        {"metadataKey": "greeting", "metadataValue": f"{HEBREW}, Acme (2)!"} | own,
        {"metadataKey": "plan", "metadataValue": "team", "validFrom": at[-20], "validUntil": at[60]},
        {"metadataKey": "new_search", "metadataValue": "true", "validFrom": at[14]},
        {"metadataKey": "campaign", "metadataValue": "spring", "validUntil": at[400], "isPublic": False},
        {"metadataKey": "integration.customer_id", "metadataValue": "cus_9s6XKzkNRiz8i3"},
        {"metadataKey": "layout", "valueType": "json", "metadataValue": '{"columns":3,"panels":["news"]}'}
        | own,
        {"metadataKey": "notes", "metadataValue": "A long text that goes on and on. " * 60} | own,
    ]
    document = {"platformKey": PLATFORM, "username": scene.member.username}
    for days, entry in zip(range(24, 0, -3), entries, strict=True):
        with service.at(now - days * DAY - days * 3_000_000):
            write(scene.admin, "setUserMetadata", document | {"entries": [entry]})
    with service.at(now - DAY // 8):
        values = {"theme": "light", "fontSize": 16}
        write(scene.member, "patchPlatformMetadata", {"platformKey": PLATFORM, "metadata": values})
    many = {f"settings.{number:04}": {"order": number} for number in range(2000)}
    write(
        scene.admin,
        "replacePlatformMetadata",
        {"platformKey": PLATFORM, "username": MANY_KEYS, "metadata": many},
    )
    for number in range(0, 40, 2):
        person = NAMES[number % len(NAMES)].split()[0].lower().replace("ö", "o").replace("ë", "e")
        entry = {"metadataKey": "plan", "metadataValue": ("free", "team", "pro")[number % 3]}
        with service.at(now - number * DAY // 10):
            user = {"platformKey": PLATFORM, "username": f"{person}_{number:03}"}
            write(scene.admin, "setUserMetadata", user | {"entries": [entry]})


def _count_writes(scene: Scene) -> None:
    today = scene.service.clock() // DAY

    async def count(tx: Connection) -> None:
        (platform,) = await platforms_by_keys(tx, [PLATFORM])
        assert platform is not None
        counts = {(platform.id, today - ago): 40 + (ago * 37) % 90 - (ago % 7 < 2) * 35 for ago in range(30)}
        await write_counts.add(tx, counts)

    scene.service.write(count)


def _add_webhooks(scene: Scene, port: int) -> None:
    for path in ("orders", f"broken/{'a-long-path/' * 8}"):
        sent = {"platformKey": PLATFORM, "url": f"http://127.0.0.1:{port}/{path}"}
        found = write(scene.admin, "createWebhook", sent, "webhook { webhookId }")["webhook"]["webhookId"]
        write(scene.admin, "testWebhook", {"platformKey": PLATFORM, "webhookId": found})
    values = {"greeting": f"{HEBREW}!"}
    write(scene.member, "patchPlatformMetadata", {"platformKey": PLATFORM, "metadata": values})
