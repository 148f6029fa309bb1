"""The hourly job that moves what is due into the columnstore, by the store's settings."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.fix_store import InstalledStore

import coldstream
from coldstream.sql import query

CALL = "CALL compress_ended_chunks()"
# The chunk of a week that a message is in ended at most a week after it was written.
AGES = [28, 21, 14, 7, 0]
CHUNKS = """
SELECT a.age, h.is_compressed, c.state
FROM unnest(%s::integer[]) WITH ORDINALITY AS a (age, number)
JOIN hypertable_chunks() AS h
  ON now() - make_interval(days => a.age) >= h.range_start
  AND now() - make_interval(days => a.age) < h.range_end
LEFT JOIN chunks AS c ON c.range_start = h.range_start
ORDER BY a.number
"""


def write(store: InstalledStore, position: int) -> None:
    for number, age in enumerate(AGES):
        store.run(
            "INSERT INTO messages (stream_name, position, type, time)"
            " VALUES ('account-1', %s, 'T', now() - make_interval(days => %s))",
            [position + number, age],
        )


def chunks(store: InstalledStore) -> dict[int, tuple[Any, ...]]:
    return {age: tuple(rest) for age, *rest in map(list, store.run(CHUNKS, [AGES]))}


def in_columnstore(store: InstalledStore) -> list[int]:
    return [age for age, (is_compressed, _) in chunks(store).items() if is_compressed]


def test_it_is_a_job(fresh_store: InstalledStore) -> None:
    assert fresh_store.run(
        "SELECT schedule_interval::text, hypertable_schema FROM timescaledb_information.jobs "
        "WHERE proc_name = 'compress_ended_chunks' AND proc_schema = %s",
        [fresh_store.schema],
    ) == [("01:00:00", None)]


def test_it_compresses_what_is_due(quiet_store: InstalledStore, tmp_path: Path) -> None:
    store = quiet_store
    write(store, 0)
    with coldstream.connect(store.dsn, schema=store.schema, archive=tmp_path.as_uri()) as opened:
        # What is archived is sealed, and stays as it is.
        opened.lifecycle.archive(store.run("SELECT now() - INTERVAL '21 days'")[0][0])
    sealed = chunks(store)[28]
    assert sealed[0] is False
    store.run("UPDATE store SET compress_after = NULL")
    store.run(CALL)
    assert in_columnstore(store) == []
    store.run("UPDATE store SET compress_after = INTERVAL '14 days'")
    store.run(CALL)
    assert in_columnstore(store) == [21]
    store.run("UPDATE store SET compress_after = INTERVAL '7 days'")
    store.run(CALL)
    assert in_columnstore(store) == [21, 14]
    assert chunks(store)[28] == sealed
    assert [chunks(store)[age][1] for age in (21, 14)] == ["compressed"] * 2
    # Late messages are rows beside it, and are taken along the next time.
    store.run(
        "INSERT INTO messages (stream_name, position, type, time)"
        " VALUES ('late-1', 0, 'T', now() - INTERVAL '14 days')"
    )
    assert chunks(store)[14][1] == "open"
    store.run(CALL)
    assert chunks(store)[14] == (True, "compressed")
    assert store.run("SELECT count(*) FROM messages") == [(len(AGES) + 1,)]


def test_one_that_cannot_be_compressed_keeps_no_other(quiet_store: InstalledStore) -> None:
    write(quiet_store, 0)
    schema = quiet_store.schema
    quiet_store.run(
        "CREATE OR REPLACE FUNCTION into_columnstore(chunk regclass) RETURNS void"
        " LANGUAGE plpgsql AS $$ BEGIN"
        f" IF chunk = (SELECT tableoid FROM {schema}.messages ORDER BY time LIMIT 1) THEN"
        " RAISE division_by_zero; END IF; PERFORM public.compress_chunk(chunk); END $$"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="division_by_zero"):
        quiet_store.run(CALL)
    assert in_columnstore(quiet_store) == [21, 14]


@pytest.mark.native
def test_beside_another_lifecycle(quiet_store: InstalledStore) -> None:
    write(quiet_store, 0)
    with quiet_store.connect() as other, other.transaction():
        other.execute("SELECT lifecycle_lock()")
        quiet_store.run(CALL)
        assert in_columnstore(quiet_store) == []
    quiet_store.run(CALL)
    assert in_columnstore(quiet_store) == [28, 21, 14]


@pytest.mark.native
def test_a_verb_waits_for_the_job(quiet_store: InstalledStore) -> None:
    """The job has the lifecycle's lock for a chunk at a time, and leaves off when a verb waits."""
    store = quiet_store
    write(store, 0)
    holder = query("lifecycle_holder", store.schema)
    with store.connect() as other, coldstream.connect(store.dsn, schema=store.schema) as opened:
        with other.transaction():
            # So that the job has the lock for a while: it waits for this table.
            other.execute("LOCK TABLE ONLY messages IN SHARE ROW EXCLUSIVE MODE")
            store.run(
                "SELECT public.add_job('compress_ended_chunks', '1 hour', initial_start => now())"
            )
            until = time.monotonic() + 60
            while not [job for _, _, job in store.run(holder, [f"{store.schema}.messages"]) if job]:
                assert time.monotonic() < until, "the job does not run"
                time.sleep(0.02)
        compressed = opened.lifecycle.compress(timedelta(0))
    assert {each.state for each in compressed} <= {"compressed"}
    assert in_columnstore(store)[:3] == [28, 21, 14]
