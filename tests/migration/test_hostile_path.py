"""Nobody's objects run as somebody else: not in pg_temp, not in a schema in front of the path.

Every function there is, is called while types, operators, functions and views of an attacker stand
before PostgreSQL's own. They count when they run as anybody but the attacker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.fix_store import InstalledStore, drop_store
from tests.history import without_jobs
from tests.hostile import argument, put_in_front, ran

from coldstream.migrations import install
from coldstream.sql import Names

pytestmark = pytest.mark.native

STATEMENTS = (
    "INSERT INTO {schema}.messages (stream_name, position, type) VALUES ('plain-1', 0, 'T')",
    "INSERT INTO {schema}.messages (stream_name, position, type, global_position) "
    "VALUES ('plain-2', 0, 'T', 1)",
    "INSERT INTO {schema}.messages (stream_name, position, type, time) "
    "VALUES ('plain-2', 0, 'T', '2025-01-02 01:00:00+00')",
    "SELECT * FROM {schema}.stream_summary",
    "SELECT * FROM {schema}.category_type_summary",
)
OF_THE_OWNER = (
    "DELETE FROM {schema}.messages",
    "TRUNCATE {schema}.messages",
)


@pytest.fixture
def store(new_store: Callable[..., InstalledStore]) -> InstalledStore:
    """With history in rows, in the columnstore and in a chunk that a late message opened again."""
    store = without_jobs(new_store())
    for week in range(4):
        store.run(
            "INSERT INTO messages (stream_name, position, type, time) "
            "VALUES ('account-1', %s, 'T', '2025-01-02'::timestamptz + %s * INTERVAL '7 days')",
            [week, week],
        )
    store.run("SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', '{}')")
    store.run("CALL close_ended_chunks()")
    store.run("SELECT compress_range('2025-01-09')")
    store.run("SELECT set_notify(true)")
    store.run("SELECT * FROM join_consumer('c', 'account', 1)")
    return store


@pytest.fixture
def attacker(dsn: str) -> Iterator[str]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE mallory")
        try:
            connection.execute("CREATE SCHEMA front AUTHORIZATION mallory")
            connection.execute("SET ROLE mallory")
            put_in_front(connection, "front", "mallory")
            yield "front"
        finally:
            connection.execute("RESET ROLE")
            connection.execute("SET client_min_messages = warning")
            connection.execute("DROP SCHEMA IF EXISTS front CASCADE")
            connection.execute("DROP ROLE mallory")


def calls(connection: psycopg.Connection[Any], store: InstalledStore, role: str) -> list[str]:
    """A call of every function that a role may execute, all names in it qualified."""
    functions = connection.execute(
        """
        SELECT p.proname, p.prokind = 'p',
          ARRAY(
            SELECT pg_catalog.format_type(a.oid, NULL)
            FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a (oid, number) ORDER BY number
          ),
          coalesce(p.proargnames, '{}')
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = %s::pg_catalog.regnamespace
          AND p.prorettype <> 'trigger'::pg_catalog.regtype
          AND pg_catalog.has_function_privilege(%s, p.oid, 'EXECUTE')
        ORDER BY 1
        """,
        [store.schema, role],
    ).fetchall()
    [(chunk,)] = connection.execute(
        f"SELECT chunk::pg_catalog.text FROM {store.schema}.hypertable_chunks() "
        "ORDER BY range_start DESC LIMIT 1".encode()
    ).fetchall()
    made = []
    for name, is_procedure, types, argument_names in functions:
        named = [*argument_names, *([""] * len(types))]
        values = [
            argument(named[n], type_name, store.schema, chunk) for n, type_name in enumerate(types)
        ]
        kind = "CALL" if is_procedure else "SELECT * FROM"
        made.append(f"{kind} {store.schema}.{name}({', '.join(values)})")
    return made


def run_all(connection: psycopg.Connection[Any], statements: list[str]) -> dict[str, str | None]:
    """Run each by itself and take it back; the SQLSTATE that it ended in."""
    ended: dict[str, str | None] = {}
    for statement in statements:
        is_call = statement.startswith("CALL")
        if not is_call:
            connection.execute("BEGIN")
        try:
            connection.execute("SET lock_timeout = '5s'")
            connection.execute(statement.encode())
            ended[statement] = None
        except psycopg.Error as error:
            ended[statement] = error.sqlstate
        if not is_call:
            connection.execute("ROLLBACK")
    return ended


# Steps of an import, a copy or a rehydration: they work on a table that the step before makes, and
# say that it is not there. The other calls find what they name.
STEPS = re.compile(r"\.(\w+_staged|\w+_incoming(_heads)?|leave_out_imported)\(")


def says_something(ended: dict[str, str | None]) -> None:
    """The calls are calls: most of them do their work, and none is misspelt."""
    wrong = ("42601", "42883", "42P01", "42703", "42725", "42804")
    bad = {s: state for s, state in ended.items() if state in wrong and not STEPS.search(s)}
    assert bad == {}
    assert sum(state is None for state in ended.values()) > len(ended) / 2


@pytest.mark.parametrize("path", ["front, pg_catalog", "front, public, pg_catalog", "front"])
def test_in_a_session_of_the_owner(store: InstalledStore, attacker: str, path: str) -> None:
    with psycopg.connect(store.dsn, autocommit=True) as connection:
        statements = calls(connection, store, "postgres")
        connection.execute(f"SET search_path = {path}".encode())
        ended = run_all(connection, statements)
        ended |= run_all(
            connection, [s.format(schema=store.schema) for s in (*STATEMENTS, *OF_THE_OWNER)]
        )
        assert ran(connection, attacker) == 0
        says_something(ended)
        # The trap is set: an own statement that names nothing's schema falls into it.
        if path != "front":
            connection.execute("SELECT 'a'::pg_catalog.text = 'b'::pg_catalog.text, NULL::uuid")
            connection.execute("SELECT md5('a')")
            assert ran(connection, attacker) >= 2


def test_in_a_session_of_the_application(store: InstalledStore) -> None:
    """Its own temporary objects, and definer functions: pg_temp comes first for types, always."""
    with psycopg.connect(store.dsn, autocommit=True) as connection:
        statements = calls(connection, store, store.role)
        connection.execute(f"SET SESSION AUTHORIZATION {store.role}".encode())
        put_in_front(connection, "pg_temp", store.role)
        connection.execute("GRANT ALL ON SEQUENCE pg_temp.ran TO PUBLIC")
        for path in ("pg_temp, pg_catalog", f"pg_catalog, {store.schema}", store.schema):
            connection.execute(f"SET search_path = {path}".encode())
            ended = run_all(connection, statements)
            ended |= run_all(connection, [s.format(schema=store.schema) for s in STATEMENTS])
            # The branch of a write that names the version it expects.
            for version in (-1, 4, None):
                ended |= run_all(
                    connection,
                    [
                        f"SELECT {store.schema}.write_message("
                        "pg_catalog.gen_random_uuid()::varchar, "
                        f"'{'new-1' if version == -1 else 'account-1'}', 'T', NULL, NULL, "
                        f"{'NULL' if version is None else version}::bigint)"
                    ],
                )
            assert ran(connection, "pg_temp") == 0, path
            says_something(ended)


def test_while_a_store_is_installed(dsn: str, attacker: str) -> None:
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET search_path = front, public, pg_catalog")
            assert install(connection, Names("installed_beside")).changed
            assert not install(connection, Names("installed_beside")).changed
            assert connection.execute("SHOW search_path").fetchone() == (
                "front, public, pg_catalog",
            )
            assert ran(connection, attacker) == 0
    finally:
        drop_store(dsn, "installed_beside")
