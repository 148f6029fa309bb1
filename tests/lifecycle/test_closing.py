"""Chunks are closed in any order: a busy one must not be passed over."""

from __future__ import annotations

import psycopg
import pytest
from tests.fix_store import InstalledStore
from tests.history import history, insert


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
