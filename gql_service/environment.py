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
    settings, problems = _settings_and_problems()
    if settings is None or problems:
        raise InvalidSettings(problems)
    return settings


def read_server_settings() -> tuple[Settings, list[str]]:
    """The settings, and the texts of the trusted documents. Raises InvalidSettings for both at once."""
    settings, problems = _settings_and_problems()
    documents: list[str] = []
    if settings is not None:
        try:
            documents = read_trusted_documents(settings)
        except InvalidSettings as error:
            problems += error.problems
    if settings is None or problems:
        raise InvalidSettings(problems)
    return settings, documents


def read_trusted_documents(settings: Settings) -> list[str]:
    """The texts of the trusted documents. Raises InvalidSettings, with each document that cannot be read."""
    folder, only = settings.trusted_documents, "with `trusted-only`, nothing could be executed"
    problems, documents = [], []
    if folder is None:
        if settings.trust == "trusted-only":
            problems.append(f"set it to the folder of the trusted documents; {only} without it")
    elif not folder.is_dir():
        problems.append(f"the folder {folder} does not exist")
    else:
        paths = sorted(folder.rglob("*.graphql"))
        if not paths and settings.trust == "trusted-only":
            problems.append(f"the folder {folder} has no .graphql files; {only}")
        for path in paths:
            try:
                documents.append(path.read_text(encoding="utf-8"))
            except OSError as error:
                problems.append(f"cannot read {path}: {error.strerror}")
            except UnicodeDecodeError:
                problems.append(f"cannot read {path}: it is not UTF-8")
    if problems:
        raise InvalidSettings([f"{PREFIX}TRUSTED_DOCUMENTS: {problem}" for problem in problems])
    return documents


def _settings_and_problems() -> tuple[Settings | None, list[str]]:
    """The settings, None if they are malformed; and a line for each problem."""
    problems = list(_unknown_variables())
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [
            f"{PREFIX}{'.'.join(map(str, each['loc'])).upper()}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
        return None, problems
    if settings.tracing and not _is_installed(_EXPORTER):
        problems.append(f"{PREFIX}TRACING: install the extra: pip install 'gql-service[tracing]'")
    return settings, problems


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
