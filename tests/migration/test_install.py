"""Installing a store: once, again, beside others, and where it may not go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.fix_store import InstalledStore, drop_store
from tests.history import without_jobs

import coldstream
from coldstream import ForeignSchema, InvalidInput, Message, MigrationError, NotInstalled
from coldstream.migrations import Installed, Settings, install, plan_sql
from coldstream.sql import Names
from coldstream.sql.objects import functions, views

SCHEMA = "migrated"


@pytest.fixture(autouse=True)
def clean(dsn: str) -> Iterator[None]:
    drop_store(dsn, SCHEMA)
    yield
    drop_store(dsn, SCHEMA)


def run_install(
    dsn: str, settings: Settings | None = None, *, schema: str = SCHEMA, dry_run: bool = False
) -> Installed:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return install(connection, Names(schema), settings, dry_run=dry_run)


def execute(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


CATALOG = {
    "columns": """
        SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default,
          generation_expression
        FROM information_schema.columns WHERE table_schema = %(schema)s ORDER BY 1, 3
    """,
    "functions": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text
        FROM pg_proc AS p WHERE p.pronamespace = %(schema)s::regnamespace ORDER BY 1
    """,
    "relations": """
        SELECT c.relname, c.relkind, c.relacl::text, c.reloptions::text
        FROM pg_class AS c WHERE c.relnamespace = %(schema)s::regnamespace ORDER BY 1
    """,
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %(schema)s ORDER BY 1
    """,
    "triggers": """
        SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace ORDER BY 1, 2
    """,
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = %(schema)s ORDER BY 1",
    "types": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'c' ORDER BY 1, a.attnum
    """,
    "columnstore": """
        SELECT attname, segmentby_column_index, orderby_column_index, orderby_asc
        FROM timescaledb_information.compression_settings
        WHERE hypertable_schema = %(schema)s ORDER BY 3, 2, 1
    """,
    "jobs": """
        SELECT proc_name, schedule_interval, config - 'hypertable_id'
        FROM timescaledb_information.jobs
        WHERE hypertable_schema = %(schema)s OR proc_schema = %(schema)s ORDER BY 1
    """,
    "dimensions": """
        SELECT column_name, time_interval FROM timescaledb_information.dimensions
        WHERE hypertable_schema = %(schema)s
    """,
    "migrations": "SELECT name, checksum FROM {schema}.migrations ORDER BY 1",
    "store": """
        SELECT max_clock_lead, chunk_interval, layout, compress_after, columnstore
        FROM {schema}.store
    """,
}


def catalog(dsn: str, schema: str = SCHEMA) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that an install makes, without the names that differ between schemas."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {
            kind: [
                tuple(
                    # store_token is another number in every store.
                    re.sub(r"SELECT \d{13,}::bigint", "TOKEN", value.replace(schema, "SCHEMA"))
                    if isinstance(value, str)
                    else value
                    for value in row
                )
                for row in connection.execute(
                    statement.replace("{schema}", schema).encode(), {"schema": schema}
                )
            ]
            for kind, statement in CATALOG.items()
        }


def test_the_first_install_says_what_it_did(dsn: str) -> None:
    result = run_install(dsn)
    assert result.changed
    assert f"created the store in schema {SCHEMA}" in result.actions
    assert "ran migration 0001_store" in result.actions
    assert any("compressed every hour" in action for action in result.actions)


def test_a_second_install_changes_nothing(dsn: str) -> None:
    run_install(dsn)
    before = catalog(dsn)
    again = run_install(dsn)
    assert (again.actions, again.changed) == ([], False)
    assert catalog(dsn) == before


def test_a_fresh_install_equals_one_that_was_repeated(
    dsn: str, new_store: Callable[..., InstalledStore]
) -> None:
    run_install(dsn)
    # As a release before this one would have left it: other functions, fewer privileges.
    execute(
        dsn,
        f"""
        CREATE OR REPLACE FUNCTION {SCHEMA}.message_store_version() RETURNS varchar
        LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT ''0''::varchar';
        REVOKE ALL ON ALL ROUTINES IN SCHEMA {SCHEMA} FROM {SCHEMA};
        DROP TRIGGER messages_before_insert ON {SCHEMA}.messages;
        DROP VIEW {SCHEMA}.stream_summary;
        """,
    )
    assert run_install(dsn).changed
    fresh = new_store()
    assert catalog(dsn) == catalog(dsn, fresh.schema)


def test_the_catalog_has_every_file(dsn: str) -> None:
    run_install(dsn)
    found = catalog(dsn)
    routines = {
        name.partition("(")[0].rpartition(".")[2].strip('"') for name, *_ in found["functions"]
    }
    files = {each.name for each in functions()}
    # The migration makes it: it is never made anew.
    assert routines == files | {"store_token"}
    assert {name for name, _ in found["views"]} == {each.name for each in views()}


