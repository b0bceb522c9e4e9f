"""The address of a client behind trusted proxies: `Forwarded` (RFC 7239) and `X-Forwarded-For`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gql_service.settings import UNIX_SOCKET
from gql_service.web.request_head import HeaderLines

Address = IPv4Address | IPv6Address
Hop = str | None
"""What a proxy says about the client that it has answered; None if that cannot be read."""

_PAIR = re.compile(r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))""")
"""A parameter of `Forwarded`. Unlike in the RFC, an address with a port may lack its quotation marks."""
_HOST_AND_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::[0-9A-Za-z._-]*)?")


class TrustedProxies:
    """The proxies of the setting `trusted_proxies`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._trusts_unix_socket = UNIX_SOCKET in names
        self._networks = [ip_network(name) for name in names if name != UNIX_SOCKET]

    def client_address(self, peer: str | None, lines: HeaderLines) -> str | None:
        """The address of the client whose request came from `peer` (None: a Unix socket).

        The hops are read from the right, where the nearest proxy has added its own, as long as they are
        trusted. Where a hop cannot be read, the proxy that has added it is the last known address. None if
        there is no address at all.
        """
        address = _parse(peer)
        if not (self._trusts_unix_socket if peer is None else self._trusts(address)):
            return _text(address)
        forwarded = list(_forwarded_hops(lines))
        others = [hop for line in _values(lines, b"x-forwarded-for") for hop in line.split(",")]
        if not (forwarded and others):
            return _text(self._nearest_client(address, forwarded or others))
        # A proxy that sets one of the headers passes on the other one as the client has sent it.
        by_forwarded, by_other = (self._nearest_client(address, hops) for hops in (forwarded, others))
        return _text(by_forwarded if by_forwarded == by_other else address)

    def _nearest_client(self, peer: Address | None, hops: Sequence[Hop]) -> Address | None:
        """The nearest address that is not trusted or, if all of them are, the farthest one."""
        nearest = peer
        for hop in reversed(hops):
            address = _parse(hop)
            if address is None:
                break
            nearest = address
            if not self._trusts(address):
                break
        return nearest

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _values(lines: HeaderLines, name: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for each, value in lines if each == name)


def _forwarded_hops(lines: HeaderLines) -> Iterator[Hop]:
    """The parameters `for` of all lines. Lines are read alone: an open quotation must not hide the next."""
    for line in _values(lines, b"forwarded"):
        try:
            yield from [dict(element).get("for") for element in _elements(line)]
        except ValueError:
            yield None


def _elements(line: str) -> Iterable[list[tuple[str, str]]]:
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
    host = (match[1] or match[2]) if match else text
    try:
        address = ip_address(host.partition("%")[0])  # the scope of a link-local address is no part of it
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _text(address: Address | None) -> str | None:
    return None if address is None else str(address)
