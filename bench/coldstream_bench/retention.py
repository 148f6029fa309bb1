"""Dropping the chunks that ended before a time, against DELETE and VACUUM of the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coldstream.errors import ColdstreamError
from coldstream.store import Store
from coldstream_bench.arena import Arena
from coldstream_bench.sql import query


@dataclass(frozen=True)
class Took:
    """What something took: time, and the write-ahead log of the whole server meanwhile."""

    seconds: float
    wal_bytes: int
    returned_bytes: int


def timed(arena: Arena, size: Callable[[], int], run: Callable[[Store], None]) -> Took:
    """What ``run`` took, and how much ``size`` shrank. It gets a store that is connected."""
    before = size()
    with arena.client() as store:
        wal = _wal_position(store)
        started = time.perf_counter()
        run(store)
        took = time.perf_counter() - started
        wal = _wal_position(store) - wal
    return Took(took, wal, before - size())


def drop_proved(until: datetime, store: Store) -> None:
    """Drop the one verified chunk that ended by ``until``.

    Raises:
        ColdstreamError: it stays.
    """
    (dropped,) = store.lifecycle.drop(until)
    if dropped.reason is not None:
        raise ColdstreamError(f"The chunk stays in the database: {dropped.reason}")


def delete(arena: Arena, until: datetime, store: Store) -> None:
    """What takes its place on the plain table."""
    with store.connection() as connection:
        connection.execute(arena.query("delete_before"), {"end": until})
        connection.execute(f"VACUUM {arena.plain.schema}.messages".encode())


def _wal_position(store: Store) -> int:
    with store.connection() as connection:
        row = connection.execute(query("wal_position").encode()).fetchone()
    assert row is not None
    return int(row[0])
