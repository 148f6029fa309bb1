"""Chunks are closed in any order: one that is busy, or just being made, must not be passed over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.fix_store import InstalledStore
from tests.history import START, WEEK, history, insert

import coldstream

INSERT = "INSERT INTO {}.messages (position, time, stream_name, type) VALUES (0, %s, %s, 'Late')"


@pytest.mark.native
def test_a_chunk_that_is_written_to_while_newer_ones_close_is_read(
    quiet_store: InstalledStore,
) -> None:
    rows = history()
    insert(quiet_store, rows)
    with psycopg.connect(quiet_store.dsn) as writer:
        writer.execute(
            f"INSERT INTO {quiet_store.schema}.messages (position, time, stream_name, type) "
            "VALUES (0, %s, 'account-new', 'Late')",
            [rows[0][2]],
        )
        quiet_store.run("CALL close_ended_chunks()")
        states = quiet_store.run("SELECT state FROM chunks ORDER BY range_start")
        assert states == [("open",)] + [("closed",)] * 5
        read = "SELECT count(*) FROM get_stream_messages('account-1')"
        assert quiet_store.run(read) == [(24,)]
        accounts = sum(row[3].partition("-")[0] == "account" for row in rows)
        read = "SELECT count(*) FROM get_category_messages('account')"
        assert quiet_store.run(read) == [(accounts,)]
    read = "SELECT type FROM get_stream_messages('account-new')"
    assert quiet_store.run(read) == [("Late",)]
    quiet_store.run("CALL close_ended_chunks()")
    assert quiet_store.run("SELECT DISTINCT state FROM chunks") == [("closed",)]
    assert quiet_store.run(read) == [("Late",)]


# A chunk of a transaction that has not committed is in no catalog that another one sees. If a newer
# chunk closes meanwhile, nothing looks for messages before its end that the ledger does not know.
@pytest.mark.native
def test_a_chunk_that_is_made_while_newer_ones_close_is_read(quiet_store: InstalledStore) -> None:
    insert(quiet_store, [row for row in history() if row[2] >= START + 2 * WEEK])
    accounts = "SELECT count(*) FROM get_category_messages('account')"
    [(before,)] = quiet_store.run(accounts)
    with psycopg.connect(quiet_store.dsn) as writer:
        insert_into = INSERT.format(quiet_store.schema)
        writer.execute(insert_into.encode(), [START, "account-early"])
        quiet_store.run("CALL close_ended_chunks()")
        assert quiet_store.run(accounts) == [(before,)]
    assert quiet_store.run(accounts) == [(before + 1,)]
    quiet_store.run("CALL close_ended_chunks()")
    assert quiet_store.run("SELECT DISTINCT state FROM chunks") == [("closed",)]
    assert quiet_store.run(accounts) == [(before + 1,)]


# Its snapshot is from before the lock: what was committed in between would be in no recorded range,
# and never read; and a drop would not see it go.
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    "call",
    [
        "close_range((SELECT min(range_start) FROM hypertable_chunks()))",
        "drop_chunks_older_than(INTERVAL '60 days', force => true)",
    ],
)
def test_only_read_committed_closes_and_drops(
    quiet_store: InstalledStore, level: str, call: str
) -> None:
    insert(quiet_store, history())
    with quiet_store.connect() as connection:
        connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="READ COMMITTED"):
            connection.execute(f"SELECT * FROM {call}".encode())
        connection.execute("ROLLBACK")
    assert quiet_store.run("SELECT count(*) FROM chunks WHERE state <> 'open'") == [(0,)]


@pytest.mark.native
def test_another_default_is_none_of_the_lifecycles_business(
    quiet_store: InstalledStore, tmp_path: Path
) -> None:
    insert(quiet_store, history())
    old = datetime(2025, 12, 1, tzinfo=UTC)
    dsn = make_conninfo(quiet_store.dsn, options="-c default_transaction_isolation=serializable")
    with coldstream.connect(
        dsn, schema=quiet_store.schema, archive=tmp_path.as_uri(), max_size=1
    ) as store:
        store.lifecycle.archive(old)
        store.lifecycle.verify()
        assert {drop.reason for drop in store.lifecycle.drop(old)} == {None}
        with store.connection() as connection:
            [(level,)] = connection.execute("SHOW default_transaction_isolation").fetchall()
    assert level == "serializable"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CALL {quiet_store.schema}.close_ended_chunks()".encode())
