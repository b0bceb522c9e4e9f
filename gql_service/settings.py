"""The only reader of the environment: every variable starts with `GQL_SERVICE_`."""

import base64
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretBytes, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Settings(BaseSettings):
    """How one server process behaves. The README documents each; sizes are bytes, times are seconds."""

    model_config = SettingsConfigDict(env_prefix="GQL_SERVICE_", frozen=True, hide_input_in_errors=True)

    database_url: str = "sqlite+aiosqlite:///gql_service.sqlite3"
    database_pool_size: int = Field(default=10, ge=1)
    database_pooler: bool = False
    database_timeout: float = Field(default=5.0, gt=0)
    admin_permission: str = Field(default="admin", min_length=1)
    cors_origins: Annotated[list[str], NoDecode] = []
    explorer: bool = True
    log_level: str = "info"
    max_body_size: int = Field(default=1024 * 1024, ge=1)
    max_document_tokens: int = Field(default=1000, ge=1)
    max_document_depth: int = Field(default=10, ge=1)
    max_document_aliases: int = Field(default=15, ge=1)
    max_root_fields: int = Field(default=10, ge=1)
    max_document_fields: int = Field(default=500, ge=1)
    max_document_cost: int = Field(default=1000, ge=1)
    max_cached_documents: int = Field(default=1000, ge=1)
    trusted_documents: Path | None = None
    trust: Literal["open", "log", "trusted-only"] = "open"
    max_key_length: int = Field(default=255, ge=1)
    max_value_size: int = Field(default=128 * 1024, ge=1)
    max_metadata_size: int = Field(default=1024 * 1024, ge=1)
    max_metadata_keys: int = Field(default=2000, ge=1)
    request_timeout: float = Field(default=10.0, gt=0)
    encryption_keys: Annotated[dict[str, SecretBytes], NoDecode] = {}
    encryption_key: str | None = None
    sweep_interval: float = Field(default=60.0, gt=0)

    @property
    def active_key(self) -> str | None:
        """The id of the key that encrypts: the one that is named, or else the last one listed."""
        return self.encryption_key or next(reversed(self.encryption_keys), None)

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        """Name the asynchronous driver where the URL leaves it out; refuse what would lose data."""
        scheme, separator, rest = url.partition("://")
        url = DRIVERS.get(scheme, scheme) + separator + rest
        if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError(
                "use sqlite+aiosqlite:///path/to/file or postgresql+asyncpg://user@host/database"
            )
        if url.startswith("sqlite") and (rest.strip("/") == "" or ":memory:" in rest):
            raise ValueError("an in-memory SQLite database forgets everything; name a file")
        return url

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _read_keys(cls, given: object) -> dict[str, SecretBytes]:
        """Keys in base64 by their ids. No message quotes one."""
        try:
            listed: Any = json.loads(given) if isinstance(given, str) else given
            keys = {id: base64.b64decode(key, validate=True) for id, key in listed.items()}
        except (AttributeError, TypeError, ValueError):
            raise ValueError('write a JSON object of ids and keys in base64: {"2026-01": "…"}') from None
        for id, key in keys.items():
            if not KEY_ID.fullmatch(id):
                raise ValueError("the id of a key is 1 to 64 letters, digits, dots, hyphens and underscores")
            if len(key) != 32:
                raise ValueError(
                    f"the key {id} has {len(key)} bytes; 32 are needed (openssl rand -base64 32)"
                )
        return {id: SecretBytes(key) for id, key in keys.items()}

    @field_validator("encryption_key")
    @classmethod
    def _known_key(cls, id: str | None, info: ValidationInfo) -> str | None:
        if id is not None and id not in info.data.get("encryption_keys", [id]):
            raise ValueError("it names no key of GQL_SERVICE_ENCRYPTION_KEYS")
        return id

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _read_list(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        try:
            return json.loads(given)
        except ValueError:
            raise ValueError('write a JSON list, such as ["https://app.example.com"]') from None

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        levels = ("debug", "info", "warning", "error", "critical")
        if level.lower() not in levels:
            raise ValueError(f"choose one of {', '.join(levels)}")
        return level.lower()
