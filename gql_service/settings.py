"""The settings of a server process, read from environment variables that start with `GQL_SERVICE_`.

`environment.py` reads the environment. `python -m gql_service.settings` prints the table of all settings that
is part of `docs/configuration.md`.
"""

import base64
import json
import re
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretBytes, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gql_service.live_settings import LiveSettings
from gql_service.oidc_settings import PREFIX as PREFIX
from gql_service.oidc_settings import OidcSettings
from gql_service.page_settings import PageSettings

KEY_SIZE = 32
"""Bytes of an encryption key."""
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNIX_SOCKET = "unix"
"""Names peers on a Unix socket, which have no address."""
_ADDRESS = re.compile(r"([^:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")
_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


class Settings(PageSettings, OidcSettings, LiveSettings):
    """All settings of a server process. Values are checked when they are read: raises ValidationError."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    database_url: str = Field(
        default="sqlite+aiosqlite:///gql_service.sqlite3",
        description="Where the data is stored: `sqlite:///path/to/file` (four slashes for an absolute "
        "path) or `postgresql://user:password@host/database`. The default is a file in the "
        "current directory.",
    )
    database_pool_size: int = Field(
        default=10,
        ge=1,
        description="PostgreSQL only: the maximum number of connections that each process opens.",
    )
    database_pooler: bool = Field(
        default=False,
        description="PostgreSQL only: set to `true` if a transaction pooler such as PgBouncer is in front "
        "of the database. The service then uses no prepared statements and sets no session "
        "parameters.",
    )
    database_timeout: float = Field(
        default=5.0,
        gt=0,
        description="Seconds to wait for a connection, a lock, or the end of a statement. After that, the "
        "request fails with `UNAVAILABLE`.",
    )
    admin_permission: str = Field(
        default="admin",
        min_length=1,
        description="The name of the permission that makes a user an admin of a tenant. By default, it is "
        "the permission `{TENANT_ID}::admin`.",
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Origins whose web pages may call the service from a browser, with any request header, "
        'as a JSON list, for example `["https://app.example.com"]`. By default, none may.',
    )
    log_level: str = Field(
        default="info",
        description=f"The lowest level of log lines: {', '.join(f'`{level}`' for level in _LOG_LEVELS)}.",
    )
    security_log: Path | None = Field(
        default=None,
        description="A file to which servers and commands append the security log. By default, servers write "
        "it to standard error, and commands do not write it.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The proxies in front of the service, whose `Forwarded` and `X-Forwarded-For` are "
        "believed: IP addresses and networks such as `10.0.0.0/8`, separated by commas; "
        f"`{UNIX_SOCKET}` means peers on a Unix socket. By default, these headers are ignored.",
    )
    max_failed_authentications: int = Field(
        default=20,
        ge=0,
        description="Maximum number of invalid tokens that an address (for IPv6, a network of 64 bits) may "
        "send to a process in a minute. After that, they are answered with `TOO_MANY_REQUESTS`; "
        "valid tokens never are. `0` means no maximum.",
    )
    max_body_size: int = Field(
        default=1024 * 1024,
        ge=1,
        description="Maximum size of a request body in bytes. The default is 1 MiB.",
    )
    max_anonymous_body_size: int = Field(
        default=64 * 1024,
        ge=1,
        description="Maximum size of the body of a GraphQL request without a token in bytes. The default is "
        "64 KiB. `GQL_SERVICE_MAX_BODY_SIZE` applies to them, too.",
    )
    max_response_size: int = Field(
        default=10 * 1024 * 1024,
        ge=1,
        description="Maximum size of the response to a GraphQL request in bytes. The default is 10 MiB.",
    )
    max_read_size: int = Field(
        default=16 * 1024 * 1024,
        ge=1,
        description="Maximum size of the stored data that a GraphQL request may read in bytes: documents, "
        "and changes; those of `history` count three times. Decoding an entry counts as 1 KiB, the change "
        "of an entry in a history as up to 5 KiB, an object in a list without pages as 1.5 KiB. The writes "
        "of a request have a limit of the same size: each byte of a document that is written counts four "
        "times, each key that is changed as 12 KiB. The default is 16 MiB.",
    )
    max_json_values: int = Field(
        default=100_000,
        ge=1,
        description="Maximum number of values in the JSON of a request body: objects, arrays and their "
        "items. At most a quarter of as many may be objects and arrays.",
    )
    max_document_length: int = Field(
        default=32 * 1024,
        ge=1,
        description="Maximum number of characters of a GraphQL document, persisted and trusted documents "
        "included.",
    )
    max_document_tokens: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of lexical tokens in a GraphQL document.",
    )
    max_document_depth: int = Field(
        default=10,
        ge=1,
        description="Maximum depth of nested fields in an operation. Introspection is not counted.",
    )
    max_document_aliases: int = Field(
        default=15,
        ge=1,
        description="Maximum number of aliases in an operation. Those of a fragment count each time it is "
        "spread.",
    )
    max_root_fields: int = Field(
        default=10,
        ge=1,
        description="Maximum number of fields at the root of an operation.",
    )
    max_document_fields: int = Field(
        default=500,
        ge=1,
        description="Maximum number of fields in an operation, where the fields of a fragment count each "
        "time it is spread. Also the maximum number of fields in the text of a document.",
    )
    max_document_cost: int = Field(
        default=1000,
        ge=1,
        description="Maximum cost of an operation: the number of objects that it may return. Each object "
        "costs 1, and the fields selected on a page or list count once for each item that it "
        "may have.",
    )
    max_representations: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of `representations` in `_entities`, by which federation gateways "
        "request objects. They do not split the list, so it can be long.",
    )
    max_entities_cost: int = Field(
        default=10_000,
        ge=1,
        description="Maximum cost of the `_entities` of an operation. They do not count for "
        "`MAX_DOCUMENT_COST`.",
    )
    max_cached_documents: int = Field(
        default=1000,
        ge=1,
        description="Maximum number of GraphQL documents that each process keeps parsed and validated, "
        "and of persisted queries that it remembers.",
    )
    max_document_cache_size: int = Field(
        default=64 * 1024 * 1024,
        ge=1,
        description="Maximum memory for these documents in bytes, as estimated, and for the text of these "
        "persisted queries in characters. The default is 64 MiB.",
    )
    trusted_documents: Path | None = Field(
        default=None,
        description="A folder of `.graphql` files with trusted documents, which clients may request by "
        "the SHA-256 of their text. By default, there are none. Read at the start of the "
        "server.",
    )
    trust: Literal["open", "log", "trusted-only"] = Field(
        default="open",
        description="What happens to documents that are not trusted: `open` executes them, `log` executes "
        "them and logs their SHA-256, `trusted-only` rejects them with `FORBIDDEN`.",
    )
    introspection: Literal["open", "authenticated"] = Field(
        default="open",
        description="Who may read the schema, by introspection or as a federation gateway: `open` means "
        "everybody, `authenticated` only requests with a token.",
    )
    max_key_length: int = Field(
        default=255,
        ge=1,
        description="Maximum number of characters of a metadata key.",
    )
    max_value_size: int = Field(
        default=128 * 1024,
        ge=1,
        description="Maximum size of one metadata value in bytes, as canonical JSON. The default is 128 KiB.",
    )
    max_metadata_size: int = Field(
        default=1024 * 1024,
        ge=1,
        description="Maximum size of all metadata of a user on a platform in bytes, as canonical JSON. "
        "The default is 1 MiB.",
    )
    max_metadata_keys: int = Field(
        default=2000,
        ge=1,
        description="Maximum number of metadata keys of a user on a platform.",
    )
    request_timeout: float = Field(
        default=10.0,
        gt=0,
        description="Seconds that a request may take, including the time to receive its body. After that, "
        "it fails with `UNAVAILABLE`.",
    )
    keep_alive: int = Field(
        default=75,
        ge=1,
        description="Seconds that an idle connection stays open between two requests. Choose more than the "
        "idle timeout of the proxy or load balancer in front of the service.",
    )
    encryption_keys: Annotated[dict[str, SecretBytes], NoDecode] = Field(
        default={},
        description="The keys for encrypted metadata: a JSON object of key ids and keys. A key is "
        f"{KEY_SIZE} bytes in base64 (`openssl rand -base64 {KEY_SIZE}`), for example "
        '`{"2026-01": "…"}`. Without keys, metadata cannot be encrypted.',
    )
    encryption_key: str | None = Field(
        default=None,
        description="The id of the key that encrypts new values. By default, it is the last key of "
        f"`{PREFIX}ENCRYPTION_KEYS`.",
    )
    sweep_interval: float = Field(
        default=60.0,
        gt=0,
        description="Seconds between two deletions of expired entries.",
    )
    access_log: bool = Field(
        default=False,
        description="Whether each request gets a line in the log. See [operations](operations.md#logs).",
    )
    slow_request: int | None = Field(
        default=None,
        ge=1,
        description="Milliseconds. Requests that take at least as long are logged as warnings. By default, "
        "none are.",
    )
    slow_statement: int | None = Field(
        default=None,
        ge=1,
        description="Milliseconds. SQL statements that take at least as long are logged as warnings, by "
        "their names and without values. By default, none are.",
    )
    drain_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Seconds for which a server that stops still accepts connections, while `/health/ready` "
        "responds 503 and each response closes its connection. Choose more than the load balancer takes to "
        "notice.",
    )
    worker_timeout: float = Field(
        default=30.0,
        gt=0,
        description="Seconds after which a worker process that does not respond is killed and replaced. The "
        "start of a worker may take longer.",
    )
    metrics_address: str | None = Field(
        default=None,
        description="Where `/metrics` is served, such as `127.0.0.1:9464` or `[::1]:9464`. By default, "
        "nothing is measured. See [operations](operations.md#metrics).",
    )
    metrics_folder: Path | None = Field(
        default=None,
        description="Where the processes of a server keep their metrics. `serve` sets it to a temporary "
        "folder. Set it only to run the application without `serve`.",
    )
    history_max_age: int = Field(
        default=365,
        ge=0,
        le=36_500,
        description="Days that the history of documents is kept. A platform may shorten them. `0` means no "
        "limit.",
    )
    history_max_changes: int = Field(
        default=10_000,
        ge=0,
        description="Maximum number of changes in the history of one document; a sweep deletes the oldest. A "
        "platform may reduce it. `0` means no limit.",
    )
    idempotency_max_age: int = Field(
        default=24,
        ge=1,
        le=876_000,
        description="Hours in which a repeated write with an idempotency key is done once. A platform may "
        "shorten them.",
    )
    event_max_age: int = Field(
        default=7,
        ge=1,
        le=36_500,
        description="Days that events are kept: who follows changes must read them within this time.",
    )
    tracing: bool = Field(
        default=False,
        description="Whether requests are traced by OpenTelemetry, which the extra `tracing` installs. Its "
        "own variables, `OTEL_*`, say where the traces go. See [operations](operations.md#tracing).",
    )
    database_replica_url: str | None = Field(
        default=None,
        description="PostgreSQL only: a streaming replica, or several as hosts of one URL, that answer "
        "searches, histories and lists. See [scaling](scaling.md#read-replicas).",
    )
    replica_max_lag: float = Field(
        default=5.0,
        ge=1,
        description="Seconds that a replica may be behind. Otherwise, the primary answers.",
    )
    self_deletion: bool = Field(
        default=False,
        description="Whether users may delete themselves, with all their data, by `deleteUser`. Admins may "
        "delete users in any case.",
    )

    token_max_lifetime: int | None = Field(
        default=None,
        ge=1,
        description="Maximum lifetime, in seconds, of tokens that are issued by `issueToken`. Tokens of the "
        "command line have no such limit.",
    )

    webhook_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Networks such as `10.0.0.0/8`, separated by commas, to which webhooks may be sent "
        "although they are not public, and without TLS. By default, webhooks go to public addresses by "
        "HTTPS only. See [webhooks](webhooks.md).",
    )

    @property
    def database_kind(self) -> Literal["SQLite", "PostgreSQL"]:
        """The database of the URL, by the name that people know it by."""
        return "SQLite" if self.database_url.startswith("sqlite") else "PostgreSQL"

    @property
    def metrics_host_and_port(self) -> tuple[str, int] | None:
        """Where `/metrics` is served; None if nothing is measured."""
        if self.metrics_address is None:
            return None
        host, _, port = self.metrics_address.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def active_key(self) -> str | None:
        """The id of the key that encrypts new values; None if there are no keys."""
        return self.encryption_key or next(reversed(self.encryption_keys), None)

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, url: str) -> str:
        """Add the asynchronous driver if the URL lacks it. Reject other databases, and SQLite in memory."""
        scheme, separator, rest = url.partition("://")
        url = _DRIVERS.get(scheme, scheme) + separator + rest
        if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("use sqlite:///path/to/file or postgresql://user@host/database")
        if url.startswith("sqlite") and (rest.strip("/") == "" or ":memory:" in rest):
            raise ValueError("an in-memory SQLite database would lose all data; use the path of a file")
        return url

    @field_validator("database_replica_url", "database_direct_url")
    @classmethod
    def _check_other_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if not url:
            return None
        scheme, separator, rest = url.partition("://")
        url = _DRIVERS.get(scheme, scheme) + separator + rest
        if not url.startswith("postgresql+asyncpg://"):
            raise ValueError("use postgresql://user@host/database")
        if info.data.get("database_url", "").startswith("sqlite"):
            raise ValueError(f"only PostgreSQL has replicas, but {PREFIX}DATABASE_URL is a SQLite file")
        return url

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: object) -> dict[str, SecretBytes]:
        """Parse a JSON object of ids and keys in base64. No error message contains a key."""
        try:
            encoded: Any = json.loads(value) if isinstance(value, str) else value
            keys = {id: base64.b64decode(key, validate=True) for id, key in encoded.items()}
        except (AttributeError, TypeError, ValueError):
            raise ValueError('use a JSON object of key ids and keys in base64: {"2026-01": "…"}') from None
        for id, key in keys.items():
            if not KEY_ID.fullmatch(id):
                raise ValueError("a key id must be 1 to 64 letters, digits, dots, hyphens and underscores")
            if len(key) != KEY_SIZE:
                hint = f"openssl rand -base64 {KEY_SIZE}"
                raise ValueError(f"the key {id} has {len(key)} bytes; {KEY_SIZE} are needed ({hint})")
        return {id: SecretBytes(key) for id, key in keys.items()}

    @field_validator("encryption_key")
    @classmethod
    def _check_active_key(cls, id: str | None, info: ValidationInfo) -> str | None:
        if id is not None and id not in info.data.get("encryption_keys", [id]):
            raise ValueError(f"{PREFIX}ENCRYPTION_KEYS has no key with this id")
        return id

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _parse_list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('use a JSON list, for example ["https://app.example.com"]') from None

    @field_validator("trusted_proxies", "webhook_networks", mode="before")
    @classmethod
    def _parse_networks(cls, value: object, info: ValidationInfo) -> object:
        """Split and check networks. Host bits are refused: they are a sign of a misspelt network."""
        if not isinstance(value, str):
            return value
        names = [name.strip() for name in value.split(",")] if value.strip() else []
        for name in names:
            try:
                _ = (name == UNIX_SOCKET and info.field_name == "trusted_proxies") or ip_network(name)
            except ValueError:
                message = "use IP addresses and networks, separated by commas, such as 10.0.0.0/8,192.0.2.1"
                raise ValueError(f"{message}; invalid: {name!r}") from None
        return tuple(names)

    @field_validator("metrics_address")
    @classmethod
    def _check_address(cls, address: str | None) -> str | None:
        if address is not None and not _ADDRESS.fullmatch(address):
            raise ValueError("use a host and a port, such as 127.0.0.1:9464")
        return address

    @field_validator("log_level")
    @classmethod
    def _check_log_level(cls, level: str) -> str:
        if level.lower() not in _LOG_LEVELS:
            raise ValueError(f"use one of {', '.join(_LOG_LEVELS)}")
        return level.lower()


class SocketActivation(BaseSettings):
    """What systemd says about the sockets that it passes."""

    model_config = SettingsConfigDict(env_prefix="LISTEN_", frozen=True)

    pid: int = 0
    """The process that they are for."""
    fds: int = Field(default=0, ge=0)
    """Their number."""


def settings_table() -> str:
    """A Markdown table of all settings: environment variable, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    inherited = OidcSettings.model_fields
    for name, field in sorted(Settings.model_fields.items(), key=lambda item: item[0] in inherited):
        rows.append(f"| `{PREFIX}{name.upper()}` | {_format_default(field.default)} | {field.description} |")
    return "\n".join(rows)


def _format_default(value: object) -> str:
    if value is None or value == ():
        return "not set"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else str(value).removesuffix('.0')}`"


if __name__ == "__main__":
    sys.stdout.write(settings_table() + "\n")
