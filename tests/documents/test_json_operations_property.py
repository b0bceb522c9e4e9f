"""Operations and merge patches, compared with models in plain Python that share no code with the service."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.patches import PATCH
from tests.support.world import World

GENERATED = min(settings().max_examples, 2_000)
NAMES = st.sampled_from(["a", "b", "0", "1", "-", "", "a/b", "~", "01"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**63 - 1, -(2**63), 0.5, -1e308, 1e308, "", "x"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["a", "b", "0", "-", "a/b"])
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
PATHS = st.tuples(KEYS, st.lists(NAMES, max_size=3)).map(lambda path: [path[0], *path[1]])
NUMBERS = st.integers(-2, 2) | st.sampled_from([2**63 - 1, 0.5, 1e308])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["set", "append"]), PATHS, VALUES),
    st.tuples(st.just("delete"), PATHS, st.none()),
    st.tuples(st.just("increment"), PATHS, NUMBERS),
)
Step = tuple[str, list[str], Any]
MISSING = object()


class Refused(Exception):
    """The step is impossible according to the model."""


def changed(value: Any, path: list[str], step: Step) -> Any:
    """A copy of the value after a step at a path below it; MISSING if there is no value."""
    if not path:
        return leaf(value, step)
    first, rest = path[0], path[1:]
    if value is MISSING:
        if step[0] == "delete":
            return MISSING
        value = {}
    if isinstance(value, dict):
        inner = changed(value.get(first, MISSING), rest, step)
        others = {name: each for name, each in value.items() if name != first}
        return others if inner is MISSING else others | {first: inner}
    if not isinstance(value, list):
        raise Refused
    if first == "-" and not rest and step[0] == "set":
        return [*value, step[2]]
    if first not in [str(index) for index in range(len(value))]:
        raise Refused
    index = int(first)
    inner = changed(value[index], rest, step)
    middle = [] if inner is MISSING else [inner]
    return value[:index] + middle + value[index + 1 :]


def leaf(value: Any, step: Step) -> Any:
    """The result of a step for the value at its path."""
    kind, _, operand = step
    if kind == "set":
        return operand
    if kind == "delete":
        return MISSING
    if kind == "append":
        items = [] if value is MISSING else value
        if not isinstance(items, list):
            raise Refused
        return [*items, operand]
    if value is MISSING:
        value = 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused
    total = value + operand
    is_integer = isinstance(value, int) and isinstance(operand, int)
    if (is_integer and not -(2**63) <= total < 2**63) or abs(total) == float("inf"):
        raise Refused
    return total


def merged(target: Any, change: Any) -> Any:
    """The pseudo-code of RFC 7396, section 2."""
    if not isinstance(change, dict):
        return change
    result = target.copy() if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            if name in result:
                del result[name]
        else:
            result[name] = merged(result.get(name), value)
    return result


def request(step: Step) -> dict[str, Any]:
    kind, path, operand = step
    arguments: dict[str, Any] = {
        "path": "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in path)
    }
    if kind in ("set", "append"):
        arguments["value"] = operand
    elif kind == "increment":
        arguments["by"] = operand
    return {kind: arguments}


def run(world: World, start: dict[str, Any], **input: Any) -> tuple[Any, Any]:
    """Patch a document with this content; returns the metadata, or else code and field of the error."""
    user = world.admin
    replaced = user.rest("PUT", world.platform_key, {"metadata": start})
    assert replaced.status_code == 200
    payload = user.ask(PATCH, input={"platformKey": world.platform_key} | input)["patchPlatformMetadata"]
    if payload["userErrors"]:
        (error,) = payload["userErrors"]
        return None, (error["code"], error["field"])
    return payload["platformMetadata"]["metadata"], None


def exact(value: Any) -> str:
    """A text that is different for 1 and true, and equal for equal numbers."""
    return json.dumps(json.loads(json.dumps(value), parse_float=_number), sort_keys=True)


def _number(text: str) -> int | float:
    is_integer = float(text).is_integer() and abs(float(text)) < 2**63
    return int(Decimal(text)) if is_integer else float(text)


@settings(max_examples=GENERATED)
@given(start=DOCUMENTS, steps=st.lists(STEPS, min_size=1, max_size=6))
def test_operations_do_what_the_model_does(world: World, start: dict[str, Any], steps: list[Step]) -> None:
    expected: Any = start
    fault = None
    for number, step in enumerate(steps):
        try:
            expected = changed(expected, step[1], step)
        except Refused:
            fault = ("INVALID_OPERATION", ["operations", str(number), "path"])
            break
    found, refusal = run(world, start, operations=[request(step) for step in steps])
    assert refusal == fault
    if fault is None:
        assert exact(found) == exact(expected)


@settings(max_examples=GENERATED)
@given(start=DOCUMENTS, change=DOCUMENTS)
def test_merge_patches_do_what_the_pseudo_code_of_the_rfc_does(
    world: World, start: dict[str, Any], change: dict[str, Any]
) -> None:
    found, refusal = run(world, start, metadata=change, mode="MERGE_PATCH")
    assert refusal is None
    assert exact(found) == exact(merged(start, change))


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=GENERATED)
@given(path=TEXTS | TEXTS.map("/a/".__add__), kind=st.sampled_from(["set", "delete", "increment", "append"]))
def test_any_text_as_a_path_is_applied_or_refused_as_a_path(world: World, path: str, kind: str) -> None:
    operation = request((kind, [], 1))
    operation[kind]["path"] = path
    found, refusal = run(world, {"a": {"b": [1]}}, operations=[operation])
    if refusal is not None:
        assert refusal[0] in ("INVALID_OPERATION", "INVALID_KEY")
        assert refusal[1] == ["operations", "0", "path"]
    else:
        assert path.startswith("/")
        assert isinstance(found, dict)
