"""`issueToken`, `revokeToken` and `User.tokens`: secrets, lifetimes, replacement and revocation."""

import json
from typing import Any

import pytest

from tests.support.service import Service
from tests.support.users import ask, codes, guest, send, unchanged, verdict, write
from tests.support.world import Caller, World
from tests.users.test_authentication import later

TOKEN = "token accessToken { id label createdAt expiresAt revokedAt }"
DAY = 24 * 3600


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    return World(service)


@pytest.fixture
def user(world: World) -> Caller:
    return world.new_user()


def issue(caller: Caller, **input: Any) -> tuple[Caller, dict[str, Any]]:
    """A caller with the new token, and the fields of the token."""
    payload = write(caller, "issueToken", input, TOKEN)
    return Caller(caller.service, caller.user, payload["token"]), payload["accessToken"]


def works(caller: Caller) -> bool:
    """Whether a token is accepted, by GraphQL and REST alike."""
    by_graphql = caller.graphql("{ me { username } }")
    response = caller.service.client.get(
        "/api/core/users/platform-metadata/", headers={"Authorization": f"Token {caller.token}"}
    )
    accepted = "errors" not in by_graphql
    assert accepted or codes(by_graphql) == "UNAUTHENTICATED"
    assert (response.status_code == 401) == (not accepted)
    return accepted


def tokens(viewer: Caller, user: Caller) -> list[dict[str, Any]]:
    fields = "tokens(first: 100) { nodes { id label createdAt expiresAt revokedAt } }"
    found: list[dict[str, Any]] = ask(viewer, user, fields)["tokens"]["nodes"]
    return found


def test_a_token_authenticates_its_user(world: World, user: Caller) -> None:
    holder, _ = issue(user)
    assert works(holder)
    assert holder.ask("{ me { userId } }")["me"]["userId"] == user.id
    made_by_admin, _ = issue(world.admin, username=user.username)
    assert made_by_admin.ask("{ me { userId } }")["me"]["userId"] == user.id


def test_a_secret_is_only_in_the_response_that_issues_it(world: World, user: Caller) -> None:
    names = [
        each["name"]
        for each in user.ask('{ __type(name: "AccessToken") { fields { name } } }')["__type"]["fields"]
    ]
    holder, token = issue(user, label="laptop")
    prefix, id, secret, checksum = holder.token.split("_")
    assert token["id"] == id
    fields = f"""tokens(first: 9) {{ nodes {{ {" ".join(names)} }} }}
      notifications(first: 9) {{ nodes {{ title body }} }}"""
    responses = [json.dumps(ask(viewer, user, fields)) for viewer in (user, holder, world.admin, world.owner)]
    responses += [json.dumps(send(user, "issueToken", {"replaces": id}, "accessToken { id label }"))]
    responses += [json.dumps(send(user, "revokeToken", {"id": id}, "accessToken { id label revokedAt }"))]
    assert all(id in text for text in responses if "tokens" in text or "revoke" in text)
    for text in responses:
        assert secret not in text
        assert checksum not in text
        assert f"{prefix}_" not in text


def test_a_token_has_its_label_and_timestamps(user: Caller) -> None:
    _, token = issue(user, label="CI on é", expiresInSeconds=DAY)
    assert token["label"] == "CI on é"
    assert token["revokedAt"] is None
    assert token["createdAt"] < token["expiresAt"]
    _, endless = issue(user)
    assert (endless["label"], endless["expiresAt"]) == ("", None)
    assert tokens(user, user)[-2:] in ([token, endless], [endless, token])


def test_tokens_are_listed_oldest_first(world: World, user: Caller) -> None:
    for number in range(3):
        with later(world.service, (number + 1) * 10):
            issue(user, label=str(number))
    assert [token["label"] for token in tokens(user, user)] == ["test", "0", "1", "2"]


def test_a_token_expires_after_its_lifetime(world: World, user: Caller) -> None:
    holder, _ = issue(user, expiresInSeconds=DAY)
    with later(world.service, DAY * 1000 - 5000):
        assert works(holder)
    with later(world.service, DAY * 1000):
        assert not works(holder)
        assert works(user)


@pytest.mark.parametrize("seconds", [0, -1, -DAY])
def test_a_lifetime_below_one_second_is_refused(world: World, user: Caller, seconds: int) -> None:
    with unchanged(world, user):
        assert verdict(user, "issueToken", {"expiresInSeconds": seconds}) == "INVALID_VALUE expiresInSeconds"


@pytest.mark.parametrize("seconds", [-1, -(2**31)])
def test_a_negative_overlap_is_refused(world: World, user: Caller, seconds: int) -> None:
    id = tokens(user, user)[0]["id"]
    with unchanged(world, user):
        for input in ({"overlapSeconds": seconds}, {"overlapSeconds": seconds, "replaces": id}):
            assert verdict(user, "issueToken", input) == "INVALID_VALUE overlapSeconds"


