"""One sequence: a new store, N operations, and a look at everything in every tier."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta

from proof.model.background import Background
from proof.model.consuming import Following, consume, consumers
from proof.model.importing import import_again, import_kept, import_messages
from proof.model.moving import check_chunks, move
from proof.model.reading import any_read, check, check_versions, every_read
from proof.model.truth import Fault
from proof.model.updating import update
from proof.model.world import PAST, World
from proof.model.writing import delete, insert, write, write_batch

_WRITES = [
    *[write] * 3,
    *[write_batch] * 2,
    *[insert] * 2,
    *[import_messages] * 3,
    *[import_kept] * 2,
    import_again,
    *[update] * 3,
    delete,
]


def run(
    dsn: str, schema: str, seed: str, *, operations: int, with_others: bool, until: float
) -> tuple[Counter[str], list[str], BaseException | None]:
    """Run the sequence of a seed; gives what was done, its log, and what went wrong.

    ``with_others``: lifecycles, compression and readers are at work meanwhile. ``until``: when to
    end it, by :func:`time.monotonic`, though there is more to do.
    """
    count: Counter[str] = Counter()
    world = World(dsn, schema, random.Random(seed), alone=not with_others)
    world.say(f"seed {seed}, layout {world.layout}")
    problem: BaseException | None = None
    try:
        _operations(world, count, operations, with_others, until)
        _everywhere(world, count)
    except (Exception, KeyboardInterrupt) as error:
        problem = error
    count["messages"] = len(world.truth.view().messages)
    if problem is None:
        world.close()
    else:
        world.store.close()
    return count, world.log, problem


def _operations(
    world: World, count: Counter[str], operations: int, with_others: bool, until: float
) -> None:
    # Something to read from the start.
    for _ in range(4):
        import_messages(world)
    background = Background(world) if with_others else None
    if background:
        background.start()
    try:
        following = consumers()
        for _ in range(operations):
            if time.monotonic() > until or (background and background.has_failed):
                break
            _operation(world, count, following)
    finally:
        if background:
            background.stop()
            count.update({f"others: {name}": n for name, n in background.count.items()})


def _operation(world: World, count: Counter[str], following: list[Following]) -> None:
    kind = world.chance.choices(["write", "read", "move", "consume", "look"], [34, 40, 18, 6, 2])[0]
    count[kind] += 1
    match kind:
        case "write":
            world.chance.choice(_WRITES)(world)
        case "read":
            read = any_read(world.chance, world.truth)
            world.say(read.text)
            count[f"read: {check(world.store, world.truth, read, alone=world.alone)}"] += 1
        case "move":
            world.say(move(world.store, world.chance, world.today, alone=world.alone))
        case "consume":
            consume(world, world.chance.choice(following))
        case _:
            check_versions(world.store, world.truth)
            if world.alone:
                check_chunks(world)
            else:
                world.store.lifecycle.get_chunks()


def _everywhere(world: World, count: Counter[str]) -> None:
    """All of it as it is now; then in the archive alone; then back."""
    _look(world, "at the end")
    lifecycle = world.store.lifecycle
    # Again: of what was archived, messages may have been deleted since.
    lifecycle.archive(world.today, again=True)
    problems = [found.problem for found in lifecycle.verify() if found.problem is not None]
    reasons = [drop.reason for drop in lifecycle.drop(world.today, kept=True) if drop.reason]
    if problems or reasons:
        raise Fault(f"the rest does not leave: {problems} {reasons}")
    _look(world, "all in the archive")
    if world.chance.random() < 0.5:
        lifecycle.rehydrate(world.today - timedelta(days=PAST + 1), world.today)
        _look(world, "all back")
    count["looked at everything"] += 1


def _look(world: World, stage: str) -> None:
    world.say(stage)
    world.alone = True
    check_versions(world.store, world.truth)
    check_chunks(world)
    for read in every_read(world.truth):
        check(world.store, world.truth, read, alone=True)