def test_what_a_release_has_no_more_is_dropped(dsn: str) -> None:
    run_install(dsn)
    before = catalog(dsn)
    make = (
        "CREATE FUNCTION {0}.old_part(a text, b timestamptz[] DEFAULT NULL) RETURNS void "
        "LANGUAGE sql AS ''; CREATE PROCEDURE {0}.old_step(INOUT a bigint) LANGUAGE sql "
        "AS 'SELECT 1::bigint'; "
        "CREATE FUNCTION {0}.mine(a text) RETURNS void LANGUAGE sql AS '';"
    )
    execute(dsn, make.format(SCHEMA))
    # As the release that made them recorded them.
    execute(
        dsn,
        f"INSERT INTO {SCHEMA}.installed_functions (signature, digest) "
        "SELECT format('%s(%s)', proname, pg_get_function_identity_arguments(oid)), 'x' "
        f"FROM pg_proc WHERE pronamespace = '{SCHEMA}'::regnamespace AND proname ~ '^old_'",
    )
    assert run_install(dsn, dry_run=True).changed
    assert run_install(dsn).changed
    execute(dsn, f"DROP FUNCTION {SCHEMA}.mine(text)")
    assert catalog(dsn) == before
    assert not run_install(dsn).changed


def test_a_dry_run_leaves_nothing(dsn: str) -> None:
    result = run_install(dsn, dry_run=True)
    assert result.changed
    assert any("create_hypertable" in statement for statement in result.sql)
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchall() == [(None,)]
        jobs = "SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_schema = %s"
        assert connection.execute(jobs.encode(), [SCHEMA]).fetchall() == [(0,)]


def test_a_dry_run_of_another_setting_changes_nothing(dsn: str) -> None:
    run_install(dsn)
    before = catalog(dsn)
    result = run_install(dsn, Settings(chunk_interval=timedelta(days=1)), dry_run=True)
    assert result.actions == ["new chunks cover 1 day"]
    assert catalog(dsn) == before


def test_the_printed_sql_installs_the_same(
    dsn: str, new_store: Callable[..., InstalledStore]
) -> None:
    fresh = new_store()
    execute(dsn, "".join(plan_sql(Names(SCHEMA))))
    assert catalog(dsn) == catalog(dsn, fresh.schema)
    assert run_install(dsn).actions == []


def test_a_migration_with_another_text_is_refused(dsn: str) -> None:
    run_install(dsn)
    execute(dsn, f"UPDATE {SCHEMA}.migrations SET checksum = 'x'")
    before = catalog(dsn)
    with pytest.raises(MigrationError, match=r"^Migration 0001_store ran with another text"):
        run_install(dsn)
    assert catalog(dsn) == before


def test_a_migration_of_a_newer_release_is_refused(dsn: str) -> None:
    run_install(dsn)
    execute(dsn, f"INSERT INTO {SCHEMA}.migrations VALUES ('9999_later', 'x', '9.0')")
    before = catalog(dsn)
    with pytest.raises(MigrationError, match=r"9999_later is not known here$") as caught:
        run_install(dsn)
    assert caught.value.hint == "Upgrade this installation of Coldstream."
    assert catalog(dsn) == before


def test_a_client_works_on_the_schema_of_the_next_release(dsn: str) -> None:
    """Which may give a function another argument with a default, and other tables and columns."""
    run_install(dsn)
    execute(dsn, f"INSERT INTO {SCHEMA}.migrations VALUES ('9999_later', 'x', '9.0')")
    execute(dsn, f"ALTER TABLE {SCHEMA}.store ADD later text")
    with psycopg.connect(dsn) as connection:
        definition = f"SELECT pg_get_functiondef('{SCHEMA}.stream_page'::regproc)"
        [(text,)] = connection.execute(definition.encode()).fetchall()
    execute(dsn, f"DROP FUNCTION {SCHEMA}.stream_page")
    execute(dsn, text.replace("listed integer)", "listed integer, later text DEFAULT NULL)"))
    with coldstream.connect(dsn, schema=SCHEMA) as client:
        client.write_message("later-1", "T")
        assert [m.position for m in client.get_stream_messages("later-1")] == [0]
        assert client.lifecycle.get_chunks() != []


def test_a_client_says_that_the_schema_is_of_a_former_release(dsn: str) -> None:
    run_install(dsn)
    execute(dsn, f"DROP FUNCTION {SCHEMA}.stream_page")
    with coldstream.connect(dsn, schema=SCHEMA) as client:
        with pytest.raises(NotInstalled, match="lacks what this release needs") as caught:
            list(client.get_stream_messages("account-1"))
        assert caught.value.hint == "Bring it up to this release with coldstream init."
    assert run_install(dsn).changed
    with coldstream.connect(dsn, schema=SCHEMA) as client:
        assert list(client.get_stream_messages("account-1")) == []


