"""Query plans of searches: the databases use the index of the most selective condition, and scan no table."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import asyncpg
import pytest

from gql_service.domain.pagination import PageRequest, page_parameters
from gql_service.domain.search import members as search
from gql_service.domain.search import ordered
from gql_service.domain.search.conditions import ConditionInput, parse_conditions
from gql_service.domain.search.index import IndexRow, PartRow, equality_digest, folded_digest, member_digest
from gql_service.domain.values.encryption import KeyRing
from gql_service.settings import Settings
from gql_service.store import migrations
from gql_service.store.statement import Prepared, Statement
from tests.support.cli_processes import run_command

USERS = 20_000
FIRST = PageRequest(50, False, None, None)
AFTER = PageRequest(50, False, "u01", None)
LAST = PageRequest(50, True, None, "u1")
CASES: dict[str, tuple[list[ConditionInput], set[str]]] = {
    "equals": ([{"equals": "v-77"}], {"equality"}),
    "equals a number": ([{"equals": 77}], {"equality"}),
    "in": ([{"in_": ["v-1", "v-2", "v-3"]}], {"equality"}),
    "in a hundred": ([{"in_": [f"v-{number}" for number in range(100)]}], {"equality"}),
    "exists": ([{"exists": True}], {"user"}),
    "prefix": ([{"prefix": "v-777"}], {"text"}),
    "range of texts": ([{"greater_than": "v-77", "less_than": "v-78"}], {"text"}),
    "range of numbers": ([{"greater_than": 100, "less_than_or_equal": 200}], {"number"}),
    "range of dates": ([{"greater_than": "2024-01-01", "less_than": "2024-01-02"}], {"text", "number"}),
    "ignoring case": ([{"equals_ignore_case": "V-77"}], {"folded"}),
    "contains a number": ([{"contains": 77}], {"parts_equality"}),
    "contains a text": ([{"contains": "-77"}], {"text", "parts_equality"}),
    "contains and equals": ([{"contains": "-77", "equals": "v-77"}], {"equality"}),
    "a text at a path": ([{"path": "/text", "equals": "v-77"}], {"parts_equality"}),
    "a prefix at a path": ([{"path": "/text", "prefix": "v-777"}], {"parts_text"}),
    "numbers at a path": ([{"path": "/number", "greater_than": 100, "less_than": 200}], {"parts_number"}),
    "ignoring case at a path": ([{"path": "/text", "equals_ignore_case": "V-7"}], {"parts_folded"}),
    "exists at a path": ([{"path": "/text", "exists": True}], {"parts_user"}),
    "several": ([{"exists": True}, {"prefix": "v"}, {"equals": "v-77"}, {"exists": False}], {"equality"}),
}
KEYS = {"equals a number": "number", "range of numbers": "number", "range of dates": "date"}


def statements(name: str, request: PageRequest) -> Iterator[tuple[Statement, dict[str, Any]]]:
    """The statements of the page and of the count, with their parameters."""
    inputs: list[ConditionInput] = [{"key": KEYS.get(name, "text"), **each} for each in CASES[name][0]]
    members = search.MemberSearch("t", "p", None, parse_conditions(inputs, "p", KeyRing({}, None)))
    shapes, parameters = search.shapes_and_parameters(members, 5)
    request_shape = request._replace(size=0, after=request.after and "", before=request.before and "")
    yield search._page(shapes, False, request_shape), parameters | page_parameters(request)
    yield search._count(shapes, False), parameters


def entries() -> Iterator[IndexRow]:
    """For every user, a text, a number and a date, all different; every hundredth user's have expired."""
    for number in range(USERS):
        day = f"{1970 + number % 200}-01-{1 + number % 28:02}"
        for key, text, value in (
            ("text", f"v-{number}", None),
            ("number", None, float(number)),
            ("date", day, number * 86_400e6),
        ):
            yield IndexRow(
                user_id=f"u{number:05}",
                platform_id="p",
                key=key,
                equality=equality_digest(f'"{text}"' if text else str(number)),
                text_value=text,
                number_value=value,
                encrypted=False,
                valid_from=None,
                valid_until=1 if number % 100 == 0 else None,
                folded=folded_digest(text) if text else None,
            )


