"""What changes the messages: writes, batches, plain INSERTs, DELETEs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import psycopg

from coldstream import NewMessage
from coldstream.errors import ColdstreamError, ExpectedVersionError, LateMessage
from proof.model.truth import Fault, Made
from proof.model.world import INTERVAL, NAMES, PAST, TYPES, World, is_rolled_back


def new_id(world: World) -> UUID:
    return UUID(int=world.chance.getrandbits(128), version=4)


def body(world: World) -> tuple[dict[str, int], dict[str, str] | None, str, str | None]:
    """Data and metadata, and their texts as PostgreSQL gives them."""
    number = world.chance.randrange(1000)
    if world.chance.random() < 0.5:
        return {"n": number}, None, f'{{"n": {number}}}', None
    name = world.chance.choice(NAMES)
    text = f'{{"correlationStreamName": "{name}"}}'
    return {"n": number}, {"correlationStreamName": name}, f'{{"n": {number}}}', text


def _wrong_version(error: ExpectedVersionError, version: int, expected: int | None) -> None:
    if error.actual != version or expected in (None, version):
        raise Fault(f"{error}, where the version is {version}") from error


def write(world: World) -> None:
    """One message, now, with a right, a wrong or no expected version."""
    chance, truth = world.chance, world.truth
    name, type, id = chance.choice(NAMES), chance.choice(TYPES), new_id(world)
    data, metadata, data_text, metadata_text = body(world)
    version = truth.version(name)
    expected = chance.choice([None, None, version, version, version - 1 if version >= 0 else 3])
    world.say(f"write {name} expected {expected}")
    with truth.changing([id]):
        try:
            done = world.store.write_message(name, type, data, metadata, id, expected)
        except ExpectedVersionError as error:
            _wrong_version(error, version, expected)
            return
        if done.position != version + 1 or expected not in (None, version):
            raise Fault(f"{name} at version {version}, expected {expected}, gave {done}")
        made = Made(
            id, name, type, done.position, done.global_position, data_text, metadata_text, None
        )
        truth.add([made])


def write_batch(world: World) -> None:
    """Some messages to some streams, all or none."""
    chance, truth = world.chance, world.truth
    names = chance.sample(NAMES, chance.randint(1, 3))
    versions = {name: truth.version(name) for name in names}
    expected = {name: versions[name] for name in names if chance.random() < 0.3}
    if expected and chance.random() < 0.2:
        expected[next(iter(expected))] += 1
    messages = []
    made = []
    next_position = dict(versions)
    for _ in range(chance.randint(1, 12)):
        name, type, id = chance.choice(names), chance.choice(TYPES), new_id(world)
        data, metadata, data_text, metadata_text = body(world)
        messages.append(NewMessage(name, type, data, metadata, id))
        next_position[name] += 1
        made.append(Made(id, name, type, next_position[name], 0, data_text, metadata_text, None))
    expected = {
        name: version for name, version in expected.items() if next_position[name] > versions[name]
    }
    world.say(f"write_messages {[m.stream_name for m in messages]} expected {expected}")
    with truth.changing([each.id for each in made]):
        try:
            done = world.store.write_messages(messages, expected)
        except ExpectedVersionError as error:
            if expected.get(error.stream_name) == versions[error.stream_name]:
                raise Fault(f"{error}, where that is the version") from error
            return
        if any(versions[name] != version for name, version in expected.items()):
            raise Fault(f"accepted at {versions}, expected {expected}")
        add(world, made, [each.global_position for each in done])
        if [each.position for each in done] != [each.position for each in made]:
            raise Fault(f"positions {done}")


def add(world: World, made: list[Made], global_positions: list[int]) -> None:
    world.truth.add(
        Made(m.id, m.stream_name, m.type, m.position, g, m.data, m.metadata, m.time)
        for m, g in zip(made, global_positions, strict=True)
    )


def insert(world: World) -> None:
    """A plain INSERT with a position of its own: the next one, one after a gap, or any."""
    chance, truth = world.chance, world.truth
    name, type, id = chance.choice(NAMES), chance.choice(TYPES), new_id(world)
    _, _, data, metadata = body(world)
    version = truth.version(name)
    position = chance.choice(
        [version + 1] * 6 + [version + chance.randint(2, 4)] * 2 + [chance.randint(0, version + 1)]
    )
    time = world.past() if chance.random() < 0.7 else None
    world.say(f"INSERT {name} {position} at {time}")
    with truth.changing([id]):
        try:
            rows = world.sql(
                "INSERT INTO {s}.messages (stream_name, position, type, data, metadata, id, time) "
                "VALUES (%s, %s, %s, %s, %s, %s, coalesce(%s, clock_timestamp())) "
                "RETURNING global_position",
                [name, position, type, data, metadata, id, time],
            )
        except ColdstreamError as error:
            refused(world, error, [(name, position)], [time] if time else [])
            return
        truth.add([Made(id, name, type, position, rows[0][0], data, metadata, time)])


def refused(
    world: World, error: ColdstreamError, places: list[tuple[str, int]], times: list[datetime]
) -> None:
    """Whether this error may be what became of it; nothing was written then."""
    world.say(f"  refused: {type(error).__name__}: {error}")
    if is_rolled_back(error) and not world.alone:
        return
    if isinstance(error, LateMessage) and times and world.is_sealed(times):
        return
    if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
        # Where something has left, nobody can say whether a lower position is free.
        for name, position in places:
            if world.truth.is_taken(name, position):
                return
            if position <= world.truth.version(name) and world.has_left(None):
                return
    # TimescaleDB 2.23, which the embedded server has: an INSERT into several chunks, one of them
    # compressed, does not compute a generated column. Nothing is written then.
    if world.version.startswith("2.23") and 'null value in column "stream_category"' in str(error):
        return
    raise Fault(f"refused: {type(error).__name__}: {error}") from error


def delete(world: World) -> None:
    """One message, the last one, or a whole stream."""
    chance, truth = world.chance, world.truth
    name = chance.choice(NAMES)
    there = truth.of(name)
    if not there:
        return
    which = chance.choice(["one", "one", "last", "last", "whole"])
    targets = {"one": [chance.choice(there)], "last": there[-1:], "whole": there}[which]
    times = [each.time for each in targets if each.time]
    bounds = ""
    if len(times) == len(targets) and chance.random() < 0.7:
        bounds = f"AND time BETWEEN '{min(times).isoformat()}' AND '{max(times).isoformat()}'"
    world.say(f"DELETE {name} {which} {[each.position for each in targets]} {bounds}")
    with truth.changing(doubtful=[each.id for each in targets]):
        try:
            rows = world.sql(
                "DELETE FROM {s}.messages WHERE stream_name = %s AND position = ANY (%s) "
                f"{bounds} RETURNING id",
                [name, [each.position for each in targets]],
            )
        except ColdstreamError as error:
            world.say(f"  refused: {type(error).__name__}: {error}")
            # TimescaleDB refuses it for any frozen chunk that it would have to look into.
            looks_into = times if bounds else [world.today - n * INTERVAL for n in range(PAST + 1)]
            if not (world.is_sealed(looks_into) or (is_rolled_back(error) and not world.alone)):
                raise Fault(f"DELETE refused: {error}") from error
            return
        if len(rows) < len(targets):
            left = [each for each in targets if each.id not in {row[0] for row in rows}]
            if not world.is_sealed([each.time for each in left if each.time]):
                raise Fault(f"DELETE did not find {left[0]}")
        truth.delete(row[0] for row in rows)
