"""The application's role: it reads and writes through the functions in every tier, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore

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
