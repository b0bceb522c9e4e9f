"""Resolvers that wait for futures or for each other, run one after the other, or are cancelled."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult
from strawberry import Info
from strawberry.dataloader import DataLoader

from tests.support.compare_with_graphql_core import compare


def promise(info: Info, name: str) -> "asyncio.Future[Any]":
    """A future that all resolvers of an execution share."""
    futures: dict[str, asyncio.Future[Any]] = info.context.setdefault("futures", {})
    if name not in futures:
        futures[name] = asyncio.get_running_loop().create_future()
    return futures[name]


def note(info: Info, what: str) -> None:
    info.context["log"].append(what)


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def loader(info: Info) -> DataLoader[int, str]:
    async def load(keys: list[int]) -> list[str | ValueError]:
        note(info, f"load {keys}")
        await asyncio.sleep(0)
        return [f"loaded {key}" if key >= 0 else ValueError(f"no {key}") for key in keys]

    found: DataLoader[int, str] = info.context.setdefault("loader", DataLoader(load_fn=load))
    return found


@strawberry.type
class Waits:
    @strawberry.field
    async def after(self, n: int, name: str = "") -> str:
        await turns(n)
        return f"{name} after {n}"

    @strawberry.field
    async def again(self, n: int) -> "Waits":
        await turns(n)
        return Waits()

    @strawberry.field
    async def many(self, n: int) -> list["Waits"]:
        await turns(n)
        return [Waits() for _ in range(n)]

    @strawberry.field
    def now(self) -> str:
        return "now"

    @strawberry.field
    async def fails(self, info: Info, n: int) -> str:
        await turns(n)
        raise ValueError(f"failed after {n}")

    @strawberry.field
    async def soft(self, info: Info, n: int) -> str | None:
        await turns(n)
        raise ValueError(f"failed softly after {n}")

    @strawberry.field
    async def waits_for(self, info: Info, name: str, n: int = 0) -> str | None:
        await turns(n)
        value = await promise(info, name)
        note(info, f"got {name}")
        return str(value)

    @strawberry.field
    async def gives(self, info: Info, name: str, n: int = 1) -> str | None:
        await turns(n)
        promise(info, name).set_result(f"given after {n}")
        return name

    @strawberry.field
    async def breaks(self, info: Info, name: str, n: int = 1) -> str | None:
        await turns(n)
        promise(info, name).set_exception(LookupError(f"broken after {n}"))
        return name

    @strawberry.field
    async def cancels(self, info: Info, name: str, n: int = 1) -> str | None:
        await turns(n)
        promise(info, name).cancel()
        return name

    @strawberry.field
    async def survives(self, info: Info, name: str) -> str | None:
        try:
            await promise(info, name)
        except asyncio.CancelledError:
            return "survived"
        return "unharmed"

    @strawberry.field
    async def loads(self, info: Info, key: int) -> str:
        return await loader(info).load(key)

    @strawberry.field
    async def loads_two(self, info: Info, key: int) -> list[str]:
        return [await loader(info).load(key), *await loader(info).load_many([key + 1, key + 2])]

    @strawberry.field
    async def gathers(self, info: Info) -> list[str]:
        return list(await asyncio.gather(loader(info).load(1), loader(info).load(2)))

    @strawberry.field
    async def holds(self, info: Info, name: str) -> str:
        lock: asyncio.Lock = info.context.setdefault("lock", asyncio.Lock())
        async with lock:
            note(info, f"{name} holds")
            await turns(2)
            note(info, f"{name} lets go")
        return name

    @strawberry.field
    async def raises(self, kind: str) -> str | None:
        await turns(1)
        kinds: dict[str, BaseException] = {
            "stop": StopIteration("x"),
            "cancelled": asyncio.CancelledError("x"),
        }
        raise kinds[kind]

    @strawberry.field
    async def notes(self, info: Info, n: int, name: str) -> str | None:
        await turns(n)
        note(info, name)
        return name

    @strawberry.field
    async def cleans_up(self, info: Info, name: str) -> str | None:
        try:
            await promise(info, name)
        except asyncio.CancelledError:
            note(info, f"{name} was cancelled")
            raise
        finally:
            note(info, f"{name} ends")
        return None

    @strawberry.field
    async def cleans_up_late(self, info: Info, name: str) -> str | None:
        try:
            await promise(info, name)
        finally:
            await turns(2)
            note(info, f"{name} ends late")
        return None


@strawberry.type
class Query(Waits):
    pass


def do_add(info: Info, by: int) -> Any:
    note(info, f"add {by}")
    if by < 0:
        raise ValueError(f"{by} is negative")
    return Waits() if by else None


async def do_add_late(info: Info, by: int) -> Any:
    await asyncio.wait_for(turns(2), 60)
    async with asyncio.timeout(60):
        await turns(1)
    return do_add(info, by)


def do_add_soon(info: Info, by: int) -> Any:
    return asyncio.ensure_future(do_add_late(info, by))


@strawberry.type
class Mutation:
    add = strawberry.mutation(resolver=do_add, graphql_type=Waits | None)
    firm_add = strawberry.mutation(resolver=do_add, graphql_type=Waits)
    add_late = strawberry.mutation(resolver=do_add_late, graphql_type=Waits | None)
    firm_add_late = strawberry.mutation(resolver=do_add_late, graphql_type=Waits)
    add_soon = strawberry.mutation(resolver=do_add_soon, graphql_type=Waits | None)


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation)

CONCURRENT = {
    "the slowest first": "{ a: after(n: 5) b: after(n: 0) now c: after(n: 2) }",
    "below each other": """{ again(n: 2) { a: after(n: 3) again(n: 0) { now b: after(n: 1) } }
        c: after(n: 1) }""",
    "many": "{ many(n: 9) { many(n: 3) { after(n: 2) now } a: after(n: 4) } }",
    "fails among others": "{ a: after(n: 3) soft(n: 1) s: soft(n: 2) b: after(n: 0) }",
    "a promise that is kept after": '{ waitsFor(name: "x") gives(name: "x", n: 0) }',
    "a promise that is kept by a later one": '{ waitsFor(name: "x") gives(name: "x", n: 3) }',
    "a promise that is kept by an earlier one": '{ gives(name: "x", n: 3) waitsFor(name: "x") }',
    "promises crosswise": """{ waitsFor(name: "x") a: again(n: 1) { gives(name: "y") waitsFor(name: "z") }
        b: again(n: 2) { waitsFor(name: "y") gives(name: "x") } again(n: 1) { gives(name: "z") } }""",
    "a promise that is kept below": """{ again(n: 0) { waitsFor(name: "x") }
        many(n: 2) { after(n: 1) } last: again(n: 3) { gives(name: "x") } }""",
    "a promise that is broken": '{ waitsFor(name: "x") breaks(name: "x", n: 2) after(n: 3) }',
    "a promise that is taken back": '{ survives(name: "x") cancels(name: "x", n: 2) after(n: 4) }',
    "a promise that is taken back from the second": '{ after(n: 4) survives(name: "x") cancels(name: "x") }',
    "a promise that is taken back, unnoticed": '{ waitsFor(name: "x") cancels(name: "x", n: 0) after(n: 3) }',
    "loads": "{ a: loads(key: 1) b: loads(key: 2) again(n: 0) { loads(key: 3) } c: loads(key: 1) }",
    "loads one after the other": "{ a: loadsTwo(key: 1) b: loadsTwo(key: 5) }",
    "loads in a list": "{ many(n: 3) { loads(key: 1) l: loadsTwo(key: 2) } gathers }",
    "locks": '{ a: holds(name: "a") b: holds(name: "b") c: holds(name: "c") }',
    "raises: stop": '{ raises(kind: "stop") after(n: 2) }',
    "several of one promise": '{ a: waitsFor(name: "x") b: survives(name: "x") gives(name: "x", n: 2) }',
    "raises: cancelled": '{ after(n: 2) raises(kind: "cancelled") }',
}


@pytest.mark.parametrize("query", CONCURRENT.values(), ids=CONCURRENT)
def test_resolvers_wait_concurrently(query: str) -> None:
    compared = compare(SCHEMA, query)
    assert compared.planned
    assert compared.ours == compared.theirs


ABANDONED = {
    "at once": '{ notes(n: 2, name: "sibling") fails(n: 0) }',
    "below": '{ again(n: 0) { notes(n: 3, name: "sibling") fails(n: 1) } }',
    "afterwards": '{ fails(n: 3) notes(n: 0, name: "before") late: notes(n: 9, name: "sibling") }',
    "a sibling that waits forever": '{ notes(n: 1, name: "sibling") waitsFor(name: "never") fails(n: 0) }',
    "a sibling that waits forever, later": '{ waitsFor(name: "never") fails(n: 2) }',
    "a sibling that waits forever, after": '{ fails(n: 2) waitsFor(name: "never") }',
    "a sibling that waits forever, below": '{ now again(n: 1) { waitsFor(name: "never") fails(n: 2) } }',
    "an item that waits forever": '{ many(n: 3) { soft(n: 2) waitsFor(name: "never") fails(n: 2) } }',
}


@pytest.mark.parametrize("query", ABANDONED.values(), ids=ABANDONED)
def test_a_null_response_does_not_wait_for_unneeded_resolvers(query: str) -> None:
    compared = compare(SCHEMA, query)
    assert compared.planned
    assert compared.ours[:2] == compared.theirs[:2]


async def cancel(result: Awaitable[ExecutionResult]) -> ExecutionResult:
    task = asyncio.ensure_future(result)
    await turns(6)
    task.cancel("enough")
    return await task


CANCELLED = {
    "one": '{ cleansUp(name: "x") }',
    "two": '{ a: cleansUp(name: "x") b: cleansUp(name: "y") }',
    "two of one promise": '{ a: cleansUp(name: "x") b: cleansUp(name: "x") }',
    "below": '{ again(n: 2) { a: cleansUp(name: "x") } b: cleansUp(name: "y") after(n: 1) }',
    "in lists": '{ many(n: 2) { cleansUp(name: "x") } }',
    "late": '{ cleansUpLate(name: "x") }',
    "two late": '{ a: cleansUpLate(name: "x") b: cleansUpLate(name: "y") }',
    "a turn": '{ after(n: 99) cleansUp(name: "x") }',
    "survivors": '{ survives(name: "x") cleansUp(name: "y") }',
}


@pytest.mark.parametrize("query", CANCELLED.values(), ids=CANCELLED)
def test_waiting_resolvers_are_cancelled_with_the_execution(query: str) -> None:
    compared = compare(SCHEMA, query, drive=cancel)
    assert compared.planned
    assert compared.ours[:2] == compared.theirs[:2]
    assert sorted(compared.ours.log) == sorted(compared.theirs.log)


MUTATIONS = {
    "one after the other": """mutation { a: add(by: 1) { notes(n: 3, name: "a") } b: addLate(by: 2) { now
        again(n: 2) { notes(n: 1, name: "b") } } c: addSoon(by: 3) { notes(n: 0, name: "c") } }""",
    "a failure": "mutation { a: add(by: 1) { now } b: add(by: -1) { now } c: addLate(by: 2) { now } }",
    "a late failure": "mutation { a: addSoon(by: -1) { now } b: addLate(by: -1) { now } add(by: 2) { now } }",
    "no result": "mutation { a: add(by: 0) { now } b: addLate(by: 0) { now } c: add(by: 1) { now } }",
    "one that ends all": "mutation { add(by: 1) { now } firmAdd(by: -1) { now } c: add(by: 3) { now } }",
    "a late failure that ends all": "mutation { firmAddLate(by: -1) { now } add(by: 3) { now } }",
    "no result, which ends all": "mutation { firmAdd(by: 0) { now } add(by: 3) { now } }",
    "a failure below": "mutation { a: add(by: 1) { now again(n: 1) { fails(n: 2) } } add(by: 2) { now } }",
    "a failure below that ends all": """mutation { firmAddLate(by: 1) { again(n: 0) { fails(n: 2) } }
        add(by: 2) { now } }""",
    "in fragments": """mutation { ...A add(by: 2) { now } } fragment A on Mutation { b: addLate(by: 1) { now }
        add(by: 2) { after(n: 1) } __typename }""",
}


@pytest.mark.parametrize("query", MUTATIONS.values(), ids=MUTATIONS)
def test_mutations_are_executed_one_after_the_other(query: str) -> None:
    compared = compare(SCHEMA, query)
    assert compared.planned
    assert compared.ours == compared.theirs
