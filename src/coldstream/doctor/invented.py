"""Advice for TimescaleDB that no release knows: settings, views and functions that are
recommended in public, and do not exist."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import errors

from coldstream.doctor.asked import Asked, check
from coldstream.doctor.kind import Found, Kind

UNKNOWN_SETTING = Kind(
    "unknown-setting",
    "warning",
    "{name} is set for {whom}, and TimescaleDB {version} has no such setting{note}",
    "it does nothing, and somebody believes that it does; new releases of PostgreSQL refuse it",
    "take it out: {command}",
)

INVENTED: dict[str, str] = {
    "timescaledb.compress_orderby_default": "the order is an option of each hypertable "
    "(timescaledb.orderby), and Coldstream sets it",
    "timescaledb.compress_segmentby_default": "what a segment is is an option of each hypertable "
    "(timescaledb.segmentby), and Coldstream sets it",
    "timescaledb.enable_compression": "the columnstore is an option of each hypertable, and "
    "coldstream init sets it",
    "timescaledb.max_insert_batches": "inserts are not batched by the server",
    "timescaledb_information.compression_stats": "no such view: coldstream chunks, or the function "
    "hypertable_columnstore_stats()",
    "timescaledb_information.chunk_stats": "no such view: coldstream chunks, or the function "
    "chunks_detailed_size()",
    "timescaledb_settings": "no such schema: jobs are in timescaledb_information.jobs and "
    "job_stats",
    "CALL compress_chunk(...)": "a function, not a procedure: SELECT compress_chunk(...); for a "
    "store, coldstream compress",
    "job type vacuum_cleanup, analyze_stats": "no such jobs: PostgreSQL's autovacuum does both",
}
"""What is recommended in public and does not exist, and what there is instead."""

ELSEWHERE: dict[str, str] = {
    "add_tiering_policy(), tier_chunk()": "exist in Timescale's cloud only: self-hosted, that is "
    "what coldstream archive is for",
    "timescaledb.enable_tiered_reads": "is real, and does something in Timescale's cloud only",
    "timescaledb.max_background_workers": "is real: at least one for each database, and two more",
    "timescaledb.max_insert_batch_size": "was of multi-node, which ended with TimescaleDB 2.14",
    "drop_chunks() after an export": "is real, and asks nobody whether the export is whole: "
    "coldstream drop proves it first",
}
"""What does exist, and is not what the advice says."""


@check("settings that no release of TimescaleDB knows")
def settings(asked: Asked) -> Iterator[Found]:
    if asked.timescaledb is None:
        return
    for name, whom, command in asked.rows("doctor_unknown_settings_of_roles"):
        yield _found(asked, name, whom, command)
    try:
        in_files = asked.rows("doctor_unknown_settings_in_files")
    except errors.InsufficientPrivilege:
        # Those of roles and databases were looked at, which is where a role may have them.
        return
    for name, whom, command in in_files:
        yield _found(asked, name, whom, command)


def _found(asked: Asked, name: str, whom: str, command: str) -> Found:
    note = INVENTED.get(name)
    return UNKNOWN_SETTING(
        name=name,
        whom=whom,
        version=asked.timescaledb,
        note=f", nor any other release: {note}" if note else "",
        command=command,
    )
