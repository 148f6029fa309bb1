"""The application's role: it reads and writes through the functions in every tier, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore

from coldstream.migrations import Installed, install
from coldstream.sql import Names

RAISE = "$$ BEGIN RAISE EXCEPTION 'as %', CURRENT_USER; END $$"


@contextmanager
def as_role(store: InstalledStore) -> Iterator[psycopg.Connection]:
    with store.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(f"SET LOCAL ROLE {store.role}".encode())
        yield connection
        connection.execute("ROLLBACK")


def test_the_role_may_log_in_and_is_nothing_more(message_store: InstalledStore) -> None:
    assert message_store.run(
        "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls "
        "FROM pg_roles WHERE rolname = %s",
        [message_store.role],
    ) == [(True, False, False, False, False)]


def test_it_reads_and_writes_in_every_tier(tier: TierStore) -> None:
    with as_role(tier.installed) as connection:
        connection.execute("SET LOCAL message_store.archived_reads = 'skip'")
        for call in (
            "get_stream_messages('account-1', 24)",
            "get_stream_messages_in_database('account-1', 0, 10)",
            "get_category_messages('account')",
            "get_category_messages('account', correlation => 'order')",
            "get_all_messages()",
            "get_last_stream_message('nothing-1', 'Opened')",
            "get_chunks()",
            "stream_version('account-1')",
        ):
            connection.execute(f"SELECT * FROM {call}".encode()).fetchall()
        [(position,)] = connection.execute(
            "SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', NULL, NULL, 23)"
        ).fetchall()
        assert position == 24
        connection.execute(
            "SELECT * FROM write_messages(ARRAY[gen_random_uuid()::text], ARRAY['new-1'], "
            "ARRAY['T'], ARRAY[NULL::jsonb])"
        )
        connection.execute(
            "INSERT INTO messages (stream_name, position, type) VALUES ('account-1', 25, 'T')"
        )
        connection.execute("SELECT * FROM stream_summary")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET data = NULL",
        "DELETE FROM messages",
        "TRUNCATE messages",
        "DROP TABLE messages",
        "ALTER TABLE messages ADD COLUMN x int",
        "CREATE TABLE mine (x int)",
        "UPDATE streams SET position = 0",
        "INSERT INTO streams (stream_name, position, first_time, time) "
        "VALUES ('x-1', 0, now(), now())",
        "DELETE FROM chunks",
        "UPDATE store SET max_clock_lead = '1 year'",
        "SELECT setval('messages_global_position_seq', 1)",
        "SELECT * FROM compress_chunks_older_than(INTERVAL '1 day')",
        "SELECT * FROM drop_chunks_older_than(INTERVAL '1 day', force => true)",
        "SELECT drop_range('2025-01-02', true)",
        "SELECT create_chunks_ahead()",
        "INSERT INTO recent_ids VALUES (1, gen_random_uuid())",
        "SELECT prune_recent_ids()",
        "SELECT admit_time(now())",
        "CALL close_ended_chunks()",
        "SELECT public.drop_chunks('{schema}.messages', older_than => now())",
        "SELECT public.alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs "
        "WHERE proc_schema = '{schema}'",
    ],
)
def test_it_may_not(message_store: InstalledStore, statement: str) -> None:
    with as_role(message_store) as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(statement.replace("{schema}", message_store.schema).encode())
        assert caught.value.sqlstate == "42501"


def test_its_operators_do_not_run_as_the_owner(message_store: InstalledStore) -> None:
    store = message_store
    store.run(f"CREATE SCHEMA mine AUTHORIZATION {store.role}")
    with as_role(store) as connection:
        for operands in (
            "bigint, bigint",
            "bigint, integer",
            "text, text",
            "timestamptz, timestamptz",
        ):
            left, right = operands.split(", ")
            connection.execute(
                f"CREATE FUNCTION mine.hijack({operands}) RETURNS boolean "
                f"LANGUAGE plpgsql AS {RAISE}".encode()
            )
            for operator in ("=", "<>", "<", ">", ">>", "+", "||"):
                connection.execute(
                    f"CREATE OPERATOR mine.{operator} "
                    f"(LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = mine.hijack)".encode()
                )
        connection.execute(
            "CREATE FUNCTION mine.clock_timestamp() RETURNS timestamptz "
            f"LANGUAGE plpgsql AS {RAISE}".encode()
        )
        connection.execute(f"SET search_path = mine, pg_catalog, {store.schema}".encode())
        connection.execute("SAVEPOINT before")
        with pytest.raises(psycopg.errors.RaiseException, match=f"as {store.role}"):
            connection.execute("SELECT 1::bigint = 1::bigint")
        connection.execute("ROLLBACK TO before")
        for version in (None, 0, 1):
            [(position,)] = connection.execute(
                "SELECT write_message(gen_random_uuid()::text, 'hijack-1', 'T', NULL, NULL, %s)",
                [version],
            ).fetchall()
        assert position == 2
    store.run("DROP SCHEMA mine CASCADE")


def init(store: InstalledStore, role: str | None = None) -> Installed:
    with psycopg.connect(store.dsn, autocommit=True) as connection:
        return install(connection, Names(store.schema, role))


def insert_as(store: InstalledStore, role: str, position: int) -> None:
    with store.connect() as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        connection.execute(
            "INSERT INTO messages (stream_name, position, type) VALUES ('role-1', %s, 'T')",
            [position],
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO messages (stream_name, position, type, position_bucket) "
                "VALUES ('role-1', 99, 'T', 0)"
            )
        connection.execute("RESET ROLE")


def drop_role(store: InstalledStore, role: str) -> None:
    store.run(f"DROP OWNED BY {role}")
    store.run(f"DROP ROLE {role}")


@pytest.mark.parametrize("lost", ["role", "privileges", "all"])
def test_a_role_that_was_lost_is_made_again(fresh_store: InstalledStore, lost: str) -> None:
    store = fresh_store
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) "
        "VALUES ('role-1', 0, 'T', '2025-01-02')"
    )
    assert store.run("SELECT count(*) FROM compress_chunks_older_than(INTERVAL '1 day')")
    if lost == "role":
        drop_role(store, store.role)
    elif lost == "privileges":
        # As after a restore without them.
        store.run(f"DROP OWNED BY {store.role}")
        store.run(f"DROP OWNED BY {store.schema}_insert")
    else:
        drop_role(store, store.role)
        drop_role(store, f"{store.schema}_insert")
    assert init(store).changed
    insert_as(store, store.role, 1)
    assert not init(store).changed
    # Not into the tables of the columnstore, which would be past every check.
    assert (
        store.run(
            "SELECT c.relname FROM pg_class AS c WHERE c.relkind = 'r' "
            "AND c.relnamespace = '_timescaledb_internal'::regnamespace "
            "AND has_table_privilege(%s, c.oid, 'INSERT')",
            [store.role],
        )
        == []
    )


def test_a_second_role_is_no_member_of_the_first(fresh_store: InstalledStore) -> None:
    init(fresh_store, "second_role")
    try:
        insert_as(fresh_store, "second_role", 0)
        assert fresh_store.run(
            "SELECT pg_has_role('second_role', %s, 'MEMBER')", [fresh_store.role]
        ) == [(False,)]
    finally:
        drop_role(fresh_store, "second_role")


@pytest.mark.parametrize(
    "call",
    [
        "_timescaledb_functions.drop_chunk('{chunk}')",
        "_timescaledb_internal.drop_chunk('{chunk}')",
        "_timescaledb_functions.freeze_chunk('{chunk}')",
        "_timescaledb_functions.unfreeze_chunk('{chunk}')",
        "_timescaledb_functions.remove_dropped_chunk_metadata(1)",
        "_timescaledb_functions.create_chunk('{schema}.messages', '{{}}')",
    ],
)
def test_what_timescaledb_leaves_open_is_closed(message_store: InstalledStore, call: str) -> None:
    message_store.run("SELECT create_chunks_ahead()")
    [(chunk,)] = message_store.run("SELECT chunk::text FROM hypertable_chunks() LIMIT 1")
    with as_role(message_store) as connection:
        try:
            connection.execute(
                f"SELECT {call.format(chunk=chunk, schema=message_store.schema)}".encode()
            )
        except psycopg.errors.UndefinedFunction:
            pytest.skip("this release of TimescaleDB has no such function")
        except psycopg.errors.InsufficientPrivilege:
            pass
        else:
            pytest.fail("the role may call it")
    assert message_store.run("SELECT count(*) > 0 FROM hypertable_chunks()") == [(True,)]


def test_an_owner_who_may_not_close_it_is_told_who_can(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        connection.execute("DROP SCHEMA IF EXISTS plain_owned CASCADE")
        connection.execute("CREATE ROLE plain_owner CREATEROLE LOGIN")
        [(database,)] = connection.execute("SELECT current_database()").fetchall()
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO plain_owner").format(sql.Identifier(database))
        )
        # As where nobody has closed it, for one function of them.
        connection.execute(
            "GRANT EXECUTE ON FUNCTION _timescaledb_functions.drop_chunk(regclass) TO PUBLIC"
        )
        try:
            connection.execute("SET ROLE plain_owner")
            done = install(connection, Names("plain_owned"))
            connection.execute("RESET ROLE")
            [(version,)] = connection.execute(
                "SELECT string_to_array(split_part(extversion, '-', 1), '.')::int[] "
                "FROM pg_extension WHERE extname = 'timescaledb'"
            ).fetchall()
            # From there on TimescaleDB asks for the chunk's owner itself.
            if version < [2, 29, 1]:
                [warning] = done.warnings
                assert "drop_chunk(regclass)" in warning
                assert "FROM PUBLIC" in warning
                assert "TO plain_owner" in warning
            assert install(connection, Names("plain_owned")).warnings == []
            connection.execute("SET ROLE plain_owner")
            assert install(connection, Names("plain_owned")).warnings == []
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP SCHEMA IF EXISTS plain_owned CASCADE")
            for role in ("plain_owned", "plain_owned_insert", "plain_owner"):
                connection.execute(f"DROP OWNED BY {role}".encode())
                connection.execute(f"DROP ROLE {role}".encode())
