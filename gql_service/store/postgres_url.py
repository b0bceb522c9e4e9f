"""The URL of a PostgreSQL database, in the forms of libpq, as arguments of asyncpg.

Every connection to PostgreSQL is opened with these arguments, also those of migrations. asyncpg would send
parameters that it does not know to the server, so each parameter is either honoured here or refused.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from gql_service.errors import BadUserInput

_APPLICATION_NAME = "gql_service"
_PORT = 5432
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_TLS = {"sslmode", "sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"}
_PASSED_ON = {*_FILES, *_TLS, "target_session_attrs", "passfile", "krbsrvname", "gsslib", "service"}
"""asyncpg reads these from the URL itself."""
_TARGET = {"host", "port", "dbname", "database", "user", "password"}
_KEEPALIVES = {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
_OURS = {
    *_TARGET,
    *_KEEPALIVES,
    "application_name",
    "fallback_application_name",
    "options",
    "connect_timeout",
}
_WITHOUT_EFFECT = {
    "channel_binding": {"disable", "prefer"},
    "gssencmode": {"disable", "prefer"},
    "client_encoding": {"UTF8", "utf8", "UTF-8", "utf-8", "auto"},
    "sslcompression": {"0"},
    "sslsni": {"1"},
    "sslcertmode": {"allow"},
    "load_balance_hosts": {"disable"},
}
"""What asyncpg does anyway, or what a client that cannot do more may ignore."""
_SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class ConnectionPlan(NamedTuple):
    """How to connect: `arguments` for all hosts, and the hosts in the order in which they are tried."""

    dsn: str
    """The parameters that asyncpg accepts in a URL only."""
    arguments: dict[str, Any]
    hosts: tuple[tuple[str, int], ...]
    """Empty if the URL names none: then asyncpg looks for a socket, and for `PGHOST`."""
    server_settings: dict[str, str]
    connect_timeout: float | None
    """Seconds that one host may take. None if the URL does not say."""
    socket_options: dict[str, int]
    """The parameters of libpq for TCP keepalives that the URL has."""


DATABASE_URL = "GQL_SERVICE_DATABASE_URL"
REPLICA_URL = "GQL_SERVICE_DATABASE_REPLICA_URL"
DIRECT_URL = "GQL_SERVICE_DATABASE_DIRECT_URL"


class _Refused(Exception):
    """Why a URL cannot be used."""


def parse_postgres_url(url: str, variable: str = DATABASE_URL) -> ConnectionPlan:
    """Raises BadUserInput, whose message names the variable, and never contains the password."""
    try:
        return _parse(url, is_replica=variable == REPLICA_URL)
    except _Refused as refusal:
        raise BadUserInput(f"{variable}: {refusal}.") from None


def _parse(url: str, *, is_replica: bool) -> ConnectionPlan:
    rest = url.partition("://")[2]
    location, _, query = rest.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    _check(parameters, is_replica=is_replica)
    authority, _, database = location.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    target = {
        "user": parameters.get("user") or unquote(user),
        "password": parameters.get("password") or unquote(password),
        "database": parameters.get("dbname") or parameters.get("database") or unquote(database),
    }
    arguments: dict[str, Any] = {name: value for name, value in target.items() if value}
    addresses = _hosts(parameters.get("host") or hosts, parameters.get("port", ""))
    passed_on = {name: value for name, value in parameters.items() if name in _PASSED_ON}
    if len(addresses) > 1 and not is_replica:  # all but one of them are standbys
        passed_on.setdefault("target_session_attrs", "read-write")
    application = parameters.get("application_name") or parameters.get("fallback_application_name")
    server_settings = {"application_name": application or _APPLICATION_NAME}
    if "options" in parameters:
        server_settings["options"] = parameters["options"]
    return ConnectionPlan(
        dsn=f"postgresql://?{urlencode(passed_on)}" if passed_on else "postgresql://",
        arguments=arguments,
        hosts=addresses,
        server_settings=server_settings,
        connect_timeout=_connect_timeout(parameters),
        socket_options={name: _number(parameters, name) for name in parameters if name in _KEEPALIVES},
    )


def _check(parameters: Mapping[str, str], *, is_replica: bool) -> None:
    for name, value in parameters.items():
        if name in _WITHOUT_EFFECT:
            if value not in _WITHOUT_EFFECT[name]:
                raise _Refused(f"{name}={value} is not supported")
        elif name not in _PASSED_ON | _OURS:
            raise _Refused(f"the parameter {name} is not supported")
    _check_choice(parameters, "sslmode", _TLS_MODES)
    _check_choice(parameters, "target_session_attrs", _SESSION_ATTRIBUTES)
    if parameters.get("sslrootcert") == "system":
        raise _Refused("sslrootcert=system is not supported; use the path of a file with certificates")
    for name in _FILES:
        if name in parameters and not os.access(parameters[name], os.R_OK):
            raise _Refused(f"{name}: the file {parameters[name]} cannot be read")
    target = parameters.get("target_session_attrs", "any")
    if is_replica and target in ("primary", "read-write"):
        raise _Refused("a replica cannot be written, so target_session_attrs must not ask for a primary")
    if not is_replica and target in ("read-only", "standby", "prefer-standby"):
        raise _Refused("the service writes, so target_session_attrs must be any, primary or read-write")


def _check_choice(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> None:
    if parameters.get(name, choices[0]) not in choices:
        raise _Refused(f"{name} must be one of {', '.join(choices)}")


def _hosts(hosts: str, ports: str) -> tuple[tuple[str, int], ...]:
    """Hosts with or without ports, separated by commas; IPv6 addresses in brackets; folders of sockets."""
    if not hosts:
        return ()
    names = hosts.split(",")
    separate = ports.split(",") if ports else []
    if len(separate) not in (0, 1, len(names)):
        raise _Refused(f"it has {len(names)} hosts and {len(separate)} ports")
    found = []
    for position, name in enumerate(names):
        default = separate[position if len(separate) > 1 else 0] if separate else str(_PORT)
        host, port = _split_port(name)
        host, port = unquote(host), port or default or str(_PORT)
        if not host or not port.isascii() or not port.isdigit():
            raise _Refused(f"{name!r} is not a host or a host and a port")
        found.append((host, int(port)))
    return tuple(found)


def _split_port(name: str) -> tuple[str, str]:
    if name.startswith("/"):
        return name, ""
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = name.partition(":")
    return host, port


def _connect_timeout(parameters: Mapping[str, str]) -> float | None:
    """As in libpq, 0 means no limit of its own; the limit of the settings applies."""
    return float(_number(parameters, "connect_timeout")) or None if "connect_timeout" in parameters else None


def _number(parameters: Mapping[str, str], name: str) -> int:
    value = parameters[name]
    if not value.isascii() or not value.isdigit():
        raise _Refused(f"{name} must be a whole number")
    return int(value)
