"""`/openapi.json`: it is valid, complete, and says what the service does."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from tests.support import schemathesis
from tests.support.service import Service
from tests.support.world import REST, World

PATH = "/openapi.json"
COMPONENTS = "#/components/"
FLAGS = "/platforms/{platformKey}/ofrep/v1/evaluate/flags"


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    """The document, as a client without a token gets it."""
    return service.client.get(PATH).json()


def resolved(document: Any, value: Any) -> Any:
    """The value with the components that it refers to in place of the references, except for schemas."""
    if isinstance(value, list):
        return [resolved(document, each) for each in value]
    if not isinstance(value, dict):
        return value
    section, _, name = str(value.get("$ref", "")).removeprefix(COMPONENTS).partition("/")
    if section and section != "schemas":
        return resolved(document, document["components"][section][name])
    return {name: resolved(document, each) for name, each in value.items()}


def operations(document: Any) -> dict[str, Any]:
    item = resolved(document, document["paths"][REST])
    shared = item.pop("parameters")
    return {
        method: operation | {"parameters": [*shared, *operation["parameters"]]}
        for method, operation in item.items()
    }


def schemas_with_examples(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each schema in the document that has examples, with each of them."""
    if isinstance(value, list):
        for each in value:
            yield from schemas_with_examples(each)
    elif isinstance(value, dict):
        for example in value.get("examples", {}).values() if "schema" in value else ():
            yield value["schema"], example["value"]
        if "schema" in value and "example" in value:
            yield value["schema"], value["example"]
        for each in value.values():
            yield from schemas_with_examples(each)


def test_everybody_may_read_it_and_caches_may_keep_it(service: Service) -> None:
    response = service.client.get(PATH)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"].startswith("public, max-age=")
    again = service.client.get(PATH, headers={"If-None-Match": f'"x", W/{response.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == response.headers["etag"]
    head = service.client.head(PATH)
    assert head.headers["content-length"] == str(len(response.content))
    assert service.client.post(PATH).status_code == 405


@pytest.mark.clients
def test_it_conforms_to_the_schema_of_openapi(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    Draft202012Validator(schemathesis.openapi_schema()).validate(document)


def test_all_of_its_schemas_are_valid_and_its_examples_conform(document: Any) -> None:
    components = {"components": document["components"]}
    for schema in document["components"]["schemas"].values():
        meta.validate(schema)
    pairs = list(schemas_with_examples(resolved(document, document)))
    assert len(pairs) > 30
    for schema, example in pairs:
        meta.validate(schema)
        Draft202012Validator(schema | components).validate(example)


def test_it_has_every_method_and_a_relative_address(world: World, document: Any) -> None:
    allowed = world.member.rest("POST", world.platform_key).headers["allow"]
    assert {method.upper() for method in operations(document)} == set(allowed.split(", "))
    assert [server["url"] for server in document["servers"]] == ["/"]
    assert list(document["paths"]) == [REST, FLAGS, FLAGS + "/{key}"]


def test_every_operation_has_its_parameters_and_statuses(document: Any) -> None:
    always = {"platform_key", "username", "If-Match", "If-None-Match", "X-Request-Id", "X-Read-After"}
    read, write = {"200", "304"}, {"409", "507"}
    failures = {"400", "401", "403", "404", "412", "429", "500", "503"}
    body = {"413", "415"}
    expected = {
        "get": (always, read | failures),
        "head": (always, read | failures),
        "patch": (always | {"Idempotency-Key"}, {"200", "204"} | write | failures | body),
        "put": (always | {"Idempotency-Key"}, {"200", "204"} | write | failures | body),
        "delete": (always | {"Idempotency-Key"}, {"204"} | write | failures),
    }
    found = {
        method: ({each["name"] for each in operation["parameters"]}, set(operation["responses"]))
        for method, operation in operations(document).items()
    }
    assert found == expected
    assert all(
        ("requestBody" in operation) == (method in ("patch", "put"))
        for method, operation in operations(document).items()
    )


def test_the_evaluation_of_flags_has_the_statuses_of_the_service(document: Any) -> None:
    failures = {"400", "401", "403", "404", "413", "415", "429", "500", "503"}
    found = {path: document["paths"][path]["post"]["responses"].keys() for path in (FLAGS, FLAGS + "/{key}")}
    assert found == {FLAGS: {"200", "304"} | failures, FLAGS + "/{key}": {"200"} | failures}


def test_white_space_around_keys_is_described_as_it_is_refused(document: Any) -> None:
    is_key = Draft202012Validator(document["components"]["schemas"]["Metadata"]["propertyNames"]).is_valid
    characters = [chr(number) for number in range(1, 0x3100)] + ["\ufeff", "\U0001f600"]
    for character in characters:
        key = f"{character}a{character}"
        assert is_key(key) == is_key(f"a{character}") == is_key(character) == (key.strip() == key)


def test_the_limits_are_those_of_the_service(world: World, document: Any) -> None:
    limits = world.member.ask("{ limits { metadataKeys keyLength valueBytes metadataBytes } }")["limits"]
    metadata = document["components"]["schemas"]["Metadata"]
    assert metadata["maxProperties"] == limits["metadataKeys"]
    assert metadata["propertyNames"]["maxLength"] == limits["keyLength"]
    assert f"up to {limits['valueBytes']} bytes" in metadata["description"]
    assert f"up to {limits['metadataBytes']}, " in metadata["description"]
