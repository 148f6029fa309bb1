"""UPDATEs by hand: of what a message says, and of where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

import psycopg

from coldstream.errors import ColdstreamError, LateMessage, LifecycleBusy, LifecycleError
from proof.model.truth import Fault, Made
from proof.model.world import INTERVAL, NAMES, PAST, TYPES, World, is_rolled_back, last_drawn
from proof.model.writing import body, new_id

Change: TypeAlias = Callable[[World, Made], Made]


def _text(world: World, made: Made) -> Made:
    _, _, data, metadata = body(world)
    return replace(made, type=world.chance.choice(TYPES), data=data, metadata=metadata)


def _id(world: World, made: Made) -> Made:
    return replace(made, id=new_id(world))


def _position(world: World, made: Made) -> Made:
    """The next one, one after a gap, or any, which another message may have."""
    version = world.truth.version(made.stream_name)
    return replace(
        made,
        position=world.chance.choice(
            [version + 1, version + world.chance.randint(2, 4), world.chance.randint(0, version)]
        ),
    )


def _stream(world: World, made: Made) -> Made:
    """To another stream of the category, where it gets the next position."""
    names = [name for name in NAMES if name.partition("-")[0] == made.category]
    name = world.chance.choice(names)
    return replace(made, stream_name=name, position=world.truth.version(name) + 1)


def _category(world: World, made: Made) -> Made:
    """To another category. A member of a group that has looked to the end of its category is past
    what comes there later with an old global position, so not to a category that has one."""
    names = [name for name in NAMES if not name.startswith("order:command")]
    name = world.chance.choice(names)
    return replace(made, stream_name=name, position=world.truth.version(name) + 1)


def _global_position(world: World, made: Made) -> Made:
    """One that is ahead, or that of another message."""
    last = last_drawn(world.store)
    others = [each.global_position for each in world.truth.view().messages if each != made]
    return replace(
        made,
        global_position=world.chance.choice(
            [last + 1, last + world.chance.randint(2, 20_000), *others[:1]]
        ),
    )


def _time(world: World, made: Made) -> Made:
    """Another one of the same chunk; sometimes of another, which TimescaleDB refuses."""
    if made.time is None:
        return made
    start = world.today + (made.time - world.today) // INTERVAL * INTERVAL
    if world.chance.random() < 0.1:
        return replace(made, time=world.past())
    return replace(made, time=start + world.chance.randrange(86_400_000_000) * _MICROSECOND)


_MICROSECOND = timedelta(microseconds=1)
_CHANGES: list[Change] = [_text, _text, _id, _position, _stream, _category, _global_position, _time]


def update(world: World) -> None:
    """One message, or what all messages of a stream say."""
    chance, truth = world.chance, world.truth
    there = truth.of(chance.choice(NAMES))
    if not there:
        return
    change = chance.choice(_CHANGES)
    is_whole = change is _text and chance.random() < 0.3
    pairs = [(old, change(world, old)) for old in (there if is_whole else [chance.choice(there)])]
    if is_whole:
        # One statement, so one text.
        first = pairs[0][1]
        pairs = [
            (old, replace(old, type=first.type, data=first.data, metadata=first.metadata))
            for old, _ in pairs
        ]
    old, made = pairs[0]
    bounds = ""
    times = [each.time for each, _ in pairs if each.time]
    if len(times) == len(pairs) and chance.random() < 0.7:
        bounds = f"AND time BETWEEN '{min(times).isoformat()}' AND '{max(times).isoformat()}'"
    world.say(f"UPDATE {change.__name__} {len(pairs)} {old} to {made} {bounds}")
    sets = ["type = %s", "data = %s", "metadata = %s"]
    values: list[object] = [made.type, made.data, made.metadata]
    for column in ("id", "position", "stream_name", "global_position", "time"):
        if getattr(made, column) != getattr(old, column):
            sets.append(f"{column} = %s")
            values.append(getattr(made, column))
    with truth.changing(updated=pairs):
        try:
            rows = world.sql(
                f"UPDATE {{s}}.messages SET {', '.join(sets)} "
                f"WHERE stream_name = %s AND position = ANY (%s) {bounds} RETURNING id",
                [*values, old.stream_name, [each.position for each, _ in pairs]],
            )
        except ColdstreamError as error:
            _refused(world, error, old, made, times if bounds else None)
            return
        changed = {row[0] for row in rows}
        left = [old for old, made in pairs if made.id not in changed]
        if not world.is_sealed([each.time for each in left if each.time]) and left:
            raise Fault(f"UPDATE did not find {left[0]}")
        truth.update((old, made) for old, made in pairs if made.id in changed)


def _refused(
    world: World, error: ColdstreamError, old: Made, made: Made, times: list[datetime] | None
) -> None:
    """Whether this error may be what became of it; nothing was changed then."""
    world.say(f"  refused: {type(error).__name__}: {error}")
    if not world.alone and (is_rolled_back(error) or isinstance(error, LifecycleBusy)):
        return
    # TimescaleDB refuses it for any frozen chunk that it would have to look into.
    looks_into = times or [world.today - n * INTERVAL for n in range(PAST + 1)]
    if isinstance(error, LifecycleError | LateMessage) and world.is_sealed(looks_into):
        return
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.CheckViolation) and made.time != old.time:
        return
    if isinstance(cause, psycopg.errors.UniqueViolation):
        truth = world.truth
        has_moved = (made.stream_name, made.position) != (old.stream_name, old.position)
        if has_moved and truth.is_taken(made.stream_name, made.position):
            return
        # Where something has left, nobody can say whether a lower position is free.
        if has_moved and made.position <= truth.version(made.stream_name) and world.has_left(None):
            return
        if any(
            each.global_position == made.global_position and each != old
            for each in truth.view().messages
        ):
            return
    raise Fault(f"UPDATE refused: {type(error).__name__}: {error}") from error
