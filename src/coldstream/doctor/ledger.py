"""The ledger against TimescaleDB's catalog, and the store against itself."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import errors

from coldstream.doctor.asked import Asked, check
from coldstream.doctor.kind import Found, Kind

STORE_NOT_WHOLE = Kind(
    "store-not-whole",
    "error",
    "{text}",
    "reads give less than there is, or writes would give positions twice",
    "{hint}",
)
SEQUENCE_BEHIND = Kind(
    "sequence-behind",
    "error",
    "the sequence of global positions is at {given}, and a message has {last}",
    "the next message would get a global position that another one has",
    "SELECT {schema}.lift_sequences()",
    "SELECT {schema}.lift_sequences()",
)
CHUNK_DROPPED = Kind(
    "chunk-dropped-by-hand",
    "error",
    "the chunk from {start} to {end} is not in the database, and the ledger has it as {state}",
    "somebody dropped it past Coldstream: reads of it fail, or go to the archive",
    "restore it from a backup, or let the ledger know: SELECT {schema}.sync_store()",
    "SELECT {schema}.sync_store()",
)
CHUNK_CHANGED = Kind(
    "chunk-range-changed",
    "error",
    "the chunk that the ledger has from {start} to {end} has another range, or another name",
    "somebody split, merged or renamed it; the lifecycle leaves it alone, or would archive a part",
    "bring it back to its range with merge_chunks or split_chunk, then: SELECT "
    "{schema}.sync_store()",
)
CHUNK_UNKNOWN = Kind(
    "chunk-unknown",
    "warning",
    "the ledger does not know the chunk from {start} to {end}",
    "reads look for messages of that time in other chunks",
    "SELECT {schema}.sync_store()",
    "SELECT {schema}.sync_store()",
)
HISTORY_GONE = Kind(
    "history-gone",
    "warning",
    "{chunks} chunks with {messages} messages, from {start} to {end}, left the database, and no "
    "archive has them",
    "that history is gone: reads of it fail",
    "restore it from a backup, if it was not meant to go: coldstream chunks",
)
COPY_UNFINISHED = Kind(
    "copy-unfinished",
    "warning",
    "a copy from another Message DB began at {started}, and is not ended: writers are refused",
    "positions of new messages would be those of the source",
    "coldstream copy-from, with the same source: it goes on",
)
MOVE_UNFINISHED = Kind(
    "move-unfinished",
    "warning",
    "a move to the engine {engine} began at {started}, and is not ended",
    "it takes room, and every write pays for it",
    "coldstream upgrade --to {engine}, or coldstream upgrade --cancel",
)
REBUILD_UNFINISHED = Kind(
    "rebuild-unfinished",
    "warning",
    "a rebuild from the archive is not ended: writers are refused",
    "positions of streams that are not restored would be given once more",
    "coldstream archive rebuild: it goes on",
)
NOT_CLOSED = Kind(
    "chunks-not-closed",
    "warning",
    "{count} chunks whose time ended before {end} are not closed",
    "they are not compressed or archived; an open transaction may hold one, or no job runs",
    "CALL {schema}.close_ended_chunks()",
    "CALL {schema}.close_ended_chunks()",
)


@check("whether all of the store was restored")
def whole(asked: Asked) -> Iterator[Found]:
    try:
        asked.rows("doctor_whole")
    except errors.Error as error:
        if error.sqlstate != "CS012":
            raise
        hint = error.diag.message_hint or "restore the whole of a dump"
        yield STORE_NOT_WHOLE(text=error.diag.message_primary, hint=hint)


@check("the sequence of global positions")
def sequence(asked: Asked) -> Iterator[Found]:
    given, last = asked.one("doctor_sequence")
    if last is not None and last > given:
        yield SEQUENCE_BEHIND(given=given, last=last, schema=asked.schema)


@check("the ledger against TimescaleDB's chunks", engine="timescale")
def catalog(asked: Asked) -> Iterator[Found]:
    for what, start, end, state in asked.rows("doctor_ledger"):
        values = {"start": start, "end": end, "schema": asked.schema}
        if what == "dropped":
            yield CHUNK_DROPPED(state=state, **values)
        elif what == "changed":
            yield CHUNK_CHANGED(**values)
        else:
            yield CHUNK_UNKNOWN(**values)


@check("history that is gone", engine="timescale")
def gone(asked: Asked) -> Iterator[Found]:
    chunks, messages, start, end = asked.one("doctor_gone")
    if chunks:
        yield HISTORY_GONE(chunks=chunks, messages=messages, start=start, end=end)


@check("chunks that nobody closes", engine="timescale")
def not_closed(asked: Asked) -> Iterator[Found]:
    count, end = asked.one("doctor_not_closed")
    if count:
        yield NOT_CLOSED(count=count, end=end, schema=asked.schema)


@check("copies, moves and rebuilds that were broken off")
def unfinished(asked: Asked) -> Iterator[Found]:
    for what, engine, started in asked.rows("doctor_unfinished"):
        if what == "copy":
            yield COPY_UNFINISHED(started=started)
        elif what == "move":
            yield MOVE_UNFINISHED(engine=engine, started=started)
        else:
            yield REBUILD_UNFINISHED()
