"""Flags as the SDKs of OpenFeature for servers read them, for Node and for Python."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from tests.support.definitions import patch
from tests.support.flags import define_flag, documented_sdk, variant
from tests.support.npm import npm_project
from tests.support.service import serving
from tests.support.world import Caller, World

pytestmark = pytest.mark.clients

Details = dict[str, Any]
Evaluate = Callable[[Caller, World, Sequence[tuple[str, Any]]], list[Details]]
"""Evaluates flags, with their defaults in the code, for the caller."""
WANTED = ("value", "reason", "variant", "errorCode")


def base_url(world: World) -> str:
    return f"{world.service.url}/platforms/{world.platform_key}"


def with_node(caller: Caller, world: World, flags: Sequence[tuple[str, Any]]) -> list[Details]:
    """By `@openfeature/server-sdk`."""
    wanted = {"baseUrl": base_url(world), "token": caller.token, "targetingKey": caller.id, "flags": flags}
    done = subprocess.run(
        ["node", "server.mjs"],
        cwd=npm_project("openfeature"),
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    details: list[Details] = json.loads(done.stdout)
    return details


def with_python(caller: Caller, world: World, flags: Sequence[tuple[str, Any]]) -> list[Details]:
    """By `openfeature-sdk`."""
    headers = {"Authorization": f"Bearer {caller.token}"}
    provider = OFREPProvider(base_url(world), headers_factory=lambda: headers, timeout=60)
    try:
        api.set_provider(provider, world.platform_key)
        client = api.get_client(world.platform_key)
        context = EvaluationContext(targeting_key=caller.id)
        evaluate: dict[type, Callable[..., Any]] = {
            bool: client.get_boolean_details,
            str: client.get_string_details,
            int: client.get_integer_details,
            float: client.get_float_details,
            dict: client.get_object_details,
        }
        found = [evaluate[type(default)](key, default, context) for key, default in flags]
    finally:
        provider.session.close()
    return [
        {
            "value": each.value,
            "reason": str(each.reason),
            "variant": each.variant,
            "errorCode": each.error_code and each.error_code.value,
            "errorMessage": each.error_message,
        }
        for each in found
    ]


@pytest.fixture(params=[with_node, with_python], ids=["node", "python"])
def evaluate(request: pytest.FixtureRequest) -> Evaluate:
    evaluate: Evaluate = request.param
    return evaluate


def failed(default: Any, code: str) -> tuple[Any, ...]:
    """What an SDK gives instead of a flag."""
    return (default, "ERROR", None, code)


def seen(details: list[Details]) -> list[tuple[Any, ...]]:
    return [tuple(each.get(name) for name in WANTED) for each in details]


def test_flags_of_every_type_have_value_reason_and_variant(world: World, evaluate: Evaluate) -> None:
    define_flag(world, "split", default=False, variants=[variant("on", True, 100_000)])
    define_flag(world, "theme", "string", default="dark")
    define_flag(world, "size", "number", default=2)
    define_flag(world, "ratio", "number", default=0.5)
    define_flag(world, "config", "json", default={"a": [1]})
    define_flag(world, "off", default=False, variants=[variant("on", True, 100_000)], enabled=False)
    patch(world.member, world, {"theme": "light"})
    flags = [("split", False), ("theme", "none"), ("size", 7), ("ratio", 1.5), ("config", {}), ("off", True)]
    assert seen(evaluate(world.member, world, flags)) == [
        (True, "SPLIT", "on", None),
        ("light", "TARGETING_MATCH", "override", None),
        (2, "STATIC", "default", None),
        (0.5, "STATIC", "default", None),
        ({"a": [1]}, "STATIC", "default", None),
        (False, "DISABLED", "default", None),
    ]


def test_the_default_of_the_code_stands_in_for_what_is_no_such_flag(world: World, evaluate: Evaluate) -> None:
    define_flag(world, "theme", "string", default="dark")
    define_flag(world, "list", "json", default=[1])
    flags = [("unknown", True), ("theme", True), ("list", {"a": 1})]
    assert seen(evaluate(world.member, world, flags)) == [
        failed(True, "FLAG_NOT_FOUND"),
        failed(True, "TYPE_MISMATCH"),
        failed({"a": 1}, "GENERAL"),
    ]


def test_the_default_of_the_code_is_used_for_a_flag_without_a_value(world: World, evaluate: Evaluate) -> None:
    define_flag(world, "none", "string")
    (details,) = evaluate(world.member, world, [("none", "x")])
    assert details["value"] == "x"


def test_what_the_token_may_not_do_is_an_error(world: World, evaluate: Evaluate) -> None:
    define_flag(world, "beta", default=False)
    forged = Caller(world.service, world.member.user, world.member.token[:-1])
    mistaken = Caller(world.service, world.colleague.user, world.member.token)
    for caller in (forged, mistaken):
        assert seen(evaluate(caller, world, [("beta", True)])) == [failed(True, "GENERAL")]


def test_a_client_with_wrong_tokens_is_told_to_wait_and_does(
    world: World, database_url: str, evaluate: Evaluate
) -> None:
    define_flag(world, "beta", default=False)
    with serving(database_url, max_failed_authentications=2) as strict:
        forged = Caller(strict, world.member.user, world.member.token[:-1])
        with strict.at(strict.clock()):
            details = evaluate(forged, world.on(strict), [("beta", True)] * 6)
        assert seen(details) == [failed(True, "GENERAL")] * 6
        assert "paused" in details[-1]["errorMessage"]
        assert seen(evaluate(world.member, world.on(strict), [("beta", True)]))[0][0] is False


@pytest.mark.parametrize("language", ["node", "python"])
def test_the_documented_programs_read_a_flag(world: World, language: str) -> None:
    define_flag(world, "newSearch", default=True)
    program = documented_sdk(language, base_url(world), world.member)
    command = {"node": ["node", "--input-type=module", "-"], "python": [sys.executable, "-"]}[language]
    folder = npm_project("openfeature")
    done = subprocess.run(command, cwd=folder, input=program, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().lower() == "true", done.stderr
