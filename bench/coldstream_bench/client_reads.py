"""Reads through the Coldstream client, and the same through psycopg on the plain table.

Both give :class:`coldstream.Message` objects, or what takes their place in an answer, so the
client's work is on both sides of the ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from statistics import median
from typing import Any

from psycopg import Connection

from coldstream.client.arguments import to_messages
from coldstream.messages.message import Message
from coldstream.store import Store
from coldstream_bench.contenders import Contender

_CAUGHT_UP = 100_000


def call(store: Store, function: str, arguments: Sequence[Any]) -> int:
    """What a function of the database is called with, asked of the client; gives how much came."""
    match function, tuple(arguments):
        case "get_stream_messages", (name, position, count):
            return len(list(islice(store.get_stream_messages(name, position, count), count)))
        case "get_category_messages", (category, position, count, *more):
            found = store.get_category_messages(category, position, count, *more)
            return len(list(islice(found, count)))
        case "get_all_messages", (position, count):
            return len(list(islice(store.get_all_messages(position, count), count)))
        case "get_last_stream_message", (name,):
            return int(store.get_last_stream_message(name) is not None)
        case "stream_version", (name,):
            return int(store.stream_version(name) is not None)
    raise ValueError(function)


def client_time(
    store: Store, function: str, arguments: Sequence[Sequence[Any]], *, seconds: float
) -> float:
    """The median time of a call through the client, in milliseconds; see ``call_time``."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    for each in arguments:
        started = time.perf_counter()
        call(store, function, each)
        now = time.perf_counter()
        times.append(now - started)
        if now > end:
            break
    return median(times) * 1000


def catch_up_rate(begin: Callable[[], Iterator[Message]], seconds: float) -> float:
    """Messages a second of a consumer that reads a category from its start to its end, or 100,000
    messages of it, again until ``seconds`` are over. To stop in between would count what was read
    ahead, and not yet given, as lost."""
    done = 0
    started = time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        before = done
        done += sum(1 for _ in islice(begin(), _CAUGHT_UP))
        if done == before:
            raise AssertionError("a category without messages")
    return done / took


def plain_pages(
    connection: Connection[Any], plain: Contender, category: str, page: int
) -> Iterator[Message]:
    """A category of the plain table, page after page, as a Message DB client reads it."""
    statement = plain.call("get_category_messages", 3).encode()
    position = 1
    while True:
        rows = connection.execute(statement, (category, position, page), prepare=True).fetchall()
        yield from to_messages(rows)
        if len(rows) < page:
            return
        position = rows[-1][4] + 1
