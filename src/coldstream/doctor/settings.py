"""Settings of the server, of the database and of roles, against the size of machine and store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coldstream.doctor.asked import Asked, NotLooked, check
from coldstream.doctor.kind import Found, Kind

DURABILITY_OFF = Kind(
    "durability-off",
    "error",
    "{name} is off",
    "a crash of the machine damages the database, and what was archived last may not be in it",
    "ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()",
)
COMMITS_NOT_WAITED_FOR = Kind(
    "commits-not-waited-for",
    "warning",
    "synchronous_commit is off for {whom}",
    "messages that were acknowledged are lost by a crash",
    "RESET synchronous_commit there, unless that is what you want",
)
HISTORY_HIDDEN = Kind(
    "history-hidden",
    "error",
    "{name} is {value} for {whom}",
    "part of the history cannot be seen there, so reads and writes are refused; a restore that was "
    "not ended leaves timescaledb.restoring on",
    "ALTER {where} RESET {name}; after a restore, in a new session: SELECT "
    "timescaledb_post_restore()",
)
TRIGGERS_BYPASSED = Kind(
    "triggers-bypassed",
    "error",
    "session_replication_role is {value} for {whom}",
    "the store's triggers do not run there: heads, ids and the ledger miss what is written",
    "ALTER {where} RESET session_replication_role",
)
AUTOVACUUM_OFF = Kind(
    "autovacuum-off",
    "warning",
    "autovacuum is off for {what}",
    "heads and recent ids are updated by every write, and grow without it",
    "{command}",
)
WORKERS_FEW = Kind(
    "workers-few",
    "warning",
    "{name} is {value}, and {databases} databases need {needed} at least",
    "jobs do not start, which the server says in its log only: chunks are not closed or compressed",
    "ALTER SYSTEM SET {name} = {advised}; restart the server",
)
LOCKS_FEW = Kind(
    "locks-few",
    "warning",
    "the server has room for {capacity} locks, and the store's {chunks} chunks take up to {needed}",
    "a statement that names no range of time locks every chunk and index, and fails: out of shared "
    "memory",
    "ALTER SYSTEM SET max_locks_per_transaction = {advised}; restart the server",
)
MAINTENANCE_MEMORY_SMALL = Kind(
    "maintenance-memory-small",
    "advice",
    "maintenance_work_mem is {value} MB, and the machine has {memory} GB",
    "a chunk is sorted with it when it is compressed, and what does not fit goes to disk",
    "ALTER SYSTEM SET maintenance_work_mem = '{advised}MB'; SELECT pg_reload_conf()",
)
MAINTENANCE_MEMORY_LARGE = Kind(
    "maintenance-memory-large",
    "warning",
    "maintenance_work_mem is {value} MB, {workers} workers may use it at once, and the machine has "
    "{memory} GB",
    "the system may kill the server for its memory",
    "ALTER SYSTEM SET maintenance_work_mem = '{advised}MB'; SELECT pg_reload_conf()",
)
PARALLEL_OFF = Kind(
    "parallel-off",
    "advice",
    "{name} is 0",
    "reads of the columnstore over many messages use one processor",
    "ALTER SYSTEM SET {name} = {advised}; SELECT pg_reload_conf()",
)
TOAST_COMPRESSION = Kind(
    "toast-compression-pglz",
    "advice",
    "default_toast_compression is pglz, and the server has lz4",
    "large JSON in rows is read and written slower",
    "ALTER DATABASE {database} SET default_toast_compression = 'lz4'",
)
SHARED_BUFFERS_SMALL = Kind(
    "shared-buffers-small",
    "advice",
    "shared_buffers is {value} MB, and the machine has {memory} GB",
    "the chunks that take writes, rows and indexes, should be in it",
    "ALTER SYSTEM SET shared_buffers = '{advised}MB'; restart the server",
)
READ_ONLY = Kind(
    "read-only-by-default",
    "warning",
    "default_transaction_read_only is on for {whom}",
    "writers there fail",
    "ALTER {where} RESET default_transaction_read_only",
)
CHUNK_LARGE = Kind(
    "chunk-large",
    "warning",
    "the chunk that starts at {start} takes {size} GB as rows, and the machine has {memory} GB",
    "writes and reads of recent messages go to disk; a chunk is compressed, archived and dropped "
    "as a whole",
    "coldstream init --chunk-interval, with a shorter one than {interval}: for new chunks",
)
CHUNKS_MANY = Kind(
    "chunks-many",
    "warning",
    "the database has {chunks} chunks",
    "a statement of your own that names no range of time plans over all of them",
    "coldstream init --chunk-interval, with a longer one than {interval}; archive and drop sooner",
)

# As in check_rows_visible.
_HIDING = (
    ("timescaledb.restoring", "on"),
    ("timescaledb.disable_load", "on"),
    ("timescaledb.enable_columnarscan", "off"),
    ("timescaledb.enable_transparent_decompression", "off"),
)
_MB = 1 << 20
_GB = 1 << 30
_LOCKS_A_CHUNK = 8  # itself, its indexes, and its columnstore's


def _settings(asked: Asked) -> dict[str, str]:
    return dict(asked.rows("doctor_settings"))


def _number(found: dict[str, str], name: str) -> int:
    return int(found.get(name) or 0)


@check("whether a crash of the machine loses what was committed")
def durability(asked: Asked) -> Iterator[Found]:
    found = _settings(asked)
    for name in ("fsync", "full_page_writes"):
        if found.get(name) == "off":
            yield DURABILITY_OFF(name=name)


@check("settings of the database and of roles")
def of_roles(asked: Asked) -> Iterator[Found]:
    for whom, where, name, value in asked.rows("doctor_settings_of_roles"):
        if name == "session_replication_role" and value != "origin":
            yield TRIGGERS_BYPASSED(whom=whom, where=where, value=value)
        elif (name, value) in _HIDING:
            yield HISTORY_HIDDEN(whom=whom, where=where, name=name, value=value)
        elif name == "synchronous_commit" and value == "off":
            yield COMMITS_NOT_WAITED_FOR(whom=whom)
        elif name == "default_transaction_read_only" and value == "on":
            yield READ_ONLY(whom=whom, where=where)


@check("autovacuum")
def autovacuum(asked: Asked) -> Iterator[Found]:
    if _settings(asked).get("autovacuum") == "off":
        yield AUTOVACUUM_OFF(
            what="the server",
            command="ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()",
        )
    for (table,) in asked.rows("doctor_not_vacuumed"):
        yield AUTOVACUUM_OFF(
            what=f"the table {table}", command=f"ALTER TABLE {table} RESET (autovacuum_enabled)"
        )


@check("background workers", engine="timescale")
def workers(asked: Asked) -> Iterator[Found]:
    found = _settings(asked)
    # The launcher, a scheduler for each database, and two of the store's jobs at once.
    databases = _number(found, "databases")
    for name, needed in (
        ("timescaledb.max_background_workers", databases + 2),
        ("max_worker_processes", databases + 3),
    ):
        value = _number(found, name)
        if name in found and value < needed:
            yield WORKERS_FEW(
                name=name, value=value, databases=databases, needed=needed, advised=needed + 8
            )


@check("the number of chunks, and room for locks", engine="timescale")
def chunks(asked: Asked) -> Iterator[Found]:
    found = _settings(asked)
    number, interval = asked.one("doctor_chunks")
    places = _number(found, "max_connections") + _number(found, "max_prepared_transactions")
    each = _number(found, "max_locks_per_transaction")
    needed = number * _LOCKS_A_CHUNK
    if places and each * places < needed:
        yield LOCKS_FEW(
            capacity=each * places, chunks=number, needed=needed, advised=2 * needed // places + 1
        )
    if number > asked.limits.chunks:
        yield CHUNKS_MANY(chunks=number, interval=interval)


@check("default_toast_compression")
def toast(asked: Asked) -> Iterator[Found]:
    found = _settings(asked)
    if found.get("default_toast_compression") == "pglz" and found.get("has_lz4") == "true":
        yield TOAST_COMPRESSION(database=found["database"])


@check("parallel workers")
def parallel(asked: Asked) -> Iterator[Found]:
    found = _settings(asked)
    for name, advised in (("max_parallel_workers", 8), ("max_parallel_workers_per_gather", 2)):
        if found.get(name) == "0":
            yield PARALLEL_OFF(name=name, advised=advised)


@check("memory against the machine's")
def memory(asked: Asked) -> Iterator[Found]:
    has = _memory(asked)
    found = _settings(asked)
    value = _number(found, "maintenance_work_mem") // 1024
    workers = _number(found, "autovacuum_max_workers")
    advised = max(64, min(1024, has // _MB // 32))
    if value < min(64, advised):
        yield MAINTENANCE_MEMORY_SMALL(value=value, memory=has // _GB, advised=advised)
    if value * _MB * max(workers, 1) > has:
        yield MAINTENANCE_MEMORY_LARGE(
            value=value, workers=workers, memory=has // _GB, advised=advised
        )
    buffers = _number(found, "shared_buffers") * 8192
    if has >= 4 * _GB and buffers < min(has // 64, _GB):
        yield SHARED_BUFFERS_SMALL(
            value=buffers // _MB, memory=has // _GB, advised=min(has // 4 // _MB, 16384)
        )


@check("the size of chunks against the machine's memory", engine="timescale")
def chunk_size(asked: Asked) -> Iterator[Found]:
    has = _memory(asked)
    for start, size, interval in asked.rows("doctor_largest_chunk"):
        if size and size > has // 4:
            yield CHUNK_LARGE(start=start, size=size // _GB, memory=has // _GB, interval=interval)


def _memory(asked: Asked) -> int:
    if asked.memory is None:
        rows: list[tuple[Any, ...]] = asked.rows("doctor_may_read_files")
        if not rows[0][0]:
            raise NotLooked(
                f"the role {asked.role} may not ask for the machine's memory: that takes "
                "pg_read_server_files"
            )
        text = asked.one("doctor_meminfo")[0]
        for line in (text or "").splitlines():
            if line.startswith("MemTotal:"):
                asked.memory = int(line.split()[1]) * 1024
    if asked.memory is None:
        raise NotLooked("the machine does not tell how much memory it has")
    return asked.memory
