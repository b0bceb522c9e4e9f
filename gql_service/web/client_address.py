"""The address of a client behind trusted proxies: `Forwarded` (RFC 7239) and `X-Forwarded-For`."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import islice

from gql_service.settings import UNIX_SOCKET
from gql_service.web.request_head import HeaderLines

Address = IPv4Address | IPv6Address
Hop = str | None
"""What a proxy says about the client that it has answered; None if that cannot be read."""

_PAIR = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))""")
"""A parameter of `Forwarded`. Unlike in the RFC, an address with a port may lack its quotation marks."""
_MAX_HOPS = 32
_MAX_FORWARDED_SIZE = 4096
"""Hops and characters of `Forwarded` that are read, the nearest ones. Anybody may send thousands more."""
_HOST_AND_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::[0-9A-Za-z._-]*)?")


class TrustedProxies:
    """The proxies of the setting `trusted_proxies`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._trusts_unix_socket = UNIX_SOCKET in names
        self._networks = [ip_network(name) for name in names if name != UNIX_SOCKET]

    def client_address(self, peer: str | None, lines: HeaderLines) -> str | None:
        """The address of the client whose request came from `peer` (None: a Unix socket).

        The hops are read as long as they are trusted, the nearest first. Where a hop cannot be read, the
        proxy that has added it is the last known address. None if there is no address at all.
        """
        address = _parse(peer)
        if not (self._trusts_unix_socket if peer is None else self._trusts(address)):
            return _text(address)
        forwarded = list(islice(_forwarded_hops(lines), _MAX_HOPS))
        others = list(islice(_x_forwarded_for_hops(lines), _MAX_HOPS))
        if not (forwarded and others):
            return _text(self._nearest_client(address, forwarded or others))
        # A proxy that sets one of the headers passes on the other one as the client has sent it.
        by_forwarded, by_other = (self._nearest_client(address, hops) for hops in (forwarded, others))
        return _text(by_forwarded if by_forwarded == by_other else address)

    def _nearest_client(self, peer: Address | None, hops: Sequence[Hop]) -> Address | None:
        """The nearest address that is not trusted or, if all of them are, the farthest one."""
        nearest = peer
        for hop in hops:
            address = _parse(hop)
            if address is None:
                break
            nearest = address
            if not self._trusts(address):
                break
        return nearest

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _nearest_lines(lines: HeaderLines, name: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for each, value in reversed(lines) if each == name)


def _x_forwarded_for_hops(lines: HeaderLines) -> Iterator[Hop]:
    """The nearest hop first, which is the rightmost: each proxy appends its own."""
    for line in _nearest_lines(lines, b"x-forwarded-for"):
        yield from reversed(line.rsplit(",", _MAX_HOPS))


def _forwarded_hops(lines: HeaderLines) -> Iterator[Hop]:
    """The parameters `for`, the nearest first. Lines are read alone: an open quotation must not hide the
    next."""
    size = 0
    for line in _nearest_lines(lines, b"forwarded"):
        size += len(line)
        try:
            elements = _elements(line) if size <= _MAX_FORWARDED_SIZE else [[]]
            yield from [dict(element).get("for") for element in reversed(elements)]
        except ValueError:
            yield None


def _elements(line: str) -> list[list[tuple[str, str]]]:
    """The elements of a `Forwarded` line, each as its parameters. Raises ValueError."""
    elements: list[list[tuple[str, str]]] = [[]]
    position, is_at_separator = 0, True
    while position < len(line):
        if line[position] in ",; \t":
            if line[position] == ",":
                elements.append([])
            is_at_separator = is_at_separator or line[position] in ",;"
            position += 1
            continue
        pair = _PAIR.match(line, position) if is_at_separator else None
        if pair is None:
            raise ValueError("not a list of parameters")
        name, quoted, plain = pair.groups()
        elements[-1].append((name.lower(), plain if quoted is None else quoted))
        position, is_at_separator = pair.end(), False
    return [element for element in elements if element]


def _parse(text: str | None) -> Address | None:
    """An IP address with or without a port, such as `192.0.2.1:80` and `[2001:db8::1]`; None for the rest."""
    text = (text or "").strip()
    match = _HOST_AND_PORT.fullmatch(text)
    host = (match[1] or match[2] or "") if match else text
    try:
        address = ip_address(host.partition("%")[0])  # the scope of a link-local address is no part of it
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _text(address: Address | None) -> str | None:
    return None if address is None else str(address)
