"""Reads the settings from the environment, and tells everything that is wrong with them at once.

`serve` and all commands read their settings here. No other module reads the environment.
"""

import difflib
import importlib.util
import os
import re
from collections.abc import Iterator

from pydantic import ValidationError

from gql_service.settings import PREFIX, Settings

_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
"""What the extra `tracing` installs."""
_KUBERNETES = re.compile(r"(SERVICE_(HOST|PORT(_.*)?)|PORT(_[0-9].*)?)")
"""What Kubernetes adds to the environment of containers beside a service that is named `gql-service`."""


class InvalidSettings(Exception):
    """The environment cannot be used. `problems` has a line for each variable: its name, and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_settings() -> Settings:
    """The settings of this process. Raises InvalidSettings."""
    problems = list(_unknown_variables())
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [
            f"{PREFIX}{'.'.join(map(str, each['loc'])).upper()}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
    else:
        problems += _wrong_trusted_documents(settings)
        if settings.tracing and not _is_installed(_EXPORTER):
            problems.append(f"{PREFIX}TRACING: install the extra: pip install 'gql-service[tracing]'")
    if problems:
        raise InvalidSettings(problems)
    return settings


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # nor is a package that should contain it
        return False


def is_set(name: str) -> bool:
    """Whether another program's variable has a value; `OTEL_*` belong to OpenTelemetry."""
    return bool(os.environ.get(name))


def _unknown_variables() -> Iterator[str]:
    """A misspelt variable would otherwise leave its setting at the default, such as another database."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known or _KUBERNETES.fullmatch(upper[len(PREFIX) :]):
            continue
        nearest = difflib.get_close_matches(upper, sorted(known), 1)
        remedy = f"Did you mean {nearest[0]}?" if nearest else "Remove it, or see docs/configuration.md."
        yield f"{name}: there is no such setting. {remedy}"


def _wrong_trusted_documents(settings: Settings) -> Iterator[str]:
    """Reads all documents, so that the start tells which one cannot be read."""
    folder, name = settings.trusted_documents, f"{PREFIX}TRUSTED_DOCUMENTS"
    only = "with `trusted-only`, nothing could be executed"
    if folder is None:
        if settings.trust == "trusted-only":
            yield f"{name}: set it to the folder of the trusted documents; {only} without it"
        return
    if not folder.is_dir():
        yield f"{name}: the folder {folder} does not exist"
        return
    paths = sorted(folder.rglob("*.graphql"))
    if not paths and settings.trust == "trusted-only":
        yield f"{name}: the folder {folder} has no .graphql files; {only}"
    for path in paths:
        try:
            path.read_text(encoding="utf-8")
        except OSError as error:
            yield f"{name}: cannot read {path}: {error.strerror}"
        except UnicodeDecodeError:
            yield f"{name}: cannot read {path}: it is not UTF-8"
