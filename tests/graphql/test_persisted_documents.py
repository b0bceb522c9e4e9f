"""Documents requested by their hash: automatic persisted queries, and folders of trusted documents."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service, serving

QUERY = "{ __typename }"
TRUSTED = "query Trusted { __typename }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def send(service: Service, query: str | None, hash: str | None) -> Any:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hash}}
    body = {"query": query, "extensions": persisted if hash else None}
    return service.client.post("/graphql", json={key: body[key] for key in body if body[key]}).json()


def code(body: Any) -> str:
    return str(body["errors"][0]["extensions"]["code"])


def test_a_document_is_registered_once_and_then_found_by_its_hash(service: Service) -> None:
    query = f"# {service.url}\n{QUERY}"
    unknown = send(service, None, sha256(query))
    assert (code(unknown), unknown["errors"][0]["message"]) == (
        "PERSISTED_QUERY_NOT_FOUND",
        "PersistedQueryNotFound",
    )
    assert send(service, query, sha256(query)) == {"data": {"__typename": "Query"}}
    assert send(service, None, sha256(query)) == {"data": {"__typename": "Query"}}
    by_get = {"extensions": f'{{"persistedQuery":{{"version":1,"sha256Hash":"{sha256(query)}"}}}}'}
    assert service.client.get("/graphql", params=by_get).json() == {"data": {"__typename": "Query"}}


def test_a_hash_of_another_document_is_refused_and_not_registered(service: Service) -> None:
    assert code(send(service, QUERY, sha256("another"))) == "BAD_USER_INPUT"
    assert code(send(service, None, sha256("another"))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/graphql-response+json", 400), ("application/json", 200), ("*/*", 200)],
)
def test_the_status_of_a_wrong_hash_depends_on_the_media_type(
    service: Service, accept: str, status: int
) -> None:
    persisted = {"version": 1, "sha256Hash": sha256("another")}
    request = {"query": QUERY, "extensions": {"persistedQuery": persisted}}
    response = service.client.post("/graphql", json=request, headers={"Accept": accept})
    assert (response.status_code, code(response.json())) == (status, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "persisted", [1, {}, {"version": 1}, {"version": 2, "sha256Hash": "a"}, {"version": 1, "sha256Hash": 1}]
)
def test_a_malformed_persisted_query_is_refused(service: Service, persisted: Any) -> None:
    request = {"query": QUERY, "extensions": {"persistedQuery": persisted}}
    response = service.client.post("/graphql", json=request)
    assert (response.status_code, code(response.json())) == (400, "BAD_USER_INPUT")


def by_id(service: Service, id: Any, **parameters: Any) -> Any:
    return service.client.post("/graphql", json={"documentId": id, **parameters}).json()


def test_a_registered_document_is_found_by_its_document_id(service: Service) -> None:
    query = f"# by id {service.url}\n{QUERY}"
    id = f"sha256:{sha256(query)}"
    assert code(by_id(service, id)) == "PERSISTED_QUERY_NOT_FOUND"
    assert send(service, query, sha256(query)) == {"data": {"__typename": "Query"}}
    assert by_id(service, id) == {"data": {"__typename": "Query"}}
    assert by_id(service, id.upper().replace("SHA256", "sha256")) == {"data": {"__typename": "Query"}}
    assert service.client.get("/graphql", params={"documentId": id}).json() == {
        "data": {"__typename": "Query"}
    }
    assert by_id(service, id, query=query) == {"data": {"__typename": "Query"}}


def test_a_document_id_that_contradicts_the_request_is_refused(service: Service) -> None:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": sha256(QUERY)}}
    other = f"sha256:{sha256('another')}"
    assert code(by_id(service, other, query=QUERY)) == "BAD_USER_INPUT"
    assert code(by_id(service, other, extensions=persisted)) == "BAD_USER_INPUT"


@pytest.mark.parametrize("id", [1, "", "x", f"md5:{'a' * 32}", sha256(QUERY), ["sha256:"], {}])
def test_a_malformed_document_id_is_refused(service: Service, id: Any) -> None:
    body = by_id(service, id)
    assert code(body) == "BAD_USER_INPUT"
    assert body["errors"][0]["message"] == (
        "`documentId` must be `sha256:` and the SHA-256 of the document in hexadecimal."
    )


def test_a_batch_is_refused_clearly(service: Service) -> None:
    for batch in ([], [{"query": QUERY}], [{"query": QUERY}] * 2):
        response = service.client.post("/graphql", json=batch)
        assert (response.status_code, code(response.json())) == (400, "BAD_USER_INPUT")
        assert response.json()["errors"][0]["message"] == (
            "Batches (JSON arrays) are not supported. Send one operation in each request."
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "trusted"
    folder.mkdir()
    (folder / "one.graphql").write_text(TRUSTED)
    return folder


def test_only_trusted_documents_are_executed_if_the_setting_requires_it(
    fresh_database_url: str, folder: Path
) -> None:
    with serving(fresh_database_url, trusted_documents=folder, trust="trusted-only") as service:
        assert send(service, TRUSTED, None) == {"data": {"__typename": "Query"}}
        assert send(service, None, sha256(TRUSTED)) == {"data": {"__typename": "Query"}}
        assert by_id(service, f"sha256:{sha256(TRUSTED)}") == {"data": {"__typename": "Query"}}
        assert code(send(service, QUERY, None)) == "FORBIDDEN"
        assert code(send(service, QUERY, sha256(QUERY))) == "FORBIDDEN"
        assert code(send(service, None, sha256(QUERY))) == "PERSISTED_QUERY_NOT_FOUND"


def test_an_untrusted_document_is_logged_if_the_setting_requires_it(
    fresh_database_url: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(fresh_database_url, trusted_documents=folder, trust="log") as service:
        assert send(service, TRUSTED, None) == {"data": {"__typename": "Query"}}
        assert send(service, QUERY, None) == {"data": {"__typename": "Query"}}
    log = capfd.readouterr().err
    assert sha256(QUERY) in log
    assert sha256(TRUSTED) not in log