@pytest.mark.parametrize(
    "contents",
    [
        "CREATE TABLE {schema}.things (id int)",
        "CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE {schema}.migrations (name text)",
    ],
)
def test_a_schema_of_somebody_else_is_refused(dsn: str, contents: str) -> None:
    execute(dsn, f"CREATE SCHEMA {SCHEMA}")
    execute(dsn, contents.replace("{schema}", SCHEMA))
    with pytest.raises(ForeignSchema, match=r"was not made by Coldstream$") as caught:
        run_install(dsn)
    assert "--schema" in f"{caught.value.hint}"


def test_a_message_db_is_refused(dsn: str) -> None:
    execute(dsn, f"CREATE SCHEMA {SCHEMA}")
    execute(
        dsn,
        f"CREATE TABLE {SCHEMA}.messages (id uuid); CREATE FUNCTION "
        f"{SCHEMA}.message_store_version() RETURNS varchar LANGUAGE sql AS 'SELECT ''1.3.0'''",
    )
    with pytest.raises(ForeignSchema, match=r"holds a Message DB of its own$") as caught:
        run_install(dsn)
    assert "beside it" in f"{caught.value.hint}"


def test_an_empty_schema_is_taken(dsn: str) -> None:
    execute(dsn, f"CREATE SCHEMA {SCHEMA}")
    assert run_install(dsn).changed


@pytest.mark.parametrize("name", ["", "a-b", "1a", "x" * 64, 'a"b', "a'b", "a b", "a;b", "ü"])
@pytest.mark.parametrize("kind", ["schema", "role"])
def test_a_name_that_would_need_quoting_is_refused(name: str, kind: str) -> None:
    if kind == "role" and name == "":
        assert Names("a", role="").role_name == "a"
        return
    with pytest.raises(InvalidInput, match=f"^Not a {kind} name: "):
        Names(**{"schema": "a", kind: name})  # type: ignore[arg-type]


@pytest.mark.parametrize("schema", ["MixedCase", "select", "user"])
def test_a_schema_that_has_to_be_quoted(dsn: str, schema: str, tmp_path: Path) -> None:
    drop_store(dsn, schema)
    try:
        run_install(dsn, schema=schema)
        store = without_jobs(InstalledStore(dsn, schema))
        store.run("SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', NULL)")
        assert store.run("SELECT position FROM get_category_messages('account')") == [(0,)]
        assert run_install(dsn, schema=schema).actions == []
        store.run("CALL close_ended_chunks()")
        # A day before the week ends the next chunk is there too.
        states = store.run("SELECT DISTINCT state FROM get_chunks()")
        assert states == [("open",)]
        with coldstream.connect(dsn, schema=schema, archive=tmp_path.as_uri()) as client:
            old = Message(
                UUID(int=7), "old-1", "T", 0, 0, "{}", None, datetime(2025, 1, 1, tzinfo=UTC)
            )
            client.import_messages([old])
            assert client.write_message("account-1", "T").position == 1
            assert [m.stream_name for m in client.get_category_messages("old")] == ["old-1"]
            now = datetime(2025, 3, 1, tzinfo=UTC)
            assert len(client.lifecycle.compress(now)) == 1
            assert len(client.lifecycle.archive(now)) == 1
            assert [each.problem for each in client.lifecycle.verify()] == [None]
            assert len(client.lifecycle.drop(now)) == 1
            assert [m.id for m in client.get_stream_messages("old-1")] == [old.id]
            assert client.lifecycle.run() == []
    finally:
        drop_store(dsn, schema)


@pytest.mark.native
def test_several_installs_at_once_into_a_new_database(dsn: str) -> None:
    """The extension and the role are made by one of them, and found by the others."""
    names = [f"{conninfo_to_dict(dsn)['dbname']}_{n}" for n in range(2)]
    results: list[Installed | Exception] = []

    def install_into(name: str) -> None:
        try:
            results.append(run_install(make_conninfo(dsn, dbname=name), schema="several"))
        except Exception as error:
            results.append(error)

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS several, several_insert")
        for name in names:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
            )
        try:
            threads = [Thread(target=install_into, args=[name]) for name in names * 3]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=120)
        finally:
            for name in names:
                connection.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )
            connection.execute("DROP ROLE IF EXISTS several, several_insert")
    assert [error for error in results if isinstance(error, Exception)] == []
    actions = [line for each in results if isinstance(each, Installed) for line in each.actions]
    assert len(results) == 6
    assert actions.count("created the extension timescaledb") == 2
    assert actions.count("created the store in schema several") == 2


@pytest.mark.native
def test_two_installs_at_once(dsn: str) -> None:
    results: list[Installed] = []
    threads = [Thread(target=lambda: results.append(run_install(dsn))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(result.changed for result in results) == [False, True]
