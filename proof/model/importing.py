"""Imports: in any order, with global positions of their own, and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from coldstream import Message
from coldstream.client.arguments import import_arguments
from coldstream.errors import ColdstreamError, InvalidInput
from coldstream.sql import query
from proof.model.truth import Fault, Made
from proof.model.world import NAMES, TYPES, World, last_drawn
from proof.model.writing import add, body, new_id, refused


def import_messages(world: World) -> None:
    """With new global positions."""
    made = _history(world)
    times = [m.time for m in made if m.time]
    arguments = import_arguments(_messages(made))
    with world.truth.changing([each.id for each in made]):
        try:
            rows = world.sql(query("import_messages", world.place.schema), arguments)
        except ColdstreamError as error:
            refused(world, error, [(m.stream_name, m.position) for m in made], times)
            return
        add(world, made, [row[0] for row in rows])


def import_kept(world: World) -> None:
    """With the global positions of another store, that go on after a gap or none; or do not."""
    chance = world.chance
    made = _history(world)
    last = last_drawn(world.store)
    steps = [chance.choice([1, 1, 1, 2, 50, 20_000]) for _ in made]
    numbers = [last + n for n in accumulate(steps)]
    fault = chance.choice([None] * 6 + ["too low", "in no order"])
    if fault == "too low":
        numbers[0] = chance.randint(max(last - 3, 1), max(last, 1))
    elif len(numbers) > 1 and fault:
        numbers[-1] = numbers[-2] - chance.randint(0, 1)
    is_right = numbers[0] > last and numbers == sorted(set(numbers))
    made = [_at(each, number) for each, number in zip(made, numbers, strict=True)]
    world.say(f"  kept {numbers[0]} to {numbers[-1]}, after {last}: {fault}")
    try:
        _bring(world, made, batch_size=1000)
    except InvalidInput as error:
        if is_right:
            raise Fault(f"refused: {error}") from error
        return
    if not is_right and world.truth.has(made[-1]):
        raise Fault(f"global positions {numbers} were taken after {last}")


def import_again(world: World) -> None:
    """What was brought along before, or some of it, and some more: as after one that broke off."""
    chance = world.chance
    before = [made for made in world.imported if world.truth.has(made)]
    more = _history(world)
    last = last_drawn(world.store)
    more = [_at(each, last + number + 1) for number, each in enumerate(more)]
    some = before[: chance.randint(0, len(before))]
    idempotent = chance.random() < 0.5
    world.say(f"  again {len(some)} of {len(world.imported)}, idempotent={idempotent}")
    _bring(world, [*some, *more], chance.choice([1, 7, 1000]), idempotent=idempotent)


def _bring(
    world: World, made: Sequence[Made], batch_size: int, *, idempotent: bool = False
) -> None:
    truth = world.truth
    new = [each for each in made if not truth.has(each)]
    done = new
    with truth.changing([each.id for each in new]):
        try:
            world.store.import_messages(
                _messages(made), batch_size, idempotent=idempotent, global_positions="keep"
            )
        except InvalidInput:
            raise
        except ColdstreamError as error:
            # An idempotent one looks into the archive, too, and knows what it has brought along.
            places = [(m.stream_name, m.position) for m in (new if idempotent else made)]
            refused(world, error, places, [m.time for m in new if m.time])
            done = new[: _written(world, [each.id for each in new])]
        truth.add(done)
    if done:
        world.imported = [each for each in made if truth.has(each)]


def _written(world: World, ids: list[UUID]) -> int:
    """How many were: those of the batches before the one that was refused."""
    rows = world.sql("SELECT count(*) FROM {s}.messages WHERE id = ANY (%s)", [ids])
    count: int = rows[0][0]
    return count


def _at(made: Made, global_position: int) -> Made:
    return replace(made, global_position=global_position)


def _messages(made: Sequence[Made]) -> list[Message]:
    return [
        Message(
            m.id, m.stream_name, m.type, m.position, m.global_position, m.data, m.metadata, m.time
        )
        for m in made
        if m.time
    ]


def _history(world: World) -> list[Made]:
    """Messages of some streams: in the order of time, against it, in none, or all at one time; with
    gaps or not."""
    chance, truth = world.chance, world.truth
    names = chance.sample(NAMES, chance.randint(1, 3))
    order = chance.choice(["in order", "backwards", "mixed", "one time", "one chunk"])
    gap = chance.random() < 0.2
    positions = {name: truth.version(name) for name in names}
    made = []
    for time in _times(world, order, chance.choice([1, 2, 5, 20, 60])):
        name = chance.choice(names)
        positions[name] += chance.randint(1, 3) if gap else 1
        _, _, data, metadata = body(world)
        made.append(
            Made(
                new_id(world), name, chance.choice(TYPES), positions[name], 0, data, metadata, time
            )
        )
    world.say(f"import {order} {[(m.stream_name, m.position, str(m.time)[5:19]) for m in made]}")
    return made


def _times(world: World, order: str, count: int) -> list[datetime]:
    times = [world.past() for _ in range(count)]
    if order == "one time":
        return times[:1] * count
    if order == "one chunk":
        start = times[0]
        return [
            start + n * timedelta(microseconds=world.chance.randint(0, 9)) for n in range(count)
        ]
    if order == "mixed":
        return times
    return sorted(times, reverse=order == "backwards")
