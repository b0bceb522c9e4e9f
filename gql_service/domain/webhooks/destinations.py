"""Where webhooks may be sent: HTTPS and public addresses only, except for networks that a setting allows.

A URL is checked when it is set, and the address of its host before each connection, because names may
resolve to anything at any time.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from gql_service.errors import Problem, Rejected

_MAX_LENGTH = 2000
_URL = re.compile(r"[!-~]+")
"""ASCII without spaces and control characters: other characters have to be encoded."""
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
"""The last label of hosts that resolvers read as IPv4 addresses, such as `127.1` and `0x7f000001`."""
_LOCAL_NAMES = (".localhost", ".local", ".internal")
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
"""Networks for protocols and documents, which not every version of Python knows."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""Where hosts without IPv4 reach IPv4: names of public hosts resolve to it there."""


class NotAllowed(Exception):
    """Nothing may be sent to an address."""


class Destination(NamedTuple):
    """A URL in parts."""

    is_secure: bool
    host: str
    port: int
    authority: str
    """The host and the port as they are written."""
    target: str
    """The path and the query."""


class AllowedNetworks:
    """The networks to which webhooks may be sent besides the public ones, with or without TLS."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [ip_network(network) for network in networks]

    def check_url(self, url: str) -> None:
        """Raise Rejected if nothing may ever be sent to a URL."""
        try:
            destination = parse(url)
        except ValueError as error:
            raise Rejected(Problem.URL_NOT_ALLOWED, f"This URL cannot be used: {error}.", ("url",)) from None
        try:
            self._check(destination)
        except NotAllowed as error:
            raise Rejected(Problem.URL_NOT_ALLOWED, f"{error}.", ("url",)) from None

    def check_address(self, address: str, *, is_secure: bool) -> None:
        """Raise NotAllowed if nothing may be sent to an IP address."""
        parsed = _embedded(ip_address(address.partition("%")[0]))
        if any(parsed in network for network in self._networks):
            return
        if not is_secure:
            raise NotAllowed("Webhooks need an https URL")
        if not _is_public(parsed):
            raise NotAllowed("Webhooks are sent to public addresses only")

    def _check(self, destination: Destination) -> None:
        if not (destination.is_secure or self._networks):
            raise NotAllowed("Webhooks need an https URL")
        try:
            ip_address(destination.host)
        except ValueError:
            name = f".{destination.host.rstrip('.').lower()}"
            if name.endswith(_LOCAL_NAMES) and not self._networks:
                raise NotAllowed("Webhooks are sent to public addresses only") from None
        else:
            self.check_address(destination.host, is_secure=destination.is_secure)


def parse(url: str) -> Destination:
    """The parts of a URL. Raises ValueError."""
    if len(url) > _MAX_LENGTH or not _URL.fullmatch(url):
        raise ValueError(f"it needs 1 to {_MAX_LENGTH} ASCII characters without spaces")
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http"):
        raise ValueError("it does not start with https://")
    if "@" in parts.netloc or "\\" in url:
        raise ValueError("it has a user name, a password or a backslash")
    if "#" in url:
        raise ValueError("it has a fragment")
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        IPv6Address(host)
        if "%" in host:
            raise ValueError("its address has a zone")
    elif not _HOST.fullmatch(host) or len(host) > 253:
        raise ValueError("its host is malformed")
    elif _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
        IPv4Address(host)
    is_secure = parts.scheme == "https"
    port = parts.port if parts.port is not None else 443 if is_secure else 80
    if not port:
        raise ValueError("its port is 0")
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Destination(is_secure, host, port, parts.netloc, target)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False  # among them site-local addresses, which `is_global` takes for global
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded(address: Address) -> Address:
    """The IPv4 address behind an IPv6 address that is translated or tunnelled to it."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, address))[1]
    return address