@pytest.mark.parametrize(
    "input",
    [
        {"expiresInSeconds": 1.5},
        {"expiresInSeconds": True},
        {"expiresInSeconds": "60"},
        {"expiresInSeconds": 2**31},
        {"overlapSeconds": None},
        {"overlapSeconds": 0.5},
        {"overlapSeconds": 2**53},
        {"label": None},
        {"label": 5},
        {"replaces": []},
        {"replaces": True},
        {"scopes": ["all"]},
        {"token": "mine"},
    ],
    ids=repr,
)
def test_bad_input_is_refused(world: World, user: Caller, input: dict[str, Any]) -> None:
    with unchanged(world, user):
        assert verdict(user, "issueToken", input) == "BAD_USER_INPUT"


def test_a_label_has_at_most_200_characters(world: World, user: Caller) -> None:
    with unchanged(world, user):
        assert verdict(user, "issueToken", {"label": "x" * 201}) == "INVALID_VALUE label"
    assert verdict(user, "issueToken", {"label": "é" * 200}) == "OK"


@pytest.mark.parametrize("overlap", [0, 60, DAY])
def test_a_replaced_token_works_until_the_overlap_ends(world: World, user: Caller, overlap: int) -> None:
    old, token = issue(user)
    new, _ = issue(old, replaces=token["id"], overlapSeconds=overlap, expiresInSeconds=2 * DAY)
    assert works(new)
    assert works(old) == (overlap > 0)
    with later(world.service, overlap * 1000 - 5000 if overlap else 0):
        assert works(old) == (overlap > 0)
        assert works(new)
    with later(world.service, overlap * 1000):
        assert not works(old)
        assert works(new)


def test_replacing_never_extends_the_lifetime_of_a_token(world: World, user: Caller) -> None:
    short, token = issue(user, expiresInSeconds=60)
    issue(user, replaces=token["id"], overlapSeconds=DAY)
    with later(world.service, 60_000):
        assert not works(short)
        issue(user, replaces=token["id"], overlapSeconds=DAY)
        assert not works(short)
    revoked, other = issue(user)
    write(user, "revokeToken", {"id": other["id"]})
    issue(user, replaces=other["id"], overlapSeconds=DAY)
    assert not works(revoked)


def test_only_a_token_of_the_same_user_can_be_replaced(world: World, user: Caller) -> None:
    foreign, token = issue(world.member)
    with unchanged(world, user, world.member):
        for id in (token["id"], "no-such-token", "", "é"):
            for caller, target in ((user, {}), (world.admin, {"username": user.username})):
                input = {"replaces": id} | target
                assert verdict(caller, "issueToken", input) == "INVALID_VALUE replaces", id
    assert works(foreign)


def test_a_revoked_token_is_refused_at_once_and_others_still_work(world: World, user: Caller) -> None:
    holder, token = issue(user)
    other, _ = issue(user)
    assert works(holder)
    revoked = write(user, "revokeToken", {"id": token["id"]}, "accessToken { id revokedAt }")["accessToken"]
    assert revoked["id"] == token["id"]
    assert revoked["revokedAt"]
    assert not works(holder)
    assert works(other)
    assert works(user)
    with unchanged(world, user), later(world.service, 5000):
        assert write(user, "revokeToken", {"id": token["id"]}, "accessToken { id revokedAt }") == {
            "accessToken": revoked
        }


def test_a_token_can_revoke_itself(user: Caller) -> None:
    holder, token = issue(user)
    assert verdict(holder, "revokeToken", {"id": token["id"]}) == "OK"
    assert not works(holder)


def test_who_may_revoke_the_token_of_a_user(world: World) -> None:
    for caller, outcome in [
        (world.admin, "OK"),
        (guest(world, "admin"), "OK"),
        (world.owner, "OK"),
        (world.colleague, "FORBIDDEN"),
        (guest(world), "FORBIDDEN"),
        (world.stranger, "FORBIDDEN"),
        (world.foreign_admin, "NOT_FOUND"),
    ]:
        user = world.new_user()
        holder, token = issue(user)
        assert verdict(caller, "revokeToken", {"id": token["id"]}) == outcome
        assert works(holder) == (outcome != "OK")


def test_an_unknown_token_id_is_refused_like_that_of_another_user(world: World, user: Caller) -> None:
    _, token = issue(user)
    secret = user.token
    for caller, code in [
        (world.colleague, "FORBIDDEN"),
        (world.stranger, "FORBIDDEN"),
        (world.foreign_admin, "NOT_FOUND"),
    ]:
        responses = [
            send(caller, "revokeToken", {"id": id}) for id in (token["id"], "no-such-token", "", secret)
        ]
        assert all(response == responses[0] for response in responses)
        assert codes(responses[0]) == code
    assert works(user)


