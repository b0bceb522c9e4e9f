"""The address of a client: that of the connection, or what trusted proxies say of it."""

import itertools
import time
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_service.settings import Settings
from gql_service.web.client_address import TrustedProxies
from tests.support.cli_processes import command
from tests.support.security_lines import serving_with_log
from tests.support.world import REST, World

PROXIES = TrustedProxies(("10.0.0.0/8", "2001:db8:ffff::/48"))
PROXY, OTHER_PROXY, CLIENT, FORGED = "10.0.0.1", "10.0.0.2", "192.0.2.7", "198.51.100.1"
X, F = b"x-forwarded-for", b"forwarded"


def address(peer: str | None, *headers: tuple[bytes, str], proxies: TrustedProxies = PROXIES) -> str | None:
    return proxies.client_address(peer, [(name, value.encode("latin-1")) for name, value in headers])


def test_without_headers_it_is_the_peer() -> None:
    assert address(CLIENT) == CLIENT
    assert address(PROXY) == PROXY


@pytest.mark.parametrize("header", [(X, FORGED), (F, f"for={FORGED}")])
def test_a_peer_that_is_not_trusted_is_not_believed(header: tuple[bytes, str]) -> None:
    assert address(CLIENT, header) == CLIENT
    assert address(PROXY, header, proxies=TrustedProxies(())) == PROXY


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (CLIENT, CLIENT),
        (f"{FORGED}, {CLIENT}", CLIENT),
        (f"{FORGED},{CLIENT} , {OTHER_PROXY}", CLIENT),
        (f"{FORGED}, {CLIENT}, 2001:db8:ffff::1", CLIENT),
        (f"{CLIENT}:1234", CLIENT),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:0DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.7", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
        (f"{OTHER_PROXY}, {OTHER_PROXY}", OTHER_PROXY),
        # What cannot be read ends the search at the proxy that has sent it.
        ("", PROXY),
        (",", PROXY),
        ("[]", PROXY),
        ("unknown", PROXY),
        ("localhost", PROXY),
        ("192.0.2.300", PROXY),
        ("192.0.2.7.", PROXY),
        ("192.0.2", PROXY),
        ("3221225991", PROXY),
        (f"[{CLIENT}", PROXY),
        (f"{CLIENT}:80:90", PROXY),
        (f"{CLIENT}, garbage", PROXY),
        (f"{CLIENT}, garbage, {OTHER_PROXY}", OTHER_PROXY),
        (f"garbage, {CLIENT}", CLIENT),
        (f"{CLIENT},", PROXY),
        ("\xff\x00", PROXY),
    ],
)
def test_x_forwarded_for(value: str, expected: str) -> None:
    assert address(PROXY, (X, value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"for={CLIENT}", CLIENT),
        (f"FOR={CLIENT}", CLIENT),
        (f'for="{CLIENT}"', CLIENT),
        (f'for="{CLIENT}:1234"', CLIENT),
        (f"for={CLIENT}:1234", CLIENT),
        ('for="[2001:db8::1]"', "2001:db8::1"),
        ('for="[2001:db8::1]:443"', "2001:db8::1"),
        ('for="[2001:db8::1]:_port"', "2001:db8::1"),
        (f"for={CLIENT};proto=https;by={PROXY}", CLIENT),
        (f"proto=https; by=_x ;for={CLIENT}", CLIENT),
        (f"for={FORGED}, for={CLIENT}", CLIENT),
        (f"for={FORGED}, for={CLIENT};proto=http, for={OTHER_PROXY}", CLIENT),
        (f'host="a,b;for={FORGED}";for={CLIENT}', CLIENT),
        (f'host="\\"";for={CLIENT}', CLIENT),
        (f", for={CLIENT} ,", CLIENT),
        (f"for=_hidden, for={CLIENT}", CLIENT),
        (f"for={CLIENT}, for=_hidden", PROXY),
        (f"for={CLIENT}, for=unknown, for={OTHER_PROXY}", OTHER_PROXY),
        (f"for={CLIENT}, proto=https", PROXY),
        ("", PROXY),
        ("for", PROXY),
        ("for=", PROXY),
        ("for=;", PROXY),
        (CLIENT, PROXY),
        (f'for="{CLIENT}', PROXY),
        (f"for={CLIENT} for={FORGED}", PROXY),
        # The client has sent the beginning, and the proxy has appended its own.
        (f'for={FORGED};x=", for={CLIENT}', PROXY),
        (f'for={FORGED};x=", for="[2001:db8::1]"', PROXY),
    ],
)
def test_forwarded(value: str, expected: str) -> None:
    assert address(PROXY, (F, value)) == expected


def test_lines_of_a_header_are_one_list() -> None:
    assert address(PROXY, (X, FORGED), (b"accept", "*/*"), (X, CLIENT)) == CLIENT
    assert address(PROXY, (X, f"{FORGED}, {CLIENT}"), (X, OTHER_PROXY)) == CLIENT
    assert address(PROXY, (F, f"for={FORGED}"), (F, f"for={CLIENT}")) == CLIENT
    assert address(PROXY, (F, f'for="{FORGED}'), (F, f"for={CLIENT}")) == CLIENT


