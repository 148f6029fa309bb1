"""Reads of a whole database through the client, and what they have to give."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from coldstream import Message
from coldstream.errors import ColdstreamError
from proof.model.truth import Fault, Made
from proof.operator.world import CATEGORIES, STREAMS, Database, World

Read = tuple[str, Callable[[], list[Message]], Callable[[Made], bool], str]


def reads(database: Database) -> list[Read]:
    """Each stream, each category, and everything."""
    store = database.store
    streams: list[Read] = [
        (
            f"stream {name}",
            lambda name=name: list(store.get_stream_messages(name)),  # type: ignore[misc]
            lambda made, name=name: made.stream_name == name,  # type: ignore[misc]
            "position",
        )
        for name in STREAMS
    ]
    categories: list[Read] = [
        (
            f"category {name}",
            lambda name=name: list(store.get_category_messages(name)),  # type: ignore[misc]
            lambda made, name=name: made.category == name,  # type: ignore[misc]
            "global_position",
        )
        for name in CATEGORIES
    ]
    everything: Read = (
        "all",
        lambda: list(store.get_all_messages()),
        lambda made: True,
        "global_position",
    )
    return [*streams, *categories, everything]


def look(world: World, database: Database, *, only: int | None = None) -> None:
    """Read everything, or some reads of it, and compare.

    Raises:
        Fault: an answer is shorter, or longer, or wrong, or an error where none has a reason.
    """
    chosen = reads(database)
    if only is not None:
        chosen = world.chance.sample(chosen, min(only, len(chosen)))
    for text, ask, wanted, key in chosen:
        text = f"{database.name}: {text}"
        try:
            found = ask()
        except ColdstreamError as error:
            if _may_fail(database):
                world.count[f"read: {type(error).__name__}"] += 1
                continue
            raise Fault(f"{text}: {type(error).__name__}: {error}") from error
        world.count["read"] += 1
        compare(database, text, found, wanted, key)


def _may_fail(database: Database) -> bool:
    return bool(
        database.trouble
        or database.history.destroyed
        or database.is_locked
        or database.is_unrecorded
    )


def compare(
    database: Database,
    text: str,
    found: list[Message],
    wanted: Callable[[Made], bool],
    key: str,
) -> None:
    history = database.history
    keys = [getattr(message, key) for message in found]
    if any(a >= b for a, b in pairwise(keys)):
        raise Fault(f"{text}: out of order, or twice: {keys}")
    for message in found:
        made = history.must.get(message.id)
        if made is None and message.id not in history.may:
            raise Fault(f"{text}: not of this history: {message}")
        if made is not None and not (history.is_rightly(made, made_of(message)) and wanted(made)):
            raise Fault(f"{text}: {message} instead of {made}")
    there = {message.id for message in found}
    missing = [made for made in history.must.values() if wanted(made) and made.id not in there]
    if missing:
        missing.sort(key=lambda made: int(getattr(made, key)))
        places = [getattr(made, key) for made in missing]
        why = " (taken away by hand)" if missing[0].id in history.destroyed else ""
        raise Fault(
            f"{text}: {len(found)} messages and no error; missing {places[:20]}{why}: {missing[0]}"
        )


def made_of(message: Message) -> Made:
    return Made(
        message.id,
        message.stream_name,
        message.type,
        message.position,
        message.global_position,
        message.data_text or "",
        message.metadata_text,
        message.time,
    )


def from_the_archive_alone(world: World, database: Database) -> None:
    """An empty database, and the bucket: all that was archived, and nothing else.

    Raises:
        Fault: something is missing or wrong.
    """
    world.settle()
    history = database.history
    archived = {made.id: made for made in database.bucket.messages()}
    if not archived:
        return
    world.say(f"rebuild of {database.bucket.url} into an empty database")
    empty = world.new_database(history.copy(), database.bucket)
    try:
        world.install(empty)
        for found in empty.store.lifecycle.rebuild():
            if found.problem is not None:
                raise Fault(f"rebuild into an empty database: {found.problem}")
        empty.history.must = archived
        empty.history.may = set()
        empty.history.destroyed = set()
        look(world, empty)
        for name in STREAMS:
            last = max(
                (m.position for m in archived.values() if m.stream_name == name), default=None
            )
            version = empty.store.stream_version(name)
            if version != last:
                raise Fault(f"rebuilt: {name} has version {version}, and its last is {last}")
    finally:
        world.discard(empty)
