"""Writes of every kind, and what becomes of the histories."""

from __future__ import annotations

from datetime import datetime
from threading import Thread
from uuid import UUID

import psycopg

from coldstream import Message, NewMessage
from coldstream.errors import ChunkChanged, ColdstreamError, LateMessage, LifecycleBusy, Unavailable
from proof.model.truth import Fault, Made
from proof.operator.world import SCHEMA, STREAMS, Database, World

SEALED = ["sealed", "exporting", "exported", "verified", "dropped", "rehydrated"]


def _id(world: World) -> UUID:
    return UUID(int=world.chance.getrandbits(128), version=4)


def _may_refuse(database: Database, error: ColdstreamError) -> bool:
    return bool(database.trouble or (database.is_locked and isinstance(error, LifecycleBusy)))


def _refused(world: World, database: Database, error: ColdstreamError) -> None:
    world.say(f"  refused: {type(error).__name__}: {error}")
    if not _may_refuse(database, error):
        raise Fault(f"{database.name}: {type(error).__name__}: {error}") from error


def write(world: World) -> None:
    """Some messages now, in a call each or together."""
    database, chance = world.any(), world.chance
    history = database.history
    messages = [
        NewMessage(chance.choice(STREAMS), "Now", {"n": chance.randrange(999)}, None, _id(world))
        for _ in range(chance.choice([1, 1, 2, 5]))
    ]
    names = [message.stream_name for message in messages]
    is_batch = chance.random() < 0.5
    world.say(f"{database.name}: write {names} batch={is_batch}")
    before = {name: history.version(name) for name in names}
    try:
        if is_batch:
            results = database.store.write_messages(messages)
        else:
            results = [
                database.store.write_message(m.stream_name, m.type, m.data, None, m.id)
                for m in messages[:1]
            ]
            messages = messages[:1]
    except ColdstreamError as error:
        _refused(world, database, error)
        return
    made = [
        Made(
            UUID(str(m.id)),
            m.stream_name,
            m.type,
            done.position,
            done.global_position,
            f'{{"n": {m.data["n"]}}}',
            None,
            None,
        )
        for m, done in zip(messages, results, strict=True)
        if isinstance(m.data, dict)
    ]
    history.acknowledge(made)
    if not history.is_doubtful:
        for each in made:
            before[each.stream_name] += 1
            if each.position != before[each.stream_name]:
                raise Fault(f"{database.name}: {each} after version {before[each.stream_name] - 1}")


def history_of(world: World, database: Database, count: int) -> list[Message]:
    """Messages of the past, in the order of time or in none, of streams that go on."""
    chance = world.chance
    times = [world.past() for _ in range(count)]
    if chance.random() < 0.6:
        times.sort()
    versions = {name: database.history.version(name) for name in STREAMS}
    if database.history.is_doubtful:
        versions = {name: database.store.stream_version(name) for name in STREAMS}  # type: ignore[misc]
        versions = {name: -1 if at is None else at for name, at in versions.items()}
    found = []
    for time in times:
        name = chance.choice(STREAMS)
        versions[name] += 1 if chance.random() < 0.9 else 2
        text = f'{{"n": {chance.randrange(999)}}}'
        found.append(Message(_id(world), name, "Then", versions[name], 0, text, None, time))
    return found


def import_messages(world: World) -> None:
    database = world.any()
    count = world.chance.choice([1, 5, 20, 40])
    try:
        messages = history_of(world, database, count)
        world.say(f"{database.name}: import of {count}")
        database.store.import_messages(messages)
    except LateMessage as error:
        if not is_sealed(database, [message.time for message in messages]):
            raise Fault(f"{database.name}: {error}") from error
        world.say("  late")
        return
    except ColdstreamError as error:
        is_emptied = isinstance(error, ChunkChanged) and database.history.destroyed
        if is_emptied or (database.is_changed and isinstance(error.__cause__, psycopg.Error)):
            world.say(f"  refused: {error}")
            return
        _refused(world, database, error)
        return
    _acknowledge(database, messages)


