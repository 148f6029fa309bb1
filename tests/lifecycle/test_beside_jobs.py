"""The lifecycle beside TimescaleDB's policy, the store's own jobs, and readers: none of them waits
for another in a circle, and a chunk that cannot be had for a moment is tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import Message
from coldstream.errors import LifecycleBusy

CHUNKS = 24
END = START + CHUNKS * WEEK

pytestmark = pytest.mark.native


def late(store: Store, number: int) -> None:
    """A message for every chunk that is not sealed."""
    with store.opened() as opened:
        opened.import_messages(
            [
                Message(uuid4(), f"s-{number}", "T", each, 0, "{}", None, START + each * WEEK)
                for each in range(CHUNKS)
            ]
        )


@pytest.fixture
def many(small: Store) -> Store:
    for number in range(3):
        late(small, number)
    return small


@contextmanager
def others(store: Store) -> Iterator[list[str]]:
    """What else a server does, all the time; gives the errors it met."""
    ((job,),) = store.run(
        "SELECT job_id FROM timescaledb_information.jobs "
        "WHERE proc_name = 'policy_compression' AND hypertable_schema = %s",
        [store.installed.schema],
    )
    stop = threading.Event()
    errors: list[str] = []

    def again_and_again(statement: str) -> None:
        with store.installed.connect() as connection:
            while not stop.is_set():
                try:
                    connection.execute(statement.encode())
                except psycopg.errors.LockNotAvailable:
                    pass
                except psycopg.errors.InternalError_:
                    # "no chunk found with ID": the policy had listed one that was dropped since.
                    pass
                except psycopg.Error as error:
                    errors.append(f"{statement}: {error.sqlstate} {error}")
                time.sleep(0.01)

    threads = [
        threading.Thread(target=again_and_again, args=[statement])
        for statement in (
            f"CALL public.run_job({job})",
            "CALL close_ended_chunks()",
            "CALL compress_ended_chunks()",
            "SELECT count(*) FROM messages",
        )
    ]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def patiently(run: Callable[[], object]) -> None:
    """Another lifecycle may be at work; nothing else may be in the way."""
    until = datetime.now() + timedelta(seconds=60)
    while True:
        try:
            run()
            return
        except (LifecycleBusy, psycopg.DatabaseError) as error:
            busy = isinstance(error, LifecycleBusy) or error.sqlstate == "CS006"
            if not busy or datetime.now() > until:
                raise
            time.sleep(0.05)


def test_compressing_beside_them(many: Store) -> None:
    with others(many) as errors:
        for number in range(3, 8):
            late(many, number)
            patiently(lambda: many.run("SELECT * FROM compress_chunks_older_than('10 days')"))
            late(many, number + 100)
            with many.opened() as opened:
                patiently(lambda: opened.lifecycle.compress(END))
    assert errors == []
    assert set(many.run("SELECT state FROM chunks WHERE range_end < %s", [END])) == {
        ("compressed",)
    }


def test_archiving_and_dropping_beside_them(many: Store) -> None:
    before = len(many.read_all())
    with others(many) as errors, many.opened() as opened:
        lifecycle = opened.lifecycle
        half = START + CHUNKS // 2 * WEEK
        for until in (half, END):
            patiently(partial(lifecycle.archive, until))
            assert [each.problem for each in lifecycle.verify() if each.problem] == []
            patiently(lambda: many.run("SELECT drop_chunks_older_than('10 days')")) if (
                until == END
            ) else patiently(partial(lifecycle.drop, until))
    assert errors == []
    assert set(many.run("SELECT state FROM chunks WHERE range_end < %s", [END])) == {("dropped",)}
    assert len(many.read_all()) == before