def parts() -> Iterator[PartRow]:
    """For every user, a text, a number and a member at a path, all different."""
    for number in range(USERS):
        for path, equality, text, value in (
            ("/text", equality_digest(f'"v-{number}"'), f"v-{number}", None),
            ("/number", equality_digest(str(number)), None, float(number)),
            ("", member_digest(str(number)), None, None),
        ):
            yield PartRow(
                user_id=f"u{number:05}",
                platform_id="p",
                key="text",
                path=path,
                equality=equality,
                is_member=not path,
                text_value=text,
                number_value=value,
                valid_from=None,
                valid_until=None,
                folded=folded_digest(text) if text else None,
            )


@pytest.fixture(scope="module")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A database that was migrated: which of several indexes SQLite takes may depend on their order."""
    path = tmp_path_factory.mktemp("plans") / "data.sqlite3"
    run_command(f"sqlite+aiosqlite:///{path}", "migrate")
    with closing(sqlite3.connect(path)) as database:
        yield database


@pytest.mark.parametrize("request_", [FIRST, AFTER, LAST], ids=["first", "after", "last"])
@pytest.mark.parametrize("name", CASES)
def test_sqlite_searches_by_index(
    sqlite_database: sqlite3.Connection, name: str, request_: PageRequest
) -> None:
    """SQLite makes its plans without looking at the rows, so the tables are empty."""
    for statement, parameters in statements(name, request_):
        sql, bind, _ = statement.for_sqlite
        plan = [row[3] for row in sqlite_database.execute(f"EXPLAIN QUERY PLAN {sql}", bind(parameters))]
        subqueries = ("SCAN page", "SCAN found")
        assert not [step for step in plan if step.startswith("SCAN") and step not in subqueries], plan
        driving = re.compile(r"SEARCH (?:entry|text)_0 USING (?:COVERING )?INDEX ix_metadata_index_(\w+)")
        assert {found[1] for step in plan if (found := driving.match(step))} == CASES[name][1], plan
        others = [step for step in plan if re.match(r"SEARCH ((entry|text)_[1-9]|memberships)", step)]
        assert all("PRIMARY KEY (user_id=?" in step for step in others), plan


@pytest.mark.parametrize("name", ["equals", "exists"])
def test_sqlite_does_not_sort_rows_that_the_index_returns_in_order(
    sqlite_database: sqlite3.Connection, name: str
) -> None:
    (page, parameters), _ = statements(name, AFTER)
    sql, bind, _ = page.for_sqlite
    plan = [row[3] for row in sqlite_database.execute(f"EXPLAIN QUERY PLAN {sql}", bind(parameters))]
    assert not [step for step in plan if "TEMP B-TREE" in step], plan


WITHOUT_ROWS = {"equals": "equality", "exists": "user", "prefix": "text", "range of texts": "text"}
"""Searches that an index answers, without the rows that it is of."""


@pytest.mark.parametrize("name", WITHOUT_ROWS)
def test_sqlite_counts_by_the_index_alone(sqlite_database: sqlite3.Connection, name: str) -> None:
    _, (count, parameters) = statements(name, FIRST)
    sql, bind, _ = count.for_sqlite
    plan = [row[3] for row in sqlite_database.execute(f"EXPLAIN QUERY PLAN {sql}", bind(parameters))]
    covering = f"SEARCH entry_0 USING COVERING INDEX ix_metadata_index_{WITHOUT_ROWS[name]} "
    assert plan[0].startswith(covering), plan


@pytest.fixture(scope="module")
def postgres_url(postgres_server: Any) -> str:
    """A database with so many rows that PostgreSQL prefers an index."""
    url: str = postgres_server.create_database()

    async def fill() -> None:
        await migrations.upgrade(Settings(database_url=url))
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(f"""
          INSERT INTO tenants VALUES ('t', 't', 0);
          INSERT INTO users (id, tenant_id, username, email, profile_fields, permissions, is_platform_owner,
            revision, created_at, updated_at, name_key, email_key)
            SELECT id, 't', id, id || '@b', '{{}}', '[]', false, 1, 0, 0, id, id || '@b'
            FROM (SELECT 'u' || lpad(n::text, 5, '0') AS id FROM generate_series(0, {USERS - 1}) n) x;
          INSERT INTO memberships SELECT id, 't' FROM users""")
        await connection.copy_records_to_table("metadata_index", records=entries(), columns=IndexRow._fields)
        await connection.copy_records_to_table(
            "metadata_index_parts", records=parts(), columns=PartRow._fields
        )
        await connection.execute("VACUUM ANALYZE")
        await connection.close()

    asyncio.run(fill())
    return url


async def explain(url: str, prepared: Prepared, parameters: dict[str, Any]) -> str:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch(f"EXPLAIN {prepared.sql}", *prepared.bind(parameters))
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("request_", [FIRST, AFTER], ids=["first", "after"])
@pytest.mark.parametrize("name", CASES)
def test_postgres_searches_by_index(postgres_url: str, name: str, request_: PageRequest) -> None:
    for statement, parameters in statements(name, request_):
        plan = asyncio.run(explain(postgres_url, statement.for_postgres, parameters))
        counts_all = name.startswith("exists") and "count" in statement.for_postgres.sql
        assert counts_all or "Seq Scan on metadata_index" not in plan, plan
        # For texts that are no dates, the index that sorts them is as good.
        used = set(re.findall(r"Scan (?:using|on) ix_metadata_index_(\w+?)(?:_order)?\b", plan))
        assert counts_all or used >= CASES[name][1], plan


@pytest.mark.parametrize("name", sorted(WITHOUT_ROWS.keys() - {"exists"}))
def test_postgres_counts_by_the_index_alone(postgres_url: str, name: str) -> None:
    _, (count, parameters) = statements(name, FIRST)
    plan = asyncio.run(explain(postgres_url, count.for_postgres, parameters))
    assert f"Index Only Scan using ix_metadata_index_{WITHOUT_ROWS[name]} " in plan, plan


ORDERS: dict[str, tuple[search.Order, list[ConditionInput], str]] = {
    "numbers": (search.Order("number"), [], "number"),
    "texts": (search.Order("text"), [], "text"),
    "numbers at a path": (search.Order("text", "/number"), [], "parts_number"),
    "texts at a path": (search.Order("text", "/text"), [{"exists": True}], "parts_text"),
    "few": (search.Order("number"), [{"equals": "v-77"}], "equality"),
}


def ordered_statements(name: str) -> Iterator[tuple[Statement, dict[str, Any]]]:
    """The statements of the pages after and before a cursor, in both directions."""
    order, inputs, _ = ORDERS[name]
    conditions = parse_conditions([{"key": "text", **each} for each in inputs], "p", KeyRing({}, None))
    shapes, parameters = search.shapes_and_parameters(
        search.MemberSearch("t", "p", None, conditions, order), 5
    )
    of_numbers = "number" in name or name == "few"
    parameters |= {"key_order": order.key, "path_order": order.path, "size": 21}
    for bound in ("after", "before"):
        parameters |= {f"{bound}_value": 500.0 if of_numbers else "v-500", f"{bound}_user": "u00500"}
    for descending in (False, True):
        for backwards in (False, True):
            shape = ordered._Shape(
                of_numbers, bool(order.path), descending, backwards, not backwards, backwards
            )
            yield ordered._page(shapes, False, shape), parameters


@pytest.mark.parametrize("name", ORDERS)
def test_sqlite_sorts_by_index(sqlite_database: sqlite3.Connection, name: str) -> None:
    for statement, parameters in ordered_statements(name):
        sql, bind, _ = statement.for_sqlite
        plan = [row[3] for row in sqlite_database.execute(f"EXPLAIN QUERY PLAN {sql}", bind(parameters))]
        assert not [step for step in plan if step.startswith("SCAN")], plan
        driving = re.match(
            r"SEARCH (ordered|entry_0) USING (?:COVERING )?INDEX ix_metadata_index_(\w+?)(?:_order)? ",
            plan[0],
        )
        assert driving, plan
        assert driving[2] == ORDERS[name][2], plan
        assert (driving[1] == "entry_0") is (name == "few"), plan
        sorts = [step for step in plan if "TEMP B-TREE" in step]
        assert bool(sorts) is (name == "few"), plan


@pytest.mark.parametrize("name", ORDERS)
def test_postgres_sorts_by_index(postgres_url: str, name: str) -> None:
    for statement, parameters in ordered_statements(name):
        plan = asyncio.run(explain(postgres_url, statement.for_postgres, parameters))
        assert "Seq Scan on metadata_index" not in plan, plan
        used = set(re.findall(r"Scan (?:Backward )?(?:using|on) ix_metadata_index_(\w+?)(?:_order)?\b", plan))
        assert ORDERS[name][2] in used, plan
        assert name == "few" or not re.search(r"^ *-> +Sort", plan, re.M), plan
