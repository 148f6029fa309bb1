"""coldstream init and coldstream sql."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore, drop_store

from coldstream.migrations import checks
from coldstream.migrations.files import migrations
from coldstream.sql import query

_numbers = count(1)


@pytest.fixture
def schema(dsn: str) -> Iterator[str]:
    """The name of a schema that is not there yet."""
    name = f"cli_{next(_numbers)}"
    yield name
    drop_store(dsn, name)


@pytest.fixture
def empty_database(dsn: str) -> Iterator[str]:
    """The DSN of a database that has no extension."""
    name = f"coldstream_cli_{os.getpid()}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(name)
            )
        )
        yield make_conninfo(dsn, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def schemas(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}


def extensions(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}


def test_init_says_what_it_did_and_a_second_one_that_there_is_nothing_to_do(
    cli: Cli, dsn: str, schema: str
) -> None:
    first = cli("init", "--dsn", dsn, "--schema", schema)
    assert first.status == 0
    # On a server of one's own the first install of all creates the extension.
    lines = first.out.removeprefix("created the extension timescaledb\n").splitlines()
    assert lines[: len(migrations()) + 2] == [
        f"created the store in schema {schema}",
        *(f"ran migration {migration.name}" for migration in migrations()),
        "applied functions, views, triggers and privileges",
    ]
    again = cli("init", "--dsn", dsn, "--schema", schema)
    assert (again.status, again.out) == (
        0,
        f"nothing to do: the store in schema {schema} is current\n",
    )


def test_init_changes_settings_and_keeps_those_that_are_left_out(
    cli: Cli, dsn: str, schema: str
) -> None:
    cli("init", "--dsn", dsn, "--schema", schema, "--chunk-interval", "1d", "--layout", "stream")
    changed = cli("init", "--dsn", dsn, "--schema", schema, "--compress-after", "36h", "--json")
    assert changed.json["schema"] == schema
    assert changed.json["actions"] == ["chunks older than 1 day 12:00:00 are compressed every hour"]
    store = InstalledStore(dsn, schema)
    assert store.run("SELECT chunk_interval::text, layout, compress_after::text FROM store") == [
        ("1 day", "stream", "1 day 12:00:00")
    ]


def test_init_names_the_application_s_role(cli: Cli, dsn: str, schema: str) -> None:
    # The second comes when the columnstore is there, and TimescaleDB grants no columns any more.
    roles = [f"{schema}_application", f"{schema}_second"]
    for role in roles:
        assert cli("init", "--dsn", dsn, "--schema", schema, "--role", role).status == 0
    store = InstalledStore(dsn, schema)
    may = [
        store.run(
            "SELECT has_column_privilege(r, 'messages', 'stream_name', 'INSERT'), "
            "has_column_privilege(r, 'messages', 'position_bucket', 'INSERT') "
            "FROM CAST(%s AS name) AS r",
            [role],
        )
        for role in roles
    ]
    drop_store(dsn, schema)
    for role in roles:
        store.run(f"DROP ROLE {role}")
    assert may == [[(True, False)], [(True, False)]]


def test_a_dry_run_prints_the_sql_and_changes_nothing(cli: Cli, dsn: str, schema: str) -> None:
    ran = cli("init", "--dsn", dsn, "--schema", schema, "--dry-run")
    assert ran.status == 0
    assert f"CREATE SCHEMA IF NOT EXISTS {schema};" in ran.out
    assert f"CREATE OR REPLACE FUNCTION {schema}.write_message(" in ran.out
    assert ran.err.splitlines()[:2] == [
        "Nothing was changed. A run would say:",
        f"created the store in schema {schema}",
    ]
    assert schema not in schemas(dsn)


def test_a_dry_run_without_the_extension_does_not_create_it(
    cli: Cli, dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hide(monkeypatch, "timescaledb_extension")
    ran = cli("init", "--dsn", dsn, "--schema", schema, "--dry-run", "--json")
    assert ran.json["actions"] == [
        "created the extension timescaledb",
        f"created the store in schema {schema}",
    ]
    assert "CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public;\n" in ran.json["sql"]
    assert schema not in schemas(dsn)


@pytest.mark.native
def test_a_dry_run_in_an_empty_database_leaves_it_empty(cli: Cli, empty_database: str) -> None:
    assert cli("init", "--dsn", empty_database, "--dry-run").status == 0
    assert extensions(empty_database) == {"plpgsql"}
    assert cli("init", "--dsn", empty_database).out.startswith("created the extension timescaledb")
    assert extensions(empty_database) == {"plpgsql", "timescaledb"}


def test_a_server_without_timescaledb_says_what_to_install(
    cli: Cli, dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hide(monkeypatch, "timescaledb_extension", "timescaledb_available")
    for dry_run in ([], ["--dry-run"]):
        ran = cli("init", "--dsn", dsn, "--schema", schema, *dry_run)
        message, hint = ran.err.splitlines()
        assert (ran.status, ran.out) == (1, "")
        assert message == "coldstream: This server has no TimescaleDB"
        assert hint.startswith("  hint: Install the package timescaledb-2-postgresql-1")
        assert schema not in schemas(dsn)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OLDEST_POSTGRESQL", 99, r"coldstream: PostgreSQL 1\d is too old: 99 is the oldest"),
        ("OLDEST_TIMESCALEDB", (99, 0), r"coldstream: TimescaleDB 2\S+ is too old: 99\.0 is the"),
    ],
)
def test_a_server_that_is_too_old_is_refused(
    name: str,
    value: object,
    message: str,
    cli: Cli,
    dsn: str,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, name, value)
    ran = cli("init", "--dsn", dsn, "--schema", schema)
    assert (ran.status, ran.out) == (1, "")
    assert re.match(message, ran.err)
    assert schema not in schemas(dsn)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE {}.things (a int)", "exists and was not made by Coldstream"),
        (
            "CREATE FUNCTION {}.message_store_version() RETURNS varchar LANGUAGE sql "
            "AS $$ SELECT '1.3.0'::varchar $$",
            "holds a Message DB of its own",
        ),
    ],
)
def test_a_schema_of_somebody_else_is_refused(
    statement: str, message: str, cli: Cli, dsn: str, schema: str
) -> None:
    store = InstalledStore(dsn, schema)
    store.run(f"CREATE SCHEMA {schema}")
    store.run(statement.format(schema))
    contents = "SELECT count(*) FROM pg_class WHERE relnamespace = %s::regnamespace"
    before = store.run(contents, [schema])
    ran = cli("init", "--dsn", dsn, "--schema", schema)
    first, hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert first == f"coldstream: Schema {schema} {message}"
    assert hint.startswith("  hint: ")
    assert store.run(contents, [schema]) == before


def test_sql_needs_no_database_and_names_what_it_is_told(cli: Cli) -> None:
    ran = cli("sql", "--schema", "events", "--role", "app", "--timescaledb-schema", "ts")
    assert ran.status == 0
    assert "CREATE SCHEMA IF NOT EXISTS events;" in ran.out
    assert "CREATE ROLE app " in ran.out
    assert "SELECT ts.create_hypertable(" in ran.out
    assert "message_store.messages" not in ran.out
    assert ran.out.startswith("BEGIN;\n")
    assert ran.out.rstrip().endswith("COMMIT;")


@pytest.mark.native
def test_psql_runs_the_sql_and_makes_what_init_makes(
    cli: Cli, empty_database: str, tmp_path: Path
) -> None:
    psql = shutil.which("psql")
    assert psql, "psql is needed where a native server is tested"
    script = tmp_path / "store.sql"
    script.write_text(cli("sql", "--chunk-interval", "1d").out)
    done = subprocess.run(
        [psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-f", str(script), empty_database],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    current = cli("init", "--dsn", empty_database)
    assert current.out == "nothing to do: the store in schema message_store is current\n"


def _hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let these queries of the checks find nothing."""
    monkeypatch.setattr(
        checks,
        "query",
        lambda name, schema: "SELECT 1 WHERE false" if name in names else query(name, schema),
    )
