"""Many messages a call: batches of them, and tasks that write through the appender."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from uuid_utils.compat import uuid7

import coldstream
from coldstream import JsonText, NewMessage
from coldstream.store import Store
from coldstream_bench.arena import Arena
from coldstream_bench.bodies import Bodies
from coldstream_bench.workload import random_uuid

TASKS = 64


def batches(size: int, seed: int) -> Iterator[list[NewMessage]]:
    """Messages of a few streams of one category, ``size`` at a time, without an end. The id is what
    makes a message another one."""
    random = Random(seed)
    names = [f"batch-{random_uuid(random)}" for _ in range(max(1, size // 5))]
    now = datetime.now(UTC)
    messages = []
    for number in range(size):
        name = names[number % len(names)]
        type, data, metadata = Bodies(name).message(random, number, number, now)
        messages.append((name, type, JsonText(data), JsonText(metadata)))
    while True:
        yield [NewMessage(*message, uuid7()) for message in messages]


def batch_rate(store: Store, messages: Iterator[list[NewMessage]], seconds: float) -> float:
    """Messages a second of calls of ``write_messages``, one after the other."""
    done = 0
    started = time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        done += len(store.write_messages(next(messages)))
    return done / took


def appender_rate(arena: Arena, seed: int, seconds: float) -> float:
    """Messages a second of ``TASKS`` tasks, each of which writes one after the other. The
    connections are there, and warm, when it begins."""
    return asyncio.run(_append(arena, seed, seconds))


async def _append(arena: Arena, seed: int, seconds: float) -> float:
    source = batches(TASKS, seed)
    async with (
        coldstream.connect_async(
            arena.place.dsn, schema=arena.store.schema, prepare_threshold=0
        ) as store,
        store.appender() as appender,
    ):

        async def task(messages: Iterator[NewMessage], end: float) -> int:
            done = 0
            while time.perf_counter() < end:
                message = next(messages)
                await appender.write_message(
                    message.stream_name, message.type, message.data, message.metadata
                )
                done += 1
            return done

        async def all_tasks(seconds: float) -> tuple[int, float]:
            started = time.perf_counter()
            messages = (message for batch in source for message in batch)
            tasks = [task(messages, started + seconds) for _ in range(TASKS)]
            done = sum(await asyncio.gather(*tasks))
            return done, time.perf_counter() - started

        await all_tasks(seconds / 10)
        done, took = await all_tasks(seconds)
        return done / took
