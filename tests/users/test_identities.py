"""Identities of an OpenID Connect provider: who links them, what happens at first sight, and how they end."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.cli_processes import run_command, serving_process
from tests.support.http_clients import http_client
from tests.support.openid_provider import AUDIENCE, OpenIdProvider
from tests.support.security_lines import SecurityLines
from tests.support.service import Service, serving
from tests.support.users import ask, verdict, write
from tests.support.world import Caller, World
from tests.users.test_authentication import later
from tests.users.test_jwt import graphql
from tests.users.test_user_changes import QUERY, changes_of, summary

MINUTE = 60_000


def with_jwt(user: Caller, provider: OpenIdProvider, **claims: Any) -> Caller:
    """The user, with a JWT whose subject is their username."""
    return Caller(user.service, user.user, provider.token(user.username, **claims))


def reason(caller: Caller, lines: SecurityLines) -> str:
    """Why a valid JWT is of nobody: the status is 403, and the log has the reason."""
    lines.new()
    response = graphql(caller.service, caller.token)
    assert response.status_code == 403, response.text
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    line = lines.new()[-1]
    assert line["event"] == "authentication.failed"
    return str(line["reason"])


@contextmanager
def another_server(world: World, **settings: Any) -> Iterator[Service]:
    """A server with the same database, issuer and log."""
    own = world.service.settings
    names = ("oidc_issuer", "oidc_audience", "security_log", "trusted_proxies")
    with serving(own.database_url, **{name: getattr(own, name) for name in names} | settings) as service:
        yield service


@contextmanager
def admitting(world: World, **settings: Any) -> Iterator[World]:
    """The same world on a server that links identities at first sight."""
    with another_server(world, oidc_tenant=world.tenant_id, **settings) as service:
        yield world.on(service)


def test_an_identity_that_nobody_linked_is_forbidden(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider
) -> None:
    unlinked = with_jwt(jwt_world.new_user(), provider)
    assert reason(unlinked, jwt_lines) == "UNLINKED"
    response = unlinked.rest("GET", jwt_world.platform_key)
    assert response.status_code == 403
    assert response.json()["error"].startswith("No user is linked")


def test_an_admin_links_and_unlinks(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider
) -> None:
    user, admin = jwt_world.new_user(), jwt_world.admin
    input = {"username": user.username, "subject": user.username}
    for _ in range(2):
        write(admin, "linkIdentity", input)
    assert jwt_lines.summaries() == [("identity.linked", user.id, None)]
    linked = {"issuer": provider.issuer, "subject": user.username}
    for viewer in (user, admin):
        assert ask(viewer, user, "identities { issuer subject }")["identities"] == [linked]
    exported = user.ask("{ exportUser }")["exportUser"]["identities"]
    assert [{name: each[name] for name in linked} for each in exported] == [linked]
    assert jwt_lines.summaries() == [("user.exported", user.id, None)]
    holder = with_jwt(user, provider)
    assert holder.ask("{ me { userId } }")["me"]["userId"] == user.id
    for _ in range(2):
        assert write(admin, "unlinkIdentity", input, "user { identities { subject } }") == {
            "user": {"identities": []}
        }
    assert jwt_lines.summaries() == [("identity.unlinked", user.id, None)]
    assert [summary(each) for each in changes_of(admin, user)[-2:]] == [
        ("LINKED", "identities", None, None, linked, admin.id),
        ("UNLINKED", "identities", None, linked, None, admin.id),
    ]
    assert reason(holder, jwt_lines) == "UNLINKED"


def test_an_identity_has_one_user(jwt_world: World, ann: Caller) -> None:
    input = {"username": jwt_world.member.username, "subject": ann.username}
    assert verdict(jwt_world.admin, "linkIdentity", input) == "TAKEN subject"
    assert verdict(jwt_world.admin, "linkIdentity", input | {"issuer": "https://else.example.com"}) == "OK"


@pytest.mark.parametrize("texts", [{"subject": ""}, {"subject": "s" * 256}, {"issuer": ""}])
def test_texts_that_no_token_has_are_refused(jwt_world: World, texts: dict[str, str]) -> None:
    input = {"username": jwt_world.member.username, "subject": "s"} | texts
    (name,) = texts
    for mutation in ("linkIdentity", "unlinkIdentity"):
        assert verdict(jwt_world.admin, mutation, input) == f"INVALID_VALUE {name}"


def test_a_user_has_a_limited_number_of_identities(jwt_world: World) -> None:
    user = jwt_world.new_user()
    verdicts = [
        verdict(jwt_world.admin, "linkIdentity", {"username": user.username, "subject": uuid4().hex})
        for _ in range(21)
    ]
    assert verdicts == ["OK"] * 20 + ["NOT_ALLOWED subject"]


def test_who_could_not_issue_a_token_links_nothing(jwt_world: World) -> None:
    there, input = jwt_world.other_tenant_id, {"subject": uuid4().hex}
    guest = jwt_world.new_user(permissions=[f"{there}::read"])
    for name in (guest.username, jwt_world.owner.username, jwt_world.stranger.username):
        assert verdict(jwt_world.admin, "linkIdentity", input | {"username": name}) in (
            "FORBIDDEN",
            "NOT_FOUND",
        )
    for caller in (jwt_world.member, jwt_world.colleague):
        assert verdict(caller, "linkIdentity", input | {"username": jwt_world.member.username}) == "FORBIDDEN"


def test_a_limited_token_links_no_identity_that_could_do_more(jwt_world: World) -> None:
    admin = jwt_world.admin
    input = {"username": admin.username, "subject": uuid4().hex}
    for options in ({"scopes": ["WRITE", "ADMIN"]}, {"expiresInSeconds": 60}):
        limited = Caller(admin.service, admin.user, write(admin, "issueToken", options, "token")["token"])
        assert verdict(limited, "linkIdentity", input) == "FORBIDDEN"


def test_rights_are_those_of_now(jwt_world: World, provider: OpenIdProvider, ann: Caller) -> None:
    holder, admin = with_jwt(ann, provider), f"{jwt_world.tenant_id}::admin"
    search = "{ users(first: 1) { totalCount } }"
    assert "errors" in holder.graphql(search)
    write(jwt_world.admin, "updateUser", {"username": ann.username, "permissions": [admin]})
    assert holder.ask(search)
    write(jwt_world.admin, "updateUser", {"username": ann.username, "permissions": []})
    assert "errors" in holder.graphql(search)


def test_scopes_with_our_prefix_restrict_a_jwt(
    jwt_world: World, provider: OpenIdProvider, ann: Caller
) -> None:
    patch = {"metadata": {"a": 1}}
    for scope, reads, writes in (
        ("openid profile", 200, 200),
        ("openid gql_service:read", 200, 403),
        ("gql_service:READ gql_service:write", 200, 200),
        ("gql_service:unknown", 403, 403),
    ):
        for claims in ({"scope": scope}, {"scp": scope.split()}):
            holder = with_jwt(ann, provider, **claims)
            assert holder.rest("GET", jwt_world.platform_key).status_code == reads, scope
            assert holder.rest("PATCH", jwt_world.platform_key, patch).status_code == writes, scope


def test_revoking_all_tokens_refuses_older_jwts(
    jwt_world: World, database_url: str, provider: OpenIdProvider, ann: Caller
) -> None:
    def is_refused(caller: Caller) -> bool:
        response = graphql(caller.service, caller.token)
        assert response.status_code in (200, 401)
        if response.status_code == 401:
            assert response.json()["errors"][0]["message"] == "The access token was revoked."
        return response.status_code == 401

    old = with_jwt(ann, provider, iat=int(time.time()) - 100)
    with another_server(jwt_world) as another_service:
        elsewhere = Caller(another_service, ann.user, old.token)
        assert not is_refused(old)
        assert not is_refused(elsewhere)
        write(jwt_world.admin, "revokeTokens", {"username": ann.username})
        assert is_refused(old)
        assert is_refused(elsewhere)
    now = int(time.time())
    newer = with_jwt(ann, provider, iat=now + 2)
    with jwt_world.service.at(now * 1000):
        assert not is_refused(newer)
    with later(jwt_world.service, MINUTE):
        run_command(database_url, "token", "revoke-all", ann.username)
    assert is_refused(with_jwt(ann, provider, iat=now - 1))


def test_tokens_end_with_the_jwt_that_issued_them(provider: OpenIdProvider, ann: Caller) -> None:
    def end_of(holder: Caller, **options: Any) -> Any:
        return write(holder, "issueToken", options, "accessToken { expiresAt }")["accessToken"]["expiresAt"]

    now = int(time.time())
    until = now + 500
    with ann.service.at(now * 1000):
        ends = [
            end_of(with_jwt(ann, provider, exp=until, **claims))
            for claims in ({}, {"auth_time": now - 601}, {"auth_time": now + 301}, {"auth_time": now - 599})
        ]
        assert ends == [*[datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")] * 3, None]
        fresh = with_jwt(ann, provider, exp=until, auth_time=now)
        assert end_of(fresh, expiresInSeconds=86_400) > ends[0]


def test_a_fresh_sign_in_does_not_exceed_the_maximum_lifetime(
    jwt_world: World, provider: OpenIdProvider, ann: Caller
) -> None:
    with another_server(jwt_world, token_max_lifetime=3600) as service:
        fresh = with_jwt(Caller(service, ann.user, ""), provider, auth_time=int(time.time()))
        issued = write(fresh, "issueToken", {}, "accessToken { createdAt expiresAt }")["accessToken"]
    assert issued["createdAt"][:10] <= issued["expiresAt"][:10]
    assert issued["expiresAt"] is not None


def test_erasing_a_user_removes_their_identities(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, ann: Caller
) -> None:
    holder = with_jwt(ann, provider)
    assert holder.ask("{ me { userId } }")
    write(jwt_world.admin, "deleteUser", {"username": ann.username})
    assert reason(holder, jwt_lines) == "UNLINKED"


def test_a_claim_links_the_user_whom_it_names(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider
) -> None:
    with admitting(jwt_world, oidc_link_claim="preferred_username") as world:
        user = world.new_user()
        holder = Caller(
            world.service, user.user, provider.token("s", preferred_username=user.username.upper())
        )
        assert holder.ask("{ me { userId } }")["me"]["userId"] == user.id
        assert jwt_lines.summaries() == [("identity.linked", user.id, "FIRST_SIGHT")]
        another = Caller(world.service, user.user, provider.token("t", preferred_username=user.username))
        assert reason(another, jwt_lines) == "NOT_LINKABLE", "the name may have another owner now"
        admins = [f"{world.tenant_id}::admin"], [f"{world.other_tenant_id}::admin"]
        refused = [world.new_user(permissions=permissions) for permissions in admins]
        refused += [world.new_user(is_platform_owner=True), world.stranger]
        for each in refused:
            token = provider.token(each.id, preferred_username=each.username)
            assert reason(Caller(world.service, each.user, token), jwt_lines) == "NOT_LINKABLE"
        for claims in ({}, {"preferred_username": 7}, {"preferred_username": "nobody"}):
            token = provider.token("u", **claims)
            assert reason(Caller(world.service, user.user, token), jwt_lines) == "UNLINKED"


def test_an_address_links_only_if_it_is_verified(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider
) -> None:
    with admitting(jwt_world, oidc_link_claim="email") as world:
        user = world.new_user()
        for verified in (False, None, "true", 1):
            token = provider.token("e", email=user.user.email, email_verified=verified)
            assert reason(Caller(world.service, user.user, token), jwt_lines) == "UNLINKED"
        token = provider.token("e", email=user.user.email.upper(), email_verified=True)
        assert Caller(world.service, user.user, token).ask("{ me { userId } }")["me"]["userId"] == user.id


def test_a_new_user_has_the_name_and_no_rights(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider
) -> None:
    with admitting(jwt_world, oidc_create_claim="preferred_username") as world:
        name = f"n_{uuid4().hex}"
        token = provider.sign_in(name)["access_token"]
        holder = Caller(world.service, world.member.user, token)
        me = holder.ask(
            "{ me { userId username tenantId email emailVerified permissions isPlatformOwner } }"
        )["me"]
        id = me.pop("userId")
        assert me == {
            "username": name,
            "tenantId": world.tenant_id,
            "email": f"{name}@example.com",
            "emailVerified": True,
            "permissions": [],
            "isPlatformOwner": False,
        }
        assert jwt_lines.summaries() == [("user.created", id, None), ("identity.linked", id, "FIRST_SIGHT")]
        rows = jwt_world.admin.ask(QUERY, id=id)["user"]["changes"]["nodes"]
        assert {(each["actorId"], each["source"]) for each in rows} == {(None, "sign-in")}
        assert [each["action"] for each in rows] == ["LINKED", "CREATED"]
        assert holder.ask("{ me { userId } }")["me"]["userId"] == id
        assert jwt_lines.new() == []


@pytest.mark.parametrize("end", ["unlink", "delete"])
def test_what_an_admin_has_ended_does_not_begin_again_by_itself(
    jwt_world: World, jwt_lines: SecurityLines, provider: OpenIdProvider, end: str
) -> None:
    claims = {"oidc_create_claim": "preferred_username", "oidc_link_claim": "preferred_username"}
    with admitting(jwt_world, **claims) as world:
        name = f"n_{uuid4().hex}"
        token = provider.token(name, preferred_username=name, email=f"{name}@example.com")
        holder = Caller(world.service, world.member.user, token)
        assert holder.ask("{ me { username } }") == {"me": {"username": name}}
        if end == "unlink":
            write(world.admin, "unlinkIdentity", {"username": name, "subject": name})
        else:
            write(world.admin, "deleteUser", {"username": name})
        assert reason(holder, jwt_lines) == "NOT_LINKABLE"
        another = world.new_user()
        write(world.admin, "linkIdentity", {"username": another.username, "subject": name})
        assert holder.ask("{ me { userId } }")["me"]["userId"] == another.id, "an admin may"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"preferred_username": "MEMBER"}, "NAME_TAKEN"),
        ({"preferred_username": "MEMBER-ID"}, "NAME_TAKEN"),
        ({"email": "ADDRESS"}, "EMAIL_TAKEN"),
        ({"preferred_username": "with space"}, "INVALID_NAME"),
        ({"preferred_username": "\u0430nn"}, "INVALID_NAME"),
        ({"preferred_username": "a\0"}, "INVALID_NAME"),
        ({"email": "no address"}, "INVALID_NAME"),
        ({"preferred_username": None}, "CLAIM_MISSING"),
        ({"preferred_username": ["a"]}, "CLAIM_MISSING"),
        ({"email": None}, "CLAIM_MISSING"),
    ],
    ids=str,
)
def test_what_is_taken_or_not_allowed_creates_nobody(
    jwt_world: World,
    jwt_lines: SecurityLines,
    provider: OpenIdProvider,
    claims: dict[str, Any],
    expected: str,
) -> None:
    member = jwt_world.member
    texts = {"MEMBER": member.username.upper(), "MEMBER-ID": member.id, "ADDRESS": member.user.email.upper()}
    claims = {name: texts.get(str(value), value) for name, value in claims.items()}
    with admitting(jwt_world, oidc_create_claim="preferred_username") as world:
        fresh = uuid4().hex
        token = provider.token(fresh, **{"preferred_username": fresh, "email": f"{fresh}@b"} | claims)
        assert reason(Caller(world.service, member.user, token), jwt_lines) == expected


def test_first_requests_at_once_create_one_user(
    jwt_world: World, provider: OpenIdProvider, tmp_path: Path, database_url: str
) -> None:
    """On two servers, each with two workers."""
    extra = {
        "GQL_SERVICE_OIDC_ISSUER": provider.issuer,
        "GQL_SERVICE_OIDC_AUDIENCE": AUDIENCE,
        "GQL_SERVICE_OIDC_CREATE_CLAIM": "preferred_username",
        "GQL_SERVICE_OIDC_TENANT": jwt_world.tenant_id,
    }
    with (
        serving_process(tmp_path, database_url, "--workers", "2", extra=extra) as first,
        serving_process(tmp_path, database_url, extra=extra) as second,
        http_client(first.url) as one,
        http_client(second.url) as two,
        ThreadPoolExecutor(16) as pool,
    ):
        for _ in range(3):
            name = uuid4().hex
            token = provider.token(name, preferred_username=name, email=f"{name}@example.com")
            headers = {"Authorization": f"Bearer {token}"}
            body = {"query": "{ me { userId } }"}

            def send(client: Any, headers: Any = headers, body: Any = body) -> Any:
                return client.post("/graphql", json=body, headers=headers).json()

            answers = list(pool.map(send, [one, two] * 8))
            assert len({answer["data"]["me"]["userId"] for answer in answers}) == 1