def test_tokens_are_paged_from_both_ends_while_more_are_issued(world: World, user: Caller) -> None:
    made = [issue(user)[1]["id"] for _ in range(6)]
    query = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      user(by: {userId: $id}) { tokens(first: $first, after: $after, last: $last, before: $before) {
        nodes { id } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""

    def page(**arguments: Any) -> tuple[list[str], dict[str, Any]]:
        found = world.admin.ask(query, id=user.id, **arguments)["user"]["tokens"]
        info, cursors = found["pageInfo"], [edge["cursor"] for edge in found["edges"]]
        assert [edge["node"] for edge in found["edges"]] == found["nodes"]
        assert [info["startCursor"], info["endCursor"]] == [cursors[0], cursors[-1]]
        return [node["id"] for node in found["nodes"]], info

    first, info = page(first=3)
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (False, True)
    made.append(issue(user)[1]["id"])
    second, info = page(first=5, after=info["endCursor"])
    assert (info["hasPreviousPage"], info["hasNextPage"]) == (True, False)
    everything = [each["id"] for each in tokens(user, user)]
    assert first + second == everything
    assert {*everything[1:]} == {*made}
    assert page(last=2, before=info["startCursor"])[0] == first[1:]
    assert page(last=3)[0] == everything[-3:]
    assert page()[0] == everything


def test_who_sees_the_tokens_of_a_user(world: World, user: Caller) -> None:
    for viewer in (user, world.admin, world.owner):
        assert len(tokens(viewer, user)) == 1
    query = "query ($id: ID!) { user(by: {userId: $id}) { tokens(first: 1) { nodes { id } } } }"
    for viewer in (world.colleague, guest(world)):
        assert codes(viewer.graphql(query, id=user.id)) == "FORBIDDEN"
    for viewer in (world.stranger, world.foreign_admin):
        assert viewer.graphql(query, id=user.id) == {"data": {"user": None}}


def test_issuing_and_revoking_need_authentication(world: World, user: Caller) -> None:
    id = tokens(user, user)[0]["id"]
    for mutation, input in (("issueToken", "{}"), ("revokeToken", f'{{id: "{id}"}}')):
        query = f"mutation {{ {mutation}(input: {input}) {{ accessToken {{ id }} }} }}"
        body = world.service.client.post("/graphql", json={"query": query}).json()
        assert codes(body) == "UNAUTHENTICATED"
    assert works(user)


def test_a_token_ends_with_the_own_token_that_issued_it(world: World, user: Caller) -> None:
    short, first = issue(user, expiresInSeconds=60)
    for input in ({}, {"expiresInSeconds": DAY}, {"replaces": first["id"], "overlapSeconds": 60}):
        _, derived = issue(short, **input)
        assert derived["expiresAt"] == first["expiresAt"]
    _, shorter = issue(short, expiresInSeconds=5)
    assert shorter["expiresAt"] < first["expiresAt"]
    by_admin, longer = issue(world.admin, username=user.username, expiresInSeconds=DAY)
    assert longer["expiresAt"] > first["expiresAt"]
    _, derived = issue(by_admin)
    assert derived["expiresAt"] == longer["expiresAt"]
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    short_admin, own = issue(admin, expiresInSeconds=60)
    assert issue(short_admin, expiresInSeconds=DAY)[1]["expiresAt"] == own["expiresAt"]


def test_a_token_for_somebody_else_ends_when_its_issuer_is_no_admin_of_their_tenant(
    world: World, user: Caller
) -> None:
    admin = world.new_user(permissions=[f"{world.tenant_id}::admin"])
    own, _ = issue(admin)
    by_admin, _ = issue(admin, username=user.username)
    derived, _ = issue(by_admin)
    by_owner, _ = issue(world.owner, username=user.username)
    write(world.admin, "updateUser", {"username": user.username, "permissions": [f"{world.tenant_id}::x"]})
    assert works(by_admin)  # it does not end because the user gains rights
    assert works(derived)
    write(world.admin, "updateUser", {"username": admin.username, "permissions": []})
    for ended in (by_admin, derived):
        assert not works(ended)
        response = ended.graphql("{ me { username } }")
        assert response["errors"][0]["message"].startswith("The issuer of the access token")
    assert works(own)
    assert works(by_owner)
    assert works(user)


def test_an_own_token_gains_rights_and_one_of_an_admin_only_those_the_admin_administers(world: World) -> None:
    user = world.new_user()
    by_admin, _ = issue(world.admin, username=user.username)
    both = [f"{world.tenant_id}::admin", f"{world.other_tenant_id}::x"]
    write(world.owner, "updateUser", {"username": user.username, "permissions": both})
    for caller, foreign in ((user, 200), (by_admin, 404)):
        name = world.member.username
        assert caller.rest("GET", world.platform_key, username=name).status_code == 200
        assert caller.rest("GET", world.other_platform_key).status_code == foreign
