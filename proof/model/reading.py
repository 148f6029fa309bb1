"""Every kind of read, and what it has to give."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import coldstream
from coldstream import Message
from coldstream.errors import Archived, ColdstreamError
from proof.model.truth import Fault, Made, Truth, View
from proof.model.world import CATEGORIES, NAMES, TYPES, has_left, is_rolled_back, message_of, sql

Key: TypeAlias = Literal["position", "global_position"]
_ATTEMPTS = 50
# A category's name is refused where a stream's is needed.
_STREAMS = [name for name in NAMES if "-" in name]


@dataclass(frozen=True)
class Read:
    """A read: what is asked, and which messages it is for.

    ``limit``: messages at most. ``last``: only the last of them. ``category``: whose messages,
    where these have left, may make an error of it; ``may_fail`` says whether they may at all.
    ``is_short``: it may end before the end where others write. ``skips``: it passes over what has
    left.
    """

    text: str
    ask: Callable[[coldstream.Store], list[Message]]
    wanted: Callable[[Made], bool]
    key: Key
    first: int = 0
    limit: int | None = None
    last: bool = False
    category: str | None = None
    may_fail: bool = False
    is_short: bool = False
    skips: bool = False


def any_read(chance: random.Random, truth: Truth) -> Read:
    """One of all kinds of reads."""
    return chance.choice(_KINDS)(chance, truth)


def _stream(chance: random.Random, truth: Truth) -> Read:
    name = chance.choice(_STREAMS)
    position = _position(chance, truth.version(name))
    size = chance.choice([1, 2, 7, 1000])
    wanted = _of_stream(name)
    category = name.partition("-")[0]
    match chance.randrange(4):
        case 0 | 1:
            return Read(
                f"client stream {name} {position} {size}",
                lambda store: list(store.get_stream_messages(name, position, size)),
                wanted,
                "position",
                position,
            )
        case 2:
            return Read(
                f"client stream {name} {position} {size} database",
                lambda store: list(
                    store.get_stream_messages(name, position, size, tiers="database")
                ),
                wanted,
                "position",
                position,
                category=category,
                may_fail=True,
            )
    return Read(
        f"SQL stream {name} {position} {size}",
        lambda store: _rows(store, "get_stream_messages(%s, %s, %s)", [name, position, size]),
        wanted,
        "position",
        position,
        limit=size,
        category=category,
        may_fail=True,
    )


def _category(chance: random.Random, truth: Truth) -> Read:
    category = chance.choice(CATEGORIES)
    position = _position(chance, truth.last_global_position())
    size = chance.choice([1, 3, 50, 1000])
    correlation = chance.choice([None, None, "account", "quiet"])
    member, groups = chance.choice([(None, None), (None, None), (0, 2), (1, 2), (2, 3)])

    def wanted(made: Made) -> bool:
        return (
            made.category == category
            and (correlation is None or made.is_correlated(correlation))
            and (member is None or groups is None or made.falls_to(member, groups))
        )

    arguments = [category, position, size, correlation, member, groups]
    if chance.random() < 0.5:
        return Read(
            f"client category {arguments}",
            lambda store: list(
                store.get_category_messages(category, position, size, correlation, member, groups)
            ),
            wanted,
            "global_position",
            position,
        )
    return Read(
        f"SQL category {arguments}",
        lambda store: _rows(store, "get_category_messages(%s, %s, %s, %s, %s, %s)", arguments),
        wanted,
        "global_position",
        position,
        limit=size,
        category=category,
        may_fail=True,
    )


def _all(chance: random.Random, truth: Truth) -> Read:
    position = _position(chance, truth.last_global_position())
    size = chance.choice([1, 10, 1000])
    if chance.random() < 0.5:
        return Read(
            f"client all {position} {size}",
            lambda store: list(store.get_all_messages(position, size)),
            lambda made: True,
            "global_position",
            position,
            is_short=True,
        )
    return Read(
        f"SQL all {position} {size}",
        lambda store: _rows(store, "get_all_messages(%s, %s)", [position, size]),
        lambda made: True,
        "global_position",
        position,
        limit=size,
        may_fail=True,
        is_short=True,
    )


def _last(chance: random.Random, truth: Truth) -> Read:
    name, type = chance.choice(NAMES), chance.choice([None, None, *TYPES])
    is_client = chance.random() < 0.5

    def ask(store: coldstream.Store) -> list[Message]:
        if not is_client:
            return _rows(store, "get_last_stream_message(%s, %s)", [name, type])
        found = store.get_last_stream_message(name, type)
        return [] if found is None else [found]

    return Read(
        f"{'client' if is_client else 'SQL'} last {name} {type}",
        ask,
        lambda made: made.stream_name == name and type in (None, made.type),
        "position",
        last=True,
        category=name.partition("-")[0],
        may_fail=not is_client,
    )


def _skipping(chance: random.Random, truth: Truth) -> Read:
    category = chance.choice(CATEGORIES)
    position = _position(chance, truth.last_global_position())

    def ask(store: coldstream.Store) -> list[Message]:
        with store.connection() as connection, connection.transaction():
            connection.execute("SET LOCAL message_store.archived_reads = 'skip'")
            rows = connection.execute(
                f"SELECT * FROM {store.schema}.get_category_messages(%s, %s, 1000)".encode(),
                [category, position],
            ).fetchall()
        return [message_of(row) for row in rows]

    return Read(
        f"SQL category {category} {position} skip",
        ask,
        lambda made: made.category == category,
        "global_position",
        position,
        limit=1000,
        category=category,
        skips=True,
    )


_KINDS = [_stream, _stream, _stream, _category, _category, _category, _all, _last, _last, _skipping]


def _position(chance: random.Random, last: int) -> int:
    return chance.choice([0, 0, max(last, 0), last + 1, chance.randint(0, max(last, 0))])


def _of_stream(name: str) -> Callable[[Made], bool]:
    return lambda made: made.stream_name == name


def _rows(store: coldstream.Store, call: str, arguments: list[object]) -> list[Message]:
    return [message_of(row) for row in sql(store, f"SELECT * FROM {{s}}.{call}", arguments)]


def check(store: coldstream.Store, truth: Truth, read: Read, *, alone: bool) -> str:
    """Read, and compare with the model; gives what became of it in a word.

    Raises:
        Fault: the answer is not what it has to be.
    """
    for _ in range(_ATTEMPTS):
        before = truth.view()
        try:
            found = read.ask(store)
        except Archived as error:
            if read.may_fail and has_left(store, read.category):
                return "archived"
            if read.may_fail and not alone:
                # What had left came back before it was asked: then a repeat gives it.
                continue
            raise Fault(f"{read.text}: {type(error).__name__}: {error}") from error
        except ColdstreamError as error:
            # SQL alone: the client repeats it. What is in the way ends some time.
            if is_rolled_back(error) and read.text.startswith("SQL") and not alone:
                continue
            raise Fault(f"{read.text}: {type(error).__name__}: {error}") from error
        after = truth.view()
        _compare(read, found, before, after, alone=alone or not read.is_short)
        if read.skips and not has_left(store, read.category) and alone:
            _complete(read, found, before, after)
        return "read"
    raise Fault(f"{read.text}: rolled back {_ATTEMPTS} times in a row")


def _compare(read: Read, found: list[Message], before: View, after: View, *, alone: bool) -> None:
    keys = [getattr(message, read.key) for message in found]
    if any(a >= b for a, b in pairwise(keys)):
        raise Fault(f"{read.text}: out of order, or twice: {keys}")
    if read.limit is not None and len(found) > read.limit:
        raise Fault(f"{read.text}: {len(found)} messages")
    known = {made.id: made for made in (*before.messages, *after.messages)}
    is_still = before.changes == after.changes and before.is_still
    for message in found:
        made = known.get(message.id)
        if made is None and message.id not in after.attempted:
            raise Fault(f"{read.text}: nobody wrote {message}")
        may_be = [made] if made is not None else []
        may_be += [] if is_still else after.was.get(message.id, [])
        if may_be and not any(_is(each, message) and read.wanted(each) for each in may_be):
            raise Fault(f"{read.text}: {message} instead of {may_be}")
    if keys and keys[0] < read.first:
        raise Fault(f"{read.text}: begins at {keys[0]}")
    if read.skips:
        return
    if read.last:
        if is_still:
            expected = [made for made in before.messages if read.wanted(made)]
            last = max(expected, key=lambda made: made.position, default=None)
            if [message.id for message in found] != ([last.id] if last else []):
                raise Fault(f"{read.text}: {found} instead of {last}")
        return
    # It may end at its limit, or at the frontier where others are at work; nowhere else.
    is_cut = (read.limit is not None and len(found) == read.limit) or not alone
    end = (keys[-1] if keys else -1) if is_cut else None
    _check_missing(read, found, before, after, end)


def _check_missing(
    read: Read, found: list[Message], before: View, after: View, end: int | None
) -> None:
    there = {message.id for message in found}
    left = {made.id for made in after.messages} - after.doubtful
    last = getattr(found[-1], read.key) if found else -1
    # Global positions are in the order of commit: what comes before the last one was there, too.
    written = [
        m for m in after.messages if read.key == "global_position" and m.global_position < last
    ]
    missing = [
        made
        for made in (*before.messages, *written)
        if made.id in left
        and made.id not in there
        and after.is_as_before(made.id, before)
        and read.wanted(made)
        and getattr(made, read.key) >= read.first
        and (end is None or getattr(made, read.key) <= end)
    ]
    if missing:
        keys = sorted({getattr(made, read.key) for made in missing})
        raise Fault(f"{read.text}: {len(found)} messages; missing {keys[:20]}: {missing[0]}")
    if before.changes == after.changes and before.is_still:
        more = there - {made.id for made in after.messages}
        if more:
            raise Fault(f"{read.text}: gave what was deleted, or never written: {sorted(more)[:3]}")


def _complete(read: Read, found: list[Message], before: View, after: View) -> None:
    is_cut = read.limit is not None and len(found) == read.limit
    _check_missing(read, found, before, after, found[-1].global_position if is_cut else None)


def _is(made: Made, message: Message) -> bool:
    return (
        made.stream_name == message.stream_name
        and made.type == message.type
        and made.position == message.position
        and made.global_position == message.global_position
        and made.data == message.data_text
        and made.metadata == message.metadata_text
        and made.time in (None, message.time)
    )


def check_versions(store: coldstream.Store, truth: Truth) -> None:
    """The versions of all streams, by the client and by SQL."""
    for name in NAMES:
        version = truth.version(name)
        found = store.stream_version(name)
        rows = sql(store, "SELECT {s}.stream_version(%s)", [name])
        if (-1 if found is None else found) != version or rows[0][0] != found:
            raise Fault(f"the version of {name} is {found} and {rows[0][0]}, not {version}")


def every_read(truth: Truth) -> list[Read]:
    """Each stream, category and all of them through the client, from the start."""
    reads = [
        Read(
            f"client stream {name}",
            lambda store, name=name: list(store.get_stream_messages(name)),  # type: ignore[misc]
            _of_stream(name),
            "position",
        )
        for name in _STREAMS
    ]
    reads += [
        Read(
            f"client category {category}",
            lambda store, category=category: list(store.get_category_messages(category)),  # type: ignore[misc]
            lambda made, category=category: made.category == category,  # type: ignore[misc]
            "global_position",
        )
        for category in CATEGORIES
    ]
    everything = Read(
        "client all",
        lambda store: list(store.get_all_messages()),
        lambda made: True,
        "global_position",
    )
    return [*reads, everything]
