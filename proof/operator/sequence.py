"""One sequence: databases that are new, N operations, and a look at all that is left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from coldstream.errors import ColdstreamError
from proof.model.truth import Fault
from proof.operator import copies, hands, settings, verbs, writing
from proof.operator.audit import from_the_archive_alone, look
from proof.operator.servers import Cluster
from proof.operator.world import Database, World

Operation = Callable[[World], None]

WEIGHTS: dict[Operation, int] = {
    writing.write: 10,
    writing.import_messages: 12,
    writing.insert: 3,
    writing.delete: 2,
    writing.killed: 2,
    verbs.move: 34,
    copies.dump: 4,
    copies.restore: 5,
    copies.finish_restore: 4,
    copies.clone: 3,
    copies.mark: 3,
    copies.point_in_time: 2,
    copies.adopt: 5,
    copies.fork: 2,
    copies.rebuild: 6,
    copies.stranger: 1,
    hands.by_hand: 8,
    hands.record: 3,
    settings.setting: 4,
    settings.reset: 1,
    settings.read_only: 1,
    settings.lose_role: 1,
    settings.init_again: 1,
}
OPTIONAL: tuple[Operation, ...] = (hands.by_hand, writing.delete)


def run(
    cluster: Cluster, wal: Path, name: str, *, steps: int
) -> tuple[Counter[str], list[str], BaseException | None]:
    """Run the sequence of this name; gives what was done, the log of it, and what went wrong."""
    world = World(cluster, wal, random.Random(name))
    world.say(f"sequence {name}, layout {world.layout}")
    problem: BaseException | None = None
    try:
        _operations(world, steps)
        _audit(world)
    except (Exception, KeyboardInterrupt) as error:
        problem = error
    finally:
        try:
            world.close()
        except Exception as error:
            problem = problem or error
    return world.count, world.log, problem


def _operations(world: World, steps: int) -> None:
    # Something to lose from the start.
    for _ in range(3):
        writing.import_messages(world)
    # Not every sequence has every trouble: where nothing is changed by hand, verbs must succeed.
    weights = dict(WEIGHTS)
    if world.chance.random() < 0.5:
        for operation in OPTIONAL:
            weights.pop(operation)
    operations = list(weights)
    for _ in range(steps):
        [operation] = world.chance.choices(operations, list(weights.values()))
        world.count[operation.__name__] += 1
        operation(world)
        world.settle()
        look(world, world.any(), only=2)


def _audit(world: World) -> None:
    world.say("the audit")
    copies.finish_restore(world)
    hands.record(world)
    for database in world.databases:
        look(world, database)
    for database in world.databases:
        _leave(world, database)
        world.settle()
        look(world, database)
    for bucket in world.buckets:
        owner = next((each for each in world.databases if each.bucket is bucket), None)
        if owner is not None:
            from_the_archive_alone(world, owner)


def _leave(world: World, database: Database) -> None:
    """All that can leaves the database."""
    world.say(f"{database.name}: all of it to the archive")
    lifecycle = database.store.lifecycle
    with world.writing_to_the_archive(database) as may:
        try:
            lifecycle.archive(world.today)
        except ColdstreamError as error:
            if may and database.is_in_order:
                raise Fault(f"{database.name}: {error}") from error
            world.say(f"  {error}")
            return
        problems: list[object] = [
            each.problem for each in lifecycle.verify() if each.problem is not None
        ]
        reasons = []
        try:
            reasons = [
                each.reason for each in lifecycle.drop(world.today, kept=True) if each.reason
            ]
        except ColdstreamError as error:
            problems.append(error)
    if may and database.is_in_order and (problems or reasons):
        raise Fault(f"{database.name}: the rest does not leave: {problems} {reasons}")