def test_only_the_nearest_hops_are_read() -> None:
    """A client may send thousands of addresses of proxies: to read them all would hold the event loop."""
    for hops, expected in ((30, CLIENT), (40, OTHER_PROXY)):
        assert address(PROXY, (X, ",".join([CLIENT, *[OTHER_PROXY] * hops]))) == expected
        assert address(PROXY, (X, CLIENT), *[(X, OTHER_PROXY)] * hops) == expected
        assert address(PROXY, (F, ",".join([f"for={CLIENT}", *[f"for={OTHER_PROXY}"] * hops]))) == expected
        assert address(PROXY, (F, f"for={CLIENT}"), *[(F, f"for={OTHER_PROXY}")] * hops) == expected
    parameters = "a=b;" * 1100
    assert address(PROXY, (F, f"{parameters}for={CLIENT}")) == PROXY
    assert address(PROXY, (F, f"{parameters}for={FORGED}"), (F, f"for={CLIENT}")) == CLIENT
    assert address(PROXY, (F, f"{parameters}for={FORGED}"), (F, f"for={OTHER_PROXY}")) == OTHER_PROXY


def test_where_both_headers_disagree_neither_is_believed() -> None:
    """A proxy passes on the header that it does not know, as the client has sent it."""
    assert address(PROXY, (F, f"for={FORGED}"), (X, CLIENT)) == PROXY
    assert address(PROXY, (F, "garbage"), (X, CLIENT)) == PROXY
    assert address(PROXY, (F, f"for={CLIENT};proto=https"), (X, CLIENT)) == CLIENT


def test_peers_on_a_unix_socket() -> None:
    assert address(None) is None
    assert address(None, (X, CLIENT)) is None
    trusting = TrustedProxies(("unix", "10.0.0.0/8"))
    assert address(None, proxies=trusting) is None
    assert address(None, (X, f"{CLIENT}, {PROXY}"), proxies=trusting) == CLIENT
    assert address(None, (X, "garbage"), proxies=trusting) is None
    assert address(CLIENT, (X, FORGED), proxies=trusting) == CLIENT


def test_a_peer_may_be_ipv6_or_no_address_at_all() -> None:
    assert address("2001:db8:ffff::9", (X, CLIENT)) == CLIENT
    assert address("::ffff:10.0.0.1", (X, CLIENT)) == CLIENT
    assert address("fe80::1%eth0", (X, CLIENT)) == "fe80::1"
    assert address("testclient", (X, CLIENT)) is None


_PIECES = [
    "for=",
    '"',
    "\\",
    ",",
    ";",
    " ",
    "=",
    "[",
    "]",
    ":",
    "%",
    CLIENT,
    OTHER_PROXY,
    "2001:db8::1",
    "x",
    "\xff",
]
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=30).map("".join) | st.text(
    st.characters(max_codepoint=255), max_size=40
)


@pytest.mark.parametrize(("name", "prefix"), [(X, ""), (F, ""), (F, "for="), (F, 'for="')])
def test_whatever_short_header_there_is_the_result_is_an_address(name: bytes, prefix: str) -> None:
    for size in range(4):
        for pieces in itertools.product(_PIECES, repeat=size):
            header = prefix + "".join(pieces)
            found = address(PROXY, (name, header))
            assert found is not None, header
            assert str(ip_address(found)) == found, header


@given(st.lists(st.tuples(st.sampled_from([X, F]), _TEXTS), max_size=4))
def test_whatever_the_headers_are_the_result_is_an_address(headers: list[tuple[bytes, str]]) -> None:
    found = address(PROXY, *headers)
    assert found is not None
    assert str(ip_address(found)) == found


@pytest.mark.parametrize("piece", [",", '"', '\\"', ";", " ", "for=", 'a="\\', "a=b;", "[", ":", "\t,"])
def test_long_headers_are_cheap(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    started = time.process_time()
    for prefix in ("", 'for="', "for="):
        address(PROXY, (F, prefix + text))
        address(PROXY, (X, prefix + text))
    assert time.process_time() - started < 5  # the square of its length would take minutes


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", REST])
def test_a_server_believes_its_proxies(database_url: str, tmp_path: Path, path: str) -> None:
    lines_of_header = [("X-Forwarded-For", FORGED), ("X-Forwarded-For", f"{CLIENT}, 127.0.0.2")]
    for proxies, expected in (("127.0.0.0/8", CLIENT), ("", "127.0.0.1"), ("192.0.2.0/24", "127.0.0.1")):
        with serving_with_log(database_url, tmp_path, trusted_proxies=proxies) as (service, lines):
            World(service)
            lines.new()
            headers = [("Authorization", "Bearer wrong"), *lines_of_header]
            assert service.client.post(path, json={}, headers=headers).status_code in (401, 405)
            assert service.client.patch(path, json={}, headers=headers).status_code in (401, 405)
            found = lines.new()
            assert found
            assert {line["address"] for line in found} == {expected}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", ()),
        (" ", ()),
        ("10.0.0.1", ("10.0.0.1",)),
        ("10.0.0.0/8, unix ,2001:db8::/32", ("10.0.0.0/8", "unix", "2001:db8::/32")),
    ],
)
def test_the_setting_is_a_list(value: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GQL_SERVICE_TRUSTED_PROXIES", value)
    assert Settings().trusted_proxies == names


@pytest.mark.parametrize(
    "value", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "10.0.0.1,", "*", "10.0.0.1;"]
)
def test_a_server_does_not_start_with_an_invalid_proxy(value: str, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'data.sqlite3'}"
    done = command(url, "serve", trusted_proxies=value)
    assert done.returncode == 1
    assert done.stderr.startswith("gql-service: GQL_SERVICE_TRUSTED_PROXIES: use IP addresses and networks")
    assert repr(value.rsplit(",", maxsplit=1)[-1]) in done.stderr