def insert(world: World) -> None:
    """A plain INSERT by hand, at the next position."""
    database = world.any()
    [message] = history_of(world, database, 1)
    world.say(f"{database.name}: INSERT {message.stream_name} {message.position} {message.time}")
    try:
        database.sql(
            f"INSERT INTO {SCHEMA}.messages (id, stream_name, position, type, data, time) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [
                message.id,
                message.stream_name,
                message.position,
                message.type,
                message.data_text,
                message.time,
            ],
        )
    except psycopg.Error as error:
        world.say(f"  refused: {error}")
        if not (
            database.trouble
            or database.is_locked
            or database.is_changed
            or is_sealed(database, [message.time])
        ):
            raise Fault(f"{database.name}: INSERT: {error}") from error
        return
    _acknowledge(database, [message])


def _acknowledge(database: Database, messages: list[Message]) -> None:
    rows = database.sql(
        f"SELECT id, global_position FROM {SCHEMA}.messages WHERE id = ANY (%s)",
        [[message.id for message in messages]],
    )
    numbers: dict[UUID, int] = {row[0]: row[1] for row in rows}
    if len(numbers) != len(messages):
        raise Fault(f"{database.name}: wrote {len(messages)} messages, and has {len(numbers)}")
    database.history.acknowledge(
        Made(
            m.id, m.stream_name, m.type, m.position, numbers[m.id], m.data_text or "", None, m.time
        )
        for m in messages
    )


def delete(world: World) -> None:
    """One message, by hand."""
    database = world.any()
    there = sorted(database.history.must.values(), key=lambda made: made.global_position)
    there = [each for each in there if each.id not in database.history.destroyed]
    if not there:
        return
    made = world.chance.choice(there)
    world.say(f"{database.name}: DELETE {made.stream_name} {made.position}")
    try:
        rows = database.sql(
            f"DELETE FROM {SCHEMA}.messages WHERE stream_name = %s AND position = %s RETURNING id",
            [made.stream_name, made.position],
        )
    except psycopg.Error as error:
        world.say(f"  refused: {error}")
        return
    for (id,) in rows:
        database.history.delete([id])
        # The archive may have it, and a rebuild bring it back.
        database.history.may.add(id)


def killed(world: World) -> None:
    """A batch whose server process is ended meanwhile: it is there whole, or not at all."""
    database, chance = world.any(), world.chance
    messages = [
        NewMessage(chance.choice(STREAMS), "Now", {"n": n}, None, _id(world)) for n in range(30)
    ]
    world.say(f"{database.name}: write of 30, killed")
    history = database.history
    ending = Thread(target=terminate, args=(database,))
    history.may |= {UUID(str(message.id)) for message in messages}
    history.is_doubtful = True
    ending.start()
    try:
        database.store.write_messages(messages)
    except Unavailable as error:
        world.say(f"  {error}")
    except ColdstreamError as error:
        _refused(world, database, error)
    finally:
        ending.join()
    if database.trouble:
        return
    ids = [message.id for message in messages]
    rows = database.sql(f"SELECT id FROM {SCHEMA}.messages WHERE id = ANY (%s)", [ids])
    if len(rows) not in (0, 30):
        raise Fault(f"{database.name}: {len(rows)} of a batch of 30")
    rows = database.sql(
        "SELECT id, stream_name, type, position, global_position, data::text "
        f"FROM {SCHEMA}.messages WHERE id = ANY (%s)",
        [ids],
    )
    history.may -= {UUID(str(id)) for id in ids}
    history.acknowledge(
        Made(row[0], row[1], row[2], row[3], row[4], row[5], None, None) for row in rows
    )
    history.is_doubtful = False


def terminate(database: Database) -> None:
    database.cluster_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s "
        "AND application_name LIKE 'coldstream%%' AND backend_type = 'client backend'",
        [database.name],
    )


def is_sealed(database: Database, times: list[datetime]) -> bool:
    """Whether one of the times is in a range whose messages no longer change, or that is gone."""
    return bool(
        database.sql(
            f"SELECT 1 FROM {SCHEMA}.chunks AS c JOIN unnest(%s::timestamptz[]) AS t "
            "ON t >= c.range_start AND t < c.range_end WHERE c.state = ANY (%s) LIMIT 1",
            [times, SEALED],
        )
    )
