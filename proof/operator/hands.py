"""What hands do to chunks, rightly and wrongly."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import psycopg

from proof.model.truth import Fault
from proof.operator.world import SCHEMA, Database, World

Hand = Callable[[World, Database], None]


def _chunks(database: Database) -> list[str]:
    rows = database.sql(
        "SELECT format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks "
        f"WHERE hypertable_schema = '{SCHEMA}' AND hypertable_name = 'messages' "
        "ORDER BY range_start"
    )
    return [row[0] for row in rows]


def _ids(database: Database, chunk: str) -> set[UUID]:
    """What is in a chunk; in one that was archived and loaded in part, perhaps a part."""
    return {
        row[0]
        for row in database.sql(
            f"SELECT id FROM {SCHEMA}.messages WHERE tableoid = '{chunk}'::regclass"
        )
    }


def _try(world: World, database: Database, statement: str) -> bool:
    """Whether the server did it."""
    world.say(f"{database.name}: {statement}")
    try:
        database.sql(statement)
    except psycopg.Error as error:
        world.say(f"  refused: {str(error).splitlines()[0]}")
        return False
    database.is_changed = database.is_unrecorded = True
    return True


def record(world: World) -> None:
    """What an error of a read says is to be done after chunks were changed by hand."""
    for database in world.databases:
        if database.is_unrecorded and not database.trouble:
            world.say(f"{database.name}: close_ended_chunks")
            database.sql(f"CALL {SCHEMA}.close_ended_chunks()")
            database.is_unrecorded = False


def _one(text: str) -> Hand:
    """A statement about one chunk that changes no message."""

    def hand(world: World, database: Database) -> None:
        chunks = _chunks(database)
        if chunks:
            _try(world, database, text.replace("{chunk}", world.chance.choice(chunks)))

    return hand


def _whole(text: str) -> Hand:
    """A statement about the table."""

    def hand(world: World, database: Database) -> None:
        text_ = text.replace("{n}", str(world.chance.randrange(10**6)))
        _try(world, database, text_.replace("{s}", SCHEMA))

    return hand


def merge(world: World, database: Database) -> None:
    chunks = _chunks(database)
    if len(chunks) >= 2:
        at = world.chance.randrange(len(chunks) - 1)
        _try(world, database, f"CALL merge_chunks('{chunks[at]}', '{chunks[at + 1]}')")


def split(world: World, database: Database) -> None:
    rows = database.sql(
        "SELECT format('%I.%I', chunk_schema, chunk_name), "
        # As a text: whoever set DateStyle gets it in a form that no driver parses.
        "to_char((range_start + (range_end - range_start) / 3) AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS+00') FROM timescaledb_information.chunks "
        f"WHERE hypertable_schema = '{SCHEMA}' AND hypertable_name = 'messages' "
        "ORDER BY range_start"
    )
    if rows:
        chunk, at = world.chance.choice(rows)
        _try(world, database, f"CALL split_chunk('{chunk}', '{at}')")


def destroy(world: World, database: Database) -> None:
    """A chunk is taken away by hand: what is not in the archive is gone, and reads say so."""
    chunks = _chunks(database)
    if not chunks:
        return
    chunk = world.chance.choice(chunks)
    ids = _ids(database, chunk)
    statement = world.chance.choice(
        [
            f"DROP TABLE {chunk}",
            f"TRUNCATE {chunk}",
            f"SELECT _timescaledb_functions.unfreeze_chunk('{chunk}'), "
            f"_timescaledb_functions.drop_chunk('{chunk}')",
        ]
    )
    if _is_open(database, chunk):
        # The ledger counts nothing that is still written to: nobody could know what was there.
        return
    if _try(world, database, statement):
        database.history.destroyed |= ids & database.history.must.keys()


def drop_chunks(world: World, database: Database) -> None:
    until = world.past()
    before = {chunk: _ids(database, chunk) for chunk in _chunks(database)}
    close = f"CALL {SCHEMA}.close_ended_chunks()"
    # A store that is half restored closes none.
    if any(_is_open(database, chunk) for chunk in before) and not _try(world, database, close):
        return
    if _try(
        world,
        database,
        f"SELECT drop_chunks('{SCHEMA}.messages', '{until.isoformat()}'::timestamptz)",
    ):
        left = set(_chunks(database))
        for chunk, ids in before.items():
            if chunk not in left:
                database.history.destroyed |= ids & database.history.must.keys()


def _is_open(database: Database, chunk: str) -> bool:
    rows = database.sql(
        f"SELECT state FROM {SCHEMA}.chunks WHERE chunk_name = %s::regclass::text", [chunk]
    )
    return not rows or rows[0][0] == "open"


def unfreeze_and_change(world: World, database: Database) -> None:
    """The seal is taken off, and a message deleted or changed."""
    chunks = _chunks(database)
    if not chunks:
        return
    chunk = world.chance.choice(chunks)
    ids = sorted(_ids(database, chunk) & database.history.must.keys())
    if not ids or not _try(
        world, database, f"SELECT _timescaledb_functions.unfreeze_chunk('{chunk}')"
    ):
        return
    id = world.chance.choice(ids)
    if _try(world, database, f"DELETE FROM {SCHEMA}.messages WHERE id = '{id}'"):
        there = database.sql(f"SELECT 1 FROM {SCHEMA}.messages WHERE id = %s", [id])
        if not there:
            database.history.delete([id])
            database.history.may.add(id)


def retention(world: World, database: Database) -> None:
    """It would drop what is not archived: the lifecycle refuses to run beside it."""
    if not _try(
        world,
        database,
        f"SELECT add_retention_policy('{SCHEMA}.messages', INTERVAL '100 days')",
    ):
        return
    from coldstream.errors import LifecycleError
    from coldstream.lifecycle import Policy

    try:
        database.store.lifecycle.run(Policy(), dry_run=True)
    except LifecycleError as error:
        world.say(f"  run refuses: {error}")
    except Exception as error:
        if not database.trouble:
            raise Fault(f"{database.name}: beside a retention policy: {error}") from error
    database.sql(f"SELECT remove_retention_policy('{SCHEMA}.messages')")


HANDS: list[Hand] = [
    _one("SELECT compress_chunk('{chunk}', if_not_compressed => true)"),
    _one("SELECT decompress_chunk('{chunk}', if_compressed => true)"),
    _one("SELECT compress_chunk('{chunk}', recompress => true)"),
    _one("CALL convert_to_rowstore('{chunk}')"),
    _one("VACUUM FULL {chunk}"),
    _one("REINDEX TABLE {chunk}"),
    _one("ANALYZE {chunk}"),
    _one("SELECT _timescaledb_functions.unfreeze_chunk('{chunk}')"),
    _whole("ALTER TABLE {s}.messages ADD COLUMN c{n} text"),
    _whole("CREATE INDEX i{n} ON {s}.messages (type)"),
    _whole("CREATE PUBLICATION p{n} FOR ALL TABLES"),
    _whole("SELECT set_chunk_time_interval('{s}.messages', INTERVAL '3 days')"),
    _whole("SELECT set_chunk_time_interval('{s}.messages', INTERVAL '6 hours')"),
    _whole(
        "CREATE FUNCTION public.f{n}() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN new; END'; CREATE TRIGGER t{n} BEFORE INSERT ON {s}.messages "
        "FOR EACH ROW EXECUTE FUNCTION public.f{n}()"
    ),
    *[merge] * 2,
    *[split] * 2,
    *[destroy] * 2,
    drop_chunks,
    *[unfreeze_and_change] * 2,
    retention,
]


def by_hand(world: World) -> None:
    database = world.any()
    world.chance.choice(HANDS)(world, database)
