"""Requests leave nothing behind that only the cyclic garbage collector frees: it runs rarely in servers."""

import gc
from collections.abc import Callable

import pytest

from tests.support.patches import patched, read
from tests.support.world import World

REQUESTS: dict[str, Callable[[World, int], object]] = {
    "read": lambda world, _number: read(world.member, world),
    "patch": lambda world, number: patched(world.member, world, metadata={"a": number}),
    "REST": lambda world, number: world.member.rest("PUT", world.platform_key, {"metadata": {"b": number}}),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_requests_leave_no_cycles(world: World, kind: str) -> None:
    for number in range(-4, 0):  # a document is kept from its second request on
        REQUESTS[kind](world, number)
    # What tests before this one leave is not there again.
    assert [] in (garbage_of(world, kind) for _ in range(3))


def garbage_of(world: World, kind: str) -> list[str]:
    """The objects of ours that only the garbage collector finds after some requests."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for number in range(20):
            REQUESTS[kind](world, number)
        gc.collect()
        return [repr(each) for each in gc.garbage if type(each).__module__.startswith("gql_service")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()
